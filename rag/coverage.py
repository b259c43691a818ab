"""How much of a claim stands in given sentences: words weighted by rarity, names, numbers, meaning.

What `rag.verdict` reckons the chance from that a claim of many facts is borne out by many sentences, where
no single sentence says it all. The weights are fitted by `python -m evals.verdicts`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.protocols import Parse
from rag.errors import ModelError
from rag.names import akin, same_name
from rag.numbers import quantities
from rag.text import STOPWORDS, content_words, normalise, words

FEW = 3
"""Sentences, each chosen for what it adds, that are looked at together."""
SIGNALS = (
    "few", "numbers", "numbers_missing", "names_near", "names_missing", "nouns_missing", "meaning",
)  # fmt: skip
"""Names of the signals, in the order of the weights: the share of the claim's words, weighted by rarity, that
the few sentences hold; the share of its numbers that stand anywhere, and how many do not; the share of its
names that stand in the few, and how many stand nowhere; how many of its nouns stand nowhere; how near in
meaning its parts are to their nearest sentence, on average."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted logistic regression over `SIGNALS`, and the chance from which a claim is supported."""

    slopes: tuple[float, ...]
    bias: float
    threshold: float = 0.5

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Return the weights in a JSON file. Raises ModelError when it does not fit this program."""
        try:
            stored = json.loads(path.read_text("utf-8"))
            slopes = tuple(float(stored["weights"][name]) for name in SIGNALS)
            return cls(slopes, float(stored["bias"]), float(stored["threshold"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The fitted weights {path.name} cannot be read: {error!r}. Reinstall Tearsheet."
            ) from error

    def chance(self, values: Sequence[float]) -> float:
        """Return the chance, 0 to 1, that a claim with these signals is supported."""
        total = self.bias + sum(slope * value for slope, value in zip(self.slopes, values, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def signals(claim: Parse, texts: Sequence[str], meaning: float) -> tuple[float, ...]:
    """Return the values of `SIGNALS` for a claim and the sentences it may lean on; `meaning` is given."""
    bags = [set(content_words(text)) for text in texts]
    own = list(dict.fromkeys(content_words(claim.text)))
    counts = Counter(word for bag in bags for word in bag)
    rarity = np.array([math.log(1 + (len(bags) + 1) / (counts[word] + 0.5)) for word in own])
    held = _held(own, bags)
    few = _grown(held, rarity)
    every_word = {part for text in texts for part in _parts(text)}
    near_words = {part for i in few for part in _parts(texts[i])}
    amounts, known = quantities(claim.text), quantities(" \n ".join(texts))
    given = [any(each.same(other) for other in known) for each in amounts]
    names = [normalise(token.text) for token in claim.tokens if token.pos == "PROPN"]
    names = [name for name in names if name not in STOPWORDS and name[:1].isalnum()]
    named = [any(same_name(word, name) for word in every_word) for name in names]
    near = [any(same_name(word, name) for word in near_words) for name in names]
    nouns = [token.lemma.casefold() for token in claim.tokens if token.pos == "NOUN"]
    absent = sum(noun not in STOPWORDS and not any(akin(noun, word) for word in every_word) for noun in nouns)
    values = {
        "few": float(held[:, few].max(axis=1) @ rarity / rarity.sum()) if few else 0.0,
        "numbers": _share(given),
        "numbers_missing": float(min(3, given.count(False))),
        "names_near": _share(near),
        "names_missing": float(min(4, named.count(False))),
        "nouns_missing": float(min(5, absent)),
        "meaning": meaning,
    }
    return tuple(values[name] for name in SIGNALS)


def _parts(text: str) -> list[str]:
    return [part for word in words(text) for part in (word, *word.split("-"))]


def _held(own: Sequence[str], bags: Sequence[set[str]]) -> NDArray[np.float64]:
    """Which words of the claim stand in which sentence, shape `(words, sentences)`."""
    vocabulary = set().union(*bags) if bags else set()
    found = np.zeros((len(own), len(bags)))
    for row, word in enumerate(own):
        alike = {other for other in vocabulary if akin(word, other) or same_name(word, other)}
        found[row] = [not alike.isdisjoint(bag) for bag in bags]
    return found


def _grown(held: NDArray[np.float64], rarity: NDArray[np.float64]) -> list[int]:
    """The sentences that together hold most of the claim, each chosen for what it adds."""
    chosen: list[int] = []
    left = rarity.copy()
    while len(chosen) < FEW and held.size:
        gains = held.T @ left
        best = int(gains.argmax())
        if gains[best] <= 0:
            break
        chosen.append(best)
        left = left * (1 - held[:, best])
    return chosen


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 1.0


__all__ = ["SIGNALS", "Weights", "signals"]
