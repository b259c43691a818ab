"""The tables of the library and how they came about, version by version."""

from __future__ import annotations

import sqlite3

from rag.errors import DamagedError, LibraryError

APPLICATION = 0x54454152
"""`TEAR`: tells our files from other SQLite files."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('generation', '0'), ('embedder', ''), ('vectors_made', '0');

    -- A number is never used twice and its passages never change: caches and indexes rely on it.
    -- The text comes last, so that reading the other columns does not read its pages.
    CREATE TABLE articles (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        replaced_by INTEGER,
        added TEXT NOT NULL,
        title TEXT NOT NULL,
        source TEXT NOT NULL,
        url TEXT NOT NULL,
        path TEXT NOT NULL,
        byline TEXT NOT NULL,
        published TEXT NOT NULL,
        updated TEXT NOT NULL,
        fetched TEXT NOT NULL,
        origin TEXT NOT NULL,
        tags TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX articles_by_date ON articles (published) WHERE replaced_by IS NULL;
    CREATE INDEX articles_by_source ON articles (source COLLATE NOCASE) WHERE replaced_by IS NULL;
    CREATE INDEX articles_replaced ON articles (replaced_by) WHERE replaced_by IS NOT NULL;

    -- Every file or URL an article was read from; `details` is the hash of what it said beside the text.
    CREATE TABLE places (
        place TEXT PRIMARY KEY,
        article INTEGER NOT NULL REFERENCES articles (number) ON DELETE CASCADE,
        details TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX places_by_article ON places (article);

    -- number = article number * 65536 + position in the article: a filter on articles needs no join.
    CREATE TABLE passages (
        number INTEGER PRIMARY KEY,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;
    CREATE INDEX passages_by_hash ON passages (hash);
    CREATE TABLE vectors (passage INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
    CREATE TABLE next_vectors (passage INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
    CREATE VIRTUAL TABLE lexical
        USING fts5 (text, content='', tokenize='porter unicode61 remove_diacritics 2');
    """,
    # Version 2: revisions that can be asked for as of a day, copies grouped, feeds, filters by an index, the
    # vectors of an article in one row.
    """
    CREATE TABLE articles_2 (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        replaced_by INTEGER,
        known TEXT NOT NULL,
        until TEXT NOT NULL,
        added TEXT NOT NULL,
        title TEXT NOT NULL,
        source TEXT NOT NULL,
        url TEXT NOT NULL,
        path TEXT NOT NULL,
        byline TEXT NOT NULL,
        published TEXT NOT NULL,
        updated TEXT NOT NULL,
        fetched TEXT NOT NULL,
        origin TEXT NOT NULL,
        tags TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    INSERT INTO articles_2
        SELECT number, id, replaced_by, published, '', added, title, source, url, path, byline, published,
               updated, fetched, origin, tags, text
        FROM articles WHERE replaced_by IS NULL;
    DELETE FROM sqlite_sequence WHERE name = 'articles_2';
    INSERT INTO sqlite_sequence SELECT 'articles_2', seq FROM sqlite_sequence WHERE name = 'articles';
    -- Their passages were not kept, so that they could not be searched.
    INSERT INTO articles_2
        SELECT number, id, replaced_by, published,
               ifnull((SELECT added FROM articles AS newer WHERE newer.number = articles.replaced_by), added),
               added, title, source, url, path, byline, published, updated, fetched, origin, tags, text
        FROM articles WHERE replaced_by IS NOT NULL;
    DROP TABLE articles;
    ALTER TABLE articles_2 RENAME TO articles;
    CREATE INDEX articles_by_id ON articles (id);
    CREATE UNIQUE INDEX articles_current ON articles (id) WHERE replaced_by IS NULL;
    CREATE INDEX articles_by_date ON articles (published) WHERE replaced_by IS NULL;
    CREATE INDEX articles_by_source ON articles (source COLLATE NOCASE) WHERE replaced_by IS NULL;
    CREATE INDEX articles_replaced ON articles (replaced_by) WHERE replaced_by IS NOT NULL;
    CREATE INDEX articles_by_origin ON articles (origin);
    CREATE INDEX articles_known ON articles (known, until);

    CREATE TABLE vectors_2 (article INTEGER PRIMARY KEY, vectors BLOB NOT NULL) STRICT;
    INSERT INTO meta SELECT 'width', ifnull((SELECT length(vector) / 2 FROM vectors LIMIT 1), 0);
    INSERT INTO vectors_2
        SELECT passage / 65536, joined(vector) FROM (SELECT * FROM vectors ORDER BY passage) GROUP BY 1;
    DROP TABLE vectors;
    ALTER TABLE vectors_2 RENAME TO vectors;
    DROP TABLE next_vectors;
    CREATE TABLE next_vectors (article INTEGER PRIMARY KEY, vectors BLOB NOT NULL) STRICT;

    -- Every tag of an article, to filter by it.
    CREATE TABLE labels (
        tag TEXT NOT NULL, article INTEGER NOT NULL, PRIMARY KEY (tag, article)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX labels_by_article ON labels (article);
    INSERT OR IGNORE INTO labels SELECT value, number FROM articles, json_each(tags);

    -- Articles with a band in common may be copies of one another.
    CREATE TABLE bands (
        band INTEGER NOT NULL, article INTEGER NOT NULL, PRIMARY KEY (band, article)
    ) STRICT, WITHOUT ROWID;

    -- What was fetched, with what its server and its feed said of it, to fetch it again only when it changed.
    CREATE TABLE fetches (
        url TEXT PRIMARY KEY, etag TEXT NOT NULL, modified TEXT NOT NULL, stamp TEXT NOT NULL,
        fetched TEXT NOT NULL, place TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE feeds (number INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, title TEXT NOT NULL) STRICT;
    CREATE TABLE listed (
        feed INTEGER NOT NULL, article INTEGER NOT NULL, PRIMARY KEY (feed, article)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX listed_by_article ON listed (article);

    -- Which article was found no more after which generation, for whoever follows the library.
    CREATE TABLE gone (at INTEGER NOT NULL, article INTEGER NOT NULL, passages INTEGER NOT NULL) STRICT;
    CREATE INDEX gone_at ON gone (at);
    INSERT INTO meta SELECT 'gone_from', value FROM meta WHERE key = 'generation';
    INSERT INTO meta SELECT 'passages', count(*) FROM passages;
    INSERT INTO meta VALUES ('forgotten', '0');
    UPDATE meta SET value = value + 1 WHERE key = 'generation';
    """,
)
"""`MIGRATIONS[n]` brings a library of version n to version n + 1; one that was released is never edited."""

