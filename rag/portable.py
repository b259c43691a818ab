"""A whole library in one file, and back: articles, revisions, vectors, feeds."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.adding import Adding
from rag.changes import raise_generation
from rag.errors import DamagedError, InputError
from rag.history import newer_text, stored_article, stored_passages, take_history
from rag.library import Library
from rag.store import FILE, note, reported
from rag.subscriptions import subscribe, subscriptions


def export_library(library: Library, path: Path) -> int:
    """Write the library to one new file, whole or not at all; return its size in bytes.

    Others may read and write meanwhile. Raises InputError when there is such a file already.
    """
    if path.exists():
        raise InputError(f"There is a file {str(path)!r} already. Name another, or remove it.")
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with library.store.turn, reported(library.folder):
            library.store.db.execute("VACUUM INTO ?", (str(part),))
        part.replace(path)
    except OSError as error:
        raise InputError(f"The file {str(path)!r} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def import_library(library: Library, path: Path, adding: Adding) -> None:
    """Add what an exported file holds: everything to an empty library, else what it does not have.

    Older texts come with their articles; one that has a later text here keeps it, those of the file stand
    behind. `adding` takes what must be embedded. Raises InputError or DamagedError, and then adds nothing.
    """
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r} to import.")
    with _opened(path, beside=library.folder) as other:
        if not library.counts().articles:
            _take_over(library, other)
            adding.expect(other.counts().articles)
            adding.note_added(other.counts().articles)
            return
        rows = other.store.rows(
            "SELECT number, known FROM articles WHERE replaced_by IS NULL ORDER BY number"
        )
        adding.expect(len(rows))
        same = library.embedder == other.embedder
        for number, known in rows:
            article = stored_article(other, number)
            if newer_text(library, article, known):
                adding.note_unchanged(article.title)
            elif same and not library.holds(article):
                adding.add(article, *stored_passages(other, number))
            else:
                adding.take(article, path.name)
        adding.commit()
        for number, _ in rows:
            take_history(library, other, number, same=same, make=adding.searchable)
        for feed in subscriptions(other.store):
            subscribe(library.store, feed.url, feed.title)


@contextmanager
def _opened(path: Path, *, beside: Path) -> Iterator[Library]:
    """Open a copy of an exported file as a library of this version, checked against every law."""
    with reported(beside), tempfile.TemporaryDirectory(prefix="import-", dir=beside) as folder:
        shutil.copyfile(path, Path(folder) / FILE)
        with Library.open(Path(folder), write=True) as other:
            if other.store.rows("SELECT 1 FROM sqlite_schema WHERE type IN ('trigger', 'view')"):
                raise DamagedError(f"The file {str(path)!r} holds SQL that runs by itself; no export does.")
            problems = other.check()
            if problems:
                raise DamagedError(
                    f"The file {str(path)!r} is damaged: {problems[0].law} Found: {problems[0].found}. "
                    "Nothing was imported."
                )
            yield other


def _take_over(library: Library, other: Library) -> None:
    """Let an empty library hold from now on what the other one holds."""
    with library.store.turn, other.store.turn, reported(library.folder):
        other.store.db.backup(library.store.db)
    with library.store.writing() as db:
        note(db, "vectors_made", str(library.vectors_made + 1))
        raise_generation(db)
