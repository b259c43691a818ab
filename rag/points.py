"""Statements -> points: which sentences say the same across articles, which matter most, which stand alone.

Importance is the coverage of concepts, weighted by how many independent origins speak of them (Gillick and
Favre, 2009), together with nearness to the topic and to what the other origins say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rag.names import same_name
from rag.statements import Statement
from rag.text import STOPWORDS, normalise

SAME_POINT = 0.6
"""Cosine from which two sentences of different origins that share a name or a number tell the same."""
UNIQUE_SHARE = 0.35
"""Part of the words of a sentence that no other origin has, from which it may be told by one origin alone."""
LEAN_COST = 0.25
"""What is left of the worth of a sentence that does not stand alone."""
LENGTH_POWER = 0.55
"""How far a long sentence pays for its length: 1 counts worth per word, 0 counts worth alone."""
_EMPTY = frozenset(
    "say tell be have do go make take get come year day time people new last other many".split()
)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """The statements of a briefing with all that is known between them."""

    statements: tuple[Statement, ...]

    @cached_property
    def origins(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(statement.origin for statement in self.statements))

    @cached_property
    def at(self) -> dict[tuple[str, int], int]:
        return {statement.key: i for i, statement in enumerate(self.statements)}

    @cached_property
    def vectors(self) -> Floats:
        return np.stack([statement.vector for statement in self.statements])

    @cached_property
    def nearest(self) -> Floats:
        """Cosine of each statement with the nearest one of each origin: shape (statements, origins)."""
        near = np.zeros((len(self.statements), len(self.origins)), np.float32)
        of = np.array([self.origins.index(statement.origin) for statement in self.statements])
        for place in range(len(self.origins)):
            near[:, place] = (self.vectors @ self.vectors[of == place].T).max(axis=1)
        return near

    @cached_property
    def spread(self) -> Counter[str]:
        """In how many origins each concept occurs."""
        counts: Counter[str] = Counter()
        seen: dict[str, set[str]] = {}
        for statement in self.statements:
            seen.setdefault(statement.origin, set()).update(statement.concepts)
        for concepts in seen.values():
            counts.update(concepts)
        return counts

    @cached_property
    def weights(self) -> dict[str, float]:
        """What it is worth to speak of each concept once."""
        many = len(self.origins)
        return {
            concept: (0.25 if count == 1 and many > 1 else float(count))
            * (0.6 if " " not in concept else 1.0)
            for concept, count in self.spread.items()
            if not all(word in _EMPTY for word in concept.split())
        }

    @cached_property
    def centrality(self) -> Floats:
        """Mean cosine with the nearest statement of each other origin; with all statements for one origin."""
        if len(self.origins) == 1:
            return np.asarray((self.vectors @ self.vectors.T).mean(axis=1), np.float32)
        own = np.array([self.origins.index(statement.origin) for statement in self.statements])
        total = self.nearest.sum(axis=1) - self.nearest[np.arange(len(own)), own]
        return np.asarray(total / (len(self.origins) - 1), np.float32)

    def tellers(self, statement: Statement, *, least: float = SAME_POINT) -> tuple[Statement, ...]:
        """Return the best statement of each other origin that tells the same, nearest first."""
        near = self.vectors @ statement.vector
        found: dict[str, Statement] = {}
        for place in np.argsort(-near):
            other = self.statements[place]
            if near[place] < least:
                break
            if other.origin != statement.origin and other.origin not in found and shares(statement, other):
                found[other.origin] = other
        return tuple(found.values())

    def alone(self, statement: Statement) -> bool:
        """Whether only this origin tells it: a name or number of its own, or its own words and none near."""
        if len(self.origins) < 2:
            return False
        if self.own_names(statement):
            return True
        single = [concept for concept in statement.concepts if " " not in concept]
        unique = sum(self.spread[concept] == 1 for concept in single)
        return unique >= UNIQUE_SHARE * len(single) and not self.tellers(statement)

    def own_names(self, statement: Statement) -> tuple[str, ...]:
        """People, places, sums and numbers of a statement that no other origin has, in any spelling."""
        return tuple(
            name
            for name in sorted(names_and_numbers(statement, labels=_TELLING))
            if self._holders(name) <= {statement.origin}
        )

    def _holders(self, name: str) -> set[str]:
        if name not in self._held:
            self._held[name] = {
                origin
                for other, origins in self._places.items()
                if other == name
                or (other[:1] == name[:1] and one_name(other, name))
                or same_name(other, name)
                for origin in origins
            }
        return self._held[name]

    @cached_property
    def _held(self) -> dict[str, set[str]]:
        return {}

    @cached_property
    def _places(self) -> dict[str, set[str]]:
        places: dict[str, set[str]] = {}
        for article in {statement.article.id: statement for statement in self.statements}.values():
            for word in set(normalise(article.article.text).replace("-", " ").split()):
                key = word.strip(".,;:!?\"'()").removesuffix("'s")
                places.setdefault(key, set()).add(article.origin)
        return places


_TELLING = frozenset("PERSON GPE LOC FAC EVENT MONEY PERCENT QUANTITY CARDINAL".split())
_TITLES = frozenset("mr mrs ms dr rep sen gen president".split())


def names_and_numbers(statement: Statement, *, labels: frozenset[str] | None = None) -> frozenset[str]:
    """Return the words of a statement that are names or numbers, normalised; with `labels` only of those."""
    found = set()
    for token in statement.parse.tokens:
        word = normalise(token.text).removesuffix("'s").strip(".,")
        if token.pos not in {"PROPN", "NUM"} or len(word) < 2 or word in STOPWORDS or word in _TITLES:
            continue
        if labels is None or token.entity in labels:
            found.add(word.split("-")[0])
    return frozenset(found)


def one_name(left: str, right: str) -> bool:
    """Whether two spellings differ by so little that they name the same: `donbas` and `donbass`."""
    if left == right:
        return True
    shorter, longer = sorted((left, right), key=len)
    if len(shorter) < 6 or len(longer) - len(shorter) > 1 or shorter[0].isdigit():
        return False
    if len(shorter) == len(longer):
        return sum(a != b for a, b in zip(left, right, strict=True)) <= 1
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


def shares(left: Statement, right: Statement) -> bool:
    """Whether two statements share a name or a number."""
    mine, theirs = names_and_numbers(left), names_and_numbers(right)
    return bool(mine & theirs) or any(same_name(a, b) for a in mine for b in theirs)


@dataclass
class Chooser:
    """Picks statements one after another, each for what it adds to those picked before."""

    pool: Pool
    covered: set[str] = field(default_factory=set)
    used: set[tuple[str, int]] = field(default_factory=set)
    per_origin: Counter[str] = field(default_factory=Counter)

    def worth(self, statement: Statement, words: int, *, concepts: Iterable[str] | None = None) -> float:
        """Return what a line of so many words would add."""
        weights = self.pool.weights
        new = set(statement.concepts if concepts is None else concepts) - self.covered
        gain = sum(weights.get(concept, 0.0) for concept in new) / len(self.pool.origins)
        place = self.pool.at[statement.key]
        near = 0.5 * max(0.0, statement.topic) + 0.5 * max(0.0, float(self.pool.centrality[place]))
        lead = 1 / (1 + 0.12 * statement.place)
        value = gain * (0.3 + near) * (0.5 + 0.5 * lead) / max(words, 1) ** LENGTH_POWER
        value *= 0.93 ** self.per_origin[statement.origin]
        if self.repeats(statement):
            value *= 0.2
        return float(value) * (LEAN_COST if statement.leans else 1.0)

    def repeats(self, statement: Statement) -> bool:
        """Whether something already taken says nearly the same."""
        taken = [self.pool.vectors[self.pool.at[key]] for key in self.used]
        return bool(taken) and float(np.max(np.stack(taken) @ statement.vector)) > 0.8

    def take(self, statement: Statement, *, concepts: Iterable[str] | None = None) -> None:
        self.used.add(statement.key)
        self.covered |= set(statement.concepts if concepts is None else concepts)
        self.per_origin[statement.origin] += 1

    def best(
        self, candidates: Sequence[Statement], score: Callable[[Statement], float]
    ) -> Iterator[Statement]:
        """Yield the candidates, each time the best of those left by `score`; those worth nothing never."""
        left = [statement for statement in candidates if statement.key not in self.used]
        while left:
            values = [score(statement) for statement in left]
            place = int(np.argmax(values))
            if values[place] <= 0:
                return
            yield left.pop(place)


__all__ = ["Chooser", "Pool", "names_and_numbers", "shares"]