VERSION = len(MIGRATIONS)


def require_version(db: sqlite3.Connection, name: object, *, write: bool) -> None:
    """Bring the library to this program's version when it may be written to, else check that it has it.

    Raises LibraryError when the version is newer, or older and not to be changed, DamagedError when the
    file is something else.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise DamagedError(f"{name} is not a Tearsheet library. Name another folder with --library.")
    if version > VERSION:
        raise LibraryError(
            f"The library {name} has version {version}; this Tearsheet knows versions up to {VERSION}. "
            "Use the newer Tearsheet that wrote it."
        )
    if version < VERSION and not write:
        raise LibraryError(
            f"The library {name} has version {version} and must be brought to version {VERSION} first: "
            "run `tearsheet doctor`."
        )
    for number in range(version, VERSION):
        migrate(db, number)


def migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring a library of `version` to the next one, wholly or not at all."""
    db.create_aggregate("joined", 1, _Joined)  # type: ignore[arg-type]
    # A table that is made anew is dropped first, and its rows must not take others with them.
    db.execute("PRAGMA foreign_keys = OFF")
    try:
        db.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[version]}; PRAGMA application_id = {APPLICATION}; "
            f"PRAGMA user_version = {version + 1}; COMMIT;"
        )
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
        db.execute("PRAGMA foreign_keys = ON")


class _Joined:
    """The SQL aggregate that puts blobs one behind the other, in the order in which they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def step(self, part: bytes) -> None:
        self._parts.append(part)

    def finalize(self) -> bytes:
        return b"".join(self._parts)
