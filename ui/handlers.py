"""Values in, text out: what the page shows at every step of an answer, without gradio."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import NamedTuple, Protocol

from rag.errors import CancelledError, TearsheetError
from rag.pipeline import Event, Found
from rag.records import Answer, Article, Citation, Claim, Hit, Rejected, Side
from rag.render import OPENINGS, Numbers, citation_numbers, cited, is_verbatim, unmarked
from ui.sources import byline, citation_mark, clip, escape, found_card, source_card, verdict

log = logging.getLogger(__name__)

DRAFT_SECONDS = 0.1
"""Least time between two looks at what the model is writing."""
TURNS = 20
"""Questions kept on the page."""

EXAMPLES = ("How old is Jared Kushner?", "Where was Zelensky on Monday?", "Who is the mayor of Moscow?")
READY = "Ready."
WELCOME = "Ask a question. Every sentence of the answer names the passage that says so."
NO_SOURCES = "The passages an answer leans on stand here, with the quoted words marked."
EMPTY_LIBRARY = "The library is empty. Add articles with “tearsheet add FOLDER”, then ask."
STOPPED = "Stopped before the answer was checked."
FAILED = "Something went wrong inside Tearsheet; the terminal it runs in shows what."


class Asker(Protocol):
    """What the page needs of the pipeline."""

    def ask_events(
        self, question: str, *, cancelled: Callable[[], bool] | None = None
    ) -> Generator[Event, None, None]:
        """Yield what was found, what is being written, and last the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One question on the page and what has become of it so far."""

    number: int
    question: str
    hits: tuple[Hit, ...] = ()
    draft: str = ""
    answer: Answer | None = None
    problem: str = ""
    """Why there is no answer, as a sentence for the reader."""


class Step(NamedTuple):
    """What the page shows next; `sources` is None when they have not changed."""

    turns: tuple[Turn, ...]
    conversation: str
    sources: str | None
    status: str
    done: bool


def converse(
    asker: Asker,
    question: str,
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
    turn = Turn(number=turns[-1].number + 1 if turns else 1, question=question.strip())
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
        with closing(asker.ask_events(turn.question, cancelled=cancelled)) as events:
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
        turn = replace(turn, problem=str(error))
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


def status_line(words: str, *, busy: bool = False) -> str:
    """Return the one line that says what is going on."""
    mood = " ts-busy" if busy else ""
    return f'<p class="ts-status{mood}" role="status">{escape(words)}</p>'


def examples(articles: Sequence[Article]) -> tuple[str, ...]:
    """Return questions worth asking when the library is the demonstration library, else none."""
    folders = {PurePath(article.path).parts[-3:-1] for article in articles}
    return EXAMPLES if folders == {("seeds", "articles")} else ()


def count(number: int, noun: str) -> str:
    """Return e.g. `1 article`, `1,038 articles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# The conversation, newest first


def conversation(turns: Sequence[Turn], *, waiting: bool = False) -> str:
    """Return the answers, newest first; `waiting` says that the newest is not there yet."""
    if not turns:
        return f'<p class="ts-empty">{WELCOME}</p>'
    earlier = "".join(_turn(turn, waiting=False) for turn in reversed(turns[:-1]))
    return _turn(turns[-1], waiting=waiting) + earlier


def _turn(turn: Turn, *, waiting: bool) -> str:
    if turn.answer is not None:
        body = answer_body(turn.answer, turn.number)
    elif waiting:
        body = _draft(turn, "Draft, not checked yet")
    else:
        body = f'<p class="ts-problem">{escape(turn.problem or STOPPED)}</p>{_draft(turn, "Not checked")}'
    question = f'<h2 dir="auto">{escape(clip(turn.question, 600)) or "(no question)"}</h2>'
    return f'<article class="ts-turn" id="turn-{turn.number}" tabindex="-1">{question}{body}</article>'


def _draft(turn: Turn, label: str) -> str:
    if not turn.draft:
        return ""
    return f'<p class="ts-label">{label}</p><p class="ts-draft" dir="auto">{escape(turn.draft)}</p>'


def answer_body(answer: Answer, turn: int) -> str:
    """Return a verified answer: its claims, each over the quoted source sentence and the verdict in words."""
    numbers = citation_numbers(answer)
    opening = OPENINGS[answer.status]
    parts = [f'<p class="ts-opening ts-{answer.status}">{opening}</p>'] if opening else []
    if answer.short and answer.claims and is_verbatim(answer.claims[0]):
        parts.append(f'<p class="ts-short" dir="auto">{escape(answer.short)}</p>')
    parts.append(_sides(answer.sides, numbers, turn))
    parts.extend(_claim(claim, numbers, turn) for claim in answer.claims)
    parts.append(_nearest(answer.nearest, numbers, turn))
    parts.extend(f'<p class="ts-note">{escape(note)}</p>' for note in answer.notes)
    return "".join(parts) + _set_aside(answer.rejected)


def _claim(claim: Claim, numbers: Numbers, turn: int) -> str:
    if is_verbatim(claim):
        return _quotes(claim.citations, numbers, turn, lead=True)
    marks = " ".join(citation_mark(citation, numbers, turn) for citation in claim.citations)
    text = f'<p class="ts-claim" dir="auto">{escape(unmarked(claim.text))} {marks}</p>'
    return text + _quotes(claim.citations, numbers, turn)


def _quotes(citations: Sequence[Citation], numbers: Numbers, turn: int, *, lead: bool = False) -> str:
    large = " ts-lead" if lead else ""
    return "".join(
        f'<blockquote class="ts-quote{large}"><p dir="auto">{escape(citation.quote)}</p>'
        f'<p class="ts-from">{byline(citation.article)} {citation_mark(citation, numbers, turn)} '
        f"{verdict(citation)}</p></blockquote>"
        for citation in citations
    )


def _sides(sides: Sequence[Side], numbers: Numbers, turn: int) -> str:
    columns = "".join(
        f'<section class="ts-side"><h3 dir="auto">{escape(side.value)}</h3>'
        f"{_quotes(side.citations, numbers, turn)}</section>"
        for side in sides
    )
    return f'<div class="ts-sides">{columns}</div>' if sides else ""


def _nearest(nearest: Sequence[Citation], numbers: Numbers, turn: int) -> str:
    items = "".join(
        f'<li><span dir="auto">{escape(clip(citation.quote, 220))}</span> <span class="ts-from">'
        f"{byline(citation.article)} {citation_mark(citation, numbers, turn)}</span></li>"
        for citation in nearest
    )
    return f'<p class="ts-label">The nearest passages</p><ul class="ts-nearest">{items}</ul>' if items else ""


def _set_aside(rejected: Sequence[Rejected]) -> str:
    items = "".join(
        f'<li><span dir="auto">{escape(sentence.text)}</span> <em>{escape(sentence.reason)}</em></li>'
        for sentence in rejected
    )
    said = f"{count(len(rejected), 'sentence')} of the model set aside"
    return f'<details class="ts-aside"><summary>{said}</summary><ul>{items}</ul></details>' if items else ""


# The sources beside it


def source_pane(turns: Sequence[Turn], *, waiting: bool = False) -> str:
    """Return the source cards: those of the newest question open, the earlier ones folded."""
    if not turns:
        return f'<h2 class="ts-pane">Sources</h2><p class="ts-empty">{NO_SOURCES}</p>'
    name = "Passages found" if waiting else "Sources"
    parts = [f'<h2 class="ts-pane">{name}</h2>', _cards(turns[-1], newest=True)]
    for turn in reversed(turns[:-1]):
        cards = _cards(turn, newest=False)
        summary = f"Sources for “{escape(clip(turn.question, 80))}”"
        folded = f'<details class="ts-earlier"><summary>{summary}</summary>{cards}</details>'
        parts.append(folded if cards else "")
    return "".join(parts)


def _cards(turn: Turn, *, newest: bool) -> str:
    """Return the cited cards of a question; of the newest also what else was found."""
    if turn.answer is None:
        return "".join(found_card(hit) for hit in turn.hits)
    citations = cited(turn.answer)
    numbered = enumerate(citations, start=1)
    cards = "".join(source_card(citation, turn.number, n, whole=newest) for n, citation in numbered)
    others = [hit for hit in turn.hits if not any(_covers(hit, citation) for citation in citations)]
    if newest and others:
        found = "".join(found_card(hit) for hit in others)
        summary = f"{count(len(others), 'other passage')} read"
        cards += f'<details class="ts-more"><summary>{summary}</summary>{found}</details>'
    return cards


def _covers(hit: Hit, citation: Citation) -> bool:
    passage = hit.passage
    return passage.article.id == citation.article.id and passage.start <= citation.start < passage.end
