"""Numbers and dates of a claim against those of the passage: amounts, units, bounds, "about", days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.protocols import Parse, Token
from rag.dates import When, dates
from rag.names import akin
from rag.numbers import Quantity, quantities
from rag.text import Span, normalise

MANY = 10
"""Up to which a number spelled out in the question ("the two Americans") only counts what it names."""
ROUNDED = 0.05
"""How far "about" may be from what it stands for, as a share of it."""
SOME = 2.0
"""How many times what the passage says "more than" may leave out: 4,200 is more than 4,000, not than 40."""
_ANCHORS = ("2001-05-16", "2003-11-07")
"""Two days to reckon weekdays and months from where the passage has none: they must agree under both."""
_BOUNDS = {
    "more than": "over", "over": "over", "at least": "from", "no fewer than": "from", "no less than": "from",
    "less than": "under", "fewer than": "under", "under": "under", "at most": "to", "up to": "to",
    "no more than": "to", "as many as": "to", "as much as": "to", "about": "near", "around": "near",
    "some": "near", "roughly": "near", "approximately": "near", "nearly": "under near",
    "almost": "under near",
    "close to": "near", "an estimated": "near", "just over": "over near", "just under": "under near",
    "above": "over", "below": "under", "exceeding": "over", "not more than": "to", "maximum of": "to",
    "minimum of": "from", "well over": "over", "limited to": "",
}  # fmt: skip
_BOUND = re.compile(rf"\b({'|'.join(sorted(_BOUNDS, key=len, reverse=True))})\s+(?:the\s+)?$", re.I)
_MEASURES = {
    word: name
    for name, group in {
        "minute": "minute minutes min mins", "hour": "hour hours", "day": "day days", "week": "week weeks",
        "month": "month months", "year": "year years", "decade": "decade decades", "second": "second seconds",
        "mile": "mile miles", "kilometre": "kilometer kilometers kilometre kilometres km kms",
        "metre": "meter meters metre metres m", "foot": "foot feet ft", "inch": "inch inches",
        "tonne": "ton tons tonne tonnes", "kilogram": "kilogram kilograms kg kilo kilos",
        "pound": "lb lbs", "point": "point points", "acre": "acre acres", "hectare": "hectare hectares",
        "degree": "degree degrees", "percentage point": "percentage",
    }.items()
    for word in group.split()
}  # fmt: skip
_TIMES = frozenset({"morning", "afternoon", "evening", "night"})


@dataclass(frozen=True, slots=True)
class Difference:
    """A number or date of the claim that the passage does not bear out."""

    support: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Amount:
    """A number with the measure after it, the bound before it, and the noun it counts."""

    quantity: Quantity
    said: str
    measure: str
    bound: str
    counts: str
    aged: bool
    """Whether it stands as an age: "Kushner, 44,"."""


def differences(claim: Parse, cited: Sequence[Parse], asked: str, published: str) -> Iterator[Difference]:
    """Yield what the passage says otherwise, or not at all, of the claim's dates and numbers.

    `asked` is the question, whose small spelled-out numbers may be reused; `published` is the day that
    "Tuesday" in the passage is reckoned from, ISO 8601 or empty.
    """
    spans = {id(parse): _days(parse.text, published) for parse in (claim, *cited)}
    yield from _dates(claim, cited, published)
    own = _amounts(claim, spans[id(claim)])
    known = [amount for parse in cited for amount in _amounts(parse, spans[id(parse)])]
    in_dates = [
        each
        for parse in cited
        for each in quantities(parse.text)
        if any(a < each.end and each.start < b for a, b in spans[id(parse)])
    ]
    counted = [each for each in quantities(asked) if each.text.isalpha() and each.value <= MANY]
    for amount in own:
        if any(amount.quantity.same(each) for each in counted):
            continue
        yield from _amount(amount, known, in_dates)
    yield from _more_often(own, known)


def _amount(own: _Amount, known: Sequence[_Amount], in_dates: Sequence[Quantity]) -> Iterator[Difference]:
    fits = [other for other in known if _fits(own, other)]
    if not fits and not own.bound and any(own.quantity.same(each) for each in in_dates):
        return
    if not fits:
        alike = [other for other in known if other.quantity.value == own.quantity.value]
        alike = alike or [other for other in known if other.quantity.unit == own.quantity.unit]
        alike = [other for other in alike if not own.counts or other.counts == own.counts] or alike
        if alike:
            yield Difference("contradicted", f"the passage says {alike[0].said}, not {own.said}")
        yield Difference("unsupported", f"{own.said} is not in the passage")
        return
    if not own.aged and not own.counts and not own.quantity.unit and all(other.aged for other in fits):
        yield Difference("unsupported", f"{own.said} is an age in the passage")
    if own.counts and not any(other.counts and akin(own.counts, other.counts) for other in fits):
        rival = next((other for other in known if other.counts and akin(own.counts, other.counts)), None)
        if rival is not None:
            yield Difference("contradicted", f"the passage says {rival.said} {rival.counts}, not {own.said}")


def _more_often(own: Sequence[_Amount], known: Sequence[_Amount]) -> Iterator[Difference]:
    """A number the claim gives more often than the passage, where it leaves another of the passage out."""
    for amount in own:
        mine = sum(amount.quantity.same(other.quantity) for other in own)
        if mine > sum(amount.quantity.same(other.quantity) for other in known):
            left = [other for other in known if not any(other.quantity.same(each.quantity) for each in own)]
            if left and mine > 1:
                yield Difference("contradicted", f"the passage says {left[0].said}, not {amount.said}")


def _fits(own: _Amount, other: _Amount) -> bool:
    """Whether the passage's amount bears the claim's out."""
    if own.quantity.unit != other.quantity.unit:
        return False
    if own.measure and own.measure != other.measure and not (own.aged and other.aged):
        return False
    mine, theirs = own.quantity.value, other.quantity.value
    if own.bound and own.bound == other.bound != "near":
        return mine == theirs
    if own.quantity.same(other.quantity):
        return _bound_holds(own.bound, other.bound)
    if own.bound in {"", "from", "to"} and not other.bound.startswith(("over", "from")):
        return {"": False, "from": mine <= theirs <= SOME * mine, "to": mine / SOME <= theirs <= mine}[
            own.bound
        ]
    if "near" in own.bound:
        close = abs(mine - theirs) <= ROUNDED * abs(theirs)
        return close and not (own.bound.startswith("under") and theirs > mine)
    if own.bound == "over":
        return mine < theirs <= SOME * mine and "under" not in other.bound
    if own.bound == "under":
        return mine / SOME <= theirs < mine and "over" not in other.bound
    return False


def _bound_holds(own: str, other: str) -> bool:
    """Whether "more than", "up to" and their like may stand for one another before the same number."""
    sides = {"over": "more", "from": "more", "under": "less", "to": "less"}
    mine, theirs = sides.get(own.split()[0] if own else ""), sides.get(other.split()[0] if other else "")
    if "near" in other:
        theirs = None
    if "near" in own:
        mine = None
    if theirs is None:
        return mine is None or own in {"from", "to"}
    return mine == theirs


def _amounts(parse: Parse, days: Sequence[Span]) -> list[_Amount]:
    found = []
    for each in quantities(parse.text):
        start = each.end - len(each.text)
        if any(a < each.end and start < b for a, b in days):
            continue
        after = re.match(r"[\s-]*([a-z]+)", parse.text[each.end :])
        measure = _MEASURES.get(after[1], "") if after else ""
        measure = "percentage point" if each.text.endswith(("point", "points")) else measure
        bound = _BOUND.search(parse.text[:start])
        places = [i for i, token in enumerate(parse.tokens) if token.start < each.end and start < token.end]
        counts = _counted(parse.tokens, places) if not each.unit else ""
        said = " ".join(parse.text[bound.start() if bound else start : each.end].split())
        said = f"{said} {after[1]}" if measure and after else said
        name = _BOUNDS[bound[1].casefold()] if bound else ""
        found.append(_Amount(each, said, measure, name, counts, _aged(parse, start, each.end)))
    return found


def _aged(parse: Parse, start: int, end: int) -> bool:
    before, after = parse.text[:start], parse.text[end:]
    return bool(
        re.match(r"[- ]years?[- ](?:old|of age)", after)
        or re.search(r"\b(?:aged?|is|was|of|turned)\s$", before)
        or (re.search(r"[A-Z]\w+[,(] ?$", before) and re.match(r"\s*[,).;–-]", after))
    )


def _counted(tokens: Sequence[Token], places: Sequence[int]) -> str:
    """Lemma of the noun that a number counts; empty when it counts none that is written."""
    for i in places:
        up = tokens[i].head
        if up not in places and tokens[i].dep in {"nummod", "compound", "amod"} and tokens[up].pos == "NOUN":
            return tokens[up].lemma.casefold()
    return ""


# ---------------------------------------------------------------- dates


def _days(text: str, published: str) -> list[Span]:
    return [when.at for when in dates(text, published=published or _ANCHORS[0]) if not _is_may(when)]


def _is_may(when: When) -> bool:
    return when.said in {"may", "march"}


def _dates(claim: Parse, cited: Sequence[Parse], published: str) -> Iterator[Difference]:
    anchors = (published,) if published else _ANCHORS
    mine = [_resolved(claim.text, anchor) for anchor in anchors]
    theirs = [
        [(parse, when) for parse in cited for when in _resolved(parse.text, anchor)] for anchor in anchors
    ]
    for place, when in enumerate(mine[0]):
        same = [
            {i for i, (_, other) in enumerate(known) if _holds(own[place], other)}
            for own, known in zip(mine, theirs, strict=True)
        ]
        held = set.intersection(*same)
        if not held:
            if _only_year(when) and any(when.first in parse.text for parse in cited):
                continue
            if theirs[0]:
                other = theirs[0][0][1]
                yield Difference("contradicted", f"the passage says {other.said}, not {when.said}")
            yield Difference("unsupported", f"{when.said} is not in the passage")
            continue
        yield from _of_another(claim, when, [theirs[0][i] for i in held], theirs[0])


def _resolved(text: str, anchor: str) -> list[When]:
    return [when for when in dates(text, published=anchor) if not _is_may(when)]


def _only_year(when: When) -> bool:
    return len(when.first) == 4


def _holds(own: When, other: When) -> bool:
    """Whether the passage's date is the claim's or lies within it."""
    if not own.first or not other.first:
        return normalise(own.said) == normalise(other.said)
    if own.first == own.last:
        return other.first.startswith(own.first) and other.last.startswith(own.first)
    return own.first <= other.first and other.last <= own.last


def _of_another(
    claim: Parse, when: When, held: Sequence[tuple[Parse, When]], known: Sequence[tuple[Parse, When]]
) -> Iterator[Difference]:
    """A date that the passage gives for another verb, while it gives this verb a date of its own."""
    verb = _verb(claim, when)
    if not verb or any(akin(verb, _verb(parse, other)) for parse, other in held):
        return
    for parse, other in known:
        if (parse, other) not in held and akin(verb, _verb(parse, other)):
            yield Difference("contradicted", f"the passage says {other.said}, not {when.said}")


def _verb(parse: Parse, when: When) -> str:
    """Lemma of the verb that a date belongs to: the nearest before it, else the one it hangs on; or empty.

    Parsers hang "until 2033" on the first verb of "brought in 540 million, and its patent runs until 2033".
    """
    at = next((i for i, token in enumerate(parse.tokens) if token.end > when.at[0]), None)
    before = [token for token in parse.tokens[:at] if token.pos == "VERB"]
    if before:
        return before[-1].lemma.casefold()
    while at is not None and parse.tokens[at].pos not in {"VERB", "AUX"}:
        up = parse.tokens[at].head
        at = up if up != at else None
    return parse.tokens[at].lemma.casefold() if at is not None else ""


def dated(parse: Parse, published: str) -> list[Span]:
    """Return the spans of a sentence's dates and numbers, which `differences` has judged."""
    spans = _days(parse.text, published)
    return spans + [(each.end - len(each.text), each.end) for each in quantities(parse.text)]


__all__ = ["Difference", "dated", "differences"]
