"""Dated statements of different articles -> one event with two days or in two places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from models.protocols import Token
from rag.dates import day_of
from rag.names import akin, same_name
from rag.people import Person
from rag.points import Pool, names_and_numbers, one_name
from rag.records import Difference
from rag.sides import Value, difference, whole
from rag.statements import Statement
from rag.text import normalise
from rag.timeline import Dated

MOST_DAYS = 3
"""Days between two articles that may give one event different days."""
_INFORMS = frozenset("inform tell brief notify hear learn".split())
_SAYS = frozenset("say confirm announce write add ask note state declare tweet post speak be have".split())
"""Verbs of which one subject does many in a week."""
SAME_EVENT = 0.5
"""Cosine from which two dated sentences with the same names may tell one event."""
SAME_NAME = 0.4
"""The same for what is told by name: an event of two places, a plan of so many points."""
NEAR_DATE = 4
"""Tokens between a date and the place of the same event."""
EVENT_WORDING = 0.33
"""Part of the rarer words that two sentences on one event of two days share."""
COMMON = 0.1
"""Part of all sentences from which a name is the story's and tells no event apart."""


def by_day(pool: Pool, days: Sequence[Dated]) -> Iterator[Difference]:
    """One event told with two different days: verbs of one family, the same names, days of the same kind."""
    done: set[tuple[str, int]] = set()
    for left in days:
        if left.statement.key in done or not _a_day(left):
            continue
        group = [left]
        for right in days:
            if right.statement.origin == left.statement.origin or not _a_day(right):
                continue
            if float(left.statement.vector @ right.statement.vector) < SAME_EVENT:
                continue
            if _same_event(pool, left, right) and left.ahead == right.ahead:
                group.append(right)
        values: dict[str, list[Value]] = {}
        for each in group:
            values.setdefault(_day_name(each), []).append(Value(each.when.said, each.statement))
        if len(values) > 1:
            done |= {each.statement.key for each in group}
            yield from difference(f"When {_event_words(left)}", list(values.values()))


def _a_day(each: Dated) -> bool:
    return each.when.precise or (not each.when.first and each.when.said.casefold().endswith("day"))


def _day_name(each: Dated) -> str:
    return each.when.first or each.when.said.casefold().split()[-1]


def _same_event(pool: Pool, left: Dated, right: Dated) -> bool:
    mine, theirs = _governor(left), _governor(right)
    if mine is None or theirs is None:
        return False
    verbs = {mine.lemma.casefold(), theirs.lemma.casefold()}
    if not verbs <= _INFORMS and not akin(mine.lemma.casefold(), theirs.lemma.casefold()):
        return False
    if mine.lemma.casefold() in _SAYS or days_apart(left.statement, right.statement) > MOST_DAYS:
        return False
    if mine.lemma.casefold() == "tell" and not (_told_by_name(left) and _told_by_name(right)):
        return False
    ways = (left.statement, right.statement), (right.statement, left.statement)
    if max(pool.overlap(*way) for way in ways) < EVENT_WORDING:
        return False
    return bool(_rare_names(pool, left, right))


def _rare_names(pool: Pool, left: Dated, right: Dated) -> list[str]:
    """Names that both sentences hold, in any spelling, and that few others do."""
    return [
        name
        for name in _names(pool, left.statement) & _names(pool, right.statement)
        if pool.frequency[name] <= max(2, COMMON * len(pool.statements)) and not name.endswith("day")
    ]


def _names(pool: Pool, statement: Statement) -> frozenset[str]:
    return pool.concepts(names_and_numbers(statement))


def _told_by_name(each: Dated) -> bool:
    """Whether it says by name who was told: "told Putin", not "told reporters"."""
    verb = _governor(each)
    tokens = each.statement.parse.tokens
    return verb is not None and any(
        token.pos == "PROPN" and tokens[token.head] is verb and token.dep in {"dobj", "dative", "nsubjpass"}
        for token in tokens
    )


def _governor(each: Dated) -> Token | None:
    tokens = each.statement.parse.tokens
    start, end = each.when.at
    inside = [i for i, token in enumerate(tokens) if token.start < end and start < token.end]
    at = next((i for i in inside if tokens[i].head not in inside), None)
    for _ in range(5):
        if at is None or tokens[at].pos == "VERB" or tokens[at].lemma == "be":
            break
        at = tokens[at].head if tokens[at].head != at else None
    return tokens[at] if at is not None else None


