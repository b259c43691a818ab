"""Articles, passages, vectors and the lexical index at rest: one SQLite file, the truth behind all else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from rag.changes import (
    corrects,
    first,
    forget_gone,
    known_since,
    quoted,
    raise_generation,
    rebuild_lexical,
    require_storable,
    require_width,
    supersede,
    tidy_lexical,
)
from rag.errors import LibraryError, NotFoundError
from rag.filters import ALL, Filter, passing
from rag.laws import Problem, check
from rag.matrix import REBUILD, Ids, Matrix, Rows, Vectors
from rag.records import Article, Passage
from rag.rows import (
    COLUMNS,
    PASSAGES_PER_ARTICLE,
    STORED,
    article_of,
    delete_article,
    details_of,
    group,
    insert_article,
    passage_texts,
    place_of,
    text_hash,
    text_id,
    update_article,
)
from rag.store import Store, note, reported

__all__ = ["ALL", "Counts", "Filter", "Ids", "Library", "Outcome", "Problem", "Revision", "text_id"]

Outcome = Literal["added", "revised", "unchanged"]
Embed = Callable[[Sequence[str]], NDArray[Any]]

EMBEDDED_AT_ONCE = 256
"""Passages embedded and committed at a time when all vectors are made anew."""

REMEMBERED = 8
"""Filters whose articles are kept in memory until the library changes: a conversation repeats its own."""

GONE_KEPT = 50_000
"""Changes that those who follow the library may be behind; who is further behind reads everything again."""

_NO_IDS: Ids = np.empty(0, np.int64)
_NO_VECTORS: Vectors = np.empty((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a library holds."""

    articles: int
    passages: int
    bytes: int
    """Of the whole folder on disk."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One text that an article has had."""

    article: Article
    known: str
    """Since when it is known, ISO 8601; empty when that is not."""
    until: str
    """When a newer text took its place; empty for the current one."""


