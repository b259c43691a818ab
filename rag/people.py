"""Who the people of a story are: the role that each article gives them, in its own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.protocols import Entity, Parse, Token
from rag.names import name_keys, same_name
from rag.statements import Statement
from rag.text import normalise

MOST_ROLE_WORDS = 12
_MODIFIERS = frozenset({"compound", "amod", "poss", "nmod", "nummod"})
_LISTED = re.compile(
    r"^\s*(?:[-•*–]\s*)?(?P<name>[A-Z][\w.'’-]+(?: [A-Z][\w.'’-]+){1,3}): (?:As )?(?P<role>[^.:;]{8,90})"
)
_TITLES = frozenset("mr mrs ms dr sir rep sen gen mr. mrs. ms. dr. rep. sen. gen.".split())


@dataclass(frozen=True, slots=True)
class Role:
    """What one sentence says that somebody is; `role` is a stretch of its text."""

    key: str
    """By which the person is known again across spellings: the surname, normalised."""
    name: str
    """The name as the sentence has it."""
    role: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the articles name, and what each calls them, the commonest first."""

    name: str
    roles: tuple[Role, ...]
    """One for each wording, those of most origins first; none whose words stand in a longer one."""
    said: tuple[Role, ...]
    """All that was found, in the order of the articles."""
    origins: frozenset[str]
    """Origins that name the person at all."""
    mentions: int


def people(statements: Sequence[Statement]) -> tuple[Person, ...]:
    """Return the people whom the statements give a role, those named most widely first."""
    known = frozenset(
        _key(entity.text)
        for statement in statements
        for entity in statement.parse.entities
        if entity.label == "PERSON"
    )
    found = [role for statement in statements for role in roles(statement, known)]
    forms: dict[str, Counter[str]] = {}
    seen: dict[str, list[str]] = {}
    for role in found:
        forms.setdefault(_home(role.key, forms), Counter())[role.name] += 1
    for statement in statements:
        for entity in statement.parse.entities:
            if entity.label in _MISTAKEN | {"PERSON"}:
                key = _home(_key(entity.text), forms)
                if key in forms:
                    seen.setdefault(key, []).append(statement.origin)
                    if entity.label == "PERSON":
                        forms[key][_bare(entity.text)] += 1
    listed = []
    for key, names in forms.items():
        own = [role for role in found if _home(role.key, forms) == key]
        full = [name for name in names if " " in name]
        if full and own and seen.get(key):
            name = max(full, key=lambda form: (names[form], -len(form)))
            listed.append(
                Person(name, _ordered(own), tuple(own), frozenset(seen.get(key, ())), len(seen.get(key, ())))
            )
    return tuple(sorted(listed, key=lambda person: (-len(person.origins), -person.mentions, person.name)))


_MISTAKEN = frozenset("ORG GPE NORP WORK_OF_ART FAC PRODUCT LOC".split())
"""What the tagger takes people for whose names it does not know."""
HUMAN = re.compile(
    r"\b(?:head|chief|fellow|envoy|aide|adviser|advisor|minister|president|secretary|analyst|spokes\w+|leader|"
    r"director|mayor|governor|senator|chair\w*|professor|captain|\w+(?:ist|ian|man|woman)|officer|lawyer|"
    r"pope|pontiff|player|coach|quarterback|receiver|safety|friend|wife|husband|son|daughter|brother|sister|\w+-in-law|"
    r"developer|businessman|magnate|architect|member|candidate|democrat|republican|rep|sen|congress\w+|executive|"
    r"bishop|cardinal|archbishop|priest|negotiator|speaker|nurse|doctor|teacher|student|driver|pilot|author|writer|"
    r"actor|actress|singer|prince|princess|ambassador|general|king|queen|ceo|founder|owner|manager|engineer|worker|researcher|representative|judge)\b",
    re.I,
)


def roles(statement: Statement, known: frozenset[str] = frozenset()) -> Iterator[Role]:
    """Yield what the sentence calls each person in it; `known` holds surnames seen elsewhere."""
    parse = statement.parse
    listed = _LISTED.match(parse.text)
    if listed and len(listed["role"].split()) <= MOST_ROLE_WORDS + 4:
        role = re.split(r",| and (?:as )?the | who ", listed["role"])[0]
        if " " in role and not re.search(r"\b(?:is|was|are|has|had|gave|says?)\b", role):
            yield Role(_key(listed["name"]), listed["name"], _clean(role), statement)
    for entity in parse.entities:
        if entity.label not in _MISTAKEN | {"PERSON"}:
            continue
        person = entity.label == "PERSON" or _key(entity.text) in known
        head = _head(parse.tokens, entity)
        for first, last in _spans(parse, entity, head):
            role = _clean(parse.text[parse.tokens[first].start : parse.tokens[last].end])
            if (not person and " " not in entity.text) or not HUMAN.search(role):
                continue
            if 1 <= len(role.split()) <= MOST_ROLE_WORDS and not _empty(role, parse.tokens[first : last + 1]):
                yield Role(_key(entity.text), _bare(entity.text), role, statement)


