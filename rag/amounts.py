"""The figures of a story: each number with its unit, what it counts and who gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.protocols import Token
from rag.dates import dates
from rag.numbers import Quantity, quantities
from rag.statements import Statement

FEWEST_TOKENS = 3
"""A phrase with fewer tokens after its first says too little by itself."""
MOST_BETWEEN, MOST_AFTER = 9, 9
"""Tokens between a number and the verb that rules it, and after the verb, in a phrase with the verb."""
MOST_RULED = 14
"""Tokens between a number and the verb on which the infinitive that rules it depends."""
MOST_CHARACTERS = 60
"""A number and its noun that stand farther apart are not shown as one."""
_HEDGE = re.compile(
    r"(?:(?:about|around|nearly|almost|some|roughly|approximately|more than|less than|over|under|at least|"
    r"up to|at most|fewer than|close to|an estimated)\s+)$",
    re.I,
)
_BEYOND = frozenset({"relcl", "appos", "punct", "advcl", "acl", "conj", "cc"})
_CUT_NAME = re.compile(r"(?:[A-Z]\w* )*(?:[A-Z]\w*-)+$")
"""What stands before the last part of a name with hyphens, which the parser takes apart."""
_ORDINAL = re.compile(r"\d(?:st|nd|rd|th)$")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a sentence: `counts` is the head noun of what it counts."""

    quantity: Quantity
    counts: str
    """Lemma of the noun, empty for money and shares that stand alone."""
    span: tuple[int, int]
    """Offsets into the parsed sentence of the phrase with the number in it."""
    said: tuple[int, int]
    """Offsets of the number with its hedge and its noun, e.g. `around 20 points`."""
    statement: Statement

    beside: frozenset[str] = frozenset()
    """Lemmas of what stands with the number: the verb that rules it and what belongs to the two."""

    @property
    def text(self) -> str:
        start, end = self.said
        return " ".join(self.statement.parse.text[start:end].split())

    @property
    def phrase(self) -> str:
        text, (start, end) = self.statement.parse.text, self.span
        cut = _CUT_NAME.search(text, 0, start)
        start = cut.start() if cut else start
        if text[start:end].count("“") > text[start:end].count("”"):
            end = text.find("”", end) + 1 or end
        return " ".join(text[start:end].split())

    def same(self, other: Figure) -> bool:
        """Whether both are the same number of the same thing."""
        return self.quantity.same(other.quantity) and self.counts == other.counts


def figures(statements: Sequence[Statement]) -> tuple[Figure, ...]:
    """Return the figures in the statements, in order; dates, years, ordinals and names of things are none."""
    return tuple(figure for statement in statements for figure in _of(statement))


def _of(statement: Statement) -> Iterator[Figure]:
    text, tokens = statement.parse.text, statement.parse.tokens
    days = [when.at for when in dates(text)]
    for quantity in quantities(text):
        start, end = quantity.start, quantity.end
        while start < end and text[start].isspace():
            start += 1
        if any(start < b and a < end for a, b in days) or _ORDINAL.search(quantity.text):
            continue
        before, after = text[max(0, start - 4) : start], text[end:]
        if re.search(r"[-–:.]$|\b[Nn]os?\.? ?$", before) or re.match(
            r"[:.]\d|[a-z]|[- ]years?[- ]old", after
        ):
            continue
        places = [i for i, token in enumerate(tokens) if token.start < end and start < token.end]
        of_time = any(tokens[i].entity in {"DATE", "TIME"} and not quantity.unit for i in places)
        if of_time and not re.match(r"[\s-]*(?:minute|hour|day|week|month|year)", text[end:]):
            continue
        if not any(tokens[i].pos in {"NUM", "SYM"} for i in places):
            continue
        head = _counted(tokens, places)
        hedge = _HEDGE.search(text[:start])
        first = hedge.start() if hedge else start
        if head is None and not quantity.unit:
            continue
        if head is None:
            yield Figure(quantity, "", _phrase(tokens, places[-1], first, end), (first, end), statement)
            continue
        outer = _joined(tokens, head)
        noun = tokens[outer]
        said = (min(first, noun.start), max(end, noun.end))
        if said[1] - said[0] > MOST_CHARACTERS:
            said = (first, end)
        phrase = _phrase(tokens, outer, *said)
        counts = tokens[head].lemma.casefold()
        yield Figure(quantity, counts, phrase, said, statement, _beside(tokens, outer))


def _beside(tokens: Sequence[Token], head: int) -> frozenset[str]:
    at = head
    for _ in range(4):
        if tokens[at].pos == "VERB" or tokens[at].head == at:
            break
        at = tokens[at].head
    near = {at, head}
    for _ in range(2):
        near |= {
            i for i, token in enumerate(tokens) if token.head in near and token.dep not in {"nsubj", "conj"}
        }
    return frozenset(
        tokens[i].lemma.casefold()
        for i in near
        if tokens[i].pos in {"NOUN", "VERB", "ADJ", "ADV"} and i != head
    )


