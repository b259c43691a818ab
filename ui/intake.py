"""Takes what readers drop on the page into the library: files, addresses and feeds, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from rag.adding import AddReport, Progress
from rag.errors import CancelledError, TearsheetError
from rag.fetch import Fetcher
from rag.read import Unread, read_file
from rag.records import Article
from ui.alias import file_name, without_folders
from ui.work import Work

Kind = Literal["file", "page", "feed"]
NOT_READ = "not read"


@dataclass(frozen=True, slots=True)
class Given:
    """One thing that a reader gave: an uploaded file, the address of a page, or of a feed."""

    kind: Kind
    place: str

    @property
    def name(self) -> str:
        return file_name(self.place)


class Taken(NamedTuple):
    """A line of the result: what became of a file or an address, in words."""

    name: str
    outcome: str
    """added, revised, unchanged, `not read`, or how many of each."""
    reason: str = ""


class Adder(Protocol):
    """What is needed of the pipeline."""

    def add(
        self,
        sources: list[str],
        *,
        feeds: list[str],
        fetcher: Fetcher | None,
        on_progress: Progress | None,
    ) -> AddReport: ...

    def add_given(self, articles: Iterator[Article], *, on_progress: Progress | None) -> AddReport: ...


Intake = Work[Given, Taken]


def intake(adder: Adder, uploads: Path, *, fetcher: Callable[[], Fetcher] = Fetcher) -> Intake:
    """Return the work of adding. Files are taken only from the folder `uploads`, and gone afterwards."""

    def do(given: Given, work: Intake) -> Iterator[Taken]:
        def on_progress(done: int, total: int, name: str) -> None:
            far = f" ({done:,} of {total:,})" if total > 1 else ""
            work.tell(f"{given.name}{far}")

        work.tell(given.name)
        try:
            if given.kind == "file":
                yield from _take_file(adder, given, uploads, on_progress)
            else:
                pages, feeds = ([given.place], []) if given.kind == "page" else ([], [given.place])
                report = adder.add(pages, feeds=feeds, fetcher=fetcher(), on_progress=on_progress)
                yield from _told(given.name, report, report.unread)
        except CancelledError:
            yield Taken(given.name, "stopped", "What was read before stays in the library.")
            raise
        except TearsheetError as error:
            yield Taken(given.name, NOT_READ, without_folders(str(error)))

    return Work(do)


def addresses(text: str, *, feeds: bool) -> tuple[list[Given], list[Taken]]:
    """Return what the lines of `text` ask to be fetched, and those lines that are no address."""
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    kind: Kind = "feed" if feeds else "page"
    good = [Given(kind, line) for line in lines if _is_web(line)]
    reason = "An address begins with http:// or https://."
    return good, [Taken(line, NOT_READ, reason) for line in lines if not _is_web(line)]


def _is_web(line: str) -> bool:
    try:
        address = urlsplit(line)
        return address.scheme in ("http", "https") and bool(address.hostname)
    except ValueError:
        return False


def _take_file(adder: Adder, given: Given, uploads: Path, on_progress: Progress) -> Iterator[Taken]:
    path = Path(given.place)
    if not path.resolve().is_relative_to(uploads.resolve()):
        yield Taken(given.name, NOT_READ, "It was not uploaded to this page.")
        return
    unread: list[Unread] = []

    def articles() -> Iterator[Article]:
        for found in read_file(path):
            if isinstance(found, Unread):
                unread.append(found)
            else:
                # An upload stands nowhere: two files of one name are two articles, not one revised.
                yield replace(found, path="")

    try:
        report = adder.add_given(articles(), on_progress=on_progress)
    finally:
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()
    yield from _told(given.name, report, (*unread, *report.unread))


def _told(name: str, report: AddReport, unread: tuple[Unread, ...]) -> Iterator[Taken]:
    """Yield a line for what was taken, and one for each thing that was not."""
    counts = {"added": report.added, "revised": report.revised, "unchanged": report.unchanged}
    some = {word: number for word, number in counts.items() if number}
    if sum(some.values()) == 1 and not unread:
        yield Taken(name, next(iter(some)))
    elif some:
        yield Taken(name, ", ".join(f"{number:,} {word}" for word, number in some.items()))
    elif not unread:
        yield Taken(name, "nothing new")
    for each in unread:
        part = each.path.rpartition("#")[2] if "#" in each.path else ""
        where = file_name(each.path) if "://" in each.path else f"{name}, line {part}" if part else name
        yield Taken(where, NOT_READ, without_folders(each.reason))
