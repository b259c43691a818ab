"""Answers and articles -> JSON and Markdown; the only place that numbers citations.

Article text is data: nothing in it becomes markup, a citation mark or a command to a terminal.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote as percent

from rag.records import Answer, Article, Brief, Citation, Claim, Point, Status, Support

REFUSAL = "The articles do not say."

OPENINGS: dict[Status, str] = {
    "answered": "",
    "partial": "The articles answer only a part of this.",
    "conflict": "The articles differ.",
    "refused": REFUSAL,
}
"""What is said before the claims, by the status of the answer."""

VERDICTS: dict[Support, str] = {
    "supported": "the passage says so",
    "partly": "the passage says part of this",
    "contradicted": "the passage says otherwise",
    "unsupported": "the passage does not say this",
}

Numbers = dict[tuple[str, int, int], int]
"""The number of each cited span, by article id, start and end."""

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def citation_numbers(answer: Answer) -> Numbers:
    """Return the number of each cited span, in order of appearance: claims, then sides, then nearest."""
    return {_span(citation): number for number, citation in enumerate(cited(answer), start=1)}


def cited(answer: Answer) -> list[Citation]:
    """Return the citations of the answer in the order of their numbers, each span once."""
    spans: dict[tuple[str, int, int], Citation] = {}
    of_claims = (citation for claim in answer.claims for citation in claim.citations)
    of_sides = (citation for side in answer.sides for citation in side.citations)
    for citation in (*of_claims, *of_sides, *answer.nearest):
        spans.setdefault(_span(citation), citation)
    return list(spans.values())


def marks(citations: Sequence[Citation], numbers: Numbers) -> str:
    """Return the marks of some citations, e.g. `[1][3]`."""
    return "".join(dict.fromkeys(f"[{numbers[_span(citation)]}]" for citation in citations))


def unmarked(text: str) -> str:
    """Return `text` with what only looks like a mark, such as `[1]`, as `(1)`."""
    return re.sub(r"\[(\d+)\]", r"(\1)", text)


def answer_text(answer: Answer) -> str:
    """Return the whole answer as one text, each claim followed by its marks; every mark is a real one."""
    numbers = citation_numbers(answer)

    def marked(text: str, citations: Sequence[Citation]) -> str:
        return f"{unmarked(text)} {marks(citations, numbers)}".strip()

    if answer.claims:
        return " ".join(marked(claim.text, claim.citations) for claim in answer.claims)
    if answer.sides:
        sides = "; ".join(marked(side.value, side.citations) for side in answer.sides)
        return f"The articles differ: {sides}."
    return OPENINGS[answer.status]


def answer_to_json(answer: Answer) -> dict[str, object]:
    """Return the answer in the form that `tearsheet ask --json` promises."""
    numbers = citation_numbers(answer)

    def listed(citations: Sequence[Citation]) -> list[dict[str, object]]:
        return [_citation_to_json(citation, numbers[_span(citation)]) for citation in citations]

    return {
        "question": answer.question,
        "asked_as": answer.asked_as or None,
        "filters": [
            {"kind": each.kind, "first": each.first or None, "last": each.last or None, "said": each.said}
            for each in answer.filters
        ],
        "status": answer.status,
        "answer": answer_text(answer),
        "short": answer.short,
        "claims": [
            {"text": claim.text, "by": claim.by, "citations": listed(claim.citations)}
            for claim in answer.claims
        ],
        "sides": [{"value": side.value, "citations": listed(side.citations)} for side in answer.sides],
        "nearest": listed(answer.nearest),
        "confidence": round(answer.confidence, 4),
        "rejected": [{"text": rejected.text, "reason": rejected.reason} for rejected in answer.rejected],
        "notes": list(answer.notes),
        "model": {"name": answer.model, "tier": answer.tier},
        "seconds": {"retrieve": 0.0, "answer": 0.0}
        | {stage: round(seconds, 4) for stage, seconds in answer.seconds.items()},
    }


def brief_citations(brief: Brief) -> list[Citation]:
    """Return the cited spans of a briefing in the order of their numbers, each once."""
    spans: dict[tuple[str, int, int], Citation] = {}
    points = [point for section in brief.sections for point in section.points]
    of_lines = [
        *(citation for point in points for citation in point.claim.citations),
        *(citation for event in brief.timeline for citation in event.claim.citations),
        *(citation for differ in brief.disagreements for side in differ.sides for citation in side.citations),
    ]
    for citation in (*of_lines, *(citation for point in points for citation in point.also)):
        spans.setdefault(_span(citation), citation)
    return list(spans.values())


def brief_numbers(brief: Brief) -> Numbers:
    """Return the number of each cited span of a briefing."""
    return {_span(citation): number for number, citation in enumerate(brief_citations(brief), start=1)}


def brief_words(brief: Brief) -> int:
    """Return the words of a briefing: its lines and the sides of its differences."""
    own = (section for section in brief.sections if section.kind != "change")
    texts = [point.claim.text for section in own for point in section.points]
    texts += [event.claim.text for event in brief.timeline]
    texts += [side.value for difference in brief.disagreements for side in difference.sides]
    return sum(len(text.split()) for text in texts)


def brief_to_json(brief: Brief) -> dict[str, object]:
    """Return the briefing in the form that `tearsheet brief --json` promises."""
    numbers = brief_numbers(brief)

    def listed(citations: Sequence[Citation]) -> list[dict[str, object]]:
        return [_citation_to_json(citation, numbers[_span(citation)]) for citation in citations]

    def claimed(claim: Claim) -> dict[str, object]:
        return {"text": claim.text, "by": claim.by, "citations": listed(claim.citations)}

    def pointed(point: Point) -> dict[str, object]:
        told = {"label": point.label, "origins": point.origins, "alone": point.alone}
        return claimed(point.claim) | told | {"also": listed(point.also)}

    of = brief.headline_from
    return {
        "topic": brief.topic,
        "status": brief.status,
        "headline": {"text": brief.headline, "article": of.id, "source": of.source} if of else None,
        "words": brief_words(brief),
        "as_of": brief.as_of,
        "since": brief.since,
        "sections": [
            {"kind": part.kind, "heading": part.heading, "claims": [pointed(point) for point in part.points]}
            for part in brief.sections
        ],
        "timeline": [
            {
                "date": event.first,
                "last": event.last,
                "said": event.said,
                "certain": event.certain,
                "ahead": event.ahead,
                "note": event.note,
                "claim": claimed(event.claim),
            }
            for event in brief.timeline
        ],
        "disagreements": [
            {
                "about": differ.about,
                "sides": [
                    {"value": side.value, "citations": listed(side.citations)} for side in differ.sides
                ],
            }
            for differ in brief.disagreements
        ],
        "sources": [
            article_to_json(use.article, text=False) | {"origin": use.origin, "share": round(use.share, 4)}
            for use in brief.sources
        ],
        "rejected": [{"text": rejected.text, "reason": rejected.reason} for rejected in brief.rejected],
        "notes": list(brief.notes),
        "model": {"name": brief.model, "tier": brief.tier},
        "seconds": {stage: round(seconds, 4) for stage, seconds in brief.seconds.items()},
    }


def article_to_json(article: Article, *, text: bool = True) -> dict[str, object]:
    """Return every field of the article; `start` and `end` of a citation count characters of its `text`."""
    fields = {name: getattr(article, name) for name in Article.__dataclass_fields__}
    fields["tags"] = list(article.tags)
    return fields if text else {name: value for name, value in fields.items() if name != "text"}


def answer_to_markdown(answer: Answer) -> str:
    """Return the answer as Markdown, with a footnote for each cited span."""
    numbers = citation_numbers(answer)

    def noted(text: str, citations: Sequence[Citation]) -> str:
        return markdown(text) + marks(citations, numbers).replace("[", "[^")

    parts = [f"## {markdown(answer.question)}"]
    if answer.asked_as:
        parts.append(f"*Asked as: {markdown(answer.asked_as)}*")
    if answer.filters:
        parts.append(f"*Only {markdown(filters_in_words(answer))}*")
    if OPENINGS[answer.status]:
        parts.append(f"**{OPENINGS[answer.status]}**")
    if answer.claims:
        parts.append(" ".join(noted(claim.text, claim.citations) for claim in answer.claims))
    if answer.sides:
        parts.append("\n".join(f"- {noted(side.value, side.citations)}" for side in answer.sides))
    if answer.nearest:
        nearest = (f"- {noted(f'“{citation.quote}”', [citation])}" for citation in answer.nearest)
        parts.append("The nearest passages:\n\n" + "\n".join(nearest))
    parts.extend(f"*{markdown(note)}*" for note in answer.notes)
    parts.append("\n".join(_footnote(citation, answer, numbers) for citation in cited(answer)))
    return "\n\n".join(filter(None, parts)) + "\n"


def markdown(text: str) -> str:
    """Return `text` as one line of plain words: whatever Markdown or HTML would act on is escaped."""
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~!$&^])", r"\\\1", safe(text))
    return re.sub(r"^(\d+(?=[.)]))?([-+=.)])", r"\1\\\2", escaped)


def safe(text: str) -> str:
    """Return `text` on one line, without the characters that command a terminal or turn the writing round."""
    return " ".join(_COMMANDS.sub(" ", text).split())


def is_verbatim(claim: Claim) -> bool:
    """Whether the claim is the very passage it cites first."""
    return claim.by == "source" and any(claim.text == citation.quote for citation in claim.citations[:1])


def day_in_words(iso: str) -> str:
    """Return `2025-12-02` as `2 December 2025`; a month or a year alone likewise; other text as it is."""
    match = re.match(r"(\d{4})(?:-(0[1-9]|1[0-2]))?(?:-(\d\d))?(?=$|T| )", iso)
    if not match:
        return safe(iso)
    month = calendar.month_name[int(match[2])] if match[2] else ""
    return " ".join(filter(None, [str(int(match[3])) if match[3] else "", month, match[1]]))


def filters_in_words(answer: Answer) -> str:
    """Return what the words of the question narrowed the articles to: `of 2 to 4 December 2025 (“…”)`."""
    told = []
    for each in answer.filters:
        first, last = day_in_words(each.first), day_in_words(each.last)
        span = f"printed from {first} to {last}" if last else f"printed since {first}"
        what = {"outlet": f"of {each.first.replace(chr(10), ' or ')}", "latest": "the newest articles"}
        told.append(f"{what.get(each.kind, span)} (“{each.said}”)")
    return safe(", ".join(told))


def place_of(article: Article) -> str:
    """Return where the article came from in a few words: its address, or the name of its file."""
    return safe(article.path if "://" in article.path else Path(article.path).name)


def verdict_in_words(citation: Citation) -> str:
    """Return the verdict on a citation, with its reason when there is one."""
    reason = f": {citation.reason}" if citation.reason else ""
    return safe(VERDICTS[citation.support] + reason)


def _span(citation: Citation) -> tuple[str, int, int]:
    return citation.article.id, citation.start, citation.end


def _citation_to_json(citation: Citation, number: int) -> dict[str, object]:
    article = citation.article
    return {
        "n": number,
        "article": article.id,
        "source": article.source,
        "title": article.title,
        "published": article.published,
        "path": article.path,
        "url": article.url,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "support": citation.support,
        "reason": citation.reason,
    }


def _footnote(citation: Citation, answer: Answer, numbers: Numbers) -> str:
    article = citation.article
    about = [
        f"*{markdown(article.source)}*" if article.source else "outlet not stated",
        markdown(article.title),
        day_in_words(article.published) or "undated",
        f"<{percent(article.url, safe=':/?&=%#@+,;~')}>" if article.url else markdown(place_of(article)),
    ]
    source = ", ".join(filter(None, about))
    mark = marks([citation], numbers).replace("[", "[^")
    if citation in answer.nearest:
        # It is quoted above, and as it does not answer the question there is no verdict on it.
        return f"{mark}: {source}"
    return f"{mark}: “{markdown(citation.quote)}” — {source} ({markdown(verdict_in_words(citation))})"
