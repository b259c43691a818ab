"""How records become rows of the library and back, and which rows pass a filter."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import InputError
from rag.records import Article, Passage
from rag.text import Span

PASSAGES_PER_ARTICLE = 1 << 16
"""A passage's number is its article's number times this, plus its position in the article."""

COLUMNS = "id, text, title, source, url, path, byline, published, updated, fetched, origin, tags"
"""The columns of `articles` that make an Article, in the order of `article_values`."""

STORED = np.dtype("<f2")
"""How a vector is kept: half precision halves the file and changed no ranking that was measured."""

_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T.*)?)?)?")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles to look at; an empty field does not restrict. Raises InputError for what is no date."""

    sources: tuple[str, ...] = ()
    """Outlets; upper and lower case are the same."""
    after: str = ""
    """First day, month or year, ISO 8601, included. Articles without a date do not pass."""
    before: str = ""
    """Last day, month or year, included."""
    articles: tuple[str, ...] = ()
    """Ids of articles."""
    tags: tuple[str, ...] = ()
    """An article with any of them passes."""

    def __post_init__(self) -> None:
        for value in (self.after, self.before):
            if value and not _DATE.fullmatch(value):
                raise InputError(f"A date is written like 2025-12-31, 2025-12 or 2025; found {value!r}.")

    def __bool__(self) -> bool:
        return bool(self.sources or self.after or self.before or self.articles or self.tags)


ALL = Filter()


def passing(where: Filter) -> tuple[str, list[str]]:
    """Return the `FROM articles WHERE …` of the current articles that pass, and its values."""
    tests, values = ["replaced_by IS NULL"], []
    if where.sources:
        tests.append("source COLLATE NOCASE IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(where.sources))
    if where.after:
        tests.append("published >= ?")
        values.append(where.after)
    if where.before:
        tests.append("published > '' AND substr(published, 1, length(?)) <= ?")
        values += [where.before, where.before]
    if where.articles:
        tests.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(where.articles))
    if where.tags:
        tests.append("EXISTS (SELECT 1 FROM json_each(tags) JOIN json_each(?) AS wanted USING (value))")
        values.append(json.dumps(where.tags))
    return f"FROM articles WHERE {' AND '.join(tests)}", values


def text_id(text: str) -> str:
    """Return the id of the article with this text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def text_hash(text: str) -> bytes:
    """Return what the vector of a passage with this text is found by."""
    return hashlib.sha256(text.encode()).digest()[:16]


def place_of(article: Article) -> str:
    """Return the file or URL whose next reading is a revision of this article; empty when it has none."""
    return article.path or article.url


def details_of(article: Article) -> str:
    """Return the hash of what an article says beside its text, to see corrections of it."""
    details = (article.title, article.source, article.url, article.byline, article.published, article.updated)
    return hashlib.sha256(json.dumps([*details, *article.tags]).encode()).hexdigest()[:16]


def numbers_of(article: int) -> Span:
    """Return the first and the last number that a passage of the article with this number may have."""
    return article * PASSAGES_PER_ARTICLE, (article + 1) * PASSAGES_PER_ARTICLE - 1


def article_values(article: Article) -> tuple[str, ...]:
    """Return the values of `COLUMNS`."""
    return (
        article.id, article.text, article.title, article.source, article.url, article.path, article.byline,
        article.published, article.updated, article.fetched, article.origin, json.dumps(article.tags),
    )  # fmt: skip


def article_of(row: sqlite3.Row) -> Article:
    """Return the Article of a row that holds `COLUMNS`."""
    values = {name: row[name] for name in COLUMNS.split(", ")}
    return Article(**values | {"tags": tuple(json.loads(values["tags"]))})


def insert_article(
    db: sqlite3.Connection,
    article: Article,
    passages: Sequence[Passage],
    vectors: NDArray[Any],
    *,
    instead_of: int | None,
) -> int:
    """Insert an article under a new number; `instead_of` is the superseded row of the same text, if any."""
    if instead_of is not None:
        db.execute("DELETE FROM articles WHERE number = ?", (instead_of,))
    values = article_values(article)
    number = db.execute(
        f"INSERT INTO articles ({COLUMNS}, added) "
        f"VALUES ({', '.join('?' * len(values))}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        values,
    ).lastrowid
    assert number is not None
    if instead_of is not None:
        db.execute("UPDATE articles SET replaced_by = ? WHERE replaced_by = ?", (number, instead_of))
    ids = range(numbers_of(number)[0], numbers_of(number)[0] + len(passages))
    spans = [(id_, p.start, p.end, text_hash(p.text)) for id_, p in zip(ids, passages, strict=True)]
    db.executemany("INSERT INTO passages VALUES (?, ?, ?, ?)", spans)
    blobs = map(bytes, np.asarray(vectors, STORED))
    db.executemany("INSERT INTO vectors VALUES (?, ?)", zip(ids, blobs, strict=True))
    texts = [(id_, p.text) for id_, p in zip(ids, passages, strict=True)]
    db.executemany("INSERT INTO lexical (rowid, text) VALUES (?, ?)", texts)
    return number


def update_article(db: sqlite3.Connection, number: int, article: Article) -> None:
    """Replace what is said of an article whose text stays."""
    said = dict(zip(COLUMNS.split(", "), article_values(article), strict=True))
    # Its group of near-copies was found by the text, which is the same.
    del said["origin"]
    names = ", ".join(f"{name} = ?" for name in said)
    db.execute(f"UPDATE articles SET {names} WHERE number = ?", (*said.values(), number))


def delete_passages(db: sqlite3.Connection, number: int) -> None:
    """Delete an article's passages and all that was made from them."""
    # The lexical index keeps no text of its own: it must be told which words to forget.
    db.executemany(
        "INSERT INTO lexical (lexical, rowid, text) VALUES ('delete', ?, ?)", passage_texts(db, number)
    )
    for table, key in (("passages", "number"), ("vectors", "passage"), ("next_vectors", "passage")):
        db.execute(f"DELETE FROM {table} WHERE {key} BETWEEN ? AND ?", numbers_of(number))


def passage_texts(db: sqlite3.Connection, number: int) -> list[tuple[int, str]]:
    """Return the numbers and texts of an article's passages."""
    (text,) = db.execute("SELECT text FROM articles WHERE number = ?", (number,)).fetchone()
    sql = "SELECT number, start, stop FROM passages WHERE number BETWEEN ? AND ?"
    return [(id_, text[start:stop]) for id_, start, stop in db.execute(sql, numbers_of(number))]
