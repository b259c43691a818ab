"""The last briefing on a topic, kept beside the library, and what changed since: new, changed, withdrawn."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rag.records import Brief, Claim, Point, Section
from rag.text import normalise

VERSION = 1
FOLDER = "briefings"
MOST_CHANGES = 6
FIRST_TIME = "There is no earlier briefing on this topic to compare with; this one is kept for the next."
HEADING = "Since the last briefing"


@dataclass(frozen=True, slots=True)
class Last:
    """What is remembered of a briefing: its lines with the articles they stood in."""

    made: str
    """When it was made, ISO 8601."""
    lines: tuple[tuple[str, tuple[str, ...]], ...]
    articles: frozenset[str]
    """Ids of all articles it was made from."""
    figures: Mapping[str, str]
    """What each counted thing came to, e.g. `people` and `Five people`."""


def remembered(library: Path, topic: str) -> Last | None:
    """Return what is remembered of the last briefing on `topic`; None when there is none or it is damaged."""
    try:
        row = json.loads(_file(library, topic).read_text("utf-8"))
        if row["version"] != VERSION:
            return None
        lines = tuple((str(text), tuple(map(str, ids))) for text, ids in row["lines"])
        return Last(str(row["made"]), lines, frozenset(row["articles"]), dict(row["figures"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A line of the list of earlier briefings."""

    topic: str
    made: str
    """When it was made, ISO 8601."""
    lines: int


def earlier(library: Path, *, most: int = 50) -> tuple[Earlier, ...]:
    """Return the last briefing on each topic, the newest first; files that are damaged are passed over."""
    found: list[Earlier] = []
    for file in (library / FOLDER).glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            row = json.loads(file.read_text("utf-8"))
            if row["version"] == VERSION:
                found.append(Earlier(str(row["topic"]), str(row["made"]), len(row["lines"])))
    return tuple(sorted(found, key=lambda one: one.made, reverse=True)[:most])


def remember(library: Path, brief: Brief) -> None:
    """Keep the lines of a briefing, whole or not at all; nothing where the folder cannot be written."""
    with suppress(OSError):
        _keep(library, brief, datetime.now(UTC).isoformat(timespec="seconds"))


def _keep(library: Path, brief: Brief, made: str) -> None:
    path = _file(library, brief.topic)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [[claim.text, [c.article.id for c in claim.citations]] for claim in _claims(brief)]
    figures = {
        _thing(point): point.claim.text
        for section in brief.sections
        if section.kind == "figures"
        for point in section.points
    }
    row = {
        "version": VERSION,
        "topic": brief.topic,
        "made": made,
        "lines": lines,
        "articles": sorted(use.article.id for use in brief.sources),
        "figures": figures,
    }
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as held:
        json.dump(row, held, ensure_ascii=False)
    os.replace(held.name, path)


def compare(brief: Brief, last: Last | None) -> Brief:
    """Return the briefing with a first section on what is new, changed or withdrawn since `last`.

    New is a line from an article that was not there; changed is a figure with another number; withdrawn is
    a line whose articles are gone, were revised or are left out by now.
    """
    if last is None:
        return replace(brief, notes=(*brief.notes, FIRST_TIME))
    known = {normalise(text) for text, _ in last.lines}
    points: list[Point] = []
    shown: set[tuple[str, int]] = set()
    for section in brief.sections:
        if section.kind == "figures":
            for point in section.points:
                before = last.figures.get(_thing(point))
                if before is not None and normalise(before) != normalise(point.claim.text):
                    points.append(replace(point, label=f"changed, was “{before}”", alone=False))
    for claim in _claims(brief):
        place = claim.citations[0].article.id, claim.citations[0].start
        if place in shown:
            continue
        fresh = all(citation.article.id not in last.articles for citation in claim.citations)
        if fresh and normalise(claim.text) not in known and len(points) < MOST_CHANGES:
            points.append(Point(claim, label="new"))
            shown.add(place)
    here = {use.article.id for use in brief.sources if not use.note.startswith("left out")}
    gone = [text for text, ids in last.lines if ids and not any(id_ in here for id_ in ids)]
    notes = tuple(f"No longer stated by any article here: “{text}”" for text in gone[:MOST_CHANGES])
    if not points and not notes:
        notes = (f"Nothing new since the last briefing of {last.made[:10]}.",)
    change = (Section("change", f"{HEADING} ({last.made[:10]})", tuple(points)),) if points else ()
    return replace(brief, sections=(*change, *brief.sections), notes=(*brief.notes, *notes), since=last.made)


def _claims(brief: Brief) -> Iterator[Claim]:
    for section in brief.sections:
        if section.kind not in {"change", "people"}:
            yield from (point.claim for point in section.points)
    yield from (event.claim for event in brief.timeline)


def _thing(point: Point) -> str:
    """What a figure counts: the words of its line without the number."""
    return " ".join(
        word for word in normalise(point.claim.text).split() if not any(c.isdigit() for c in word)
    )


def _file(library: Path, topic: str) -> Path:
    name = hashlib.sha256(normalise(topic).encode("utf-8")).hexdigest()[:16]
    return library / FOLDER / f"{name}.json"


__all__ = ["HEADING", "Earlier", "Last", "compare", "earlier", "remember", "remembered"]
