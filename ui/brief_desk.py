"""What the Briefing tab does at every step of making a page, without gradio."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import NamedTuple, Protocol

from rag.brief_command import as_bytes
from rag.errors import CancelledError, TearsheetError
from rag.library import ALL, Filter
from rag.records import Brief
from rag.render import brief_words
from rag.statements import Step as OnStep
from ui.alias import without_folders
from ui.briefing import brief_page, brief_sources, progress
from ui.exports import save
from ui.handlers import FAILED, status_line
from ui.sources import count, escape

log = logging.getLogger(__name__)

LENGTHS = {"Short": 250, "Standard": 600, "Long": 1200}
"""Words of a briefing, by what the page calls its length."""
FORMATS = {"md": "Markdown", "html": "Web page", "docx": "Word", "pdf": "PDF", "json": "JSON"}
LOOK = 0.2
"""Seconds between two looks at how far the work has come."""
STOPPED = "Stopped; nothing of it is kept."


class Briefer(Protocol):
    """What the tab needs of the pipeline."""

    def brief(
        self,
        topic: str = "",
        *,
        words: int = ...,
        where: Filter = ALL,
        as_of: str = "",
        since_last: bool = False,
        on_step: OnStep | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Brief:
        """Return the briefing on a topic, or on the articles that `where` names."""
        ...


class Wish(NamedTuple):
    """What a reader asked for."""

    topic: str = ""
    articles: tuple[str, ...] = ()
    length: str = "Standard"
    since_last: bool = False


class Made(NamedTuple):
    """What the tab shows next; `sources` is None when they have not changed."""

    page: str
    sources: str | None
    status: str
    brief: Brief | None = None
    done: bool = False


def make(
    briefer: Briefer,
    wish: Wish,
    narrowed: Callable[[], Filter],
    *,
    stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Made, None, None]:
    """Make a briefing in a thread and yield how far it is, last the page. Closing it stops the work.

    Whatever the pipeline raises becomes a sentence on the page; `stop` ends the work at the next sentence.
    """
    began = clock()
    at: list[tuple[str, int, int]] = [("finding", 0, 0)]
    outcome: list[Brief | str] = []

    def step(stage: str, done: int, total: int) -> None:
        at[0] = (stage, done, total)

    def work() -> None:
        try:
            where = narrowed()
            where = replace(where, articles=wish.articles) if wish.articles else where
            made = briefer.brief(
                wish.topic.strip(),
                words=LENGTHS.get(wish.length, LENGTHS["Standard"]),
                where=where,
                as_of=where.as_of,
                since_last=wish.since_last,
                on_step=step,
                cancelled=stop.is_set,
            )
            outcome.append(made)
        except CancelledError:
            outcome.append(STOPPED)
        except TearsheetError as error:
            outcome.append(without_folders(str(error)))
        except Exception:
            log.exception("a briefing failed")
            outcome.append(FAILED)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    shown: tuple[str, int, int] | None = None
    try:
        while worker.is_alive():
            if at[0] != shown:
                shown = at[0]
                yield Made(progress(*shown), None, status_line("Making the briefing…", busy=True))
            worker.join(LOOK)
    finally:
        stop.set()
        worker.join()
    if outcome and isinstance(outcome[0], Brief) and clock() >= began:
        yield _finished(outcome[0], clock() - began)
        return
    problem = str(outcome[0]) if outcome else FAILED
    said = f'<p class="ts-problem">{escape(problem)}</p>'
    yield Made(said, "", status_line("No briefing."), done=True)


def _finished(brief: Brief, seconds: float) -> Made:
    told = f"{count(brief_words(brief), 'word')} from {count(len(brief.sources), 'article')}"
    line = f"Made in {seconds:.1f} s: {told}." if brief.status == "answered" else "Nothing found on this."
    kept = brief if brief.status == "answered" else None
    return Made(brief_page(brief), brief_sources(brief), status_line(line), kept, done=True)


def files(brief: Brief) -> list[str]:
    """Write the briefing in every format; return the paths in the order of FORMATS."""
    name = re.sub(r"[^\w]+", "-", brief.topic.casefold())[:48].strip("-") or "topic"
    return [str(save(f"briefing-{name}.{kind}", as_bytes(brief, kind))) for kind in FORMATS]
