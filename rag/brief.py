"""A topic and the articles on it -> a briefing: one page of claims, each with its passage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from models.protocols import Embedder, Parser
from rag.amounts import figures
from rag.differ import differences
from rag.lines import Writer
from rag.people import people
from rag.points import Chooser, Pool, on_topic
from rag.records import (
    Article,
    Brief,
    Hit,
    Point,
    Section,
    SourceUse,
)
from rag.sections import alone, answer, fitting, left_open, numbers, who
from rag.standing import Standing, standings
from rag.statements import Step, gather_statements, origin_of
from rag.telling import Telling
from rag.timeline import NAMED_DAY, dated

WORDS = 600
"""Words of a briefing: its lines and the sides of its differences, not the passages under them."""
SHARES = {
    "answer": 0.12, "differences": 0.16, "people": 0.07, "figures": 0.08, "alone": 0.13, "open": 0.05,
}  # fmt: skip
SHARES_SHORT = {
    "answer": 0.24, "differences": 0.10, "people": 0.04, "figures": 0.16, "alone": 0.05, "open": 0.04,
}  # fmt: skip
"""The same below `SHORT` words."""
SHORT = 400
"""Part of the words that each section may take; the key points and the timeline get what is left."""
FEWEST_SHORT = 200
"""Words below which a briefing is a paragraph: the key points and where sources differ."""
NEWER_TITLE = 0.15
"""What the headline of the newest article has before that of the oldest, in cosines."""
LEFT_OUT = frozenset({"satire", "withdrawn"})
"""What no line is taken from; the list of sources says so."""
ABOUT = "Days marked “about” are reckoned from the day named for the briefing: the article has no date."
HEADINGS = {
    "answer": "In short",
    "points": "Key points",
    "figures": "Figures",
    "people": "Who is who",
    "alone": "What only one source says",
    "open": "What the articles do not say",
}


class Tools(Protocol):
    """The models a briefing is made with."""

    @property
    def embedder(self) -> Embedder: ...
    @property
    def parser(self) -> Parser: ...


def brief(
    topic: str,
    articles: Sequence[Article],
    tools: Tools,
    *,
    hits: Sequence[Hit] = (),
    words: int = WORDS,
    as_of: str = "",
    on_step: Step | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Brief:
    """Return the briefing on `topic` from `articles`, all in words of theirs. Raises CancelledError.

    `words` is kept to within a tenth where the articles hold that much. `as_of` (ISO 8601) stands in for
    the day of articles that give none.
    """
    standing = standings([*articles, *(hit.passage.article for hit in hits)])
    read = gather_statements(
        topic,
        [article for article in articles if standing[article.id].kind not in LEFT_OUT],
        tools.embedder,
        tools.parser,
        on_step=on_step,
        cancelled=cancelled,
    )
    if not read:
        return Brief(topic, as_of=as_of, hits=tuple(hits))
    if on_step is not None:
        on_step("weighing", 0, 1)
    read = on_topic(read)
    pool = Pool(read, frozenset(id_ for id_, each in standing.items() if each.kind == "opinion"))
    writer = Writer(pool, Chooser(pool), tools.parser, words)
    persons, counted, days = people(read), figures(read), dated(read, as_of=as_of)
    short = words < FEWEST_SHORT
    shares = SHARES if words >= SHORT else SHARES_SHORT
    room = {name: int(share * words) for name, share in shares.items()}
    differ = fitting(differences(pool, persons, days, counted), room["differences"], writer)
    first = answer(writer, room["answer"] if not short else words // 2)
    parts: dict[str, tuple[Point, ...]] = {"answer": first}
    if not short:
        parts["people"] = who(persons, differ, writer, room["people"])
        parts["open"] = left_open(read, articles, writer, room["open"])
        parts["alone"] = alone(read, writer, room["alone"])
    telling = Telling(read, days, writer, dates=not short)
    if not short:
        telling.tell(words - writer.spent - room["figures"])
        lines = [*(point.claim.text for point in first), *telling.lines]
        parts["figures"] = numbers(counted, writer, room["figures"], told=lines, shown=differ)
    telling.tell(words - writer.spent)
    parts["points"], timeline = telling.key_points(), telling.timeline()
    if on_step is not None:
        on_step("weighing", 1, 1)
    order = ("answer", "points", "figures", "people", "alone", "open")
    sections = tuple(Section(kind, HEADINGS[kind], parts[kind]) for kind in order if parts.get(kind))
    reports = [article for article in articles if standing[article.id].kind == "report"]
    headline = _headline(topic, reports, pool, tools.embedder)
    made = Brief(
        topic,
        "answered",
        headline=headline.title if headline else "",
        headline_from=headline,
        sections=sections,
        timeline=timeline,
        disagreements=differ,
        hits=tuple(hits),
        as_of=as_of,
        notes=(ABOUT,) if any(event.note == NAMED_DAY for event in timeline) else (),
    )
    return replace(made, sources=sources(made, articles, standing))


def _headline(topic: str, articles: Sequence[Article], pool: Pool, embedder: Embedder) -> Article | None:
    """The article whose title stands nearest to the topic and to what all origins tell."""
    whole = [a for a in articles if a.title and not a.title.rstrip().endswith(("…", "..."))]
    titled = whole or [article for article in articles if article.title]
    if not titled:
        return None
    rows = embedder.embed([topic, *(article.title for article in titled)], "document")
    centre = pool.vectors.mean(axis=0)
    scores = rows[1:] @ rows[0] + rows[1:] @ centre
    scores += np.array([NEWER_TITLE * pool.recency.get(article.id, 0.5) for article in titled], np.float32)
    return titled[int(scores.argmax())]


def sources(
    made: Brief, articles: Sequence[Article], standing: Mapping[str, Standing]
) -> tuple[SourceUse, ...]:
    """Return every article with the share of the lines that cite it, the most used first."""
    lines = [tuple(p.claim.citations) for section in made.sections for p in section.points]
    lines += [tuple(event.claim.citations) for event in made.timeline]
    lines += [side.citations for difference in made.disagreements for side in difference.sides]
    uses = Counter(article for line in lines for article in {citation.article.id for citation in line})
    listed = [
        SourceUse(a, origin_of(a), uses[a.id] / max(1, len(lines)), _told(standing[a.id])) for a in articles
    ]
    return tuple(sorted(listed, key=lambda use: (-use.share, use.article.published, use.article.id)))


def _told(standing: Standing) -> str:
    if standing.kind == "withdrawn" and standing.by is not None:
        return f"left out: “{standing.by.title}” withdraws or corrects it"
    return {"satire": "left out: satire", "opinion": "opinion"}.get(standing.kind, "")


__all__ = ["HEADINGS", "WORDS", "brief", "sources"]
