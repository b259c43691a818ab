"""Question -> hits: passages found by their words and by their meaning, fused by rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.protocols import Embedder, Pairs
from rag.library import ALL, Filter, Library
from rag.records import Hit
from rag.text import content_words, words
from rag.vectors import Scored, nearest

DEPTH = 50
"""Passages each leg contributes; `python -m evals.retrieval` prints what other depths give."""

FUSION = 10
"""The constant of reciprocal rank fusion: how little the first ranks stand out."""

MOST_TERMS = 40
"""Different words of a question that are searched for; a question of pages is not a query."""

SMALL = 5_000
"""Passages up to which every word of the question is searched for."""

SCORED = 0.1
"""Share of a larger library that the words of one question may lead to: a seventh of what all its words do,
with the answer found as often."""

MOST_SCORED = 30_000
"""Passages that the words of one question may lead to in any library: scoring them takes about 50 ms."""

FEWEST = 3
"""Words searched for all the same, unless they lead to three times as many passages together."""


RERANKED = 30
"""Passages that a reranker reads, if there is one."""


class Index(Protocol):
    """What serves nearest neighbours in place of exact search."""

    def search(self, query: NDArray[np.float32], k: int) -> Scored:
        """Return about the `k` nearest passages: (number, cosine), best first."""
        ...


def retrieve(
    question: str,
    library: Library,
    embedder: Embedder,
    *,
    index: Index | None = None,
    k: int = 10,
    where: Filter = ALL,
    depth: int = DEPTH,
    reranker: Pairs | None = None,
) -> tuple[Hit, ...]:
    """Return the `k` passages that answer `question` best, best first; none for a question without a word.

    `index`, when the process holds one, serves the questions that no filter narrows.
    A `reranker` reads the first of them and puts them into its own order.
    When the library's vectors come from another embedder, passages are found by their words alone.
    """
    question = question.encode("utf-8", "replace").decode()
    if not words(question) or k < 1:
        return ()
    deep = max(depth, k)
    dense: Scored = []
    if library.matches(embedder.fingerprint):
        query = embedder.embed([question], "query")[0]
        dense = index.search(query, deep) if index and not where else nearest(library, query, deep, where)
    lexical = library.lexical(terms(question, library), deep, where)
    legs = {"dense": dict(dense), "lexical": dict(lexical)}
    fused = fuse([list(leg) for leg in legs.values()])
    most = k if reranker is None else max(k, RERANKED)
    passages = library.passages(list(fused)[:most])
    hits = tuple(
        Hit(passage, fused[id_], why=tuple((name, leg[id_]) for name, leg in legs.items() if id_ in leg))
        for id_, passage in passages.items()
    )
    return hits if reranker is None else rerank(question, hits, reranker)[:k]


def rerank(question: str, hits: Sequence[Hit], reranker: Pairs) -> tuple[Hit, ...]:
    """Return the hits by how well the reranker finds that they go with the question, best first."""
    scores = map(float, reranker.score([(question, hit.passage.text) for hit in hits]))
    told = [
        replace(hit, score=score, why=(*hit.why, ("reranker", score)))
        for hit, score in zip(hits, scores, strict=True)
    ]
    return tuple(sorted(told, key=lambda hit: -hit.score))


def terms(question: str, library: Library, *, small: int = SMALL) -> list[str]:
    """Return the words of `question` worth searching for: no stopwords, unless there is nothing else.

    In a library of more than `small` passages they come rarest first, and the commonest are left out once the
    rarer ones lead to enough passages.
    """
    found = list(dict.fromkeys(content_words(question) or words(question)))[:MOST_TERMS]
    size = library.size
    if size <= small:
        return found
    room = min(int(SCORED * size), MOST_SCORED)
    counted = [(library.frequency(term, most=3 * room + 1), term) for term in found]
    kept: list[str] = []
    led = 0
    for frequency, term in sorted(counted, key=lambda pair: pair[0]):
        allowed = 3 * room if len(kept) < FEWEST else room
        if kept and led + frequency > allowed:
            break
        if frequency:
            kept.append(term)
            led += frequency
    return kept


def fuse(rankings: Sequence[Sequence[int]], *, constant: int = FUSION) -> dict[int, float]:
    """Return the fused score of every id, best first: the sum of 1 / (constant + rank) over the rankings.

    Equal scores go by the earlier ranking's rank, so the order of the rankings decides ties.

    >>> list(fuse([[1, 2], [3, 1]]))
    [1, 3, 2]
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, id_ in enumerate(ranking, start=1):
            scores[id_] = scores.get(id_, 0.0) + 1 / (constant + rank)
    order = {id_: place for place, id_ in enumerate(scores)}
    return dict(sorted(scores.items(), key=lambda item: (-item[1], order[item[0]])))
