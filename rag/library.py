"""Articles, passages, vectors and the lexical index at rest: one SQLite file, the truth behind all else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from rag.errors import DamagedError, InputError, LibraryError, NotFoundError
from rag.laws import Problem, check
from rag.records import Article, Passage
from rag.rows import (
    ALL,
    COLUMNS,
    PASSAGES_PER_ARTICLE,
    STORED,
    Filter,
    article_of,
    delete_passages,
    details_of,
    insert_article,
    passage_texts,
    passing,
    place_of,
    text_hash,
    text_id,
    update_article,
)
from rag.store import Store, note, reported

__all__ = ["ALL", "Counts", "Filter", "Library", "Outcome", "Problem", "text_id"]

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Outcome = Literal["added", "revised", "unchanged"]
Embed = Callable[[Sequence[str]], NDArray[Any]]

EMBEDDED_AT_ONCE = 256
"""Passages embedded and committed at a time when all vectors are made anew."""

READ_AT_ONCE = 4096
"""Vectors read at a time, so that loading them takes little more memory than they do."""

REBUILD = "Run `tearsheet doctor --rebuild`."

_NO_IDS: Ids = np.empty(0, np.int64)
_NO_VECTORS: Vectors = np.empty((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a library holds."""

    articles: int
    passages: int
    bytes: int
    """Of the whole folder on disk."""


