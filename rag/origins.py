"""Which articles are copies of one another: word shingles, MinHash bands to find them, overlap to be sure.

A wire story appears under many titles, cut, shuffled and with lines of local news. Two such texts share
long runs of words; two reports of one event hardly share any but quotations.
"""

from __future__ import annotations

import re
import zlib

import numpy as np
from numpy.typing import NDArray

Shingles = NDArray[np.uint64]

SHINGLE = 5
"""Words in a row that count as one thing shared; `python -m evals.origins` prints what others give."""

BANDS = 40
"""Bands of a signature; texts that share one are compared."""

ROWS = 2
"""Minima in a band: texts that share 30 % of all their shingles meet in some band 98 times in 100."""

COPY = 0.4
"""Share of the shorter text's shingles that a copy has in common with the longer one."""

FEWEST = 10
"""Shingles below which a text is too short to be called a near-copy of anything."""

_WORD = re.compile(r"\w+")
_DRAW = np.random.default_rng(20251202)
_FACTORS = _DRAW.integers(1, 1 << 63, BANDS * ROWS, np.uint64) | np.uint64(1)
_SALTS = _DRAW.integers(0, 1 << 63, BANDS * ROWS, np.uint64)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)
_AT_ONCE = 4096


def shingles(text: str) -> Shingles:
    """Return the hashes of every run of SHINGLE words, each once, ascending; case and marks do not count."""
    words = _WORD.findall(text.casefold())
    if len(words) < SHINGLE:
        return np.empty(0, np.uint64)
    codes = {word: zlib.crc32(word.encode()) for word in set(words)}
    hashed = np.array([codes[word] for word in words], np.uint64)
    count = len(words) - SHINGLE + 1
    mixed = np.zeros(count, np.uint64)
    for place in range(SHINGLE):
        mixed = _mix(mixed + hashed[place : place + count])
    return np.unique(mixed)


def bands(found: Shingles) -> list[int]:
    """Return the BANDS keys under which a text is filed; near-copies share at least one. Empty when short.

    MinHash with banding (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3).
    """
    if len(found) < FEWEST:
        return []
    minima = np.full(BANDS * ROWS, np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(found), _AT_ONCE):
        part = found[start : start + _AT_ONCE, None]
        minima = np.minimum(minima, _mix(part * _FACTORS + _SALTS).min(axis=0))
    keys = np.arange(BANDS, dtype=np.uint64)
    for row in minima.reshape(BANDS, ROWS).T:
        keys = _mix(keys * _STEP + row)
    return [int(key) for key in keys.astype(np.int64)]


def overlap(one: Shingles, other: Shingles) -> float:
    """Return which share of the shorter text's shingles stands in the longer one too, 0 to 1."""
    shorter = min(len(one), len(other))
    if shorter < FEWEST:
        return 0.0
    return len(np.intersect1d(one, other, assume_unique=True)) / shorter


def _mix(values: Shingles) -> Shingles:
    """Spread 64-bit hashes (the finaliser of SplitMix64, shortened)."""
    values = (values ^ (values >> _SHIFT)) * _STEP
    mixed: Shingles = values ^ (values >> np.uint64(29))
    return mixed
