"""The records that flow through the pipeline: frozen values, no behaviour beyond derived properties."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Support = Literal["supported", "partly", "contradicted", "unsupported"]
Status = Literal["answered", "partial", "conflict", "refused"]
Tier = Literal["quote", "write", "compose"]
WordedBy = Literal["model", "source"]
Care = Literal["strict", "usual", "lenient"]
"""How sure an answer must be to be given: three points on the curve of answers against mistakes."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article as stored. `text` is never changed after reading; offsets point into it."""

    id: str
    """First 16 hex digits of the SHA-256 of `text` (UTF-8)."""
    text: str
    title: str = ""
    source: str = ""
    """The outlet, as the article states it; empty when it does not."""
    url: str = ""
    path: str = ""
    """The file or URL it came from."""
    byline: str = ""
    published: str = ""
    """ISO 8601 date or time; empty when the article gives none."""
    updated: str = ""
    fetched: str = ""
    origin: str = ""
    """The id of the group of near-copies it belongs to; empty until grouped."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """Whole sentences of one article: `text` is `article.text[start:end]`, always."""

    article: Article
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.article.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a query."""

    passage: Passage
    score: float
    """Fused score; larger is better, comparable only within one query."""
    why: tuple[tuple[str, float], ...] = ()
    """What each leg said, e.g. `(("lexical", 7.2), ("dense", 0.61))`."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One quoted span: `quote` is `article.text[start:end]`, always."""

    article: Article
    start: int
    end: int
    quote: str
    support: Support = "supported"
    reason: str = ""
    """Why the verdict is not `supported`, in words a reader understands."""

    def __post_init__(self) -> None:
        if self.article.text[self.start : self.end] != self.quote:
            raise ValueError(f"citation {self.article.id}[{self.start}:{self.end}] is not its quote")


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of ours and what it leans on."""

    text: str
    citations: tuple[Citation, ...]
    by: WordedBy = "source"


@dataclass(frozen=True, slots=True)
class Side:
    """One of several values that the articles give for the same thing."""

    value: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A sentence the model wrote that verification did not let through."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What a follow-up question may lean on: a question asked before it and what was answered."""

    question: str
    """Self-contained."""
    short: str = ""
    said: str = ""
    """The claims of the answer."""
    context: str = ""
    """The texts it was taken from, which tell whether a name is a man's or a woman's."""


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """A filter that the words of a question ask for, e.g. "last week" or "according to the Times"."""

    kind: Literal["outlet", "published", "latest"]
    first: str
    """The outlet, several of one name by line; or the first day, ISO 8601."""
    last: str
    """The last day; empty when there is none."""
    said: str
    """The words of the question that it came from."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the articles say to one question."""

    question: str
    status: Status
    claims: tuple[Claim, ...] = ()
    short: str | None = None
    """The shortest exact span of the first citation that answers, or None."""
    sides: tuple[Side, ...] = ()
    nearest: tuple[Citation, ...] = ()
    """Shown when refused: the passages that came closest."""
    confidence: float = 0.0
    """Estimated chance, 0 to 1, that the evidence answers the question."""
    hits: tuple[Hit, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    """Things the reader should know, e.g. that no model could be loaded."""
    model: str = ""
    tier: Tier = "quote"
    seconds: dict[str, float] = field(default_factory=dict)
    asked_as: str = ""
    """The self-contained question that a follow-up was read as; empty when it was asked as it stands."""
    filters: tuple[ReadFilter, ...] = ()
    """What its words narrowed the articles to; empty too when that left no answer and all were asked."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One sentence of a draft and what the articles say of it."""

    text: str
    start: int
    """Where it stands in the draft, in characters."""
    end: int
    kind: Literal["claim", "quotation", "none"]
    """`none` for what claims nothing: a heading, a question, a few words."""
    support: Support | None = None
    """None when it claims nothing."""
    reason: str = ""
    citations: tuple[Citation, ...] = ()
    """The words that say so, or otherwise, or that come nearest; the most telling first."""


@dataclass(frozen=True, slots=True)
class Check:
    """A draft, sentence by sentence."""

    sentences: tuple[Checked, ...]
    written: str = ""
    """The day that "yesterday" is reckoned from, ISO 8601."""
    notes: tuple[str, ...] = ()

    def count(self, support: Support) -> int:
        return sum(each.support == support for each in self.sentences)

    @property
    def sound(self) -> bool:
        """Whether nothing is contradicted or unsupported."""
        return not self.count("contradicted") and not self.count("unsupported")


@dataclass(frozen=True, slots=True)
class Point:
    """One line of a briefing: a claim and how widely it is told."""

    claim: Claim
    label: str = ""
    """What the line is about, where a section lists things: a person, a figure."""
    origins: int = 1
    """Independent origins that tell it, near-copies counted once."""
    alone: bool = False
    """Whether only one of several origins tells it."""
    also: tuple[Citation, ...] = ()
    """Where others tell the same in words that do not hold all of the claim."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a briefing; `kind` is stable, the heading is for people."""

    kind: str
    heading: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a timeline."""

    first: str
    """ISO 8601 day, month or year; empty when no article lets it be told."""
    last: str
    """The end of a span; otherwise the same as `first`."""
    said: str
    """The words of the article for it, e.g. `Tuesday`."""
    certain: bool
    """Whether the article states it, or it was reckoned from the day the article was published."""
    ahead: bool
    """Whether it was still to come when the article was written."""
    claim: Claim
    note: str = ""
    """What a reader should know of the date, e.g. that another article gives another."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the articles tell differently."""

    about: str
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class SourceUse:
    """An article that a briefing was made from."""

    article: Article
    origin: str
    share: float
    """Part of the briefing's lines that cite it, 0 to 1."""
    note: str = ""
    """Why it was left out or counts for less, e.g. that it is satire."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What the articles say on a topic, every line with its passage."""

    topic: str
    status: Literal["answered", "refused"] = "refused"
    headline: str = ""
    """The title of the article that stands nearest to all; taken, never made."""
    headline_from: Article | None = None
    sections: tuple[Section, ...] = ()
    timeline: tuple[Event, ...] = ()
    disagreements: tuple[Difference, ...] = ()
    sources: tuple[SourceUse, ...] = ()
    hits: tuple[Hit, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    as_of: str = ""
    since: str = ""
    """When the briefing that this one was compared with was made."""
    model: str = ""
    tier: Tier = "quote"
    seconds: dict[str, float] = field(default_factory=dict)
