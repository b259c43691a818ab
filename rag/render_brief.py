"""Briefings -> Markdown and lines for a terminal: the same lines in the same order in every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from urllib.parse import quote as percent

from rag.records import Brief, Citation, Event, Point, SourceUse
from rag.render import (
    Numbers,
    brief_citations,
    brief_numbers,
    brief_words,
    day_in_words,
    markdown,
    marks,
    place_of,
    safe,
    unmarked,
    verdict_in_words,
)

LONGEST_GIVER = 44
"""Characters by which an article without an outlet is called: the beginning of its title."""
NOTHING = "The articles say nothing on this topic."
ORDER = (
    "change",
    "answer",
    "points",
    "timeline",
    "ahead",
    "figures",
    "people",
    "differences",
    "alone",
    "open",
)
"""The parts of the page, from the top down."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a page: what it is about, its words, what is cited, and what a reader should know of it."""

    label: str
    text: str
    citations: tuple[Citation, ...]
    note: str = ""
    also: tuple[Citation, ...] = ()
    level: int = 0
    """1 for a line that belongs to the one above it: a side of a difference."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page."""

    kind: str
    heading: str
    rows: tuple[Row, ...]


def parts(brief: Brief) -> tuple[Part, ...]:
    """Return all the parts of a briefing, in the order of the page; every format shows these."""
    found = {
        section.kind: Part(
            section.kind,
            section.heading,
            tuple(_under_one_name(_point_row(point, brief) for point in section.points)),
        )
        for section in brief.sections
    }
    past = tuple(_event_row(event) for event in brief.timeline if not event.ahead)
    ahead = tuple(_event_row(event) for event in brief.timeline if event.ahead)
    if past:
        found["timeline"] = Part("timeline", "Timeline", past)
    if ahead:
        found["ahead"] = Part("ahead", "Expected when the articles were written", ahead)
    rows: list[Row] = []
    for difference in brief.disagreements:
        rows.append(Row(difference.about, "", ()))
        rows += [
            Row("", side.value, side.citations, note=givers(side.citations), level=1)
            for side in difference.sides
        ]
    if rows:
        found["differences"] = Part("differences", "Where sources differ", tuple(rows))
    return tuple(found[kind] for kind in ORDER if kind in found)


def _point_row(point: Point, brief: Brief) -> Row:
    several = len({use.origin for use in brief.sources}) > 1
    note = ""
    if several and point.alone:
        note = f"only {giver(point.claim.citations[0])}"
    elif several and point.origins > 1:
        note = f"{point.origins} origins"
    days = {use.article.published[:10] for use in brief.sources if use.share and use.article.published}
    day = day_in_words(point.claim.citations[0].article.published[:10])
    if len(days) > 1 and day and not point.label:
        note = ", ".join(filter(None, [note, day]))
    return Row(point.label, point.claim.text, point.claim.citations, note, point.also)


