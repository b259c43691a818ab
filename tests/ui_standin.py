"""A stand-in for the pipeline: canned answers behind the interface that the page uses."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rag.errors import CancelledError
from rag.library import ALL, Filter
from rag.pipeline import Draft, Event, Found
from rag.records import (
    Answer,
    Article,
    Brief,
    Citation,
    Claim,
    Difference,
    Hit,
    Passage,
    Point,
    Rejected,
    Section,
    Side,
    SourceUse,
    Support,
)
from rag.records import Event as Happened

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


def brief_of(article: Article, line: str, other: Article, against: str) -> Brief:
    """A briefing with a line of every kind."""
    told, differs = Claim(line, (cite(article, line),)), Claim(against, (cite(other, against),))
    return Brief(
        topic="the Dalby fire",
        status="answered",
        headline=article.title,
        headline_from=article,
        sections=(
            Section("answer", "The short answer", (Point(told, origins=2, also=(cite(other, against),)),)),
            Section("points", "Key points", (Point(differs, label="Hospital", alone=True),)),
        ),
        timeline=(Happened("2026-03-02", "2026-03-02", "Monday", True, False, told),),
        disagreements=(
            Difference("hurt", (Side(line, (cite(article, line),)), Side(against, (cite(other, against),)))),
        ),
        sources=(SourceUse(article, article.id, 0.5), SourceUse(other, other.id, 0.5, "an example")),
        notes=("A note.",),
    )


BRIEF = brief_of(FIRE, POLICE, WARD, HOSPITAL)


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
    not_read: tuple[str, ...] = ()
    briefed: list[tuple[str, int, Filter, bool]] = field(default_factory=list)
    closed: int = 0
    running: int = 0

    briefs: dict[str, Brief] = field(default_factory=dict)
    real: Any = None
    """An open Tearsheet, for all that is not asked or briefed."""

    def __getattr__(self, name: str) -> Any:
        if name == "real" or self.real is None:
            raise AttributeError(name)
        return getattr(self.real, name)

    @property
    def library(self) -> Any:
        return self.real.library if self.real else self

    def brief(
        self,
        topic: str = "",
        *,
        words: int = 600,
        where: Filter = ALL,
        as_of: str = "",
        since_last: bool = False,
        on_step: Callable[[str, int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Brief:
        self.briefed.append((topic, words, where, since_last))
        self.running += 1
        try:
            if self.error is not None:
                raise self.error
            for n in range(len(self.drafts)):
                time.sleep(self.pause)
                if cancelled is not None and cancelled():
                    raise CancelledError("Stopped.")
                if on_step is not None:
                    on_step("reading", n, len(self.drafts))
            return self.briefs.get(topic, BRIEF)
        finally:
            self.running -= 1

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
        not_read: Sequence[str] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Generator[Event, None, None]:
        self.asked.append((question, where, tuple(conversation)))
        self.not_read = tuple(not_read)
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
