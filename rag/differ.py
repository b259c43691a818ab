"""Statements -> what the articles tell differently: posts, days, numbers, doers, denials, prospects."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from models.protocols import Token
from rag.amounts import Figure
from rag.contrast import by_denial, by_extent, by_prospect
from rag.differ_events import MOST_DAYS, SAME_NAME, by_day, by_event_place, by_place, days_apart
from rag.names import akin, same_name
from rag.people import Person, Role
from rag.points import Pool, shares
from rag.records import Difference
from rag.sides import Value, difference, shortest
from rag.statements import Statement
from rag.text import STOPWORDS, normalise, words
from rag.timeline import Dated

Kind = Literal["number", "day", "doer", "denial", "office", "role", "prospect", "extent", "place"]
"""What kind of thing is told differently."""
MOST = 10
MOST_WORDS = 14
"""Words of a side that names who did it."""
NEAR_BEFORE = 120
"""Characters before a sentence in which stands whom it calls "the former President"."""
_HEDGES = frozenset("allegedly reportedly apparently supposedly purportedly".split())
SAME_WORDING = 0.45
"""Part of the rarer words that two sentences on one count share."""
NEXT_DAY_WORDING = 0.6
"""The same where one article is a day younger: most such numbers are news."""
_TIMES = frozenset("second minute hour day week month year decade".split())
SAME_COUNT = 0.6
"""Cosine from which two sentences may count the same thing."""
_ROUND = 0.11
"""Relative distance within which a hedged number is a rounding of another."""
_POST = re.compile(
    r"\b(?:envoy|minister|secretary|head|chief|adviser|advisor|aide|director|chair\w*|spokes\w+|mayor|"
    r"governor|general|ambassador|developer|business\w+|magnate|lawyer|analyst|engineer|guard|captain)\b",
    re.I,
)
_AUTHORS = frozenset("negotiate write draft author devise conceive".split())
_CAUSES = frozenset("cause start spark trigger ignite begin".split())
_DEEDS = (_AUTHORS, _CAUSES)


def differences(
    pool: Pool, persons: Sequence[Person], days: Sequence[Dated], counted: Sequence[Figure]
) -> tuple[Difference, ...]:
    """Return what independent origins tell differently, the surest kinds first; nothing is voted away."""
    kept: list[tuple[Kind, Difference]] = []
    for kind, each in differing(pool, persons, days, counted):
        told = any(
            _overlaps(each, other) or (kind == known == "office" and _same_camps(each, other))
            for known, other in kept
        )
        if len(each.sides) > 1 and not told:
            kept.append((kind, each))
    return tuple(each for _, each in kept[:MOST])


def differing(
    pool: Pool, persons: Sequence[Person], days: Sequence[Dated], counted: Sequence[Figure]
) -> Iterator[tuple[Kind, Difference]]:
    """Yield every difference with its kind, the surest kinds first; one may be told twice."""
    if len(pool.origins) < 2:
        return
    kinds: tuple[tuple[Kind, Iterator[Difference]], ...] = (
        ("number", _by_number(pool, counted)),
        ("day", by_day(pool, days)),
        ("doer", _by_doer(pool)),
        ("denial", by_denial(pool)),
        ("office", _by_office(pool, persons)),
        ("role", _by_role(persons)),
        ("prospect", by_prospect(pool)),
        ("extent", by_extent(pool)),
        ("place", by_place(pool, days, persons)),
        ("place", by_event_place(pool, days)),
    )
    for kind, found in kinds:
        for each in found:
            yield kind, each


def _same_camps(left: Difference, right: Difference) -> bool:
    """Whether the articles part in the same way: who calls Trump a former President has another in office."""
    camps = [[{c.article.id for c in side.citations} for side in each.sides] for each in (left, right)]
    return all(any(mine & theirs for theirs in camps[1]) for mine in camps[0])


def _overlaps(left: Difference, right: Difference) -> bool:
    mine = {(c.article.id, c.start) for side in left.sides for c in side.citations}
    theirs = {(c.article.id, c.start) for side in right.sides for c in side.citations}
    return mine == theirs


# ---------------------------------------------------------------- numbers


def _by_number(pool: Pool, counted: Sequence[Figure]) -> Iterator[Difference]:
    """The same noun counted by another number in a sentence about the same, roundings apart."""
    done: set[str] = set()
    for figure in counted:
        if not figure.counts or figure.counts in done or figure.quantity.unit == "%":
            continue
        alike = [
            other
            for other in counted
            if other.counts == figure.counts
            and other.quantity.unit == figure.quantity.unit
            and _same_count(pool, figure, other)
        ]
        groups: list[list[Value]] = []
        heads: list[Figure] = []
        for other in alike:
            home = next((i for i, head in enumerate(heads) if _agree(head, other)), None)
            if home is None:
                heads.append(other)
                groups.append([])
                home = len(groups) - 1
            groups[home].append(Value(other.text, other.statement))
        if len(groups) > 1:
            done.add(figure.counts)
            about = f"How many {_plural(figure.counts)}"
            yield from difference(about, groups, revised=True, wording=shortest)


def _same_count(pool: Pool, left: Figure, right: Figure) -> bool:
    """Whether both numbers count one thing: a measure in a name ("28-point plan"), or sentences of a day.

    Numbers of different days are news, not a difference.
    """
    if left is right or left.statement is right.statement:
        return left is right
    near = _close(pool, left.statement, right.statement)
    apart = days_apart(left.statement, right.statement)
    if left.counts not in _TIMES and any(re.match(r"\d+-[a-z]", each.text) for each in (left, right)):
        return near >= SAME_NAME and apart <= MOST_DAYS and _same_deed(left, right)
    alike = any(akin(a, b) for a in left.beside for b in right.beside)
    overlap = pool.overlap(left.statement, right.statement)
    wording = SAME_WORDING if apart == 0 else NEXT_DAY_WORDING
    told = near >= SAME_COUNT and overlap >= wording and _same_deed(left, right)
    return apart <= 1 and alike and told


def _same_deed(left: Figure, right: Figure) -> bool:
    """Whether both numbers stand in sentences that share a name and words beside it."""
    mine = {word for word in _content(left.statement) if word != left.counts}
    theirs = {word for word in _content(right.statement) if word != right.counts}
    return shares(left.statement, right.statement) and len(mine & theirs) >= 2


def _agree(left: Figure, right: Figure) -> bool:
    a, b = left.quantity.value, right.quantity.value
    hedged = left.text != left.quantity.text or right.text != right.quantity.text
    return a == b or (hedged and abs(a - b) <= _ROUND * max(abs(a), abs(b)))


def _plural(noun: str) -> str:
    if noun in _PLURALS:
        return _PLURALS[noun]
    return noun if noun.endswith("s") else f"{noun}s"


_PLURALS = {"people": "people", "person": "people", "man": "men", "woman": "women", "child": "children"}


# ---------------------------------------------------------------- who did it


def _by_doer(pool: Pool) -> Iterator[Difference]:
    """One deed on one thing with different doers, such as who wrote a plan."""
    for deed in _DEEDS:
        told = [found for statement in pool.statements for found in _doers(statement, deed)]
        things: dict[str, list[tuple[frozenset[str], Value]]] = {}
        for thing, doers, value in told:
            home = next((known for known in things if one_thing(known, thing)), thing)
            things.setdefault(home, []).append((doers, value))
        for thing, rows in things.items():
            groups: list[list[Value]] = []
            heads: list[frozenset[str]] = []
            for doers, value in rows:
                place = next((i for i, head in enumerate(heads) if doers <= head or head <= doers), None)
                if place is None:
                    heads.append(doers)
                    groups.append([value])
                else:
                    groups[place].append(value)
            yield from difference(f"Who {_past(deed)} the {thing}", groups)


_PLANS = frozenset("plan proposal draft framework document blueprint".split())


def one_thing(left: str, right: str) -> bool:
    """Whether two lemmas may name one thing that somebody made: a plan is a draft."""
    return akin(left, right) or {left, right} <= _PLANS


def _past(deed: frozenset[str]) -> str:
    return "drew up" if deed is _AUTHORS else "caused"


def _doers(statement: Statement, deed: frozenset[str]) -> Iterator[tuple[str, frozenset[str], Value]]:
    tokens = statement.parse.tokens
    for i, token in enumerate(tokens):
        if token.pos != "VERB" or token.lemma.casefold() not in deed:
            continue
        things = [t for t in tokens if t.head == i and t.dep in {"dobj", "nsubjpass"}]
        if token.dep in {"acl", "relcl"}:
            things.append(tokens[token.head])
        agents = [
            j
            for j, t in enumerate(tokens)
            if t.dep == "pobj" and tokens[t.head].dep == "agent" and tokens[t.head].head == i
        ]
        agents += [j for j, t in enumerate(tokens) if t.head == i and t.dep == "nsubj"]
        if not things or not agents or things[0].pos not in {"NOUN", "PROPN"}:
            continue
        reach = _conjuncts(tokens, agents)
        helpers = [j for j in range(len(tokens)) if _helps(tokens, j, i)]
        names = frozenset(normalise(tokens[j].text) for j in (*reach, *helpers) if tokens[j].pos != "PRON")
        if names:
            hedge = next((t.text for t in tokens if t.head == i and t.text.casefold() in _HEDGES), "")
            around = helpers and min(reach) < i < max(helpers)
            said = [_said(statement, part) for part in ([reach, helpers] if around else [[*reach, *helpers]])]
            value = f"{hedge} {' with '.join(said)}".strip()
            if len(value.split()) <= MOST_WORDS:
                yield things[0].lemma.casefold(), names, Value(value, statement)


def _said(statement: Statement, places: Collection[int]) -> str:
    """The words from the first to the last of these tokens, with what belongs to them."""
    tokens = statement.parse.tokens
    first, last = min(places), max(places)
    while first and tokens[first - 1].dep in {"compound", "amod", "poss", "nmod"}:
        first -= 1
    while last + 1 < len(tokens) and tokens[last + 1].pos == "PROPN":
        last += 1
    return " ".join(statement.parse.text[tokens[first].start : tokens[last].end].split())


def _helps(tokens: Sequence[Token], at: int, verb: int) -> bool:
    """Whether a token helps with the deed: "with help from X", "wrote it with X", "and X helped him"."""
    token = tokens[at]
    if token.dep == "nsubj":
        helping = tokens[token.head]
        return helping.lemma.casefold() in {"help", "assist"} and helping.head == verb != token.head
    if token.dep != "pobj":
        return False
    if tokens[token.head].lemma == "with" and tokens[token.head].head == verb and token.pos == "PROPN":
        return True
    up = token.head
    while tokens[up].head != up and up != verb:
        if tokens[up].lemma.casefold() in {"help", "assistance"}:
            return True
        up = tokens[up].head
    return False


def _conjuncts(tokens: Sequence[Token], heads: Sequence[int]) -> set[int]:
    reach = set(heads)
    grew = True
    while grew:
        more = {j for j, t in enumerate(tokens) if t.dep == "conj" and t.head in reach} - reach
        grew = bool(more)
        reach |= more
    return reach


# ---------------------------------------------------------------- offices, roles


def _by_office(pool: Pool, persons: Sequence[Person]) -> Iterator[Difference]:
    """One called former by some and not by others; an administration that goes by two names."""
    named: dict[str, list[Value]] = {}
    for statement in pool.statements:
        for match in re.finditer(r"\b([A-Z]\w+) administration\b", statement.parse.text):
            named.setdefault(match[1], []).append(Value(match.group(), statement))
    if len(named) > 1:
        origins = [{value.statement.origin for value in values} for values in named.values()]
        if all(not a & b for i, a in enumerate(origins) for b in origins[:i]):
            yield from difference("Which administration governs", list(named.values()))
    for person in persons:
        surname = re.escape(person.name.split()[-1])
        ex = re.compile(rf"\b[Ff]ormer (?:[A-Z]\w+ ){{0,2}}(?:President|Prime Minister) (?:\w+ )?{surname}")
        former = [Value(m.group(), s) for s in pool.statements for m in [ex.search(s.parse.text)] if m]
        former += [
            Value(match.group(), statement)
            for statement in pool.statements
            for match in [_EX.search(statement.parse.text)]
            if match and _spoken_of(person.name, statement)
        ]
        since = {value.statement.origin for value in former}
        now = [
            Value(f"{role.role} {role.name}", role.statement)
            for role in person.said
            if re.search(r"\b(?<!ormer )(?:President|Prime Minister)\b", role.role)
            and role.statement.origin not in since
        ]
        if former and now:
            yield from difference(f"Which office {person.name} holds", [now, former])


_EX = re.compile(r"\b[Ff]ormer (?:President|Prime Minister)\b(?! (?:\w+ )?[A-Z])")


def _spoken_of(name: str, statement: Statement) -> bool:
    """Whether the last full name before "the former President" is somebody's."""
    said = _EX.split(statement.parse.text)[0]
    before = statement.article.text[max(0, statement.start - NEAR_BEFORE) : statement.start]
    named = re.findall(r"[A-Z]\w+(?: [A-Z]\w+)+", f"{before} {said}")
    return bool(named) and same_name(normalise(named[-1].split()[-1]), normalise(name.split()[-1]))


