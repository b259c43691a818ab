"""Addresses and feeds -> Articles: what is new there since the last time, each failure a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rag.errors import ReadError
from rag.feeds import Entry, read_feed
from rag.fetch import Fetched, Fetcher
from rag.read import Unread, read_page
from rag.records import Article
from rag.subscriptions import Noted


@dataclass(frozen=True, slots=True)
class Page:
    """An article that was fetched, and what to remember of its address."""

    article: Article
    address: str
    noted: Noted
    feed: str = ""
    """The address of the feed that listed it."""


@dataclass(frozen=True, slots=True)
class Same:
    """An address that holds nothing new."""

    address: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A feed that could be read; what it lists comes after it, and then once more itself, done."""

    address: str
    title: str
    size: int
    """How many addresses will be fetched for it."""
    noted: Noted
    done: bool = False


Recall = Callable[[str], Noted]
"""What is remembered of an address."""


def read_address(
    url: str, fetcher: Fetcher, recall: Recall, *, entry: Entry | None = None, feed: Listing | None = None
) -> Page | Same | Unread:
    """Return the article at an address; what the page does not say is taken from the feed that listed it."""
    noted = recall(url)
    known = noted if noted.held else Noted()
    try:
        fetched = fetcher.fetch(url, etag=known.etag, modified=known.modified)
        if fetched.unchanged:
            return Same(url)
        article = read_page(fetched.data, fetched.kind, fetched.url)
    except ReadError as error:
        return Unread(url, str(error))
    if entry is not None and feed is not None:
        article = _completed(article, entry, feed)
    found = replace(_validators(fetched), stamp=entry.stamp if entry else noted.stamp)
    return Page(article, url, found, feed.address if feed else "")


def read_subscription(url: str, fetcher: Fetcher, recall: Recall) -> Iterator[Listing | Page | Same | Unread]:
    """Yield the feed, then what it lists that is new or that it says something else of, then the feed, done.

    An article that was removed from the library stays away until its feed says something else of it.
    """
    noted = recall(url)
    try:
        fetched = fetcher.fetch(url, etag=noted.etag, modified=noted.modified)
        if fetched.unchanged:
            return
        feed = read_feed(fetched.data, fetched.url)
    except ReadError as error:
        yield Unread(url, str(error))
        return
    changed = [entry for entry in feed.entries if recall(entry.url).stamp != entry.stamp]
    listing = Listing(url, feed.title, len(changed), _validators(fetched))
    yield listing
    read_all = True
    for entry in changed:
        found = read_address(entry.url, fetcher, recall, entry=entry, feed=listing)
        read_all = read_all and not isinstance(found, Unread)
        yield found
    # With its validators noted the feed would not be read again before it changes: what failed would wait.
    yield replace(listing, done=True, noted=listing.noted if read_all else Noted())


def _validators(fetched: Fetched) -> Noted:
    return Noted(etag=fetched.etag, modified=fetched.modified)


def _completed(article: Article, entry: Entry, feed: Listing) -> Article:
    return replace(
        article,
        title=article.title or entry.title,
        source=article.source or feed.title,
        published=article.published or entry.published,
        updated=article.updated or entry.updated,
        byline=article.byline or entry.byline,
        tags=article.tags or entry.tags,
    )