def _under_one_name(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, those that go on about the same one set under it."""
    last = ""
    for row in rows:
        again = bool(row.label) and row.label == last
        last = row.label
        yield replace(row, label="", text=shown_text(row), level=1) if again else row


def _event_row(event: Event) -> Row:
    note = "" if event.first else event.note
    return Row(when_in_words(event), event.claim.text, event.claim.citations, note)


def when_in_words(event: Event) -> str:
    """Return the date of an event: `2 December 2025`, a span of days, or the words of the article."""
    if not event.first:
        return safe(event.said)
    first = day_in_words(event.first)
    if event.last != event.first:
        return f"{first} – {day_in_words(event.last)}"
    reckoned = "" if event.certain else "about "
    return f"{reckoned}{first}"


def giver(citation: Citation) -> str:
    """Return who says it in few words: the outlet, or else the title or the file."""
    article = citation.article
    named = article.source or article.title or place_of(article)
    return safe(shorten(named, LONGEST_GIVER, placeholder=" …"))


def givers(citations: Sequence[Citation]) -> str:
    """Return who says it, each once, with the day where it is known."""
    named = (
        ", ".join(filter(None, [giver(citation), day_in_words(citation.article.published)]))
        for citation in citations
    )
    return "; ".join(dict.fromkeys(named))


def shown_text(row: Row) -> str:
    """Return the words of a line without the label that is shown before them."""
    for opening in (f"{row.label}: ", f"{row.label} "):
        if row.label and row.text.casefold().startswith(opening.casefold()):
            return row.text[len(opening) :]
    return row.text


def source_line(use: SourceUse) -> str:
    """Return an article as a line of the list of sources."""
    article = use.article
    about = [
        article.source or "outlet not stated",
        article.title,
        day_in_words(article.published) or "undated",
    ]
    return safe(", ".join(filter(None, about)))


def footer(brief: Brief) -> str:
    """Return the line under a briefing: how it was made."""
    origins = len({use.origin for use in brief.sources})
    used = sum(use.share > 0 for use in brief.sources)
    of = f"{len(brief.sources)} articles" if len(brief.sources) != 1 else "1 article"
    told = f"{brief_words(brief)} words from {of} of {origins} origin{'' if origins == 1 else 's'}"
    cited = f", {used} of them cited" if used < len(brief.sources) else ""
    by = f" Tightened by {brief.model}, each line checked against its passage." if brief.model else ""
    return f"{told}{cited}. Every line is the articles' own words, shortened at most.{by}"


def brief_to_markdown(brief: Brief) -> str:
    """Return the briefing as Markdown, with a footnote for each cited span."""
    numbers = brief_numbers(brief)
    head = [f"# {markdown(brief.headline or brief.topic)}"]
    if brief.headline:
        head.append(f"*Briefing on {markdown(brief.topic)}*")
    if brief.status == "refused":
        return "\n\n".join([*head, f"**{NOTHING}**", *(f"*{markdown(note)}*" for note in brief.notes)]) + "\n"
    blocks = [*head]
    for part in parts(brief):
        if part.kind == "answer":
            blocks.append(" ".join(_md_text(row, numbers) for row in part.rows))
            continue
        blocks.append(f"## {markdown(part.heading)}")
        blocks.append("\n".join(_md_row(row, numbers) for row in part.rows))
    blocks.append("## Sources")
    blocks.append("\n".join(_md_sources(brief)))
    blocks += [f"*{markdown(note)}*" for note in (*brief.notes, footer(brief))]
    blocks.append("\n".join(_md_footnote(citation, numbers) for citation in brief_citations(brief)))
    return "\n\n".join(blocks) + "\n"


def _md_text(row: Row, numbers: Numbers) -> str:
    return markdown(row.text) + marks(row.citations, numbers).replace("[", "[^")


def _md_row(row: Row, numbers: Numbers) -> str:
    label = f"**{markdown(row.label)}** " if row.label else ""
    said = markdown(shown_text(row)) + marks(row.citations, numbers).replace("[", "[^") if row.text else ""
    also = f"; also told by {marks(row.also, numbers).replace('[', '[^')}" if row.also else ""
    note = f" — *{markdown(row.note)}{also}*" if row.note else ""
    return f"{'  ' * row.level}- {label}{said}{note}".rstrip()


def _md_sources(brief: Brief) -> Iterator[str]:
    yield "| article | origin | part of the lines |"
    yield "|---|---|---|"
    groups = {
        origin: n for n, origin in enumerate(dict.fromkeys(use.origin for use in brief.sources), start=1)
    }
    for use in brief.sources:
        title = markdown(source_line(use))
        link = f" <{percent(use.article.url, safe=':/?&=%#@+,;~')}>" if use.article.url else ""
        yield f"| {title}{link} | {groups[use.origin]} | {use.share:.0%} |"


def _md_footnote(citation: Citation, numbers: Numbers) -> str:
    article = citation.article
    about = [
        f"*{markdown(article.source)}*" if article.source else "outlet not stated",
        markdown(article.title),
        day_in_words(article.published) or "undated",
        f"<{percent(article.url, safe=':/?&=%#@+,;~')}>" if article.url else markdown(place_of(article)),
    ]
    mark = marks([citation], numbers).replace("[", "[^")
    verdict = markdown(verdict_in_words(citation))
    return f"{mark}: “{markdown(citation.quote)}” — {', '.join(filter(None, about))} ({verdict})"


__all__ = [
    "Part", "Row", "brief_to_markdown", "footer", "giver", "givers", "parts", "shown_text", "source_line",
    "unmarked", "when_in_words",
]  # fmt: skip
