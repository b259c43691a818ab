"""How records become rows of the library and back: one article with all that is made from it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.origins import COPY, bands, overlap, shingles
from rag.records import Article, Passage
from rag.text import Span

PASSAGES_PER_ARTICLE = 1 << 16
"""A passage's number is its article's number times this, plus its position in the article."""

COLUMNS = "id, text, title, source, url, path, byline, published, updated, fetched, origin, tags"
"""The columns of `articles` that make an Article, in the order of `article_values`."""

STORED = np.dtype("<f2")
"""How a vector is kept: half precision halves the file and changed no ranking that was measured."""

COMPARED = 10
"""Articles of one band looked at when a new one may be a copy: the newest, so that no band of boilerplate
makes adding slower as the library grows."""


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
    known: str,
) -> int:
    """Insert an article under a new number, grouped with its near-copies; return the number.

    `known` is since when its text is known.
    """
    values = article_values(article)
    number = db.execute(
        f"INSERT INTO articles ({COLUMNS}, known, until, added) "
        f"VALUES ({', '.join('?' * len(values))}, ?, '', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        (*values, known),
    ).lastrowid
    assert number is not None
    ids = range(numbers_of(number)[0], numbers_of(number)[0] + len(passages))
    spans = [(id_, p.start, p.end, text_hash(p.text)) for id_, p in zip(ids, passages, strict=True)]
    db.executemany("INSERT INTO passages VALUES (?, ?, ?, ?)", spans)
    db.execute("INSERT INTO vectors VALUES (?, ?)", (number, np.asarray(vectors, STORED).tobytes()))
    texts = [(id_, p.text) for id_, p in zip(ids, passages, strict=True)]
    db.executemany("INSERT INTO lexical (rowid, text) VALUES (?, ?)", texts)
    insert_labels(db, number, article.tags)
    group(db, number, article)
    count_passages(db, len(passages))
    return number


def insert_labels(db: sqlite3.Connection, number: int, tags: Sequence[str]) -> None:
    """Let filters find an article by its tags."""
    db.execute("DELETE FROM labels WHERE article = ?", (number,))
    db.executemany("INSERT INTO labels VALUES (?, ?)", [(tag, number) for tag in dict.fromkeys(tags)])


def group(db: sqlite3.Connection, number: int, article: Article) -> None:
    """Give an article the origin of the one it shares most with, else its own id; file it under its bands."""
    found = shingles(article.text)
    keys = bands(found)
    if not article.origin:
        origin = _origin_of(db, found, keys) or article.id
        db.execute("UPDATE articles SET origin = ? WHERE number = ?", (origin, number))
    db.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", [(key, number) for key in keys])


def _origin_of(db: sqlite3.Connection, found: NDArray[np.uint64], keys: Sequence[int]) -> str:
    met: dict[int, int] = {}
    for key in keys:
        sql = "SELECT article FROM bands WHERE band = ? ORDER BY article DESC LIMIT ?"
        for (number,) in db.execute(sql, (key, COMPARED)):
            met[number] = met.get(number, 0) + 1
    best, origin = COPY, ""
    for number in sorted(met, key=lambda number: (-met[number], number))[: 3 * COMPARED]:
        text, its = db.execute("SELECT text, origin FROM articles WHERE number = ?", (number,)).fetchone()
        share = overlap(found, shingles(text))
        if its and (share > best or (share == best and not origin)):
            best, origin = share, its
    return origin


def update_article(db: sqlite3.Connection, number: int, article: Article) -> None:
    """Replace what is said of an article whose text stays."""
    said = dict(zip(COLUMNS.split(", "), article_values(article), strict=True))
    # Its group of near-copies was found by the text, which is the same.
    del said["origin"]
    names = ", ".join(f"{name} = ?" for name in said)
    db.execute(f"UPDATE articles SET {names} WHERE number = ?", (*said.values(), number))
    insert_labels(db, number, article.tags)


def delete_article(db: sqlite3.Connection, number: int) -> None:
    """Delete an article and all that was made from it."""
    (replaced,) = db.execute("SELECT replaced_by FROM articles WHERE number = ?", (number,)).fetchone()
    texts = passage_texts(db, number)
    # The lexical index keeps no text of its own: it must be told which words to forget.
    db.executemany("INSERT INTO lexical (lexical, rowid, text) VALUES ('delete', ?, ?)", texts)
    db.execute("UPDATE meta SET value = value + ? WHERE key = 'forgotten'", (len(texts),))
    db.execute("DELETE FROM passages WHERE number BETWEEN ? AND ?", numbers_of(number))
    (text,) = db.execute("SELECT text FROM articles WHERE number = ?", (number,)).fetchone()
    keys = [(key, number) for key in bands(shingles(text))]
    db.executemany("DELETE FROM bands WHERE band = ? AND article = ?", keys)
    for table in ("vectors", "next_vectors", "labels", "listed"):
        db.execute(f"DELETE FROM {table} WHERE article = ?", (number,))
    db.execute("DELETE FROM articles WHERE number = ?", (number,))
    if replaced is None:
        note_gone(db, number, len(texts))


def note_gone(db: sqlite3.Connection, number: int, passages: int) -> None:
    """Note that an article of so many passages is found no more, for those who follow the library."""
    sql = "INSERT INTO gone SELECT value + 1, ?, ? FROM meta WHERE key = 'generation'"
    db.execute(sql, (number, passages))
    count_passages(db, -passages)


def count_passages(db: sqlite3.Connection, more: int) -> None:
    """Keep count of the passages that are found, for counting them takes time in a large library."""
    db.execute("UPDATE meta SET value = value + ? WHERE key = 'passages'", (more,))


def passage_texts(db: sqlite3.Connection, number: int) -> list[tuple[int, str]]:
    """Return the numbers and texts of an article's passages."""
    (text,) = db.execute("SELECT text FROM articles WHERE number = ?", (number,)).fetchone()
    sql = "SELECT number, start, stop FROM passages WHERE number BETWEEN ? AND ?"
    return [(id_, text[start:stop]) for id_, start, stop in db.execute(sql, numbers_of(number))]
