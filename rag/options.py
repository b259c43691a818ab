"""The two that a question offers: "is it A or B?"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.protocols import Token
from rag.question import Question
from rag.syntax import below
from rag.text import STOPWORDS

_OWN = frozenset({"amod", "compound", "nummod", "neg", "advmod"})
_BEFORE = _OWN | {"det", "poss", "case"}


@dataclass(frozen=True, slots=True)
class Option:
    """One of the two that a question offers."""

    value: str
    tokens: tuple[int, ...]
    """Its tokens in the question."""
    wanted: frozenset[str]
    """The lemmas that tell it from the other."""


def options(question: Question) -> tuple[Option, Option] | None:
    """Return what a question of yes or no offers on either side of its "or"; None when it offers nothing."""
    tokens = question.parse.tokens
    joined = next(
        (
            (token.head, i)
            for i, token in enumerate(tokens)
            if token.dep == "conj"
            and any(t.lemma.casefold() == "or" and t.head == token.head for t in tokens)
        ),
        None,
    )
    if question.kind != "yesno" or joined is None:
        return None
    heads = [_noun(tokens, place) for place in joined]
    if any(tokens[head].lemma.casefold() in STOPWORDS for head in heads):
        return None
    phrases = [_phrase(tokens, place) for place in heads]
    alike = tokens[heads[0]].lemma == tokens[heads[1]].lemma
    first, second = (
        Option(
            question.text[tokens[_first(tokens, head)].start : tokens[phrase[-1]].end],
            tuple(phrase),
            frozenset(lemmas(tokens, phrase if alike else [head])),
        )
        for phrase, head in zip(phrases, heads, strict=True)
    )
    return first, second


def offered(question: Question) -> frozenset[str]:
    """Return the names of a question that it only offers: an article that answers may have one alone."""
    both = options(question)
    if both is None:
        return frozenset()
    tokens, text = question.parse.tokens, question.text
    first = min(i for option in both for i in option.tokens)
    last = max(below(tokens, max(both[1].tokens)) | {i for option in both for i in option.tokens})
    reach = range(tokens[first].start, tokens[last].end)
    return frozenset(name for name in question.names if text.find(name) in reach)


def lemmas(tokens: Sequence[Token], places: Iterable[int]) -> set[str]:
    """Return the lemmas of these tokens."""
    return {tokens[i].lemma.casefold() for i in places}


def _noun(tokens: Sequence[Token], place: int) -> int:
    """The noun of "in September", or the word itself."""
    return next((i for i, t in enumerate(tokens) if t.head == place and t.dep == "pobj"), place)


def _first(tokens: Sequence[Token], head: int) -> int:
    """Where the phrase of a noun or verb begins, without its article."""
    inside, first = below(tokens, head), head
    while first - 1 in inside and tokens[first - 1].dep in _BEFORE:
        first -= 1
    return first + 1 if first < head and tokens[first].dep == "det" else first


def _phrase(tokens: Sequence[Token], head: int) -> list[int]:
    """A noun or verb with what stands right before it and belongs to it."""
    before = (i for i, t in enumerate(tokens) if t.head == head and t.dep in _OWN and i < head)
    return sorted([head, *before])
