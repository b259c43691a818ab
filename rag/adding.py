"""Articles on their way into the library: several embedded together, each committed by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.protocols import Embedder
from rag.chunk import chunk
from rag.errors import InputError
from rag.library import Library
from rag.read import Unread
from rag.records import Article, Passage
from rag.subscriptions import note_fetch, subscribe
from rag.web import Listing, Page, Same

Progress = Callable[[int, int, str], None]
"""Called with articles done, articles expected in all, and the name of what is being read."""

WAVE = 8
"""Articles embedded together: passages of like length share a batch, and a kill loses no more work."""

WAVE_PASSAGES = 400
"""Passages after which a wave is full, so that long articles do not pile up in memory."""


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of the articles that were given."""

    added: int = 0
    revised: int = 0
    unchanged: int = 0
    unread: tuple[Unread, ...] = ()


class Adding:
    """One run of adding: takes what was read, in any order, and reports at the end."""

    def __init__(self, library: Library, embedder: Embedder, on_progress: Progress | None) -> None:
        self._library = library
        self._embedder = embedder
        self._on_progress = on_progress
        self._counts: Counter[str] = Counter()
        self._unread: list[Unread] = []
        self._waiting: list[tuple[Article, tuple[Passage, ...], Page | None]] = []
        self._expected = 0

    def expect(self, more: int) -> None:
        """Count on this many articles more."""
        self._expected += more

    def take(self, found: Article | Page | Same | Listing | Unread, name: str) -> None:
        """Take one thing that was read from `name`; articles are committed when a wave is full."""
        if isinstance(found, Listing):
            self._take_listing(found)
        elif isinstance(found, Unread):
            self._unread.append(found)
        elif isinstance(found, Same):
            self._counts["unchanged"] += 1
        else:
            self._take_article(found)
        if (
            sum(len(passages) for _, passages, _ in self._waiting) >= WAVE_PASSAGES
            or len(self._waiting) >= WAVE
        ):
            self.commit()
        self._tell(name)

    def add(self, article: Article, passages: tuple[Passage, ...], vectors: NDArray[np.float32]) -> None:
        """Commit an article whose vectors are known."""
        self._counts[self._library.add(article, passages, vectors)] += 1
        self._tell(article.title)

    def note_added(self, count: int) -> None:
        """Count articles that came into the library all at once."""
        self._counts["added"] += count

    def note_unchanged(self, name: str) -> None:
        """Count an article of which the library has a later text."""
        self._counts["unchanged"] += 1
        self._tell(name)

    def searchable(self, article: Article) -> tuple[tuple[Passage, ...], NDArray[np.float32]]:
        """Return the passages of an article and their vectors."""
        count = self._embedder.count_tokens
        passages = chunk(article, count_tokens=count, limit=self._embedder.window)
        return passages, self._embedder.embed([passage.text for passage in passages], "passage")

    def finish(self) -> AddReport:
        """Commit what waits and return what became of everything."""
        self.commit()
        self._expected = 0
        self._tell("")
        counts = self._counts
        return AddReport(counts["added"], counts["revised"], counts["unchanged"], tuple(self._unread))

    def _tell(self, name: str) -> None:
        if self._on_progress is not None:
            done = self._counts.total() + len(self._unread)
            self._on_progress(done, max(done, self._expected), name)

    def _take_listing(self, listing: Listing) -> None:
        if not listing.done:
            subscribe(self._library.store, listing.address, listing.title)
            self.expect(listing.size)
            return
        self.commit()
        note_fetch(self._library.store, listing.address, listing.noted)

    def _take_article(self, found: Article | Page) -> None:
        article, page = (found.article, found) if isinstance(found, Page) else (found, None)
        if self._library.holds(article):
            self._counts["unchanged"] += 1
            self._note(page)
            return
        count = self._embedder.count_tokens
        self._waiting.append((article, chunk(article, count_tokens=count, limit=self._embedder.window), page))

    def commit(self) -> None:
        """Embed and commit what waits."""
        texts = [passage.text for _, passages, _ in self._waiting for passage in passages]
        known = self._library.known_vectors(texts)
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        known |= dict(zip(fresh, self._embedder.embed(fresh, "passage"), strict=True))
        for article, passages, page in self._waiting:
            rows = [known[passage.text] for passage in passages]
            vectors = np.array(rows, np.float32).reshape(-1, self._embedder.dimensions)
            try:
                self._counts[self._library.add(article, passages, vectors)] += 1
            except InputError as error:
                self._unread.append(Unread(article.path, str(error)))
                continue
            self._note(page)
        self._waiting.clear()

    def _note(self, page: Page | None) -> None:
        if page is not None:
            place = page.article.path
            note_fetch(self._library.store, page.address, page.noted, place=place, feed=page.feed)
