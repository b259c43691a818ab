"""A stretch of a parsed sentence that could be the short answer, made of its characters or its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.protocols import Parse, Token
from rag.question import Question
from rag.text import Span

_BARELY, _BEFORE = frozenset({"just", "Just", "only", "Only"}), frozenset({"DET", "PUNCT"})
_BEHIND = frozenset({",", ";", ":", "–", "—", "−", "-", "not"})
"""What is not of a span at its beginning and at its end."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Characters `start` to `end` of the sentence, tokens `first` to `last`, headed by token `head`."""

    start: int
    end: int
    first: int
    last: int
    head: int
    typed: float
    """How surely it is of the kind asked for, 0 to 1."""
    focus: float = 0.0
    """1 when it is, or stands beside, the noun the question asks about."""
    whole: bool = False
    """Whether it is the whole sentence: what is left when no span stands out."""


def of_characters(parse: Parse, start: int, end: int, *, typed: float) -> Candidate:
    """Return the candidate of these characters, headed by the word the others hang on."""
    inside = [i for i, token in enumerate(parse.tokens) if token.start < end and token.end > start] or [0]
    first, last = inside[0], inside[-1]
    head = next(
        (i for i in inside if not first <= parse.tokens[i].head <= last or parse.tokens[i].head == i), last
    )
    return Candidate(start, end, first, last, head, typed)


def of_tokens(
    question: Question, parse: Parse, first: int, last: int, head: int, *, typed: float
) -> Candidate:
    """Return the candidate of these tokens, without what is not of it."""
    tokens = parse.tokens
    first, last = _bare(tokens, first, last)
    focus = 0.0
    if question.focus:
        near = {tokens[head].lemma.casefold(), tokens[tokens[head].head].lemma.casefold()}
        near |= {
            token.lemma.casefold()
            for token in tokens
            if token.head == head and token.dep in {"appos", "compound", "nmod"}
        }
        near |= {token.lemma.casefold() for token in tokens[first : last + 1]}
        focus = float(question.focus in near)
        # Asked which comic strip, "the comic strip Dilbert" is Dilbert.
        kinds = [i for i in range(first, head) if tokens[i].lemma.casefold() == question.focus]
        if kinds and tokens[head].pos == "PROPN" and tokens[kinds[-1]].pos == "NOUN":
            first = kinds[-1] + 1
    return Candidate(tokens[first].start, tokens[last].end, first, last, head, typed, focus)


def _bare(tokens: Sequence[Token], first: int, last: int) -> Span:
    """A span without what is not of it: "just" before it, half a bracket, the "not" of "Berg, not Holm"."""
    while first < last and (t := tokens[first]).tag != "CD" and (t.pos in _BEFORE or t.text in _BARELY):
        first += 1
    opened = [i for i in range(first + 1, last + 1) if tokens[i].text == "("]
    if opened and all(token.text != ")" for token in tokens[opened[-1] : last + 1]):
        last = opened[-1] - 1
    while last > first and (tokens[last].tag == "POS" or tokens[last].text in _BEHIND):
        last -= 1
    return first, last