def _event_words(each: Dated) -> str:
    """The event in a few words of the article: subject, verb and object of the dated verb."""
    verb = _governor(each)
    tokens = each.statement.parse.tokens
    if verb is None:
        return each.statement.text[:60]
    at = tokens.index(verb)
    parts = [
        token
        for token in tokens
        if token is verb or (token.head == at and token.dep in {"nsubj", "nsubjpass", "dobj"})
    ]
    names = [token.text for token in tokens if token.pos == "PROPN" and not token.text.endswith("day")]
    told = " ".join(token.text for token in parts)
    extra = next((name for name in reversed(names) if name not in told), "")
    return f"{told} ({extra})" if extra else told


def by_place(pool: Pool, days: Sequence[Dated], persons: Sequence[Person]) -> Iterator[Difference]:
    """One person on one day in two places, or with different people."""
    for person in persons:
        surname = normalise(person.name.split()[-1])
        rows: dict[str, list[tuple[frozenset[str], Value]]] = {}
        for each in days:
            if not _a_day(each) or not _is_about(each.statement, surname, person) or each.ahead:
                continue
            places = _places(each)
            if places:
                rows.setdefault(_day_name(each), []).append((places, whole(each.statement)))
        for day, told in rows.items():
            groups: list[list[Value]] = []
            heads: list[frozenset[str]] = []
            for places, value in told:
                place = next((i for i, head in enumerate(heads) if head & places), None)
                if place is None:
                    heads.append(places)
                    groups.append([value])
                else:
                    groups[place].append(value)
            if len(groups) > 1:
                yield from difference(f"Where {person.name} was on {day.title()}", groups)


def by_event_place(pool: Pool, days: Sequence[Dated]) -> Iterator[Difference]:
    """One event of one time in two places: sentences that share rare names, a place by the date."""
    placed = [(each, where) for each in days if (where := _place_beside(each))]
    for i, (left, here) in enumerate(placed):
        for right, there in placed[:i]:
            same_time = (left.when.first, left.when.said) == (right.when.first, right.when.said)
            if left.statement.origin == right.statement.origin or not same_time or same_name(here, there):
                continue
            near = float(left.statement.vector @ right.statement.vector)
            names = [name for name in _rare_names(pool, left, right) if name not in left.when.said.casefold()]
            if (near >= SAME_EVENT and names) or (near >= SAME_NAME and len(names) > 1):
                told = [[Value(there.title(), right.statement)], [Value(here.title(), left.statement)]]
                yield from difference(f"Where it was ({left.when.said})", told)


def _place_beside(each: Dated) -> str:
    """The place that "in" or "at" joins to the event, within a few words of its date."""
    tokens = each.statement.parse.tokens
    inside = [i for i, t in enumerate(tokens) if t.start < each.when.at[1] and each.when.at[0] < t.end]
    for i, token in enumerate(tokens):
        beside = inside and min(abs(i - place) for place in inside) <= NEAR_DATE
        joined = token.dep == "pobj" and tokens[token.head].text.casefold() in {"in", "at"}
        if beside and joined and token.entity == "GPE":
            return normalise(token.text)
    return ""


def _is_about(statement: Statement, surname: str, person: Person) -> bool:
    tokens = statement.parse.tokens
    if any(
        one_name(normalise(token.text), surname) or same_name(normalise(token.text), surname)
        for token in tokens
    ):
        return True
    called = {normalise(role.role) for role in person.said}
    text = normalise(statement.parse.text)
    leaders = [
        role.split()[0] for role in called if re.search(r"president|leader|minister", role) and " " in role
    ]
    return any(
        re.search(rf"\bthe {re.escape(nation)} (?:president|leader|prime minister)\b", text)
        for nation in leaders
    )


def _places(each: Dated) -> frozenset[str]:
    """Where the dated verb happens: the places that "in" or "at" join to the verb itself."""
    verb = _governor(each)
    tokens = each.statement.parse.tokens
    if verb is None or verb.lemma not in {"be", "meet", "attend", "stay", "speak", "hold"}:
        return frozenset()
    at = tokens.index(verb)
    return frozenset(
        normalise(token.text)
        for token in tokens
        if token.dep == "pobj"
        and token.entity in {"GPE", "LOC", "FAC"}
        and tokens[token.head].text.casefold() in {"in", "at"}
        and tokens[token.head].head == at
    )


def days_apart(left: Statement, right: Statement) -> int:
    """Days between two articles; 0 when one has no date."""
    ours, theirs = day_of(left.article.published), day_of(right.article.published)
    return abs((ours - theirs).days) if ours and theirs else 0


__all__ = ["by_day", "by_event_place", "by_place", "days_apart"]
