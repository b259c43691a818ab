"""Statements -> points: which sentences say the same across articles, which matter most, which stand alone.

Importance is the coverage of concepts, weighted by how many independent origins speak of them (Gillick and
Favre, 2009), together with nearness to the topic and to what the other origins say.
"""

from __future__ import annotations

import math
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
SAME_WORDS = 0.4
"""Part of the rarer words that two sentences must share as well to tell the same,"""
SAME_SURELY = 0.8
"""fewer where their cosine is this high;"""
OFF_TOPIC = 0.23
"""Cosine below which a sentence is of another story."""
FAMILY = 6
"""Letters by which two forms of a word are taken for one."""
FEWEST_RARE = 5
"""a sentence of fewer such words tells the same only as one that has nearly all of them;"""
NEAR_POINT, NEAR_WORDS, RARE = 0.58, 0.3, 4
"""less of both will do where they share a word or pair of words that few sentences of the story have."""
UNIQUE_SHARE = 0.5
"""Part of the words of a sentence that no other origin has, from which it may be told by one origin alone."""
LEAN_COST = 0.25
"""What is left of the worth of a sentence that does not stand alone."""
LENGTH_POWER = 0.7
"""How far a long sentence pays for its length: 1 counts worth per word, 0 counts worth alone."""
NEAR_LEAST = 0.3
"""Worth of a sentence far from the topic and from all others; nearness adds up to 1."""
LEAD = 0.5
"""How much of its worth a sentence may lose by standing late in its article."""
ALONE_WEIGHT = 0.25
"""What a concept is worth that one of several origins speaks of; n origins make n."""
WORD_WEIGHT = 0.6
"""What a word is worth beside a pair of words."""
NEWS = 0.8
"""How much more a sentence of the newest article is worth than one of the oldest."""
FIRST = 1.4
"""How much more the first sentence of an article is worth that is among the newer ones."""
OPINION_COST = 0.25
"""What is left of the worth of a sentence from an opinion piece."""
MORE_WITH_FIGURES = 1.2
"""How much more a sentence with a number of something is worth."""
IDLE_COST = 0.6
"""What is left of the worth of a sentence that only supposes: what could be, what it would mean."""
ASKED = 3.0
"""How much more a sentence is worth that holds all words of the topic."""
SUPPORT = 0.6
"""What each further origin that tells the same adds to the worth of a sentence."""
REPEAT_FROM, REPEAT_COST = 0.4, 2.2
"""Cosine with a line already taken from which a sentence loses worth, and how fast."""
_EMPTY = frozenset(
    "say tell be have do go make take get come year day time people new last other many".split()
)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """The statements of a briefing with all that is known between them."""

    statements: tuple[Statement, ...]
    opinions: frozenset[str] = frozenset()
    """Ids of the articles that give an opinion."""

    @cached_property
    def recency(self) -> dict[str, float]:
        """How new each article is among those with a date, 0 to 1; 0.5 without one, or all of a day."""
        days = sorted({s.article.published[:10] for s in self.statements if s.article.published})
        return {
            s.article.id: days.index(s.article.published[:10]) / (len(days) - 1)
            if len(days) > 1 and s.article.published
            else 0.5
            for s in self.statements
        }

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
    def spelling(self) -> dict[str, str]:
        """For each name that is spelled in several ways, the commonest spelling."""
        counts = Counter(name for s in self.statements for name in names_and_numbers(s) if name.isalpha())
        chosen: dict[str, str] = {}
        kept: list[str] = []
        for name, _ in counts.most_common():
            home = next((other for other in kept if same_name(other, name) or one_name(other, name)), None)
            if home is None:
                kept.append(name)
            else:
                chosen[name] = home
        return chosen

    def concepts(self, found: Iterable[str]) -> frozenset[str]:
        """Return concepts with every name in its commonest spelling."""
        return frozenset(" ".join(self.spelling.get(word, word) for word in c.split()) for c in found)

    def speaks_of(self, statement: Statement) -> frozenset[str]:
        """Return the concepts of a statement, in the commonest spellings."""
        if statement.own not in self._spoken:
            self._spoken[statement.own] = self.concepts(statement.concepts)
        return self._spoken[statement.own]

    @cached_property
    def _spoken(self) -> dict[tuple[str, int, int], frozenset[str]]:
        return {}

    @cached_property
    def spread(self) -> Counter[str]:
        """In how many origins each concept occurs."""
        counts: Counter[str] = Counter()
        seen: dict[str, set[str]] = {}
        for statement in self.statements:
            seen.setdefault(statement.origin, set()).update(self.speaks_of(statement))
        for concepts in seen.values():
            counts.update(concepts)
        return counts

    @cached_property
    def weights(self) -> dict[str, float]:
        """What it is worth to speak of each concept once."""
        many = len(self.origins)
        return {
            concept: (ALONE_WEIGHT if count == 1 and many > 1 else float(count))
            * (1.0 if " " in concept else WORD_WEIGHT)
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

    def tellers(self, statement: Statement) -> tuple[Statement, ...]:
        """Return the best statement of each other origin that tells the same, nearest first."""
        if statement.own not in self._tellers:
            self._tellers[statement.own] = self._find_tellers(statement)
        return self._tellers[statement.own]

    @cached_property
    def _tellers(self) -> dict[tuple[str, int, int], tuple[Statement, ...]]:
        return {}

    def _find_tellers(self, statement: Statement) -> tuple[Statement, ...]:
        near = self.vectors @ statement.vector
        found: dict[str, Statement] = {}
        for place in np.argsort(-near):
            other = self.statements[place]
            if near[place] < NEAR_POINT:
                break
            if other.origin == statement.origin or other.origin in found or not shares(statement, other):
                continue
            if self._same(statement, other, float(near[place])):
                found[other.origin] = other
        return tuple(found.values())

    def _same(self, left: Statement, right: Statement, cosine: float) -> bool:
        overlap = self.overlap(left, right)
        if len(self._rarity(left)) < FEWEST_RARE:
            return cosine >= SAME_SURELY and overlap >= SAME_SURELY
        if cosine >= SAME_SURELY and overlap >= NEAR_WORDS:
            return True
        if cosine >= SAME_POINT and overlap >= SAME_WORDS:
            return True
        common = self.speaks_of(left) & self.speaks_of(right)
        return any(self.frequency[word] <= RARE for word in common) and overlap >= NEAR_WORDS

    def overlap(self, told: Statement, other: Statement) -> float:
        """Part of the rarer words of `told` that `other` has too, in any form of the word, 0 to 1."""
        mine, theirs = self._rarity(told), self._rarity(other)
        held = sum(weight for family, weight in mine.items() if family in theirs)
        return held / (sum(mine.values()) or 1.0)

    def _rarity(self, statement: Statement) -> dict[str, float]:
        """The families of words of a statement: how rare each is among all statements."""
        if statement.own not in self._rare:
            many = len(self.statements)
            self._rare[statement.own] = {
                family_of(word): math.log(1 + many / (1 + self.frequency[word]))
                for word in self.speaks_of(statement)
                if " " not in word and word not in _EMPTY
            }
        return self._rare[statement.own]

    @cached_property
    def _rare(self) -> dict[tuple[str, int, int], dict[str, float]]:
        return {}

    @cached_property
    def frequency(self) -> Counter[str]:
        """In how many statements each concept occurs."""
        return Counter(concept for statement in self.statements for concept in self.speaks_of(statement))

    def alone(self, statement: Statement) -> bool:
        """Whether only this origin tells it: a name or number of its own, or its own words and none near."""
        if len(self.origins) < 2:
            return False
        if self.own_names(statement):
            return True
        single = [concept for concept in self.speaks_of(statement) if " " not in concept]
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


def on_topic(read: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return the statements without those near neither the topic nor what the other origins tell.

    An article of several stories holds sentences on each.
    """
    pool = Pool(read)
    near = tuple(s for s in read if max(s.topic, float(pool.centrality[pool.at[s.key]])) >= OFF_TOPIC)
    return near or read


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


def family_of(word: str) -> str:
    """Return what the forms of a word have in common: its first letters."""
    return word[:FAMILY] if word.isalpha() else word


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

    def worth(
        self,
        statement: Statement,
        words: int,
        *,
        concepts: Iterable[str] | None = None,
        power: float = LENGTH_POWER,
        leaning: bool = True,
    ) -> float:
        """Return what a line of so many words would add; without `leaning` as if it stood alone."""
        weights = self.pool.weights
        new = self._spoken_of(statement, concepts) - self.covered
        gain = sum(weights.get(concept, 0.0) for concept in new) / len(self.pool.origins)
        place = self.pool.at[statement.key]
        near = 0.5 * max(0.0, statement.topic) + 0.5 * max(0.0, float(self.pool.centrality[place]))
        lead = 1 / (1 + 0.12 * statement.place)
        value = gain * (NEAR_LEAST + near) * (1 - LEAD + LEAD * lead) / max(words, 1) ** power
        value *= 0.93 ** self.per_origin[statement.origin]
        if not statement.place and self.pool.recency[statement.article.id] > 0.5:
            value *= FIRST
        value *= 1 - NEWS / 2 + NEWS * self.pool.recency[statement.article.id]
        value *= OPINION_COST if statement.article.id in self.pool.opinions else 1.0
        value *= MORE_WITH_FIGURES if statement.counts else 1.0
        value *= 1 + ASKED * statement.asked
        value *= IDLE_COST if statement.supposes else 1.0
        value *= (1 + SUPPORT * len(self.pool.tellers(statement))) * self.novelty(statement)
        return float(value) * (LEAN_COST if leaning and statement.leans else 1.0)

    def _spoken_of(self, statement: Statement, concepts: Iterable[str] | None) -> frozenset[str]:
        return self.pool.speaks_of(statement) if concepts is None else self.pool.concepts(concepts)

    def novelty(self, statement: Statement) -> float:
        """How far nothing already taken says the same: 1 for all new, near 0 for a repetition."""
        taken = [self.pool.at[key] for key in self.used]
        if not taken:
            return 1.0
        alike = float(np.max(self.pool.vectors[taken] @ statement.vector))
        return max(0.05, 1 - REPEAT_COST * max(0.0, alike - REPEAT_FROM))

    def take(self, statement: Statement, *, concepts: Iterable[str] | None = None) -> None:
        self.used.add(statement.key)
        self.covered |= self._spoken_of(statement, concepts)
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


__all__ = ["Chooser", "Pool", "names_and_numbers", "on_topic", "one_name", "shares"]
