"""RSS and Atom feeds -> what they list; knows nothing of how they are fetched."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from rag.clean import clean, iso_date, web_address
from rag.errors import ReadError

MAX_ENTRIES = 500
"""Entries of a feed that are looked at, from the top: more is an archive or an attack."""

MAX_TAGS = 100_000
"""Tags of a feed; one with more is not read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One article that a feed lists."""

    url: str
    title: str
    published: str
    updated: str
    byline: str
    tags: tuple[str, ...]
    stamp: str
    """Changes when the feed says anything else of the article."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as it was read."""

    title: str
    entries: tuple[Entry, ...]


def read_feed(data: bytes, url: str) -> Feed:
    """Return what the feed lists, each address once; raise ReadError when it is neither RSS nor Atom."""
    import feedparser

    if data.count(b"<") > MAX_TAGS:
        raise ReadError(f"The feed has more than {MAX_TAGS:,} tags.")
    try:
        # A stream, for feedparser would take a short string for an address or a file to open.
        found = feedparser.parse(io.BytesIO(data), response_headers={"content-location": url})
    except Exception as error:  # whatever a parser raises on hostile input is one bad feed
        raise ReadError(f"The feed cannot be parsed ({type(error).__name__}).") from error
    if not found.get("version"):
        raise ReadError("It is no RSS or Atom feed. Name the feed itself, not a page that links to it.")
    entries: dict[str, Entry] = {}
    for row in found.entries[:MAX_ENTRIES]:
        entry = _entry(row, url)
        if entry.url:
            entries.setdefault(entry.url, entry)
    return Feed(_words(found.feed, "title") or url, tuple(entries.values()))


def _entry(row: Mapping[str, Any], url: str) -> Entry:
    published, updated = iso_date(row.get("published")), iso_date(row.get("updated"))
    said = [_words(row, "id"), _words(row, "title"), str(row.get("published")), str(row.get("updated"))]
    said += [_words(row, "summary")]
    return Entry(
        url=web_address(urljoin(url, str(row.get("link") or ""))),
        title=_words(row, "title"),
        published=published or updated,
        updated=updated if updated > published else "",
        byline=_words(row, "author"),
        tags=tuple(filter(None, (_words(tag, "term") for tag in (row.get("tags") or [])[:20]))),
        stamp=hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:16],
    )


def _words(row: Mapping[str, Any], name: str) -> str:
    return " ".join(clean(str(row.get(name) or "")[:2_000]).split())[:300]
