"""Values in, text out: what the Ask tab shows at every step of an answer, without gradio."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePath
from typing import NamedTuple, Protocol

from rag.errors import CancelledError, TearsheetError
from rag.library import ALL, Filter
from rag.pipeline import Event, Found, Tearsheet
from rag.records import Answer, Article
from rag.render import cited
from ui.alias import without_folders
from ui.answers import STOPPED, Turn, conversation, source_pane
from ui.sources import count, escape

log = logging.getLogger(__name__)

DRAFT_SECONDS = 0.1
"""Least time between two looks at what the model is writing."""
TURNS = 20
"""Questions kept on the page."""
LEANS_ON = 5
"""Turns that a follow-up question may lean on."""

EXAMPLES = ("How old is Jared Kushner?", "Where was Zelensky on Monday?", "Who is the mayor of Moscow?")
SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "articles"
"""The demonstration articles."""
READY = "Ready."
EMPTY_LIBRARY = (
    "The library is empty. Add articles in the Library tab or with “tearsheet add FOLDER”, then ask."
)
FAILED = "Something went wrong inside Tearsheet; the terminal it runs in shows what."


class Asker(Protocol):
    """What the page needs of the pipeline."""

    def ask_events(
        self,
        question: str,
        *,
        where: Filter = ALL,
        conversation: Sequence[Answer] = (),
        not_read: Sequence[str] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Generator[Event, None, None]:
        """Yield what was found, what is being written, and last the answer."""
        ...


class Step(NamedTuple):
    """What the page shows next; `sources` is None when they have not changed."""

    turns: tuple[Turn, ...]
    conversation: str
    sources: str | None
    status: str
    done: bool


class Asked(NamedTuple):
    """A question and the articles it is asked of."""

    question: str
    where: Callable[[], Filter] = lambda: ALL
    """Returns the filter, or raises what is wrong with it."""
    said: str = ""
    """The filter in words."""
    unread: tuple[str, ...] = ()
    """Words of the question that narrow nothing."""


def converse(
    asker: Asker,
    asked: Asked,
    turns: tuple[Turn, ...],
    *,
    articles: int,
    cancelled: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Step, None, None]:
    """Ask and yield every state of the page: at once, with the sources, while writing, with the answer.

    `articles` is how many the library holds. Whatever the pipeline raises becomes a sentence on the page;
    closing the iterator stops the model.
    """
    began = clock()
    number = turns[-1].number + 1 if turns else 1
    turn = Turn(number=number, question=asked.question.strip(), where=asked.said, unread=asked.unread)
    kept = turns[-(TURNS - 1) :]

    def step(status: str, *, sources: bool = True, done: bool = False) -> Step:
        shown = (*kept, turn)
        pane = source_pane(shown, waiting=not done) if sources else None
        line = status_line(status, busy=not done)
        return Step(shown, conversation(shown, waiting=not done), pane, line, done)

    if not articles:
        turn = replace(turn, problem=EMPTY_LIBRARY)
        yield step("Nothing to search.", done=True)
        return
    yield step(f"Searching {count(articles, 'article')}…")
    shown_at = began - DRAFT_SECONDS
    try:
        earlier = [turn.answer for turn in turns[-LEANS_ON:] if turn.answer is not None]
        answering = asker.ask_events(
            turn.question,
            where=asked.where(),
            conversation=earlier,
            not_read=asked.unread,
            cancelled=cancelled,
        )
        with closing(answering) as events:
            for event in events:
                if cancelled():
                    raise CancelledError(STOPPED)
                if isinstance(event, Found):
                    turn = replace(turn, hits=event.hits)
                    yield step(f"Reading {count(len(event.hits), 'passage')}…")
                elif isinstance(event, Answer):
                    turn = replace(turn, answer=event)
                elif clock() - shown_at >= DRAFT_SECONDS:
                    shown_at = clock()
                    turn = replace(turn, draft=event.text)
                    yield step("Writing…", sources=False)
    except CancelledError:
        turn = replace(turn, problem=STOPPED)
    except TearsheetError as error:
        turn = replace(turn, problem=without_folders(str(error)))
    except Exception:
        log.exception("asking failed")
        turn = replace(turn, problem=FAILED)
    yield step(_outcome(turn, clock() - began), done=True)


def _outcome(turn: Turn, seconds: float) -> str:
    if turn.answer is None:
        return f"{'Stopped' if turn.problem == STOPPED else 'No answer'} after {seconds:.1f} s."
    quotes = count(len(cited(turn.answer)), "quoted passage")
    words = {
        "answered": f"Answered in {seconds:.1f} s from {quotes}.",
        "partial": f"Answered in part in {seconds:.1f} s from {quotes}.",
        "conflict": f"The articles differ; done in {seconds:.1f} s with {quotes}.",
        "refused": f"No answer found in the articles; done in {seconds:.1f} s.",
    }
    return words[turn.answer.status]


# The page around the answers


def masthead(articles: int) -> str:
    """Return the name of the page and how many articles it answers from."""
    held = f"{count(articles, 'article')} in the library" if articles else EMPTY_LIBRARY
    return f'<header class="ts-masthead"><h1>Tearsheet</h1><p>{escape(held)}</p></header>'


def held(tearsheet: Tearsheet) -> int:
    """Return how many articles the library holds."""
    return int(tearsheet.library.counts().articles)


def status_line(words: str, *, busy: bool = False) -> str:
    """Return the one line that says what is going on."""
    mood = " ts-busy" if busy else ""
    return f'<p class="ts-status{mood}" role="status">{escape(words)}</p>'


def examples(articles: Sequence[Article]) -> tuple[str, ...]:
    """Return questions worth asking when the library is the demonstration library, else none."""
    folders = {PurePath(article.path).parts[-3:-1] for article in articles}
    return EXAMPLES if folders == {("seeds", "articles")} else ()
