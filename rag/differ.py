"""Statements -> what the articles tell differently: posts, days, numbers, doers, denials, prospects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from models.protocols import Token
from rag.amounts import Figure
from rag.contrast import by_denial, by_prospect
from rag.dates import day_of
from rag.names import akin, same_name
from rag.people import Person, Role
from rag.points import Pool, names_and_numbers, one_name, shares
from rag.records import Difference
from rag.sides import Value, difference, whole
from rag.statements import Statement
from rag.text import STOPWORDS, normalise, words
from rag.timeline import Dated

MOST = 10
MOST_DAYS = 3
"""Days between two articles that may give one event different days."""
_INFORMS = frozenset("inform tell brief notify hear learn".split())
_HEDGES = frozenset("allegedly reportedly apparently supposedly purportedly".split())
_SAYS = frozenset("say confirm announce write add ask note state declare tweet post speak be have".split())
"""Verbs of which one subject does many in a week."""
SAME_EVENT = 0.5
"""Cosine from which two dated sentences with the same names may tell one event."""
SAME_NAME = 0.4
"""The same where the number is part of what the thing is called, such as a 28-point plan."""
SAME_WORDING = 0.45
"""Part of the rarer words that two sentences on one count share."""
NEAR_DATE = 4
"""Tokens between a date and the place of the same event."""
EVENT_WORDING = 0.33
"""The same for one event of two days, whose names are rare."""
NEXT_DAY_WORDING = 0.6
"""The same where one article is a day younger: most such numbers are news."""
_TIMES = frozenset("second minute hour day week month year decade".split())
SAME_COUNT = 0.6
"""Cosine from which two sentences may count the same thing."""
COMMON = 0.1
"""Part of all sentences from which a name is the story's and tells no event apart."""
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
    if len(pool.origins) < 2:
        return ()
    found = [
        *_by_number(pool, counted),
        *_by_day(pool, days),
        *_by_doer(pool),
        *by_denial(pool),
        *_by_office(pool, persons),
        *_by_role(persons),
        *by_prospect(pool),
        *_by_place(pool, days, persons),
        *_by_event_place(pool, days),
    ]
    kept: list[Difference] = []
    for each in found:
        if len(each.sides) > 1 and not any(_overlaps(each, other) for other in kept):
            kept.append(each)
    return tuple(kept[:MOST])


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
            yield from difference(f"How many {_plural(figure.counts)}", groups, revised=True)


def _same_count(pool: Pool, left: Figure, right: Figure) -> bool:
    """Whether both numbers count one thing: a measure in a name ("28-point plan"), or sentences of a day.

    Numbers of different days are news, not a difference.
    """
    if left is right or left.statement is right.statement:
        return left is right
    near = _close(pool, left.statement, right.statement)
    apart = _days_apart(left.statement, right.statement)
    if left.counts not in _TIMES and any(re.match(r"\d+-[a-z]", each.text) for each in (left, right)):
        return near >= SAME_NAME and apart <= MOST_DAYS and _same_deed(left, right)
    alike = any(akin(a, b) for a in left.beside for b in right.beside)
    overlap = pool.overlap(left.statement, right.statement)
    wording = SAME_WORDING if apart == 0 else NEXT_DAY_WORDING
    told = near >= SAME_COUNT and overlap >= wording and _same_deed(left, right)
    return apart <= 1 and alike and told


def _days_apart(left: Statement, right: Statement) -> int:
    """Days between two articles; 0 when one has no date."""
    ours, theirs = day_of(left.article.published), day_of(right.article.published)
    return abs((ours - theirs).days) if ours and theirs else 0


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


# ---------------------------------------------------------------- days


def _by_day(pool: Pool, days: Sequence[Dated]) -> Iterator[Difference]:
    """One event told with two different days: verbs of one family, the same names, days of the same kind."""
    done: set[tuple[str, int]] = set()
    for left in days:
        if left.statement.key in done or not _a_day(left):
            continue
        group = [left]
        for right in days:
            if right.statement.origin == left.statement.origin or not _a_day(right):
                continue
            if _close(pool, left.statement, right.statement) < SAME_EVENT:
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
    if mine.lemma.casefold() in _SAYS or _days_apart(left.statement, right.statement) > MOST_DAYS:
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


# ---------------------------------------------------------------- who did it


def _by_doer(pool: Pool) -> Iterator[Difference]:
    """One deed on one thing with different doers, such as who wrote a plan."""
    for deed in _DEEDS:
        told = [found for statement in pool.statements for found in _doers(statement, deed)]
        things: dict[str, list[tuple[frozenset[str], Value]]] = {}
        for thing, doers, value in told:
            home = next((known for known in things if _one_thing(known, thing)), thing)
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


def _one_thing(left: str, right: str) -> bool:
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
        helpers = [j for j, t in enumerate(tokens) if t.dep == "pobj" and _helps(tokens, j, i)]
        names = frozenset(normalise(tokens[j].text) for j in (*reach, *helpers) if tokens[j].pos != "PRON")
        if names:
            first = min((*reach, *helpers))
            last = max((*reach, *helpers))
            while first and tokens[first - 1].dep in {"compound", "amod", "poss", "nmod"}:
                first -= 1
            while last + 1 < len(tokens) and tokens[last + 1].pos == "PROPN":
                last += 1
            value = " ".join(statement.parse.text[tokens[first].start : tokens[last].end].split())
            hedge = next((t.text for t in tokens if t.head == i and t.text.casefold() in _HEDGES), "")
            value = f"{hedge} {value}".strip()
            if len(value.split()) <= 14:
                yield things[0].lemma.casefold(), names, Value(value, statement)


def _helps(tokens: Sequence[Token], at: int, verb: int) -> bool:
    """Whether a token stands in "with help from X" beside the verb."""
    up = tokens[at].head
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
        since = {value.statement.origin for value in former}
        now = [
            Value(f"{role.role} {role.name}", role.statement)
            for role in person.said
            if re.search(r"\b(?<!ormer )(?:President|Prime Minister)\b", role.role)
            and role.statement.origin not in since
        ]
        if former and now:
            yield from difference(f"Which office {person.name} holds", [now, former])


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


# ---------------------------------------------------------------- places


def _by_place(pool: Pool, days: Sequence[Dated], persons: Sequence[Person]) -> Iterator[Difference]:
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


def _by_event_place(pool: Pool, days: Sequence[Dated]) -> Iterator[Difference]:
    """One event of one time in two places: sentences that share rare names, a place by the date."""
    placed = [(each, where) for each in days if (where := _place_beside(each))]
    for i, (left, here) in enumerate(placed):
        for right, there in placed[:i]:
            same_time = (left.when.first, left.when.said) == (right.when.first, right.when.said)
            if left.statement.origin == right.statement.origin or not same_time or same_name(here, there):
                continue
            near = _close(pool, left.statement, right.statement)
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


def _content(statement: Statement) -> set[str]:
    return {concept for concept in statement.concepts if " " not in concept}


def _close(pool: Pool, left: Statement, right: Statement) -> float:
    return float(left.vector @ right.vector)


__all__ = ["differences"]
