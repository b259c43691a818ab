"""Statements -> lines of a briefing: word for word, or cut where that is safe, and cited."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from models.protocols import Parse, Parser
from rag.dates import dates
from rag.points import Chooser, Pool
from rag.records import Citation, Claim, Point
from rag.statements import Statement, concepts
from rag.trim import shorten, tidy
from rag.verify import check, well_formed

FORM_POWER = 0.55
"""How far a form of a sentence pays for its length, beside the other forms of it."""


@dataclass
class Writer:
    """Makes lines of statements within the words that are left. Lives for one briefing."""

    pool: Pool
    chooser: Chooser
    parser: Parser
    words: int
    spent: int = 0
    made: dict[tuple[str, int, int], tuple[tuple[str, Parse], ...]] = field(default_factory=dict)

    def forms(self, statement: Statement) -> tuple[tuple[str, Parse], ...]:
        """The sentence word for word, then its shorter forms that passed the checks."""
        if statement.own not in self.made:
            shorter = list(dict.fromkeys(map(bare, shorten(statement.parse))))
            spelled = [
                re.sub(r"\b(Mr|Mrs|Ms|Dr|Nov|Dec|Jan|Feb|Sept|Oct|Aug|Rep|Sen)\.", r"\1", t) for t in shorter
            ]
            parses = self.parser.parse(spelled) if spelled else []
            sound = [
                (text, parse)
                for text, parse in zip(shorter, parses, strict=True)
                if not well_formed(parse) and _said(parse, statement, statement)
            ]
            self.made[statement.own] = ((plain(statement), statement.parse), *sound)
        return self.made[statement.own]

    def line(self, statement: Statement, room: int, *, holding: str = "") -> tuple[str, Parse] | None:
        """The form that says most for its words and fits into `room`; it holds the words `holding`."""
        fitting = [
            (text, parse)
            for text, parse in self.forms(statement)
            if len(text.split()) <= room and holding.casefold() in text.casefold()
        ]
        if not fitting:
            return None
        return max(
            fitting,
            key=lambda form: self.chooser.worth(
                statement, len(form[0].split()), concepts=concepts(form[1]), power=FORM_POWER
            ),
        )

    def claim(self, text: str, parse: Parse, statement: Statement) -> tuple[Claim, tuple[Citation, ...], int]:
        """A claim, cited wherever others say the same; then where they tell it in other words."""
        backing = [statement.citation()]
        also: list[Citation] = []
        tellers = self.pool.tellers(statement)
        for other in tellers:
            (backing if _said(parse, statement, other) else also).append(other.citation())
        return Claim(text, tuple(backing)), tuple(also), 1 + len(tellers)

    def spend(self, text: str) -> None:
        self.spent += len(text.split())

    def point(self, form: tuple[str, Parse], statement: Statement) -> Point:
        """Take a statement in this form: what it says is covered, its words are spent."""
        text, parse = form
        claim, also, origins = self.claim(text, parse, statement)
        self.chooser.take(statement, concepts=concepts(parse))
        self.spend(text)
        alone = origins == 1 and self.pool.alone(statement)
        return Point(claim, origins=origins, alone=alone, also=also)


def _said(line: Parse, own: Statement, other: Statement) -> bool:
    """Whether `other` says a line of `own`; "Tuesday" is another day in an article of another week."""
    days = [statement.article.published[:10] for statement in (own, other)]
    if days[0] != days[1]:
        mine, theirs = (
            {when.first for when in dates(text, published=day) if when.how == "reckoned" and when.precise}
            for text, day in zip((line.text, other.text), days, strict=True)
        )
        if mine and theirs and not mine & theirs:
            return False
    published = days[0] if days[0] == days[1] else ""
    return check(line, [other.parse], published=published).support == "supported"


_BEFORE = re.compile(
    r"^\s*[-•*–]\s+"
    r"|^[A-Z][\w.’'-]*(?:[ ,]+[A-Z][\w.’'-]*){0,4}(?:,? \w+\.? \d{1,2})?(?: \([^)]{2,20}\))? [–—-] (?=[A-Z])"
    r"|^[A-Z]{4,}(?: \([A-Za-z]+\))? ?[–—-] ?(?=[A-Z])"
    r"|^\w+ \d{1,2} \([^)]{2,20}\) [–—-] (?=[A-Z])|^\d{1,2}[:.]\d\d\. (?=[A-Z])"
)
"""What stands before a sentence: the mark of a list, a place and an agency, a time of day."""


def plain(statement: Statement) -> str:
    """Return a sentence on one line, without a list mark, a dateline or a time before it."""
    return bare(statement.text)


def bare(text: str) -> str:
    """Return words of an article on one line, without what stands before a sentence."""
    return tidy(_BEFORE.sub("", " ".join(text.split())))


__all__ = ["Writer", "bare", "plain"]
