"""Values that statements give for one thing -> the sides of a difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.records import Citation, Difference, Side
from rag.statements import Statement
from rag.text import content_words, normalise

MOST_SIDES = 4


@dataclass(frozen=True, slots=True)
class Value:
    """What one statement gives for something."""

    value: str
    statement: Statement


def difference(
    about: str,
    groups: Sequence[Sequence[Value]],
    *,
    revised: bool = False,
    wording: Callable[[Sequence[Value]], str] | None = None,
) -> Iterator[Difference]:
    """A difference, when the groups of values that agree come from different origins.

    With `revised` an origin may stand on two sides: it tells that one value became another. `wording` gives
    the words of a side; without it they are those of `together`.
    """
    sides: list[Side] = []
    taken: set[str] = set()
    for group in groups:
        fresh = [value for value in group if revised or value.statement.origin not in taken]
        if not fresh:
            continue
        taken |= {value.statement.origin for value in group}
        citations: dict[tuple[str, str], Citation] = {}
        for value in fresh:
            said = (value.statement.article.id, normalise(value.value))
            citations.setdefault(said, value.statement.citation())
        sides.append(Side((wording or together)(fresh), tuple(citations.values())))
    if len(sides) > 1 and len(taken) > 1:
        yield Difference(about, tuple(sides[:MOST_SIDES]))


def together(values: Sequence[Value]) -> str:
    """The wordings of one side, each once; one whose words stand in another is left out."""
    wordings = list({normalise(value.value): value.value for value in reversed(values)}.values())[::-1]
    held = {wording: set(content_words(wording)) for wording in wordings}
    fullest = [
        w
        for w in wordings
        if not any(w != o and (normalise(w) in normalise(o) or held[w] < held[o]) for o in wordings)
    ]
    return " / ".join(fullest[:2]) if all(len(w.split()) <= 8 for w in fullest) else fullest[0]


def shortest(values: Sequence[Value]) -> str:
    """The commonest of the shortest wordings of one side, where any will do: "28-point plan"."""
    wordings = Counter(value.value for value in values)
    return min(wordings, key=lambda wording: (len(wording.split()), -wordings[wording]))


def whole(statement: Statement) -> Value:
    """Return a whole sentence as a value."""
    return Value(" ".join(statement.text.split()), statement)


__all__ = ["MOST_SIDES", "Value", "difference", "shortest", "together", "whole"]
