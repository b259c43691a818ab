"""Values that statements give for one thing -> the sides of a difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.records import Citation, Difference, Side
from rag.statements import Statement
from rag.text import normalise

MOST_SIDES = 4


@dataclass(frozen=True, slots=True)
class Value:
    """What one statement gives for something."""

    value: str
    statement: Statement


def difference(
    about: str, groups: Sequence[Sequence[Value]], *, revised: bool = False
) -> Iterator[Difference]:
    """A difference, when the groups of values that agree come from different origins.

    With `revised` an origin may stand on two sides: it tells that one value became another.
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
            wording = (value.statement.article.id, normalise(value.value))
            citations.setdefault(wording, value.statement.citation())
        sides.append(Side(together(fresh), tuple(citations.values())))
    if len(sides) > 1 and len(taken) > 1:
        yield Difference(about, tuple(sides[:MOST_SIDES]))


def together(values: Sequence[Value]) -> str:
    """The wordings of one side, each once; one that stands in another is left out."""
    wordings = list({normalise(value.value): value.value for value in reversed(values)}.values())[::-1]
    fullest = [w for w in wordings if not any(w != o and normalise(w) in normalise(o) for o in wordings)]
    return " / ".join(fullest[:2]) if all(len(w.split()) <= 8 for w in fullest) else fullest[0]


def whole(statement: Statement) -> Value:
    """Return a whole sentence as a value."""
    return Value(" ".join(statement.text.split()), statement)


__all__ = ["MOST_SIDES", "Value", "difference", "together", "whole"]
