"""A stand-in for the pipeline: canned answers behind the interface that the page uses."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from rag.errors import CancelledError
from rag.library import ALL, Filter
from rag.pipeline import Draft, Event, Found
from rag.records import Answer, Article, Citation, Claim, Hit, Passage, Rejected, Side, Support

FIRE = Article(
    id="a" * 16,
    title="Fire at the Dalby mill",
    source="The Dalby Gazette",
    url="https://gazette.example/fire",
    path="/home/reader/articles/fire.txt",
    published="2026-03-02",
    text="A fire broke out at the old mill in Dalby on Monday.\n\nTwelve people were hurt, the police said. "
    "Nobody was killed. The mill had stood empty since 1998.\n\nThe cause is not known.",
)
WARD = Article(
    id="b" * 16,
    title="Hospital treats fire victims",
    source="Radio Dalby",
    path="/home/reader/articles/ward.txt",
    published="2026-03-03T08:00:00Z",
    text="The hospital in Dalby treated 15 people after the fire. Three of them stayed overnight.",
)


def cite(article: Article, quote: str, support: Support = "supported", reason: str = "") -> Citation:
    start = article.text.index(quote)
    return Citation(article, start, start + len(quote), quote, support, reason)


def hits(*articles: Article) -> tuple[Hit, ...]:
    return tuple(Hit(Passage(article, 0, len(article.text)), 1.0) for article in articles)


POLICE = "Twelve people were hurt, the police said."
HOSPITAL = "The hospital in Dalby treated 15 people after the fire."
ANSWERED = Answer(
    question="How many people were hurt?",
    status="answered",
    claims=(
        Claim("Twelve people were hurt in the fire.", (cite(FIRE, POLICE),), by="model"),
        Claim("Nobody was killed.", (cite(FIRE, "Nobody was killed."),), by="source"),
    ),
    short="Twelve",
    hits=hits(FIRE, WARD),
    rejected=(Rejected("Ruthless and ruthless.", "says nothing of what was asked"),),
    tier="write",
)
CONFLICT = Answer(
    question="How many people were hurt?",
    status="conflict",
    sides=(Side("Twelve", (cite(FIRE, POLICE),)), Side("15", (cite(WARD, HOSPITAL),))),
    hits=hits(FIRE, WARD),
)
REFUSED = Answer(
    question="Who is the mayor?",
    status="refused",
    nearest=(cite(WARD, HOSPITAL, "unsupported"),),
    hits=hits(WARD),
)


@dataclass(frozen=True)
class Counts:
    articles: int
    passages: int = 0
    bytes: int = 0


@dataclass
class Standin:
    """Answers every question with `answer`, after `drafts` with `pause` seconds between them."""

    answer: Answer = ANSWERED
    drafts: tuple[str, ...] = ("Twelve", "Twelve people were hurt")
    pause: float = 0.0
    held: tuple[Article, ...] = (FIRE, WARD)
    by_question: dict[str, Answer] = field(default_factory=dict)
    error: Exception | None = None
    asked: list[tuple[str, Filter, tuple[Answer, ...]]] = field(default_factory=list)
    closed: int = 0
    running: int = 0

    @property
    def library(self) -> Standin:
        return self

    def counts(self) -> Counts:
        return Counts(len(self.held))

    def articles(self) -> list[Article]:
        return list(self.held)

    def ask_events(
        self,
        question: str,
        *,
        where: Filter = ALL,
        conversation: Sequence[Answer] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Generator[Event, None, None]:
        self.asked.append((question, where, tuple(conversation)))
        answer = self.by_question.get(question, self.answer)
        self.running += 1
        try:
            yield Found(answer.hits)
            if self.error is not None:
                raise self.error
            for draft in self.drafts:
                time.sleep(self.pause)
                if cancelled is not None and cancelled():
                    raise CancelledError("Stopped.")
                yield Draft(draft)
            yield answer
        finally:
            self.running -= 1
            self.closed += 1
