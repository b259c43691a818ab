"""What a reader browses: the articles of a library by the page, without their texts, and how many of when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from rag.changes import quoted
from rag.filters import ALL, Filter, passing
from rag.rows import PASSAGES_PER_ARTICLE
from rag.store import Store

Order = Literal["newest", "oldest", "added", "title", "outlet"]
ORDERS: tuple[Order, ...] = get_args(Order)

OPENING = 160
"""Characters of the text that stand for a missing title."""
MOST_WORDS = 12
"""Words of a search that are looked for; more only make it slow."""
ID_LETTERS = 6
"""Letters of a word from which on it may be how an id begins."""

_BY: dict[Order, str] = {
    "newest": "published = '', published DESC, number DESC",
    "oldest": "published = '', published, number",
    "added": "number DESC",
    "title": "title = '', title COLLATE NOCASE, number",
    "outlet": "source = '', source COLLATE NOCASE, published DESC, number DESC",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list: an article without its text."""

    id: str
    title: str
    """The first words of the text when the article has no title."""
    source: str
    published: str
    added: str
    """When it came into the library, ISO 8601."""
    copies: int
    """Other articles of the library with the same origin."""
    revised: int
    """Older texts of it that are kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """Some articles of a list, and how many the whole list has."""

    entries: tuple[Entry, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many articles an outlet published on a day; either is empty when articles do not state it."""

    day: str
    source: str
    articles: int


def entries(
    store: Store,
    *,
    words: str = "",
    where: Filter = ALL,
    order: Order = "newest",
    first: int = 0,
    most: int = 20,
) -> Found:
    """Return the articles that pass `where` and hold all of `words`, `most` of them from `first` on.

    A word counts as held when it begins a word of the text, or stands in the title or the outlet, or when it
    is how the id begins. Nothing in `words` is ever read as query syntax.
    """
    condition, values = _passing(words, where)
    total = int(store.rows(f"SELECT count(*) {condition}", *values)[0][0])
    sql = f"""
        WITH shown AS (
            SELECT number, id, title, source, published, added, origin {condition}
            ORDER BY {_BY[order]} LIMIT ? OFFSET ?
        )
        SELECT shown.*,
            (SELECT count(*) FROM articles AS other WHERE other.origin = shown.origin
                AND other.replaced_by IS NULL AND other.number != shown.number) AS copies,
            (SELECT count(*) FROM articles AS older WHERE older.replaced_by = shown.number) AS revised,
            CASE title WHEN '' THEN (SELECT substr(text, 1, {OPENING}) FROM articles AS its
                WHERE its.number = shown.number) ELSE '' END AS opening
        FROM shown ORDER BY {_BY[order]}
    """
    listed = tuple(
        Entry(
            id=row["id"],
            title=row["title"] or row["opening"].strip().partition("\n")[0],
            source=row["source"],
            published=row["published"],
            added=row["added"],
            copies=row["copies"],
            revised=row["revised"],
        )
        for row in store.rows(sql, *values, max(0, most), max(0, first))
    )
    return Found(listed, total)


def ids(store: Store, *, words: str = "", where: Filter = ALL) -> list[str]:
    """Return the ids of all articles that `entries` counts."""
    condition, values = _passing(words, where)
    return [row[0] for row in store.rows(f"SELECT id {condition} ORDER BY number", *values)]


def outlets(store: Store) -> list[str]:
    """Return the different outlets, by name."""
    sql = "SELECT max(source) FROM articles WHERE replaced_by IS NULL GROUP BY source COLLATE NOCASE"
    return [row[0] for row in store.rows(sql) if row[0]]


def tallies(store: Store) -> list[Tally]:
    """Return how many articles each outlet has on each day, by day; undated ones first."""
    sql = """
        SELECT substr(published, 1, 10) AS day, max(source) AS source, count(*) AS articles FROM articles
        WHERE replaced_by IS NULL GROUP BY 1, source COLLATE NOCASE ORDER BY 1, 2
    """
    return [Tally(row["day"], row["source"], row["articles"]) for row in store.rows(sql)]


def _passing(words: str, where: Filter) -> tuple[str, list[str]]:
    condition, values = passing(where)
    for word in re.findall(r"\w+", words)[:MOST_WORDS]:
        # Older revisions are in the lexical index too; `passing` lets only current articles through.
        condition += (
            " AND (instr(lower(title), lower(?)) OR instr(lower(source), lower(?)) OR id GLOB ?"
            f" OR number IN (SELECT rowid / {PASSAGES_PER_ARTICLE} FROM lexical WHERE lexical MATCH ?))"
        )
        beginning = f"{word.casefold()}*" if len(word) >= ID_LETTERS else ""
        values += [word, word, beginning, f"{quoted(word)} *"]
    return condition, values
