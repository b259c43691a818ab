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
    try:
        db.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[version]}; PRAGMA application_id = {APPLICATION}; "
            f"PRAGMA user_version = {version + 1}; COMMIT;"
        )
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