def _spans(parse: Parse, entity: Entity, head: int) -> Iterator[tuple[int, int]]:
    tokens = parse.tokens
    # "Kirill Dmitriev, head of the fund": a noun in apposition, right after the name and a comma
    for i, token in enumerate(tokens):
        if token.dep == "appos" and i > entity.last + 1 and token.pos == "NOUN" and not token.entity:
            first, last = _phrase(tokens, i, after=entity.last + 2)
            beside = last + 1 < len(tokens) and tokens[last + 1].pos == "PROPN"
            if first == entity.last + 2 and tokens[first - 1].text in {",", "–", "—"} and not beside:
                yield first, last
    # "his press secretary, Karoline Leavitt": the name in apposition to a noun
    parent = tokens[head].head
    if tokens[head].dep == "appos" and tokens[parent].pos == "NOUN" and not tokens[parent].entity:
        first, last = _phrase(tokens, parent, before=entity.first)
        if last == entity.first - 2 and tokens[last + 1].text == ",":
            yield first, last
    # "White House special envoy Steve Witkoff": words before the name that belong to it
    first = entity.first
    while first and _belongs(tokens, first - 1, entity, head):
        first -= 1
    while first < entity.first and tokens[first].pos in {"PUNCT", "CCONJ", "PART", "ADP", "DET"}:
        first += 1
    if first < entity.first and tokens[entity.first - 1].pos in {"NOUN", "PROPN"}:
        yield first, entity.first - 1
    # "Kushner is a former adviser"
    if tokens[head].dep == "nsubj" and tokens[parent].lemma == "be":
        for i, token in enumerate(tokens):
            if token.dep == "attr" and token.head == parent and token.pos == "NOUN":
                yield _phrase(tokens, i, after=parent + 1)


def _belongs(tokens: Sequence[Token], at: int, entity: Entity, head: int) -> bool:
    token = tokens[at]
    if token.entity == "PERSON" and token.text not in {"'s", "’s"} and at + 1 < len(tokens):
        return tokens[at + 1].text in {"'s", "’s"} or (
            tokens[at + 1].entity == "PERSON" and at + 2 < len(tokens) and tokens[at + 2].text in {"'s", "’s"}
        )
    if token.text in {"'s", "’s", "-"}:
        return True
    seen = {head, *range(entity.first, entity.last + 1)}
    up = at
    for _ in range(6):
        of = tokens[up].text == "of" or tokens[tokens[up].head].text == "of"
        if tokens[up].dep not in _MODIFIERS | {"punct", "case"} and not of:
            return False
        up = tokens[up].head
        if up in seen:
            return token.pos in {"NOUN", "PROPN", "ADJ"} or token.text == "of"
    return False


def _phrase(tokens: Sequence[Token], head: int, *, after: int = 0, before: int = 10**6) -> tuple[int, int]:
    """The noun and what belongs to it, without clauses and without what stands beyond a comma."""
    inside = {head}
    grew = True
    while grew:
        more = {
            j
            for j, token in enumerate(tokens)
            if token.head in inside
            and after <= j < before
            and (
                token.dep not in {"relcl", "acl", "advcl", "appos", "conj", "cc", "punct", "ccomp"}
                or (token.dep in {"conj", "cc"} and token.entity == "ORG" == tokens[token.head].entity)
            )
        } - inside
        grew = bool(more)
        inside |= more
    first = last = head
    while first - 1 in inside or (
        first - 1 >= after and tokens[first - 1].text == "-" and first - 2 in inside
    ):
        first -= 1
    while last + 1 in inside or (
        last + 2 in inside and last + 1 < before - 1 and tokens[last + 1].text == "-"
    ):
        last += 1
    return first, last


def _head(tokens: Sequence[Token], entity: Entity) -> int:
    inside = range(entity.first, entity.last + 1)
    return next((i for i in inside if tokens[i].head not in inside or tokens[i].head == i), entity.last)


def _clean(role: str) -> str:
    role = " ".join(role.split()).strip(" ,;:-–—")
    return re.sub(r"^(?:the|an?|its|his|her|their|as)\s+", "", role, flags=re.I)


def _empty(role: str, tokens: Sequence[Token]) -> bool:
    """Whether a role says nothing: a title, a name, a number, a place."""
    if normalise(role) in _TITLES or role.isdigit() or re.search(r"[’']s?$|\?|\bname$", role):
        return True
    return not any(
        token.pos == "NOUN" or (token.pos == "PROPN" and not token.entity) or token.entity in {"", "ORG"}
        for token in tokens
        if token.pos in {"NOUN", "PROPN"}
    ) or all(token.entity == "PERSON" for token in tokens)


def _bare(name: str) -> str:
    name = " ".join(name.split()).removesuffix("'s").removesuffix("’s")
    return re.sub(r"^(?:Mr|Mrs|Ms|Dr|President|Rep|Sen)\.? ", "", name)


def _key(name: str) -> str:
    keys = name_keys(_bare(name))
    return keys[0] if keys else normalise(name)


def _home(key: str, known: dict[str, Counter[str]]) -> str:
    return next((other for other in known if same_name(other, key)), key)


def _ordered(own: Sequence[Role]) -> tuple[Role, ...]:
    """One entry for each wording, those of most origins first, then the fuller ones."""
    counts: dict[str, set[str]] = {}
    best: dict[str, Role] = {}
    wordings = {normalise(role.role) for role in own}
    for role in own:
        wording = normalise(role.role)
        if any(wording != other and wording in other for other in wordings):
            continue
        counts.setdefault(wording, set()).add(role.statement.origin)
        best.setdefault(wording, role)
    order = sorted(best, key=lambda wording: (-len(counts[wording]), -len(wording.split())))
    return tuple(best[wording] for wording in order)


__all__ = ["Person", "Role", "people", "roles"]
