"""When two words name the same: word families, surnames, spellings, countries and their adjectives."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rag.text import STOPWORDS, normalise


def akin(left: str, right: str) -> bool:
    """Whether two lemmas are one word family: `negotiate` and `negotiation`."""
    shorter = min(len(left), len(right))
    if left == right:
        return True
    if shorter < 4:
        return False
    shared = len(_common(left, right))
    return (shared >= 5 and shared >= shorter - 3) or (
        shared == shorter and max(len(left), len(right)) - shared <= 3
    )


def _common(left: str, right: str) -> str:
    for i, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return left[:i]
    return left[: min(len(left), len(right))]


_TITLES = frozenset(
    ("mr mrs ms dr president secretary envoy minister prime special the of state general").split()
)


def name_keys(name: str) -> tuple[str, ...]:
    """Return the words by which a name is recognised again: its last word that is no title."""
    parts = [part.strip(".,'\"") for part in normalise(name).split()]
    parts = [
        part.removesuffix("'s") for part in parts if part not in _TITLES and part not in STOPWORDS
    ] or parts
    return (parts[-1],) if parts else ()


_SPELLINGS = {
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "aug": "august", "sept": "september",
    "sep": "september", "oct": "october", "nov": "november", "dec": "december",
    "kiev": "kyiv", "zelenskyy": "zelensky", "zelenskiy": "zelensky", "dmitriyev": "dmitriev", "yuri": "yury",
    "kharkov": "kharkiv", "lvov": "lviv", "gaddafi": "qaddafi", "kadhafi": "qaddafi", "odessa": "odesa",
    "us": "usa", "u.s.": "usa", "u.s": "usa", "u.s.a": "usa",
    "america": "usa", "american": "usa", "states": "usa",
    "americans": "usa", "uk": "britain", "u.k.": "britain", "u.k": "britain", "e.u": "europe",
    "british": "britain", "eu": "europe",
    "european": "europe", "e.u.": "europe",
    "russians": "russia", "russian": "russia", "ukrainian": "ukraine", "ukrainians": "ukraine",
    "chinese": "china", "israeli": "israel", "french": "france", "german": "germany", "saudi": "saudi",
}  # fmt: skip


_MARKS = ".,;:!?\"'()[]"
_SOUNDS = (
    ("yy", "y"), ("iy", "y"), ("ij", "y"), ("ii", "y"), ("ie", "y"), ("ye", "y"), ("i", "y"), ("kh", "h"),
    ("q", "k"), ("ck", "k"), ("ou", "u"), ("oo", "u"), ("w", "v"), ("ph", "f"), ("zh", "j"), ("tch", "ch"),
)  # fmt: skip
SHORTEST_SOUND = 5
"""Letters from which two spellings of one sound are one name: Zelensky and Zelenskiy, but not Kim and Kym."""


def same_name(left: str, right: str) -> bool:
    """Whether two normalised words name the same, across possessives, spellings and countries' adjectives."""
    left = left.strip(_MARKS).removesuffix("'s").removesuffix("'")
    right = right.strip(_MARKS).removesuffix("'s").removesuffix("'")
    if left == right or _SPELLINGS.get(left, left) == _SPELLINGS.get(right, right):
        return True
    if min(len(left), len(right)) < SHORTEST_SOUND or not (left.isalpha() and right.isalpha()):
        return False
    return _sound(left) == _sound(right)


@lru_cache(maxsize=8192)
def _sound(word: str) -> str:
    """Return a spelling that transliterations of one name share: without accents and doubled letters."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if letter.isalpha())
    for many, one in _SOUNDS:
        bare = bare.replace(many, one)
    return "".join(letter for i, letter in enumerate(bare) if letter != bare[i - 1 : i])


@lru_cache(maxsize=256)
def article_words(text: str) -> frozenset[str]:
    """Return the different words of a text, normalised; possessives and hyphened parts by themselves too."""
    found = set(normalise(text).replace("-", " ").split())
    return frozenset(word.strip(".,;:!?\"'()") for word in found)
