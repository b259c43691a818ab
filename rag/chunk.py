"""Article -> passages: whole sentences, exact offsets, never longer than the embedder's window."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from rag.records import Article, Passage
from rag.text import Span, sentences

PASSAGE_WORDS = 120
"""Words a passage aims at; `python -m evals.retrieval` prints what other sizes give."""

LONGEST = 2000
"""Characters of a passage at most: some tokenizers count any unbroken run as one token."""

_CLAUSE_END = re.compile(r"[,;:)\]—–]['\"’”]?(?=\s)|\s(?=[—–(\[])")

Count = Callable[[int, int], int]
"""Tokens of the text between two offsets."""


def chunk(
    article: Article, *, count_tokens: Callable[[str], int], limit: int, words: int = PASSAGE_WORDS
) -> tuple[Passage, ...]:
    """Return the passages of `article` in order; together they hold all of its text but the space between.

    A passage is whole sentences, about `words` words and at most `limit` tokens as `count_tokens` counts.
    A sentence longer than that is cut at a clause, else at a word, else anywhere: nothing is left out.
    """
    text = article.text

    @cache
    def count(start: int, end: int) -> int:
        return count_tokens(text[start:end]) if end - start <= LONGEST else limit + 1

    pieces = [piece for start, end in sentences(text) for piece in _cut(text, start, end, count, limit)]
    sizes = [(len(text[start:end].split()), count(start, end)) for start, end in pieces]
    spans: list[Span] = []
    for first, last in _runs(sizes, words=words, limit=limit):
        spans += _joined(pieces[first : last + 1], count, limit)
    return tuple(Passage(article, start, end) for start, end in spans)


def _joined(pieces: list[Span], count: Count, limit: int) -> list[Span]:
    """Return the span of all `pieces`, or of each half when the space between them makes them too long."""
    start, end = pieces[0][0], pieces[-1][1]
    if len(pieces) == 1 or count(start, end) <= limit:
        return [(start, end)]
    half = len(pieces) // 2
    return _joined(pieces[:half], count, limit) + _joined(pieces[half:], count, limit)


def _runs(sizes: Sequence[tuple[int, int]], *, words: int, limit: int) -> Iterator[Span]:
    """Yield the first and last index of runs of pieces, given the words and tokens of each.

    What is left is shared out anew after each run, so that no article ends in a passage of three words.
    """
    left = sum(size for size, _ in sizes)
    goal, first, held, used = _share(left, words), 0, 0, 0
    for index, (size, tokens) in enumerate(sizes):
        if index > first and (held + size / 2 > goal or used + tokens > limit):
            yield first, index - 1
            left -= held
            goal, first, held, used = _share(left, words), index, 0, 0
        held += size
        used += tokens
    if sizes:
        yield first, len(sizes) - 1


def _share(left: int, words: int) -> float:
    """Return the words of each passage when `left` words are shared out in passages of about `words`."""
    return left / max(1, round(left / words))


def _cut(text: str, start: int, end: int, count: Count, limit: int) -> Iterator[Span]:
    """Yield the sentence `text[start:end]` whole when it fits, else in pieces that do."""
    while count(start, end) > limit:
        low, high = start + 1, min(end, start + LONGEST)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (low, middle - 1) if count(start, middle) > limit else (middle, high)
        cut = _break(text, start, low)
        yield start, start + len(text[start:cut].rstrip())
        while text[cut].isspace():
            cut += 1
        start = cut
    yield start, end


def _break(text: str, start: int, reach: int) -> int:
    """Return where to cut the second half of `text[start:reach]`: after a clause, a word, else at `reach`."""
    half = (start + reach) // 2
    clauses = [match.end() for match in _CLAUSE_END.finditer(text, half, reach)]
    if clauses:
        return clauses[-1]
    if text[reach].isspace():
        return reach
    spaces = [match.start() for match in re.finditer(r"\s", text[half:reach])]
    return half + spaces[-1] if spaces else reach
