"""The older texts of an article that another library knows -> behind its text in this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.changes import now, raise_generation, require_storable
from rag.library import Library
from rag.records import Article, Passage
from rag.rows import COLUMNS, article_of, insert_article, note_gone, numbers_of, place_of

Searchable = tuple[tuple[Passage, ...], NDArray[Any]]
"""The passages of an article and their vectors."""

_LINE = """
    WITH RECURSIVE line (n) AS (
        VALUES (?) UNION SELECT number FROM articles JOIN line ON replaced_by = n
    ) SELECT number, id, known, until FROM articles JOIN line ON number = n ORDER BY known, number
"""


def stored_article(library: Library, number: int) -> Article:
    """Return the article with this number, without its group: its copies are other ones elsewhere."""
    (row,) = library.store.rows(f"SELECT {COLUMNS} FROM articles WHERE number = ?", number)
    return replace(article_of(row), origin="")


def stored_passages(library: Library, number: int) -> Searchable:
    """Return what is searched of an article: nothing of a text that Tearsheet 1 replaced."""
    sql = "SELECT number FROM passages WHERE number BETWEEN ? AND ?"
    ids = [row[0] for row in library.store.rows(sql, *numbers_of(number))]
    return tuple(library.passages(ids).values()), library.vectors_of(np.array(ids, np.int64))[1]


def newer_text(library: Library, article: Article, known: str) -> int:
    """Return the number of another text that stands at the article's place and is known no earlier; or 0."""
    sql = (
        "SELECT number FROM places JOIN articles ON number = article WHERE place = ? AND id <> ? "
        "AND (known, updated, fetched) >= (?, ?, ?)"
    )
    rows = library.store.rows(sql, place_of(article), article.id, known, article.updated, article.fetched)
    return int(rows[0][0]) if rows else 0


def take_history(
    library: Library, other: Library, number: int, *, same: bool, make: Callable[[Article], Searchable]
) -> int:
    """Keep what `other` knows of earlier texts of its article `number`; return how many were new here.

    They stand behind the text that this library has now, each with when it was known; where that is the
    newer one, the other's current text stands behind it as well. With `same` both have one embedder; `make`
    makes passages and vectors where those of the other cannot be used.
    """
    line = other.store.rows(_LINE, number)
    current = next(row for row in line if row["number"] == number)
    article = stored_article(other, number)
    home = newer_text(library, article, current["known"]) or _number(library, article.id)
    if not home:
        return 0
    here = {row["id"]: row for row in library.store.rows(_LINE, home)}
    ours = next(row for row in here.values() if row["number"] == home)
    missing = {row["id"]: row for row in line if row["id"] not in here}
    for row in missing.values():
        older = stored_article(other, row["number"])
        passages, vectors = stored_passages(other, row["number"])
        if not (same and passages):
            passages, vectors = make(older)
        until = row["until"] or ours["known"] or now()
        _keep(library, older, passages, vectors, known=row["known"], until=until, by=home)
    if missing and len(here) == 1 and ours["id"] == current["id"]:
        # Alone, it counted as known from the day it states; its first text is another.
        with library.store.writing() as db:
            db.execute("UPDATE articles SET known = max(known, ?) WHERE number = ?", (current["known"], home))
            raise_generation(db)
    return len(missing)


def _number(library: Library, id_: str) -> int:
    rows = library.store.rows("SELECT number FROM articles WHERE id = ? AND replaced_by IS NULL", id_)
    return int(rows[0][0]) if rows else 0


def _keep(
    library: Library,
    article: Article,
    passages: tuple[Passage, ...],
    vectors: NDArray[Any],
    *,
    known: str,
    until: str,
    by: int,
) -> None:
    """Insert a text that another one, number `by`, has replaced."""
    require_storable(article, passages, vectors)
    with library.store.writing() as db:
        number = insert_article(db, article, passages, vectors, known=known)
        db.execute("UPDATE articles SET replaced_by = ?, until = ? WHERE number = ?", (by, until, number))
        note_gone(db, number, len(passages))
        raise_generation(db)


__all__ = ["Searchable", "newer_text", "stored_article", "stored_passages", "take_history"]
