"""What the library remembers of the web: its feeds, and what each address was when it was last fetched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from rag.errors import NotFoundError
from rag.store import Store


@dataclass(frozen=True, slots=True)
class Noted:
    """What is remembered of an address."""

    etag: str = ""
    modified: str = ""
    stamp: str = ""
    """What its feed said of it; empty when no feed listed it, or it was never read."""
    held: bool = False
    """Whether the article read from it is still in the library."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed that `tearsheet sync` fetches."""

    url: str
    title: str
    fetched: str
    """When it was last read through; empty when never."""
    articles: int
    """How many of the articles it listed are in the library."""


def noted(store: Store, url: str) -> Noted:
    """Return what is remembered of an address; all empty when nothing is."""
    sql = (
        "SELECT etag, modified, stamp, place IN (SELECT place FROM places) AS held FROM fetches WHERE url = ?"
    )
    for row in store.rows(sql, url):
        return Noted(row["etag"], row["modified"], row["stamp"], bool(row["held"]))
    return Noted()


def note_fetch(store: Store, url: str, found: Noted, *, place: str = "", feed: str = "") -> None:
    """Remember an address as fetched now, where its article stands and which feed listed it."""
    with store.writing() as db:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        values = (url, found.etag, found.modified, found.stamp, now, place)
        db.execute("REPLACE INTO fetches VALUES (?, ?, ?, ?, ?, ?)", values)
        both = "SELECT number, article FROM feeds, places WHERE url = ? AND place = ?"
        db.execute(f"INSERT OR IGNORE INTO listed {both}", (feed, place))


def subscriptions(store: Store) -> list[Subscription]:
    """Return every known feed, in the order in which they were added."""
    sql = """
        SELECT url, title, ifnull((SELECT fetched FROM fetches WHERE fetches.url = feeds.url), '') AS fetched,
            (SELECT count(*) FROM listed JOIN articles ON articles.number = listed.article
             WHERE feed = feeds.number AND replaced_by IS NULL) AS held
        FROM feeds ORDER BY number
    """
    return [Subscription(row["url"], row["title"], row["fetched"], row["held"]) for row in store.rows(sql)]


def subscribe(store: Store, url: str, title: str) -> None:
    """Let `tearsheet sync` fetch this feed from now on."""
    with store.writing() as db:
        db.execute("INSERT OR IGNORE INTO feeds (url, title) VALUES (?, '')", (url,))
        db.execute("UPDATE feeds SET title = ? WHERE url = ?", (title, url))


def unsubscribe(store: Store, url: str) -> None:
    """Forget a feed; the articles it listed stay. Raises NotFoundError."""
    with store.writing() as db:
        row = db.execute("SELECT number FROM feeds WHERE url = ?", (url,)).fetchone()
        if row is None:
            raise NotFoundError(f"{url!r} is no known feed. `tearsheet sync --list` shows them.")
        db.execute("DELETE FROM listed WHERE feed = ?", row[:1])
        db.execute("DELETE FROM feeds WHERE number = ?", row[:1])
        db.execute("DELETE FROM fetches WHERE url = ?", (url,))
