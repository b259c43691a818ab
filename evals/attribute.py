"""A sentence -> the sentences it most likely comes from: rare words shared, pairs of them, meaning."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from models.protocols import Vectors
from rag.text import content_words

PAIRS, MEANING = 0.1, 0.9
"""Weights of pairs of words and of the cosine beside the share of rare words, which counts 1."""


def rank_sources(
    said: str, vector: Vectors, sentences: Sequence[str], vectors: Vectors, rarity: Counter[str]
) -> list[int]:
    """Return the places of `sentences`, the likeliest source of `said` first.

    `vectors` are unit rows of the sentences, `vector` that of `said`; `rarity` counts in how many of the
    sentences each content word occurs.
    """
    many = len(sentences)
    words = content_words(said)
    weight = {word: math.log(1 + many / (1 + rarity[word])) for word in words}
    total = sum(weight.values()) or 1.0
    pairs = set(pairwise(words))
    scores = np.array(vectors @ vector, np.float64) * MEANING
    for place, sentence in enumerate(sentences):
        held = content_words(sentence)
        bag = set(held) | {word.removesuffix("s") for word in held}
        share = sum(w for word, w in weight.items() if word in bag or word.removesuffix("s") in bag) / total
        both = len(pairs & set(pairwise(held))) / (len(pairs) or 1)
        scores[place] += share + PAIRS * both
    return [int(place) for place in np.argsort(-scores, kind="stable")]


def count_words(sentences: Sequence[str]) -> Counter[str]:
    """Return in how many of the sentences each content word occurs."""
    return Counter(word for sentence in sentences for word in set(content_words(sentence)))


__all__ = ["count_words", "rank_sources"]