_NATIONS = frozenset("russian american ukrainian us u.s. european british german french chinese".split())


def _by_role(persons: Sequence[Person]) -> Iterator[Difference]:
    """A person whom origins call by posts that have no word in common."""
    for person in persons:
        posts: dict[str, list[Role]] = {}
        for role in person.said:
            if _POST.search(role.role):
                posts.setdefault(role.statement.origin, []).append(role)
        groups: list[list[Value]] = []
        bags: list[set[str]] = []
        for own in posts.values():
            bag = {word for role in own for word in _role_words(role.role)}
            place = next((i for i, other in enumerate(bags) if _met(bag, other)), None)
            best = max(own, key=lambda role: len(role.role.split()))
            if place is None:
                bags.append(bag)
                groups.append([Value(best.role, best.statement)])
            else:
                bags[place] |= bag
                groups[place].append(Value(best.role, best.statement))
        if len(groups) > 1:
            yield from difference(f"How {person.name} is described", groups)


def _role_words(role: str) -> set[str]:
    return {word.removesuffix("'s") for word in words(role)} - STOPWORDS - _NATIONS


def _met(left: set[str], right: set[str]) -> bool:
    return any(akin(a, b) or same_name(a, b) for a in left for b in right)


def _content(statement: Statement) -> set[str]:
    return {concept for concept in statement.concepts if " " not in concept}


def _close(pool: Pool, left: Statement, right: Statement) -> float:
    return float(left.vector @ right.vector)


__all__ = ["Kind", "differences", "differing", "one_thing"]
