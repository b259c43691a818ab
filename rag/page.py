"""A briefing -> one HTML page that needs nothing else: no script, no network, all text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from rag.records import Article, Brief, Citation, Event
from rag.render import brief_citations, brief_numbers, day_in_words, safe, unmarked, verdict_in_words
from rag.render_brief import NOTHING, Row, footer, giver, givers, parts, shown_text, when_in_words

TEMPLATE = Path(__file__).with_name("page.html")
WIDTH = 720
DOT = 24
"""Pixels that two dots of the timeline stand apart at least."""
SPLIT = 250
"""Where the bars begin; the names stand before them."""

View = dict[str, Any]


def brief_to_html(brief: Brief) -> str:
    """Return the page; citations show their passage when pointed at and lead to it in the article."""
    numbers = brief_numbers(brief)

    def cited(citations: Sequence[Citation]) -> list[View]:
        listed = {numbers[c.article.id, c.start, c.end]: c for c in citations}
        return [_passage(number, citation) for number, citation in listed.items()]

    def row(each: Row) -> View:
        return {
            "label": unmarked(safe(each.label)),
            "text": unmarked(safe(shown_text(each))),
            "cited": cited(each.citations),
            "note": safe(each.note),
            "level": each.level,
        }

    past = [event for event in brief.timeline if not event.ahead]
    cites = brief_citations(brief)
    listed = [use.article for use in brief.sources]
    groups = {o: n for n, o in enumerate(dict.fromkeys(use.origin for use in brief.sources), start=1)}
    page: str = _template().render(
        title=safe(brief.headline or brief.topic),
        topic=safe(brief.topic),
        as_of=day_in_words(brief.as_of) if brief.as_of else "",
        counts=f"{len(brief.sources)} articles, {len(groups)} origins",
        nothing=NOTHING if brief.status == "refused" else "",
        parts=[
            {"kind": part.kind, "heading": part.heading, "rows": [row(each) for each in part.rows]}
            for part in parts(brief)
        ],
        axis=axis(past),
        bars=_bars(brief),
        sources=[
            {
                "n": n,
                "title": safe(use.article.title) or giver_of(use.article),
                "outlet": safe(use.article.source),
                "url": use.article.url if use.article.url.startswith(("http://", "https://")) else "",
                "day": day_in_words(use.article.published) or "undated",
                "origin": groups[use.origin],
                "share": f"{use.share:.0%}",
            }
            for n, use in enumerate(brief.sources, start=1)
        ],
        passages=[_passage(n, citation) for n, citation in enumerate(cites, start=1)],
        articles=[_article(n, article, cites) for n, article in enumerate(listed, start=1)],
        notes=[safe(note) for note in brief.notes],
        footer=footer(brief),
    )
    return page


@cache
def _template() -> Any:  # noqa: ANN401 - a template of jinja2
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(TEMPLATE.read_text("utf-8"))


def _passage(number: int, citation: Citation) -> View:
    return {
        "n": number,
        "quote": safe(citation.quote),
        "source": givers([citation]) or "outlet not stated",
        "verdict": verdict_in_words(citation),
    }


def giver_of(article: Article) -> str:
    """Return how an article is called where it has no title."""
    return giver(Citation(article, 0, 0, ""))


def _article(number: int, article: Article, cites: Sequence[Citation]) -> View:
    return {
        "n": number,
        "title": safe(article.title) or giver_of(article),
        "outlet": safe(article.source),
        "day": day_in_words(article.published),
        "pieces": pieces(article, cites),
    }


def pieces(article: Article, cites: Sequence[Citation]) -> list[View]:
    """Return the text cut at the cited spans, each piece with the numbers of the passages that begin there.

    A passage inside another is marked with it.
    """
    spans = sorted(
        (c.start, -c.end, c.end, n) for n, c in enumerate(cites, start=1) if c.article.id == article.id
    )
    made: list[View] = []
    at = 0
    for start, _, end, number in spans:
        if start < at and made:
            held = next((piece for piece in reversed(made) if piece["ids"]), None)
            if held is not None:
                held["ids"].append(number)
            continue
        if start > at:
            made.append({"text": article.text[at:start], "ids": []})
        made.append({"text": article.text[start:end], "ids": [number]})
        at = end
    return [*made, {"text": article.text[at:], "ids": []}]


# ---------------------------------------------------------------- drawings


def axis(events: Sequence[Event]) -> View | None:
    """Return where the dots and dates of the timeline stand; None when fewer than two have a date."""
    dated = [(n, event, _day(event.first)) for n, event in enumerate(events, start=1)]
    known = [(n, event, day) for n, event, day in dated if day is not None]
    if len(known) < 2:
        return None
    first, last = known[0][2], known[-1][2]
    span = max((last - first).days, 1)
    dots: list[View] = []
    at = 0.0
    for n, event, day in known:
        x = 24 + (WIDTH - 48) * (day - first).days / span
        at = max(x, at + DOT) if dots else x
        loose = len(event.first) < 10 or event.first != event.last or not event.certain
        dots.append({"n": n, "x": round(at, 1), "loose": loose})
    over = dots[-1]["x"] - (WIDTH - 24)
    for back, dot in enumerate(reversed(dots)):
        dot["x"] = round(min(dot["x"], WIDTH - 24 - back * DOT), 1) if over > 0 else dot["x"]
    ticks: list[View] = []
    taken = [-1e9, -1e9]
    for dot, (_, event, _) in zip(dots, known, strict=True):
        text = _tick(event)
        if any(tick["text"] == text for tick in ticks):
            continue
        level = 0 if dot["x"] - taken[0] > 110 else 1
        if dot["x"] - taken[level] <= 110:
            continue
        taken[level] = dot["x"]
        edge = "start" if dot["x"] < 60 else "end" if dot["x"] > WIDTH - 60 else "middle"
        ticks.append({"x": dot["x"], "y": 66 if level == 0 else 14, "text": text, "anchor": edge})
    told = "; ".join(f"{n}: {when_in_words(event)}" for n, event, _ in known)
    return {"width": WIDTH, "height": 76, "dots": dots, "ticks": ticks, "told": told}


def _tick(event: Event) -> str:
    words = day_in_words(event.first).split()
    return " ".join(word[:3] if word.isalpha() else word for word in words)


def _day(iso: str) -> date | None:
    filled = {4: f"{iso}-07-01", 7: f"{iso}-15"}.get(len(iso), iso)
    try:
        return date.fromisoformat(filled)
    except ValueError:
        return None


def _bars(brief: Brief) -> View:
    longest = max((use.share for use in brief.sources), default=0) or 1
    rows = [
        {
            "label": giver_of(use.article)[:34],
            "y": 4 + 24 * n,
            "width": round((WIDTH - SPLIT - 60) * use.share / longest, 1),
            "share": f"{use.share:.0%}",
        }
        for n, use in enumerate(brief.sources)
    ]
    told = "; ".join(f"{row['label']}: {row['share']} of the lines" for row in rows)
    return {"width": WIDTH, "height": 8 + 24 * len(rows), "split": SPLIT, "rows": rows, "told": told}


__all__ = ["axis", "brief_to_html", "pieces"]
