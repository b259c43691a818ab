"""Questions for several names: "which two regions" -> the span that names both, not one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from models.protocols import Parse
from rag.question import LABELS, Question
from rag.span import Candidate
from rag.spans import name_runs
from rag.text import Span

_NUMBERS = {"two": 2, "both": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_ASKED = re.compile(
    rf"\b(?:which|what|who (?:are|were) the) (?P<number>{'|'.join(_NUMBERS)})\b", re.IGNORECASE
)
_PLURAL = re.compile(r"\b(?:which|what) ((?:\w+ ?){1,3})", re.IGNORECASE)
_NAMED = frozenset({"person", "place", "group"})
_BETWEEN, _LAST = frozenset({",", "and", "or", "the"}), frozenset({"and", "or"})
"""What stands between the names of a list, and what before its last."""
ONE_OF_THEM = 0.4
"""What one by itself is worth where a number of them is asked for, and a list of another number."""


def asked_for(question: Question) -> int:
    """Return how many names are asked for: the number told, 0 for some, 1 when it is one or no names."""
    if question.kind not in _NAMED:
        return 1
    told = _ASKED.search(question.text)
    if told:
        return _NUMBERS[told["number"].casefold()]
    asked = _PLURAL.search(question.text)
    nouns = {t.text.casefold() for t in question.parse.tokens if t.tag == "NNS"}
    plural = asked is not None and bool(nouns & set(asked[1].casefold().split()))
    return 0 if plural else 1


def with_lists(question: Question, parse: Parse, spans: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the spans of a sentence with those of its lists, when the question asks for several names."""
    number = asked_for(question)
    if number == 1:
        return tuple(spans)
    lists = [_listed(parse, names, number) for names in _lists(question, parse)]
    if number:
        spans = [span if span.whole else replace(span, typed=min(span.typed, ONE_OF_THEM)) for span in spans]
    return (*lists, *spans)


def _listed(parse: Parse, names: Sequence[Span], number: int) -> Candidate:
    first, last = names[0][0], names[-1][1]
    typed = 1.0 if number in {0, len(names)} else ONE_OF_THEM
    tokens = parse.tokens
    return Candidate(tokens[first].start, tokens[last].end, first, last, names[0][1], typed, focus=1.0)


def _lists(question: Question, parse: Parse) -> Iterator[tuple[Span, ...]]:
    """The tokens, from first to last, of the names of each list that an "and" or an "or" ends.

    The tagger misses many a place in a list, or takes it for somebody.
    """
    held: list[Span] = []
    for name in name_runs(parse):
        between = (
            {token.text.casefold() for token in parse.tokens[held[-1][1] + 1 : name[0]]} if held else set()
        )
        held = [*held, name] if between and between <= _BETWEEN else [name]
        if between & _LAST and len(held) > 1:
            if _fits(question, parse, held):
                yield tuple(held)
            held = [name]


def _fits(question: Question, parse: Parse, names: Sequence[Span]) -> bool:
    """Whether one of them is tagged as of the kind that is asked for, or none at all, or its noun follows."""
    labels = {e.label for e in parse.entities for first, last in names if e.first <= last and first <= e.last}
    behind = parse.tokens[min(names[-1][1] + 1, len(parse.tokens) - 1)].lemma.casefold()
    return not labels or bool(labels & LABELS[question.kind]) or behind == question.focus
