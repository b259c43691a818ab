"""Statements -> key points and the timeline, each line for what it adds to those before it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from rag.lines import Writer, plain
from rag.records import Claim, Event, Point
from rag.statements import Statement, together
from rag.timeline import Dated
from rag.trim import tidy

MOST_EVENTS = 8
SHARE_OF_ONE = 0.45
"""Part of the key points and events that one origin may give."""
WORDS_OF_A_LINE = 18
FEWEST_WORDS = 8
"""Words below which no further line is tried."""
MORE_IF_DATED = 1.15
"""How much more a sentence with a date is worth while the timeline has room."""


@dataclass
class Telling:
    """Tells a story until its words are spent, and goes on where it stopped. Lives for one briefing."""

    read: Sequence[Statement]
    days: Sequence[Dated]
    writer: Writer
    dates: bool
    """Whether dated lines go to the timeline; else all are key points."""
    points: list[Point] = field(default_factory=list)
    events: list[tuple[Dated, Event]] = field(default_factory=list)
    given: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._places: dict[tuple[str, int], tuple[bool, int]] = {}
        self._by_key: dict[tuple[str, int], Dated] = {}
        for each in self.days:
            known = self._by_key.get(each.statement.key)
            if each.main and (known is None or each.order < known.order):
                self._by_key[each.statement.key] = each
        both = [(first, second) for first, second in pairwise(self.read) if _goes_on(first, second)]
        self._pairs = {(pair := together(*each)).own: (pair, *each) for each in both}

    def tell(self, room: int) -> None:
        """Add lines of so many words in all."""
        used = self.writer.chooser.used
        spread = len(self.writer.pool.origins) > 1
        cap = max(3, int(SHARE_OF_ONE * room / WORDS_OF_A_LINE)) + self.given.total() // 2
        waiting = [s for s in self.read if not s.leans and s.key not in used]
        waiting += [pair for pair, _, _ in self._pairs.values()]
        while waiting and room >= FEWEST_WORDS:
            values = [self._worth(statement) for statement in waiting]
            place = max(range(len(values)), key=values.__getitem__)
            if values[place] <= 0:
                return
            statement = waiting.pop(place)
            if not spread or self.given[statement.origin] < cap:
                room -= self._take(statement, room)

    def _worth(self, statement: Statement) -> float:
        chooser = self.writer.chooser
        words = len(statement.text.split())
        dated = self.dates and statement.key in self._by_key and len(self.events) < MOST_EVENTS
        more = MORE_IF_DATED if dated else 1.0
        if statement.own not in self._pairs:
            return 0.0 if statement.key in chooser.used else more * chooser.worth(statement, words)
        _, first, second = self._pairs[statement.own]
        if second.key in chooser.used:
            return 0.0
        if statement.key not in chooser.used:
            repeated = min(1.0, chooser.novelty(first) / chooser.novelty(statement))
            return more * repeated * chooser.worth(statement, words)
        told = statement.key in self._places
        return chooser.worth(second, len(second.text.split()), leaning=False) if told else 0.0

    def _take(self, statement: Statement, room: int) -> int:
        """Tell a statement where it fits into the room; return the words that took."""
        writer = self.writer
        second = self._pairs[statement.own][2] if statement.own in self._pairs else None
        if statement.key in writer.chooser.used:
            return self._go_on(statement, second, room) if second is not None else 0
        if second is not None:
            form = (plain(statement), statement.parse)
            if len(form[0].split()) > room:
                return 0
            writer.chooser.take(second)
        else:
            fitting = writer.line(statement, room)
            if fitting is None:
                return 0
            form = fitting
        self.given[statement.origin] += 1
        point = writer.point(form, statement)
        when = self._by_key.get(statement.key)
        fits = self.dates and len(self.events) < MOST_EVENTS
        if fits and when and when.near and when.when.said in form[0]:
            self._places[statement.key] = True, len(self.events)
            self.events.append((when, _event(when, point)))
        else:
            self._places[statement.key] = False, len(self.points)
            self.points.append(point)
        return len(form[0].split())

    def _go_on(self, pair: Statement, second: Statement, room: int) -> int:
        """Let the sentence that follows a line stand behind it; return the words that took."""
        added = plain(second)
        size = len(added.split())
        dated, place = self._places[pair.key]
        claim = self.events[place][1].claim if dated else self.points[place].claim
        if size > room or not _names_whom(second, claim.text):
            return 0
        longer = Claim(f"{claim.text} {added}", (pair.citation(),))
        if dated:
            when, event = self.events[place]
            self.events[place] = when, replace(event, claim=longer)
        else:
            point = self.points[place]
            self.points[place] = replace(point, claim=longer, also=(*claim.citations[1:], *point.also))
        self.writer.chooser.take(second)
        self.writer.spend(added)
        return size

    @property
    def lines(self) -> list[str]:
        """What has been told so far."""
        return [point.claim.text for point in self.points] + [event.claim.text for _, event in self.events]

    def key_points(self) -> tuple[Point, ...]:
        """Return the key points, those of most origins first."""
        return tuple(sorted(self.points, key=lambda point: -point.origins))

    def timeline(self) -> tuple[Event, ...]:
        """Return the events in their order, what is expected last."""
        return tuple(event for _, event in sorted(self.events, key=lambda row: (row[0].ahead, row[0].order)))


def _goes_on(first: Statement, second: Statement) -> bool:
    """Whether the second sentence leans on the first, which stands by itself and comes right before it."""
    right_after = first.article.id == second.article.id and second.place == first.place + 1
    bare = plain(second) == tidy(second.text)
    return right_after and not first.leans and second.follows and bare and _names_whom(second, first.text)


def _names_whom(second: Statement, before: str) -> bool:
    """Whether the words before hold a name for "he" or "she" to mean; other pronouns mean what was said."""
    person = re.search(r"\b(?:he|she|his|her|him)\b", second.text, re.I) is not None
    names = re.findall(
        r"(?<![.!?] )(?<!^)\b[A-Z][\w’'-]+ [A-Z][\w’'-]+|\b(?:Mr|Mrs|Ms|Dr)\.? [A-Z]\w+", f" {before}"
    )
    return not person or len(set(names)) == 1


def _event(each: Dated, point: Point) -> Event:
    when = each.when
    certain = bool(when.first) and not each.note
    return Event(when.first, when.last, when.said, certain, each.ahead, point.claim, each.note)


__all__ = ["Telling"]
