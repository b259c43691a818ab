"""What a change of the library does inside its transaction: revisions, their times, and what is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import InputError, LibraryError
from rag.matrix import REBUILD
from rag.records import Article, Passage
from rag.rows import (
    PASSAGES_PER_ARTICLE,
    details_of,
    note_gone,
    numbers_of,
    passage_texts,
    place_of,
    text_id,
)
from rag.store import FILE, Store, note, reported

TIDY_LEAST = 100
"""Passages forgotten below which the lexical index is not rewritten."""


def first(db: sqlite3.Connection, sql: str, *values: object) -> sqlite3.Row | None:
    """Return the first row, or None."""
    row: sqlite3.Row | None = db.execute(sql, values).fetchone()
    return row


def quoted(term: str) -> str:
    """Return `term` as a string of FTS5's query language."""
    return '"' + term.replace('"', " ").replace("\0", " ") + '"'


def known_since(article: Article, before: sqlite3.Row | None) -> str:
    """Return since when the text of an article is known, given the one that stood at its place before.

    A first text counts as known from the day that it states, an undated one always; a revision from the day
    it says it was updated, else from when it was read. No text is known before the one it replaces.
    """
    if before is None:
        return article.published or article.updated
    stated = article.updated if article.updated > before["known"] else ""
    return max(stated or article.fetched or now(), str(before["known"]))


def supersede(db: sqlite3.Connection, number: int, by: int, *, read: str) -> bool:
    """Stop finding an article that stands nowhere any more; say whether that was so.

    `read` is when the text that replaces it was read.
    """
    if first(db, "SELECT 1 FROM places WHERE article = ?", number):
        return False
    times = "SELECT known FROM articles WHERE number = ?"
    old, new = db.execute(times, (number,)).fetchone()[0], db.execute(times, (by,)).fetchone()[0]
    until = new if new > old else max(read or now(), old)
    db.execute("UPDATE articles SET replaced_by = ?, until = ? WHERE number = ?", (by, until, number))
    sql = "SELECT count(*) FROM passages WHERE number BETWEEN ? AND ?"
    note_gone(db, number, db.execute(sql, numbers_of(number)).fetchone()[0])
    return True


def corrects(article: Article, known: sqlite3.Row, stood: sqlite3.Row | None) -> bool:
    """Whether the same text now comes with other details from the place that the details are from."""
    if stood is None or stood["article"] != known["number"] or stood["details"] == details_of(article):
        return False
    return place_of(article) == str(known["path"] or known["url"])


def forget_gone(db: sqlite3.Connection, kept: int) -> None:
    """Forget which articles are gone, but for the last `kept` changes."""
    generation = int(db.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()[0])
    db.execute("DELETE FROM gone WHERE at <= ?", (generation - kept,))
    note(db, "gone_from", str(max(0, generation - kept)))


def compact(store: Store) -> tuple[int, int]:
    """Give the space of what was removed back to the system; return the bytes before and after.

    Takes time, and free space for a second copy of the file.
    """
    file = store.folder / FILE
    before = file.stat().st_size
    with store.writing() as db:
        forget_gone(db, 0)
        db.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")
    with store.turn, reported(store.folder):
        store.db.execute("VACUUM")
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, file.stat().st_size


def raise_generation(db: sqlite3.Connection) -> None:
    """Tell everyone who follows the library that it changed."""
    db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")


def tidy_lexical(db: sqlite3.Connection) -> None:
    """Rewrite the lexical index once it was told to forget as many passages as there are.

    It marks what is gone and drops it only when it happens to merge, so that with a daily coming and going it
    would grow; rewriting after that many deletions costs each of them the same, however large the library.
    """
    noted = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('forgotten', 'passages')").fetchall())
    if int(noted["forgotten"]) > max(TIDY_LEAST, int(noted["passages"])):
        db.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")
        note(db, "forgotten", "0")


def rebuild_lexical(db: sqlite3.Connection) -> None:
    """Make the lexical index anew, and whatever else follows from the articles and their passages."""
    every = "SELECT number FROM articles"
    db.execute(f"DELETE FROM passages WHERE number / {PASSAGES_PER_ARTICLE} NOT IN ({every})")
    old = f"{every} WHERE replaced_by IS NOT NULL"
    sql = f"SELECT count(*) FROM passages WHERE number / {PASSAGES_PER_ARTICLE} NOT IN ({old})"
    note(db, "passages", str(db.execute(sql).fetchone()[0]))
    db.execute("DELETE FROM labels")
    db.execute("INSERT OR IGNORE INTO labels SELECT value, number FROM articles, json_each(tags)")
    db.execute("INSERT INTO lexical (lexical) VALUES ('delete-all')")
    for (number,) in db.execute(every).fetchall():
        db.executemany("INSERT INTO lexical (rowid, text) VALUES (?, ?)", passage_texts(db, number))
    raise_generation(db)


def require_storable(article: Article, passages: Sequence[Passage], vectors: NDArray[Any]) -> None:
    """Raise InputError for an article that cannot be kept, ValueError for a mistake of ours."""
    name = article.title or article.path or article.id
    if "\0" in article.text:
        raise InputError(f"The article {name!r} holds a NUL character. Is it text?")
    if not passages:
        raise InputError(f"The article {name!r} has no text to search.")
    if len(passages) > PASSAGES_PER_ARTICLE:
        raise InputError(f"The article {name!r} has {len(passages)} passages. Split it into several.")
    if article.id != text_id(article.text):
        raise ValueError(f"article {article.id!r} is not the hash of its text")
    if any(p.article.id != article.id or not 0 <= p.start < p.end <= len(article.text) for p in passages):
        raise ValueError(f"a passage of article {article.id} lies outside it")
    if vectors.ndim != 2 or len(vectors) != len(passages) or not np.isfinite(vectors).all():
        raise ValueError(f"{vectors.shape} vectors for {len(passages)} passages, or one is not finite")


def require_width(db: sqlite3.Connection, vectors: NDArray[Any]) -> None:
    """Note how long vectors are; raise LibraryError unless these are as long as those that are there."""
    kept = first(db, "SELECT value FROM meta WHERE key = 'width'")
    old, new = int(kept[0]) if kept else 0, vectors.shape[1]
    if old == new:
        return
    if old and first(db, "SELECT 1 FROM vectors LIMIT 1"):
        raise LibraryError(f"The vectors of the library have {old} numbers, the new ones {new}. {REBUILD}")
    note(db, "width", str(new))


def now() -> str:
    """Return the time, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
