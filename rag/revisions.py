"""Two texts of one article -> what changed between them, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from rag.text import sentences


@dataclass(frozen=True, slots=True)
class Change:
    """One sentence that another text has otherwise: one of the two is empty when it was added or removed."""

    old: str
    new: str


def changes(old: str, new: str) -> list[Change]:
    """Return what `new` says otherwise than `old`, in order; sentences that only moved count as both.

    >>> changes("It rained. Seven were hurt.", "It rained. Nine were hurt. All live.")
    [Change(old='Seven were hurt.', new='Nine were hurt.'), Change(old='', new='All live.')]
    """
    before, after = _sentences(old), _sentences(new)
    # Line by line, for a sentence that both have many times is still the same sentence.
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        Change(*pair)
        for kind, start, stop, first, last in blocks
        if kind != "equal"
        for pair in _paired(before[start:stop], after[first:last])
    ]


def _paired(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    """Yield old and new sentences side by side where they are alike, else one after the other."""
    for one, other in zip_longest(old, new, fillvalue=""):
        if one and other and SequenceMatcher(None, one, other).quick_ratio() < 0.5:
            yield one, ""
            yield "", other
        else:
            yield one, other


def _sentences(text: str) -> list[str]:
    return [" ".join(text[start:end].split()) for start, end in sentences(text)]
