"""What each press in the Library tab does: values in, records of text and choices out, without gradio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rag.errors import InputError, TearsheetError
from rag.fetch import Fetcher
from rag.filters import Filter
from rag.listing import ORDERS, entries, ids, tallies
from rag.pipeline import Tearsheet
from rag.subscriptions import subscriptions
from ui import library_view as view
from ui.alias import without_folders
from ui.answers import Turn
from ui.chart import chart
from ui.intake import NOT_READ, Given, Taken, addresses, intake
from ui.shelved import quoting
from ui.sources import escape

OUTLETS = 500
"""Outlets offered to choose from."""
WORDS = 200
"""Characters of a search that are read."""

Choice = tuple[str, str]
"""A label and the id that it stands for."""


class Wish(NamedTuple):
    """What a reader wants to see, as it stands in the boxes; any of them may hold anything."""

    words: object = ""
    outlets: object = ()
    after: object = ""
    before: object = ""
    order: object = "newest"

    @property
    def sought(self) -> str:
        return str(self.words or "").strip()[:WORDS]

    @property
    def filter(self) -> Filter:
        """Raises InputError for what is no date."""
        named = tuple(map(str, self.outlets)) if isinstance(self.outlets, list | tuple) else ()
        days = (str(self.after or "").strip(), str(self.before or "").strip())
        return Filter(sources=named, after=days[0], before=days[1])


class Shelf(NamedTuple):
    """A page of the list."""

    line: str
    choices: tuple[Choice, ...] = ()
    first: int = 0
    total: int = 0
    removable: bool = False
    """Whether all that pass may be removed together."""

    @property
    def goes_on(self) -> bool:
        return self.first + len(self.choices) < self.total


class Standing(NamedTuple):
    """What is said of the library as a whole."""

    articles: int
    facts: str
    chart: str
    feeds: str
    outlets: tuple[str, ...]
    followed: bool
    """Whether there are feeds to fetch again."""


class Reading(NamedTuple):
    """An open article; `id` is empty when there is none."""

    pane: str
    id: str = ""
    copies: tuple[Choice, ...] = ()


class Desk:
    """The library of one page: what is shown of it, and the one queue of what is added to it."""

    def __init__(
        self, tearsheet: Tearsheet, uploads: Path, *, fetcher: Callable[[], Fetcher] = Fetcher
    ) -> None:
        self._tearsheet = tearsheet
        self._refused: list[Taken] = []
        self.work = intake(tearsheet, uploads, fetcher=fetcher)

    @property
    def writable(self) -> bool:
        return self._tearsheet.library.writable

    @property
    def result(self) -> str:
        """What has become of what was given to add."""
        return view.added(self.work.state, self._refused)

    def stand(self) -> Standing:
        store, counts = self._tearsheet.library.store, self._tearsheet.library.counts()
        told, followed = tallies(store), subscriptions(store)
        names = {each.source.casefold(): each.source for each in told if each.source}
        return Standing(
            counts.articles,
            view.facts(counts, len(names), len(followed), writable=self.writable),
            chart(told),
            view.feeds(followed),
            tuple(name for _, name in sorted(names.items()))[:OUTLETS],
            bool(followed),
        )

    def browse(self, wish: Wish, first: int) -> Shelf:
        """Return the page of the list that begins with its article `first`, or the last page before it."""
        store = self._tearsheet.library.store
        try:
            where = wish.filter
        except InputError as error:
            return Shelf(view.problem(str(error)))
        order = next((each for each in ORDERS if each == wish.order), ORDERS[0])
        first = max(0, first)
        found = entries(store, words=wish.sought, where=where, order=order, first=first, most=view.PAGE)
        if first and not found.entries:
            return self.browse(wish, first - view.PAGE)
        narrowed = bool(wish.sought or where)
        articles = self._tearsheet.library.counts().articles
        return Shelf(
            view.found_line(found, first, narrowed=narrowed, articles=articles),
            tuple((view.label(entry), entry.id) for entry in found.entries),
            first,
            found.total,
            narrowed and self.writable and bool(found.total),
        )

    def open(self, id_: object, turns: Sequence[Turn] = ()) -> Reading:
        """Return an article with its history, where it was cited, and the others of its origin."""
        library = self._tearsheet.library
        try:
            article = library.article(str(id_ or ""))
            revisions = library.revisions(article.id)
        except TearsheetError as error:
            return Reading(view.problem(str(error)))
        groups = library.origins([article.id]).values()
        others = tuple(other for group in groups for other in group if other != article.id)
        same = entries(library.store, where=Filter(articles=others)).entries if others else ()
        choices = tuple((view.label(entry), entry.id) for entry in same)
        briefings = quoting(self._tearsheet.settings.library, article.id)
        said = view.cited_in(article.id, briefings, turns)
        return Reading(view.article_pane(article, revisions, len(others), said), article.id, choices)

    def doubt(self, chosen: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """Return the question asked before these articles are removed, and those that are there."""
        if len(chosen) != 1:
            return view.removal("", len(chosen)), tuple(chosen)
        try:
            article = self._tearsheet.library.article(chosen[0])
        except TearsheetError as error:
            return view.problem(str(error)), ()
        return view.removal(article.title, 1), (article.id,)

    def all_of(self, wish: Wish) -> list[str]:
        """Return the ids of everything that passes; nothing when all articles would."""
        try:
            where = wish.filter
        except InputError:
            return []
        some = wish.sought or where
        return ids(self._tearsheet.library.store, words=wish.sought, where=where) if some else []

    def remove(self, chosen: Sequence[str]) -> str:
        """Remove these articles; return what is said of it."""
        try:
            self._tearsheet.remove(chosen)
        except TearsheetError as error:
            return view.problem(without_folders(str(error)))
        return view.removed(len(chosen))

    def take_files(self, files: Sequence[object]) -> None:
        """Add these uploaded files, in the background."""
        self._begin([Given("file", str(file)) for file in files], ())

    def take_addresses(self, lines: object, *, feeds: bool) -> None:
        """Fetch these addresses and add what they hold, in the background."""
        self._begin(*addresses(str(lines or ""), feeds=feeds))

    def take_feeds(self) -> None:
        """Fetch every known feed again, in the background."""
        known = subscriptions(self._tearsheet.library.store)
        self._begin([Given("feed", feed.url) for feed in known], ())

    def check(self) -> str:
        """Return which laws of the library do not hold."""
        try:
            return view.health(self._tearsheet.doctor())
        except TearsheetError as error:
            return view.problem(without_folders(str(error)))

    def _begin(self, given: Sequence[Given], refused: Sequence[Taken]) -> None:
        if not self.work.state.running:
            self._refused.clear()
        if not self.writable:
            refused = [*refused, *(Taken(each.name, NOT_READ, view.READ_ONLY) for each in given)]
            given = ()
        self._refused.extend(refused)
        self.work.start(given)


def shown_in_place(told: str) -> str:
    """Return what stands where an article is read while none is open."""
    return told or f'<p class="ts-empty">{escape(view.NOTHING_OPEN)}</p>'
