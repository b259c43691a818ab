"""Prints how fast the page in the browser is, how it bears many readers, and whether its memory stays flat.

    python -m evals.page_load [--part first|many|memory|all] [--library FOLDER] [--articles 1000] [--runs 7]
                              [--sessions 20] [--questions 500] [--seconds 330]

The parts can be run one at a time over the same `--library`. Memory is watched for `--seconds` at most; after
how many questions that was is printed.

A library of made-up reports is served by `tearsheet ui` in a process of its own and used in headless Chromium
through Playwright, as a reader would. Times are taken inside the page. It needs Chromium and Playwright.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import InputError
from rag.pipeline import Tearsheet
from rag.read import read_given
from rag.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARTICLES, RUNS, SESSIONS, QUESTIONS = 1000, 7, 20, 500
SECONDS = 330
"""Time for the questions over which memory is watched, so that the part ends within seven minutes."""
AT_ONCE = 5
"""Readers of those with an open page who ask in the same moment."""
SETTLED = 0.2
"""Share of the questions after which memory counts: models, caches and the allocator have grown by then."""
START = 120
"""Seconds within which the server must be up."""
PATIENCE = 120_000
"""Milliseconds within which an answer must be there."""

BEGAN = ("fire at the mill", "flood in the harbour", "strike at the quarry", "storm over the market", "fair")
FIRST = ("Dal", "Nor", "Hem", "Kel", "Ost", "Var", "Lin", "Mor", "Sund", "Tor", "Brek", "Fal", "Gris", "Holm")
LAST = ("by", "wick", "ford", "stad", "holt", "mere", "vik", "burg", "dale", "ness")

# Resolves to the milliseconds from pressing Enter to sources, to words and to the end, as they are shown.
WATCH = """
patience => { window.asked = new Promise((done, failed) => {
  const first = () => document.querySelector('#answers article');
  const before = first()?.id, seen = {}, began = performance.now();
  setTimeout(() => failed(new Error('No answer came.')), patience);
  const look = () => {
    const now = performance.now() - began, newest = first();
    if (!newest || newest.id === before) return;
    const words = newest.querySelector('.ts-draft, .ts-claim, .ts-quote, .ts-short, .ts-opening');
    if (!seen.sources && document.querySelector('#sources article')) seen.sources = now;
    if (!seen.words && words) seen.words = now;
    if (!document.querySelector('.ts-busy')) { seen.end = now; observer.disconnect(); done(seen); }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}); }
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _options(argv)
    if shutil.which("chromium") is None:
        raise InputError("Chromium is not installed. On Debian: `apt install chromium`.")
    with tempfile.TemporaryDirectory() as temporary:
        library = options.library or Path(temporary) / "library"
        asked = fill(library, options.articles)
        if options.part != "memory":
            print("| what | median | worst | of |\n|---|---|---|---|", flush=True)
            with _serving(library, "write") as (url, _), _chromium() as browser:
                if options.part in {"first", "all"}:
                    _print_rows(first_use(browser, url, asked, options.runs))
                if options.part in {"many", "all"}:
                    _print_rows(many(browser, url, asked, options.sessions))
        if options.part in {"memory", "all"}:
            with _serving(library, "quote") as (url, process), _chromium() as browser:
                found = memory(browser, url, process, asked, options.questions, seconds=options.seconds)
                _print_memory(found, options.questions)
    return 0


def fill(library: Path, articles: int) -> list[str]:
    """Make a library of that many reports, unless there is one; return questions that they answer."""
    draw = random.Random(7)
    places = [first + last for first in FIRST for last in LAST]
    told = [
        (draw.choice(BEGAN), place, number)
        for number in range(-(-articles // len(places)))
        for place in places
    ]
    told = told[:articles]
    with Tearsheet.open(Settings.load(library=library), write=True) as tearsheet:
        if not tearsheet.library.size:
            tearsheet.add_given(
                read_given(
                    {
                        "text": report(what, place, number, draw),
                        "title": f"{what.capitalize()} of {place}",
                        "source": f"The {place} Gazette",
                        "published": f"{2000 + number}-03-{1 + len(what) % 27:02}",
                    }
                )
                for what, place, number in told
            )
    return [f"How many people were hurt in the {what} in {place} in {2000 + n}?" for what, place, n in told]


def report(what: str, place: str, number: int, draw: random.Random) -> str:
    """Return a report of some ten sentences in which the count of the hurt stands once."""
    year, hurt, others = 2000 + number, draw.randint(3, 99), draw.sample(LAST, 4)
    rest = " ".join(
        f"Neighbours from {draw.choice(FIRST)}{one} brought {draw.randint(2, 50)} blankets and "
        f"{draw.randint(2, 9)} carts of wood before the evening of that day."
        for one in others
    )
    return (
        f"The {what} in {place} in {year} lasted until the morning.\n\n"
        f"{hurt} people were hurt in the {what} in {place} in {year}, the police said. The road to the "
        f"station was closed for {draw.randint(2, 30)} hours.\n\n{rest}\n\n"
        f"The council of {place} meets on Thursday."
    )


def first_use(browser: Browser, url: str, asked: Sequence[str], runs: int) -> dict[str, list[float]]:
    """Return seconds until the page is ready, and from a question to sources, words and the whole answer."""
    found: dict[str, list[float]] = {"page ready": []}
    for run in range(-1, runs):
        context = browser.new_context()
        page = context.new_page()
        began = time.perf_counter()
        page.goto(url)
        page.get_by_role("textbox", name="Your question").wait_for()
        ready = time.perf_counter() - began
        if run < 0:
            ask(page, asked[-1])  # The server has loaded its models once it has answered.
            context.close()
            continue
        found["page ready"].append(ready)
        for name, seconds in ask(page, asked[run * 37 % len(asked)]).items():
            found.setdefault(f"{name} after the question", []).append(seconds)
        context.close()
    return found


def ask(page: Page, question: str) -> dict[str, float]:
    """Ask and wait for the answer; return the seconds until sources, first words and the end."""
    begin(page, question)
    return end(page)


def begin(page: Page, question: str) -> None:
    """Type a question and send it."""
    box = page.get_by_role("textbox", name="Your question")
    box.fill(question)
    page.evaluate(WATCH, PATIENCE)
    box.press("Enter")


def end(page: Page) -> dict[str, float]:
    """Wait for the answer to what was begun."""
    seen: dict[str, float] = page.evaluate("() => window.asked")
    return {name: round(spent / 1000, 3) for name, spent in seen.items()}


def many(browser: Browser, url: str, asked: Sequence[str], sessions: int) -> dict[str, list[float]]:
    """Open many sessions; return how long it took, and how the page answers while some ask at once."""
    contexts = [browser.new_context() for _ in range(sessions)]
    pages, opened = [], []
    for context in contexts:
        began = time.perf_counter()
        page = context.new_page()
        page.goto(url)
        page.get_by_role("textbox", name="Your question").wait_for()
        opened.append(time.perf_counter() - began)
        pages.append(page)
    asking = pages[:AT_ONCE]
    for number, page in enumerate(asking):
        begin(page, asked[number * 11 % len(asked)])
    loads = []
    for _ in range(20):
        began = time.perf_counter()
        contexts[-1].request.get(url)
        loads.append(time.perf_counter() - began)
    began = time.perf_counter()
    pages[-1].get_by_role("tab", name="Library").click()
    pages[-1].locator("#lib-words").wait_for()
    clicked = time.perf_counter() - began
    ended = [end(page).get("end", 0.0) for page in asking]
    for context in contexts:
        context.close()
    return {
        f"page ready, {sessions} open": opened,
        f"the page again while {AT_ONCE} ask": loads,
        f"another tab while {AT_ONCE} ask": [clicked],
        f"answers when {AT_ONCE} ask at once": ended,
    }


def memory(
    browser: Browser,
    url: str,
    process: int,
    asked: Sequence[str],
    questions: int,
    *,
    seconds: float = SECONDS,
) -> list[tuple[int, float]]:
    """Ask so many questions, a new reader for every 25; return (asked, MB of the server) as it goes.

    No reader comes once so many seconds are spent.
    """
    found: list[tuple[int, float]] = []
    done, began = 0, time.monotonic()
    while done < questions and time.monotonic() - began < seconds:
        context = browser.new_context()
        page = context.new_page()
        page.goto(url)
        for _ in range(min(25, questions - done)):
            ask(page, asked[done * 7 % len(asked)])
            done += 1
        context.close()
        found.append((done, resident(process)))
    return found


def resident(process: int) -> float:
    """Return the megabytes that a process holds in memory, on Linux."""
    for line in Path(f"/proc/{process}/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise InputError(f"The process {process} has ended.")


@contextmanager
def _serving(library: Path, tier: str) -> Iterator[tuple[str, int]]:
    """Serve the page in a process of its own; yield its address and the process."""
    command = [
        sys.executable,
        "-m",
        "rag.cli",
        "ui",
        "--no-browser",
        "--port",
        "0",
        "--library",
        str(library),
    ]
    surroundings = os.environ | {"TEARSHEET_TIER": tier, "PYTHONUNBUFFERED": "1"}
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=surroundings) as server:
        try:
            said = server.stdout.readline() if server.stdout else ""
            if " at http" not in said:
                raise InputError(f"The page was not served: {said!r}.")
            if tier == "write":
                _print_row("server up", [time.perf_counter() - began])
            yield said.split(" at ")[1].split()[0], server.pid
        finally:
            server.terminate()
            server.wait(START)


@contextmanager
def _chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield running
        running.close()


def _print_rows(found: Mapping[str, Sequence[float]]) -> None:
    for name, values in found.items():
        _print_row(name, values)


def _print_row(name: str, values: Sequence[float]) -> None:
    middle = statistics.median(values)
    print(f"| {name} | {middle:.2f} s | {max(values):.2f} s | {len(values)} |", flush=True)


def _print_memory(found: Sequence[tuple[int, float]], wanted: int) -> None:
    last, most = found[-1]
    settled = next(one for one in found if one[0] >= SETTLED * last)
    short = f" Time was up before all {wanted}; --seconds gives more." if last < wanted else ""
    slope = (most - settled[1]) / max(1, last - settled[0]) * 1000
    print(
        f"\nMemory of the server in the quote tier: {settled[1]:.0f} MB after {settled[0]} questions, "
        f"{most:.0f} MB after {last}: {slope:+.0f} kB a question.{short}",
        flush=True,
    )


def _options(argv: Sequence[str] | None) -> Any:  # noqa: ANN401 - argparse
    parser = argparse.ArgumentParser(
        prog="python -m evals.page_load", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--articles", type=int, default=ARTICLES, help="articles of the library")
    parser.add_argument("--runs", type=int, default=RUNS, help="readers who open the page and ask")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="pages open at the same time")
    parser.add_argument(
        "--questions", type=int, default=QUESTIONS, help="questions over which memory is watched"
    )
    parser.add_argument(
        "--part", choices=("first", "many", "memory", "all"), default="all", help="what is timed"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time for the part on memory")
    parser.add_argument("--library", type=Path, help="keep the library here, and use it again")
    return parser.parse_args(argv)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"page_load: {error}")