class Library:
    """An open library. One process at a time may write; any number may read meanwhile.

    Safe to use from several threads. A context manager; `close` lets another process write.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: tuple[int, Ids, Vectors] | None = None

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Library:
        """Open the library in `folder`; for writing it is made when there is none.

        Raises LockedError when another process writes, LibraryError when there is nothing to read or its
        version is not this program's, DamagedError when the file is no library.
        """
        return cls(Store.open(folder, write=write))

    def close(self) -> None:
        """Close the file and give up the right to write."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        return self._store.folder

    @property
    def writable(self) -> bool:
        return self._store.writable

    @property
    def generation(self) -> int:
        """A counter that every change of what can be found raises, whichever process makes it."""
        return int(self._store.noted("generation"))

    @property
    def embedder(self) -> str:
        """Fingerprint of the embedder that made the vectors; empty until one is noted."""
        return self._store.noted("embedder")

    @property
    def vectors_made(self) -> int:
        """How many times all vectors were made anew; between two of those a number keeps its vector."""
        return int(self._store.noted("vectors_made"))

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────────

    def match_embedder(self, fingerprint: str) -> None:
        """Note which embedder makes the vectors; raise LibraryError when there are some from another."""
        noted = self.embedder
        if noted == fingerprint:
            return
        if noted and self.size:
            raise LibraryError(
                f"The vectors in {self.folder} were made by {noted!r}; "
                f"the embedder is now {fingerprint!r}. {REBUILD}"
            )
        if self.writable:
            with self._store.writing() as db:
                note(db, "embedder", fingerprint)

    def holds(self, article: Article) -> bool:
        """Whether adding `article` would change nothing: its place, text and details are there."""
        if not place_of(article):
            sql = "SELECT 1 FROM articles WHERE id = ? AND replaced_by IS NULL"
            return bool(self._store.rows(sql, article.id))
        sql = (
            "SELECT 1 FROM places JOIN articles ON number = article "
            "WHERE place = ? AND id = ? AND details = ?"
        )
        return bool(self._store.rows(sql, place_of(article), article.id, details_of(article)))

    def add(self, article: Article, passages: Sequence[Passage], vectors: NDArray[Any]) -> Outcome:
        """Commit an article, its passages and their vectors (unit rows, one each) wholly or not at all.

        The same text is the same article, wherever it stands. Another text at the same file or URL is a
        revision: the old one is kept but found no more, unless it also stands elsewhere. Other details
        (title, date …) from the place they were taken from replace the old ones.
        Raises InputError for an article that cannot be kept.
        """
        _require_storable(article, passages, vectors)
        place = place_of(article)
        with self._store.writing() as db:
            _require_width(db, vectors)
            known = _first(db, "SELECT number, replaced_by, path, url FROM articles WHERE id = ?", article.id)
            stood = _first(db, "SELECT article, details FROM places WHERE place = ?", place)
            outcome: Outcome = "unchanged"
            if known is None or known["replaced_by"] is not None:
                number = insert_article(
                    db, article, passages, vectors, instead_of=known["number"] if known else None
                )
                outcome = "added"
            else:
                number = known["number"]
                if _corrects(article, known, stood):
                    update_article(db, number, article)
                    outcome = "revised"
            if place:
                db.execute("REPLACE INTO places VALUES (?, ?, ?)", (place, number, details_of(article)))
            if stood and stood["article"] != number and _supersede(db, stood["article"], number):
                outcome = "revised"
            if outcome != "unchanged":
                _raise_generation(db)
        return outcome

    def remove(self, article_id: str) -> Article:
        """Remove an article, its older revisions and all that was made from them; return what it was.

        Raises NotFoundError as `article` does.
        """
        article = self.article(article_id)
        with self._store.writing() as db:
            numbers = [
                row[0] for row in db.execute("SELECT number FROM articles WHERE id = ?", (article.id,))
            ]
            for number in numbers:
                older = db.execute("SELECT number FROM articles WHERE replaced_by = ?", (number,)).fetchall()
                numbers.extend(row[0] for row in older)
                delete_passages(db, number)
                db.execute("DELETE FROM articles WHERE number = ?", (number,))
            _raise_generation(db)
        return article

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────────

    def article(self, id_: str) -> Article:
        """Return the article with that id or beginning of one; a superseded one when no current one fits.

        Raises NotFoundError when none answers to it, or several do.
        """
        beginning = id_.strip().casefold()
        sql = f"SELECT {COLUMNS}, replaced_by FROM articles WHERE id >= ? AND id < ? ORDER BY id LIMIT 100"
        rows = self._store.rows(sql, beginning, f"{beginning}~") if beginning else []
        found = [row for row in rows if row["replaced_by"] is None] or rows
        if not found:
            raise NotFoundError(f"No article has the id {id_!r}. `tearsheet list` shows the ids.")
        if len(found) > 1:
            some = ", ".join(row["id"] for row in found[:3])
            raise NotFoundError(f"{len(found)} ids begin with {id_!r}, such as {some}. Give more of it.")
        return article_of(found[0])

    def articles(self, where: Filter = ALL) -> list[Article]:
        """Return the current revision of each article that passes, by date, then in the order of adding."""
        condition, values = passing(where)
        rows = self._store.rows(f"SELECT {COLUMNS} {condition} ORDER BY published, number", *values)
        return [article_of(row) for row in rows]

    def counts(self) -> Counts:
        """Return how much there is to find, and the size of the folder."""
        articles = self._store.rows("SELECT count(*) FROM articles WHERE replaced_by IS NULL")[0][0]
        size = 0
        for path in self.folder.rglob("*"):
            with suppress(OSError):
                size += path.stat().st_size
        return Counts(articles=articles, passages=self.size, bytes=size)

    @property
    def size(self) -> int:
        """How many passages there are."""
        return int(self._store.rows("SELECT count(*) FROM passages")[0][0])

    def passages(self, ids: Iterable[int]) -> dict[int, Passage]:
        """Return the passages with these numbers, in that order; one removed meanwhile is left out."""
        wanted = [int(id_) for id_ in ids]
        sql = "SELECT number, start, stop FROM passages WHERE number IN (SELECT value FROM json_each(?))"
        spans = {
            row["number"]: (row["start"], row["stop"]) for row in self._store.rows(sql, json.dumps(wanted))
        }
        numbers = sorted({id_ // PASSAGES_PER_ARTICLE for id_ in spans})
        sql = f"SELECT number, {COLUMNS} FROM articles WHERE number IN (SELECT value FROM json_each(?))"
        articles = {row["number"]: article_of(row) for row in self._store.rows(sql, json.dumps(numbers))}
        there = [id_ for id_ in wanted if id_ in spans and id_ // PASSAGES_PER_ARTICLE in articles]
        return {id_: Passage(articles[id_ // PASSAGES_PER_ARTICLE], *spans[id_]) for id_ in there}

    def lexical(self, terms: Sequence[str], k: int, where: Filter = ALL) -> list[tuple[int, float]]:
        """Return the `k` passages that match any of `terms` best: (number, BM25 score; larger is better).

        A term of several words matches as a phrase. Nothing in a term is ever read as query syntax.
        """
        if not terms or k < 1:
            return []
        sql = "SELECT rowid, rank FROM lexical WHERE lexical MATCH ?"
        values = [" OR ".join(map(_quoted, terms))]
        if where:
            condition, more = passing(where)
            sql += f" AND rowid / {PASSAGES_PER_ARTICLE} IN (SELECT number {condition})"
            values += more
        rows = self._store.rows(f"{sql} ORDER BY rank LIMIT ?", *values, k)
        return sorted(((row[0], -row[1]) for row in rows), key=lambda hit: (-hit[1], hit[0]))

    def frequency(self, term: str, *, most: int) -> int:
        """Return how many passages hold `term`, counting no further than `most`."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM lexical WHERE lexical MATCH ? LIMIT ?)"
        return int(self._store.rows(sql, _quoted(term), most)[0][0])

    def vectors(self) -> tuple[Ids, Vectors]:
        """Return the numbers of all passages, ascending, and their vectors as float32 rows.

        They are kept, and read again only after a change.
        """
        with self._store.turn:
            generation = self.generation
            if self._loaded is None or self._loaded[0] != generation:
                self._loaded = (generation, *self._read_vectors())
            return self._loaded[1], self._loaded[2]

    def _read_vectors(self) -> tuple[Ids, Vectors]:
        parts: list[tuple[Ids, Vectors]] = []
        with reported(self.folder):
            rows = self._store.db.execute("SELECT passage, vector FROM vectors ORDER BY passage")
            while batch := rows.fetchmany(READ_AT_ONCE):
                parts.append(_matrix(batch))
        if len({matrix.shape[1] for _, matrix in parts}) > 1:
            raise DamagedError(f"The vectors in {self.folder} differ in length. {REBUILD}")
        ids, matrices = zip(*parts, strict=True) if parts else ((_NO_IDS,), (_NO_VECTORS,))
        return np.concatenate(ids), np.concatenate(matrices)

    def vectors_of(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return the vectors of some passages, as `vectors` does of all."""
        sql = (
            "SELECT passage, vector FROM vectors WHERE passage IN (SELECT value FROM json_each(?)) "
            "ORDER BY passage"
        )
        return _matrix(self._store.rows(sql, json.dumps(ids.tolist())))

    def numbers(self) -> Ids:
        """Return the numbers of all passages, ascending."""
        rows = self._store.rows("SELECT number FROM passages ORDER BY number")
        return np.array([row[0] for row in rows], np.int64)

    def passing(self, ids: Ids, where: Filter) -> NDArray[np.bool_]:
        """Return, for each passage number, whether its article passes."""
        condition, values = passing(where)
        articles = [row[0] for row in self._store.rows(f"SELECT number {condition}", *values)]
        return np.isin(ids // PASSAGES_PER_ARTICLE, np.array(articles, np.int64))

    def known_vectors(self, texts: Iterable[str]) -> dict[str, Vectors]:
        """Return the vectors of those texts that some passage has already."""
        sql = "SELECT vector FROM passages JOIN vectors ON passage = number WHERE hash = ? LIMIT 1"
        found = {text: self._store.rows(sql, text_hash(text)) for text in texts}
        return {
            text: np.frombuffer(rows[0][0], STORED).astype(np.float32) for text, rows in found.items() if rows
        }

    # ── Laws and repair ──────────────────────────────────────────────────────────────────────────────

    def check(self) -> list[Problem]:
        """Return every law of the library that does not hold; none when it is whole."""
        with self._store.turn, reported(self.folder):
            return check(self._store.db, writable=self.writable)

    def rebuild(self, embed: Embed, fingerprint: str) -> None:
        """Make the lexical index and every vector anew; the old vectors serve until all new ones are there.

        Stopped half-way, the next call goes on from there if the embedder is still the same.
        """
        with self._store.writing() as db:
            _rebuild_lexical(db)
            if self._store.noted("next_embedder") != fingerprint:
                db.execute("DELETE FROM next_vectors")
                note(db, "next_embedder", fingerprint)
        sql = (
            "SELECT number FROM passages WHERE number > (SELECT ifnull(max(passage), 0) FROM next_vectors) "
            "ORDER BY number LIMIT ?"
        )
        while rows := self._store.rows(sql, EMBEDDED_AT_ONCE):
            ids = [row[0] for row in rows]
            vectors = np.asarray(embed([passage.text for passage in self.passages(ids).values()]), STORED)
            with self._store.writing() as db:
                pairs = zip(ids, map(bytes, vectors), strict=True)
                db.executemany("INSERT INTO next_vectors VALUES (?, ?)", pairs)
        with self._store.writing() as db:
            db.execute("DELETE FROM vectors")
            db.execute("INSERT INTO vectors SELECT passage, vector FROM next_vectors ORDER BY passage")
            db.execute("DELETE FROM next_vectors")
            note(db, "embedder", fingerprint)
            note(db, "next_embedder", "")
            note(db, "vectors_made", str(self.vectors_made + 1))
            _raise_generation(db)


# ── Inside one transaction ───────────────────────────────────────────────────────────────────────────


def _supersede(db: sqlite3.Connection, number: int, by: int) -> bool:
    """Stop finding an article that stands nowhere any more; say whether that was so."""
    if _first(db, "SELECT 1 FROM places WHERE article = ?", number):
        return False
    delete_passages(db, number)
    db.execute("UPDATE articles SET replaced_by = ? WHERE number = ?", (by, number))
    return True


def _rebuild_lexical(db: sqlite3.Connection) -> None:
    current = "SELECT number FROM articles WHERE replaced_by IS NULL"
    db.execute(f"DELETE FROM passages WHERE number / {PASSAGES_PER_ARTICLE} NOT IN ({current})")
    db.execute("INSERT INTO lexical (lexical) VALUES ('delete-all')")
    for (number,) in db.execute(current).fetchall():
        db.executemany("INSERT INTO lexical (rowid, text) VALUES (?, ?)", passage_texts(db, number))
    _raise_generation(db)


def _raise_generation(db: sqlite3.Connection) -> None:
    db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")


def _first(db: sqlite3.Connection, sql: str, *values: object) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(sql, values).fetchone()
    return row


def _matrix(rows: Sequence[sqlite3.Row]) -> tuple[Ids, Vectors]:
    if not rows:
        return _NO_IDS, _NO_VECTORS
    if len({len(row[1]) for row in rows}) > 1:
        raise DamagedError(f"The vectors of the library differ in length. {REBUILD}")
    flat = np.frombuffer(b"".join(row[1] for row in rows), STORED).astype(np.float32)
    return np.array([row[0] for row in rows], np.int64), flat.reshape(len(rows), -1)


def _corrects(article: Article, known: sqlite3.Row, stood: sqlite3.Row | None) -> bool:
    """Whether the same text now comes with other details from the place that the details are from."""
    if stood is None or stood["article"] != known["number"] or stood["details"] == details_of(article):
        return False
    return place_of(article) == str(known["path"] or known["url"])


def _require_storable(article: Article, passages: Sequence[Passage], vectors: NDArray[Any]) -> None:
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


def _require_width(db: sqlite3.Connection, vectors: NDArray[Any]) -> None:
    """Raise LibraryError unless `vectors` are as long as those that are there."""
    kept = _first(db, "SELECT length(vector) FROM vectors LIMIT 1")
    old, new = (kept[0] // STORED.itemsize if kept else 0), vectors.shape[1]
    if old not in (0, new):
        raise LibraryError(f"The vectors of the library have {old} numbers, the new ones {new}. {REBUILD}")


def _quoted(term: str) -> str:
    """Return `term` as a string of FTS5's query language."""
    return '"' + term.replace('"', " ").replace("\0", " ") + '"'
