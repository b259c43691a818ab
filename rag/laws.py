"""The laws of a library at rest, checked one by one; nothing here repairs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rag.rows import PASSAGES_PER_ARTICLE, STORED, numbers_of, text_hash, text_id

UNIT = 0.01
"""How far the length of a stored vector may be from 1."""

AT_ONCE = 512
"""Articles whose vectors are looked at together."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A law that does not hold."""

    law: str
    """The law, as a sentence."""
    found: str
    """What was found instead."""
    article: str = ""
    """Id of the article concerned; empty when it is not one."""


def check(db: sqlite3.Connection, *, writable: bool) -> list[Problem]:
    """Return the laws that do not hold; a check that itself fails is such a problem."""
    laws: list[Callable[[], Iterator[Problem]]] = [
        lambda: _file(db),
        lambda: _articles(db),
        lambda: _owners(db),
        lambda: _vectors(db),
        lambda: _lexical(db, writable=writable),
    ]
    problems: list[Problem] = []
    for law in laws:
        try:
            problems.extend(law())
        except sqlite3.DatabaseError as error:
            problems.append(Problem("The file can be read.", str(error)))
    return problems


def _file(db: sqlite3.Connection) -> Iterator[Problem]:
    for (found,) in db.execute("PRAGMA integrity_check(10)"):
        if found != "ok":
            yield Problem("SQLite finds its file whole.", found)
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield Problem("Every place belongs to an article.", f"row {row} of {table} has none in {parent}")


def _articles(db: sqlite3.Connection) -> Iterator[Problem]:
    for number, id_, text, replaced_by in db.execute("SELECT number, id, text, replaced_by FROM articles"):
        if text_id(text) != id_:
            yield Problem(
                "The id of an article is the hash of its text.", f"the hash is {text_id(text)}", id_
            )
        sql = "SELECT start, stop, hash FROM passages WHERE number BETWEEN ? AND ? ORDER BY number"
        passages = db.execute(sql, numbers_of(number)).fetchall()
        if not passages and replaced_by is None:
            yield Problem("An article has passages.", "there is none", id_)
        last = 0
        for start, stop, digest in passages:
            if not last <= start < stop <= len(text):
                law = "Passages lie inside their article, in order, without overlap."
                yield Problem(law, f"{start} to {stop} after {last}, in {len(text)} characters", id_)
            elif text_hash(text[start:stop]) != digest:
                yield Problem(
                    "A passage is the text between its offsets.", f"another text at {start} to {stop}", id_
                )
            elif text[last:start].strip():
                yield Problem(
                    "Passages leave out nothing but space.", f"{text[last:start][:60]!r} at {last}", id_
                )
            last = stop
        if passages and text[last:].strip():
            yield Problem("Passages leave out nothing but space.", f"{text[last:][:60]!r} at {last}", id_)


def _owners(db: sqlite3.Connection) -> Iterator[Problem]:
    articles = "SELECT number FROM articles"
    sql = f"SELECT count(*) FROM passages WHERE number / {PASSAGES_PER_ARTICLE} NOT IN ({articles})"
    if count := db.execute(sql).fetchone()[0]:
        yield Problem("Every passage belongs to an article.", f"{count} belong to none")
    for (id_,) in db.execute(f"SELECT id FROM articles WHERE replaced_by NOT IN ({articles})"):
        yield Problem("A replaced article has a newer revision.", "there is none", id_)
    for (id_,) in db.execute("SELECT id FROM articles WHERE (replaced_by IS NULL) <> (until = '')"):
        yield Problem("An article has an end if and only if it was replaced.", "it is otherwise", id_)
    for (id_,) in db.execute("SELECT id FROM articles WHERE origin = ''"):
        yield Problem("Every article is grouped with its near-copies.", "it has no group", id_)
    current = f"{articles} WHERE replaced_by IS NULL"
    sql = f"SELECT count(*) FROM passages WHERE number / {PASSAGES_PER_ARTICLE} IN ({current})"
    (count,), (noted,) = (
        db.execute(sql).fetchone(),
        db.execute("SELECT value FROM meta WHERE key = 'passages'").fetchone(),
    )
    if str(count) != noted:
        yield Problem("The number of passages is noted.", f"{noted} noted, {count} there")
    tags = "SELECT value, number FROM articles, json_each(tags)"
    for one, other in ((tags, "SELECT * FROM labels"), ("SELECT * FROM labels", tags)):
        if count := db.execute(f"SELECT count(*) FROM ({one} EXCEPT {other})").fetchone()[0]:
            yield Problem("Filters know the tags of every article.", f"{count} differ")


def _pairs(db: sqlite3.Connection, kind: str, numbers: str) -> Iterator[Problem]:
    """Yield a problem when the passages and what `numbers` selects do not pair off."""
    for law, sql in (
        (f"Every passage has its {kind}.", f"SELECT number FROM passages EXCEPT {numbers}"),
        (f"Every {kind} has its passage.", f"{numbers} EXCEPT SELECT number FROM passages"),
    ):
        if count := db.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0]:
            yield Problem(law, f"{count} have none")


def _vectors(db: sqlite3.Connection) -> Iterator[Problem]:
    owners = f"SELECT DISTINCT number / {PASSAGES_PER_ARTICLE} FROM passages"
    for law, sql in (
        ("Every passage has its vector.", f"{owners} EXCEPT SELECT article FROM vectors"),
        ("Every vector has its passage.", f"SELECT article FROM vectors EXCEPT {owners}"),
    ):
        if count := db.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0]:
            yield Problem(law, f"those of {count} articles have none")
    (width,) = db.execute("SELECT value FROM meta WHERE key = 'width'").fetchone()
    size = int(width) * STORED.itemsize
    sql = (
        "SELECT count(*) FROM vectors WHERE length(vectors) <> ?1 * (SELECT count(*) FROM passages "
        "WHERE number BETWEEN article * ?2 AND (article + 1) * ?2 - 1)"
    )
    if count := db.execute(sql, (size, PASSAGES_PER_ARTICLE)).fetchone()[0]:
        yield Problem("All vectors have the same length.", f"those of {count} articles have another")
        return
    rows = db.execute("SELECT vectors FROM vectors")
    bad = 0
    while batch := rows.fetchmany(AT_ONCE):
        matrix = np.frombuffer(b"".join(row[0] for row in batch), STORED).reshape(-1, int(width))
        lengths = np.linalg.norm(matrix.astype(np.float32), axis=1)
        bad += int((~(np.abs(lengths - 1) <= UNIT)).sum())
    if bad:
        yield Problem("Every vector has length 1.", f"{bad} have another")


def _lexical(db: sqlite3.Connection, *, writable: bool) -> Iterator[Problem]:
    yield from _pairs(db, "lexical entry", "SELECT id FROM lexical_docsize")
    # FTS5 takes its own check as an insertion.
    if writable:
        try:
            db.execute("INSERT INTO lexical (lexical) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            yield Problem("The lexical index is whole.", str(error))