class Library:
    """An open library. One process at a time may write; any number may read meanwhile.

    Safe to use from several threads. A context manager; `close` lets another process write.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._matrix = Matrix()
        self._passed: dict[Filter, tuple[int, Ids]] = {}

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Library:
        """Open the library in `folder`; for writing it is made when there is none.

        Raises LockedError when another process writes, LibraryError when there is nothing to read or its
        version is not this program's, DamagedError when the file is no library.
        """
        library = cls(Store.open(folder, write=write))
        if write:
            library._group_the_ungrouped()
            if len(library._store.rows("SELECT 1 FROM gone LIMIT ?", 2 * GONE_KEPT)) == 2 * GONE_KEPT:
                with library._store.writing() as db:
                    forget_gone(db, GONE_KEPT)
        return library

    def close(self) -> None:
        """Close the file and give up the right to write."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> Store:
        """The open file, for what is kept beside the articles."""
        return self._store

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

    def matches(self, fingerprint: str) -> bool:
        """Whether the vectors that are there, if any, were made by this embedder."""
        return self.embedder in ("", fingerprint) or not self.size

    def match_embedder(self, fingerprint: str) -> None:
        """Note which embedder makes the vectors; raise LibraryError when there are some from another."""
        noted = self.embedder
        if noted == fingerprint:
            return
        if not self.matches(fingerprint):
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
        require_storable(article, passages, vectors)
        place = place_of(article)
        with self._store.writing() as db:
            require_width(db, vectors)
            sql = "SELECT number, path, url FROM articles WHERE id = ? AND replaced_by IS NULL"
            known = first(db, sql, article.id)
            sql = "SELECT article, places.details, known FROM places JOIN articles ON number = article"
            stood = first(db, f"{sql} WHERE place = ?", place)
            outcome: Outcome = "unchanged"
            if known is None:
                since = known_since(article, stood)
                number = insert_article(db, article, passages, vectors, known=since)
                outcome = "added"
            else:
                number = known["number"]
                if corrects(article, known, stood):
                    update_article(db, number, article)
                    outcome = "revised"
            if place:
                db.execute("REPLACE INTO places VALUES (?, ?, ?)", (place, number, details_of(article)))
            if (
                stood
                and stood["article"] != number
                and supersede(db, stood["article"], number, read=article.fetched)
            ):
                outcome = "revised"
            if outcome != "unchanged":
                raise_generation(db)
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
                numbers.extend(row[0] for row in older if row[0] not in numbers)
            for number in numbers:
                delete_article(db, number)
            tidy_lexical(db)
            raise_generation(db)
        return article

    def _group_the_ungrouped(self) -> None:
        """Find the near-copies among articles that an older version of Tearsheet added."""
        sql = f"SELECT number, {COLUMNS} FROM articles WHERE origin = '' ORDER BY number LIMIT 100"
        while rows := self._store.rows(sql):
            with self._store.writing() as db:
                for row in rows:
                    group(db, row["number"], article_of(row))

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────────

    def article(self, id_: str) -> Article:
        """Return the article with that id or beginning of one; a superseded one when no current one fits.

        Raises NotFoundError when none answers to it, or several do.
        """
        beginning = id_.strip().casefold()
        sql = f"SELECT {COLUMNS}, replaced_by FROM articles WHERE id >= ? AND id < ? ORDER BY id LIMIT 100"
        rows = self._store.rows(sql, beginning, f"{beginning}~") if beginning else []
        found = [row for row in rows if row["replaced_by"] is None] or rows
        # A text that came back has several rows; the last one is as good as any.
        found = list({row["id"]: row for row in found}.values())
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

    def revisions(self, article_id: str) -> list[Revision]:
        """Return every text that an article has had, the oldest first. Raises NotFoundError."""
        article = self.article(article_id)
        newest = """
            WITH RECURSIVE later (number, next) AS (
                SELECT number, replaced_by FROM articles WHERE id = ?
                UNION SELECT articles.number, replaced_by FROM articles JOIN later ON articles.number = next
            ) SELECT max(number) FROM later WHERE next IS NULL
        """
        sql = f"""
            WITH RECURSIVE line (n) AS (
                VALUES (?) UNION SELECT number FROM articles JOIN line ON replaced_by = n
            ) SELECT {COLUMNS}, known, until FROM articles JOIN line ON number = n
            ORDER BY until = '', until, number
        """
        number = self._store.rows(newest, article.id)[0][0]
        rows = self._store.rows(sql, number)
        return [Revision(article_of(row), row["known"], row["until"]) for row in rows]

    def origins(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the current articles of each group of near-copies that one of these articles belongs to."""
        sql = """
            SELECT origin, id FROM articles WHERE replaced_by IS NULL AND origin IN (
                SELECT origin FROM articles WHERE id IN (SELECT value FROM json_each(?))
            ) ORDER BY number
        """
        groups: dict[str, list[str]] = {}
        for origin, id_ in self._store.rows(sql, json.dumps(list(ids))):
            groups.setdefault(origin, []).append(id_)
        return groups

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
        """How many passages there are to find."""
        return int(self._store.noted("passages"))

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
        values = [" OR ".join(map(quoted, terms))]
        if where:
            sql += f" AND rowid / {PASSAGES_PER_ARTICLE} IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(self.passing(where).tolist()))
        else:
            superseded = "SELECT number FROM articles WHERE replaced_by IS NOT NULL"
            sql += f" AND rowid / {PASSAGES_PER_ARTICLE} NOT IN ({superseded})"
        rows = self._store.rows(f"{sql} ORDER BY rank LIMIT ?", *values, k)
        return sorted(((row[0], -row[1]) for row in rows), key=lambda hit: (-hit[1], hit[0]))

    def frequency(self, term: str, *, most: int) -> int:
        """Return how many passages hold `term`, counting no further than `most`."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM lexical WHERE lexical MATCH ? LIMIT ?)"
        return int(self._store.rows(sql, quoted(term), most)[0][0])

    def rows(self) -> Rows:
        """Return the vectors of all passages in memory, those of older revisions too.

        They are read once; later calls read what changed.
        """
        return self._matrix.follow(self._store)

    def vectors(self) -> tuple[Ids, Vectors]:
        """Return the numbers of all passages to find, ascending, and a copy of their vectors."""
        rows = self.rows()
        if not rows.blocks:
            return _NO_IDS, _NO_VECTORS
        return rows.ids[rows.current], np.concatenate(rows.blocks)[rows.current]

    def vectors_of(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return the vectors of some passages, as `vectors` does of all."""
        size = self._vector_size
        sql = (
            f"SELECT value, substr(vectors, 1 + value % {PASSAGES_PER_ARTICLE} * {size}, {size}) "
            f"FROM json_each(?) JOIN vectors ON article = value / {PASSAGES_PER_ARTICLE} ORDER BY value"
        )
        rows = [row for row in self._store.rows(sql, json.dumps(ids.tolist())) if len(row[1]) == size > 0]
        if not rows:
            return _NO_IDS, _NO_VECTORS
        flat = np.frombuffer(b"".join(row[1] for row in rows), STORED).astype(np.float32)
        return np.array([row[0] for row in rows], np.int64), flat.reshape(len(rows), -1)

    @property
    def _vector_size(self) -> int:
        """Bytes of one stored vector."""
        return int(self._store.noted("width") or 0) * STORED.itemsize

    def numbers(self) -> Ids:
        """Return the numbers of all passages to find, ascending."""
        rows = self.rows()
        return rows.ids[rows.current]

    def passing(self, where: Filter) -> Ids:
        """Return the numbers of the articles that pass; kept until the library changes."""
        generation = self.generation
        kept = self._passed.get(where)
        if kept is not None and kept[0] == generation:
            return kept[1]
        condition, values = passing(where)
        numbers = [row[0] for row in self._store.rows(f"SELECT number {condition}", *values)]
        found = np.array(numbers, np.int64)
        self._passed = dict([*self._passed.items()][1 - REMEMBERED :]) | {where: (generation, found)}
        return found

    def known_vectors(self, texts: Iterable[str]) -> dict[str, Vectors]:
        """Return the vectors of those texts that some passage has already."""
        size = self._vector_size
        sql = (
            f"SELECT substr(vectors, 1 + number % {PASSAGES_PER_ARTICLE} * {size}, {size}) FROM passages "
            f"JOIN vectors ON article = number / {PASSAGES_PER_ARTICLE} WHERE hash = ? LIMIT 1"
        )
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
            rebuild_lexical(db)
            if self._store.noted("next_embedder") != fingerprint:
                db.execute("DELETE FROM next_vectors")
                note(db, "next_embedder", fingerprint)
        width = 0
        while texts := self._next_texts():
            vectors = np.asarray(embed([text for _, text in texts]), STORED)
            width = vectors.shape[1]
            owners = np.array([id_ // PASSAGES_PER_ARTICLE for id_, _ in texts])
            with self._store.writing() as db:
                for article in dict.fromkeys(owners.tolist()):
                    row = (article, vectors[owners == article].tobytes())
                    db.execute("INSERT INTO next_vectors VALUES (?, ?)", row)
        with self._store.writing() as db:
            db.execute("DELETE FROM vectors")
            db.execute("INSERT INTO vectors SELECT * FROM next_vectors ORDER BY article")
            db.execute("DELETE FROM next_vectors")
            note(db, "embedder", fingerprint)
            note(db, "width", str(width or self._store.noted("width")))
            note(db, "next_embedder", "")
            note(db, "vectors_made", str(self.vectors_made + 1))
            raise_generation(db)

    def _next_texts(self) -> list[tuple[int, str]]:
        """Return the passages of the next articles to embed anew: EMBEDDED_AT_ONCE, or one article's."""
        sql = (
            "SELECT number FROM articles WHERE number > (SELECT ifnull(max(article), 0) FROM next_vectors) "
            "AND EXISTS (SELECT 1 FROM passages WHERE passages.number BETWEEN articles.number * ? "
            "AND articles.number * ? + ?) ORDER BY number LIMIT ?"
        )
        each = PASSAGES_PER_ARTICLE
        texts: list[tuple[int, str]] = []
        with self._store.turn, reported(self.folder):
            for (number,) in self._store.db.execute(sql, (each, each, each - 1, EMBEDDED_AT_ONCE)).fetchall():
                its = passage_texts(self._store.db, number)
                if texts and len(texts) + len(its) > EMBEDDED_AT_ONCE:
                    break
                texts += its
        return texts
