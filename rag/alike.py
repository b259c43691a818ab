"""Two values given for one question: whether they are of one kind of thing, and whether both can be true."""

from __future__ import annotations

import re

from rag.evidence import Evidence
from rag.names import akin, same_name
from rag.numbers import Quantity, quantities
from rag.places import lies_in
from rag.question import NUMERIC, Question
from rag.text import STOPWORDS, normalise, words

FAR_APART = 20
"""Two numbers of which one has no noun count one thing only when neither is this many times the other."""
_PEOPLE = frozenset(
    "person people passenger man woman child victim worker employee resident patient dead body".split()
)
BARE_MONEY = 10_000
"""A number without a unit may be money from here on: "900,000 euros … the union spoke of 1.4 million"."""
_AT_LEAST = re.compile(r"\b(?:at least|more than|over|no fewer than|no less than)\b", re.I)
_AT_MOST = re.compile(r"\b(?:at most|up to|fewer than|less than|no more than|under)\b", re.I)
_HEDGED = re.compile(
    r"\b(?:about|around|nearly|almost|some|roughly|approximately|more than|over|at least|up to|several)\b",
    re.I,
)
_RELATIVE = re.compile(
    r"\b(?:last|this|next|past|previous|earlier) (?:week|weekend|month|year)\b|\bago\b", re.I
)
_YEAR = re.compile(r"\d{4}\W*$")
_CLOCK = re.compile(r"\d[:.]\d\d\b|\d ?[ap]\.?m\b|\b(?:noon|midnight|o.clock)\b", re.I)
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def comparable(left: Quantity, right: Quantity) -> bool:
    """Whether two numbers may count one thing and do not agree."""
    low, high = sorted((left.value, right.value))
    one_unit = left.unit == right.unit or (right.unit == "" and low >= BARE_MONEY)
    return one_unit and low > 0 and 1.1 * low < high <= FAR_APART * low


def unit_of(found: Evidence) -> str:
    return next((amount.unit for amount in quantities(found.short)), "")


def count_the_same(question: Question, left: Evidence, right: Evidence) -> bool:
    """Whether two values are of one kind of thing; what is not named may be anything, within reason."""
    if question.kind == "date":
        # A sentence on another year is on another event; asked for the year, it may be a mistake.
        return question.focus == "year" or bool(_YEAR.match(left.short)) == bool(_YEAR.match(right.short))
    if question.kind == "percent":
        if unit_of(left) != unit_of(right):
            return False
        mine, yours = _of_what(left), _of_what(right)
        return not mine or not yours or akin(mine, yours)
    if question.kind not in {"count", "amount"}:
        return True
    if question.kind == "count" and _inside_a_word(left) != _inside_a_word(right):
        return False
    ours, theirs = counted(left), counted(right)
    if ours and theirs:
        return (
            akin(ours, theirs)
            or {ours, theirs} <= _PEOPLE
            or (question.focus in {ours, theirs} and bool({ours, theirs} & _PEOPLE))
        )
    a, b = quantities(left.short), quantities(right.short)
    return not a or not b or max(a[0].value, b[0].value) <= FAR_APART * max(1.0, min(a[0].value, b[0].value))


def _inside_a_word(found: Evidence) -> bool:
    """Whether a number is a part of what something is called: 28 in "the 28-point plan"."""
    return found.sentence.text[found.span.end : found.span.end + 1] == "-" or "-" in found.short


def counted(found: Evidence) -> str:
    """The noun a number stands before, in its lemma: `people` in "At least 46 people"."""
    tokens = found.sentence.parse.tokens
    head = tokens[found.span.head]
    if head.pos == "NOUN":
        return head.lemma.casefold()
    noun = tokens[head.head]
    return (
        noun.lemma.casefold() if head.dep in {"nummod", "quantmod", "compound"} and noun.pos == "NOUN" else ""
    )


def _of_what(found: Evidence) -> str:
    """What a share is of, in its lemma: `driver` in "92% of the drivers"."""
    tokens = found.sentence.parse.tokens
    head = found.span.head
    share = next(
        (i for i, t in enumerate(tokens) if t.head == head and t.dep == "prep" and t.lemma == "of"), None
    )
    return next(
        (t.lemma.casefold() for t in tokens if share is not None and t.head == share and t.dep == "pobj"), ""
    )


def compatible(question: Question, left: Evidence, right: Evidence) -> bool:
    """Whether two short answers can both be true: same value, a rounding, or one inside the other."""
    a, b = normalise(left.short), normalise(right.short)
    if a in b or b in a:
        return True
    if question.kind in NUMERIC - {"date"}:
        ours, theirs = _amounts(left.short), _amounts(right.short)
        if not ours or not theirs:
            return True
        if _bounds(left, right) or _bounds(right, left):
            return True
        hedged = bool(_HEDGED.search(_with_lead(left)) or _HEDGED.search(_with_lead(right)))
        return any(
            x.same(y) or (hedged and abs(x.value - y.value) <= 0.1 * max(abs(x.value), abs(y.value)))
            for x in ours
            for y in theirs
        )
    if question.kind == "date":
        if bool(_CLOCK.search(left.short)) != bool(_CLOCK.search(right.short)):
            return True
        if _untold(left) or _untold(right):
            return True
        ours_days, theirs_days = _named_days(a), _named_days(b)
        if ours_days and theirs_days:
            return bool(ours_days & theirs_days)
        return bool(set(words(a)) & set(words(b)) - STOPWORDS) or bool(ours_days) != bool(theirs_days)
    if question.kind == "place" and (lies_in(left.short, right.short) or lies_in(right.short, left.short)):
        return True
    return any(same_name(x, y) for x in words(a) for y in words(b) if x not in STOPWORDS)


def _untold(found: Evidence) -> bool:
    """Whether a time is reckoned from the day of an article that states none: "last month"."""
    return bool(_RELATIVE.search(found.short)) and not found.sentence.article.published


def _amounts(text: str) -> tuple[Quantity, ...]:
    """The quantities of a short answer, in which "one minute" is a number of minutes."""
    found = quantities(text)
    one = None if found else re.match(r"(?:one|an?)\b", text, re.I)
    return (Quantity(one.group(), 0, one.end(), 1.0, ""),) if one else found


def _with_lead(found: Evidence) -> str:
    """The span with the words right before it, where "at least" may stand."""
    return found.sentence.text[max(0, found.span.start - 16) : found.span.end]


def _bounds(left: Evidence, right: Evidence) -> bool:
    """Whether the left value is a bound that the right one keeps: "at least 46" and 139."""
    ours, theirs = quantities(left.short), quantities(right.short)
    if not ours or not theirs:
        return False
    lead = _with_lead(left)
    if _AT_LEAST.search(lead):
        return theirs[0].value >= ours[0].value
    return bool(_AT_MOST.search(lead)) and theirs[0].value <= ours[0].value


def _named_days(text: str) -> set[str]:
    return {day for day in _DAYS if day in text}