def _joined(tokens: Sequence[Token], head: int) -> int:
    """The noun that a hyphened measure belongs to: the plan of "28-point peace plan"."""
    up = tokens[head].head
    hyphened = head > 0 and tokens[head - 1].text == "-"
    return up if hyphened and up > head and tokens[up].pos in {"NOUN", "PROPN"} else head


def _counted(tokens: Sequence[Token], places: Sequence[int]) -> int | None:
    """The noun that a number counts: its head, or the head of the compound it stands in ("28-point plan")."""
    inside = set(places)
    at = places[-1]
    for _ in range(4):
        up = tokens[at].head
        if up == at:
            return None
        if up not in inside and tokens[up].pos in {"NOUN", "PROPN"}:
            if tokens[at].dep in {"nummod", "compound", "amod", "quantmod", "nmod", "npadvmod"}:
                return up
            if tokens[up].lemma.casefold() in {"%", "percent"}:
                at = up
                continue
            return None
        at = up
    return None


def _phrase(tokens: Sequence[Token], head: int, start: int, end: int) -> tuple[int, int]:
    """The noun with what belongs to it, clauses after a comma left out."""
    inside = {head}
    grew = True
    while grew:
        more = {
            j for j, token in enumerate(tokens) if token.head in inside and token.dep not in _BEYOND
        } - inside
        grew = bool(more)
        inside |= more
    first = last = head
    while first - 1 in inside or (first >= 2 and tokens[first - 1].text == "-" and first - 2 in inside):
        first -= 1
    while last + 1 in inside or (
        last + 2 < len(tokens) and tokens[last + 1].text == "-" and last + 2 in inside
    ):
        last += 1
    start, end = min(start, tokens[first].start), max(end, tokens[last].end)
    if last - first >= FEWEST_TOKENS:
        return start, end
    return _clause(tokens, head, (start, end))


def _clause(tokens: Sequence[Token], head: int, span: tuple[int, int]) -> tuple[int, int]:
    """A short phrase with the verb that rules it: "cap the army at 600,000", "94 people were aboard"."""
    start, end = span
    at = head
    for _ in range(4):
        up = tokens[at].head
        if up == at:
            return span
        if tokens[up].pos in {"VERB", "AUX"}:
            break
        at = up
    else:
        return span
    denied = any(token.dep == "neg" and token.head == up for token in tokens)
    if denied or tokens[up].dep in {"relcl", "acl"} or abs(up - head) > MOST_BETWEEN:
        return span
    if tokens[at].dep in {"nsubj", "nsubjpass"}:
        last = up
        while last + 1 < len(tokens) and last - up < MOST_AFTER and tokens[last + 1].text not in _ENDS:
            last += 1
        whole = last + 1 >= len(tokens) or tokens[last + 1].text in _ENDS
        return (start, tokens[last].end) if whole and up > head else span
    if up > head or tokens[at].dep not in _RULED:
        return span
    verb = _ruling(tokens, up)
    first = _begins(tokens, verb) if verb is not None else None
    return (tokens[first].start, end) if first is not None and head - first <= MOST_RULED else span


def _begins(tokens: Sequence[Token], verb: int) -> int | None:
    """Where a phrase with this verb begins: at its subject, or at a participle that needs none; else None."""
    subject = next((i for i, t in enumerate(tokens) if t.head == verb and t.dep in _SUBJECTS), None)
    if subject is None or tokens[subject].pos not in {"NOUN", "PROPN"}:
        return verb if tokens[verb].tag in {"VBG", "VBN"} and tokens[verb].lemma != "be" else None
    first = subject
    while first and tokens[first - 1].dep in _BEFORE_NOUN:
        first -= 1
    return first if all(token.text not in _ENDS for token in tokens[first:verb]) else None


def _ruling(tokens: Sequence[Token], verb: int) -> int | None:
    """The verb from which an infinitive keeps what it says: "requiring them to cap it", or None."""
    at = verb
    while tokens[verb].tag == "VB":
        up = tokens[verb].head
        if up >= verb or tokens[up].pos not in {"VERB", "AUX"}:
            return None
        verb = up
    return None if verb == at and tokens[verb].dep == "pcomp" else verb


_ENDS = frozenset({",", ".", ";", ":", "–", "—", "!", "?", "and", "but"})
_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_BEFORE_NOUN = frozenset({"det", "amod", "compound", "poss", "case", "nummod", "nmod"})
_RULED = frozenset({"dobj", "obj", "prep", "attr", "oprd", "dative"})


__all__ = ["Figure", "figures"]
