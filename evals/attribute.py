"""A sentence -> the sentences it most likely comes from: rare words shared, runs of three words, meaning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from models.protocols import Vectors
from rag.text import content_words, words

RUNS, MEANING = 2.0, 0.9
"""Weights of the runs of three words that both have, which show copying, and of the cosine beside the share
of rare words, which counts 1. Any `RUNS` of 1.5 to 3 finds as many within 1."""


def rank_sources(
    said: str, vector: Vectors, sentences: Sequence[str], vectors: Vectors, rarity: Counter[str]
) -> list[int]:
    """Return the places of `sentences`, the likeliest source of `said` first.

    `vectors` are unit rows of the sentences, `vector` that of `said`; `rarity` counts in how many of the
    sentences each content word occurs.
    """
    many = len(sentences)
    weight = {word: math.log(1 + many / (1 + rarity[word])) for word in content_words(said)}
    total = sum(weight.values()) or 1.0
    runs = _runs(said)
    scores = np.array(vectors @ vector, np.float64) * MEANING
    for place, sentence in enumerate(sentences):
        bag = set(content_words(sentence))
        bag |= {word.removesuffix("s") for word in bag}
        share = sum(w for word, w in weight.items() if word in bag or word.removesuffix("s") in bag) / total
        scores[place] += share + RUNS * len(runs & _runs(sentence)) / (len(runs) or 1)
    return [int(place) for place in np.argsort(-scores, kind="stable")]


def _runs(sentence: str) -> set[tuple[str, ...]]:
    said = words(sentence)
    return set(zip(said, said[1:], said[2:], strict=False))


def count_words(sentences: Sequence[str]) -> Counter[str]:
    """Return in how many of the sentences each content word occurs."""
    return Counter(word for sentence in sentences for word in set(content_words(sentence)))


__all__ = ["count_words", "rank_sources"]
