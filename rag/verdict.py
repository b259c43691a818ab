"""Any claim against passages: supported, partly, contradicted or unsupported, by which sentences, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.protocols import Embedder, Parse, Parser
from rag.names import akin
from rag.records import Citation, Passage
from rag.text import Span, content_words, sentences
from rag.verify import Verdict, check

READ = 8
"""Sentences of the passages that are read closely: those nearest in words and in meaning."""
MOST_TOGETHER = 3
"""Sentences that may bear a claim out together when none does alone."""
BEFORE = 400
"""Characters before a sentence, and the title, in which what its pronouns mean may stand."""
ON_IT = 0.5
"""Share of the claim's words a sentence must hold to be taken as speaking of the same thing."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A sentence of a passage, parsed."""

    passage: Passage
    span: Span
    parse: Parse
    held: float
    """Share of the claim's content words that stand in it."""

    @property
    def before(self) -> str:
        article = self.passage.article
        return f"{article.title} . {article.text[max(0, self.span[0] - BEFORE) : self.span[0]]}"

    def citation(self, verdict: Verdict) -> Citation:
        start, end = self.span
        article = self.passage.article
        return Citation(article, start, end, article.text[start:end], verdict.support, verdict.reason)


def verdict(claim: str, passages: Sequence[Passage], parser: Parser, embedder: Embedder) -> Verdict:
    """Return what the passages say of `claim`, a sentence: its support, the reason in words, and by what.

    `citations` are the sentences the verdict rests on, the most telling first; `chance` is how likely the
    claim is borne out, 0 to 1. A claim that no passage speaks of is `unsupported`, which is a value.
    """
    own = parser.parse([claim])[0]
    read = _nearest(own, passages, parser, embedder)
    if not read:
        return Verdict("unsupported", "no passage speaks of it", chance=0.0)
    found = [(each, _judge(own, [each])) for each in read]
    borne_out = [(each, said) for each, said in found if said.support == "supported"]
    if borne_out:
        return replace(borne_out[0][1], citations=tuple(each.citation(said) for each, said in borne_out[:3]))
    for many in range(2, MOST_TOGETHER + 1):
        together = read[:many]
        said = _judge(own, together)
        if len(together) == many and said.support == "supported":
            return replace(said, citations=tuple(each.citation(said) for each in together))
    each, said = min(
        found, key=lambda pair: (_ORDER[pair[1].support] if pair[0].held >= ON_IT else 3, -pair[0].held)
    )
    if said.support == "contradicted" and each.held < ON_IT:
        said = replace(said, support="unsupported")
    return replace(said, chance=0.0, citations=(each.citation(said),))


_ORDER = {"partly": 0, "contradicted": 1, "unsupported": 2, "supported": 0}


def _judge(claim: Parse, read: Sequence[_Read]) -> Verdict:
    return check(claim, [each.parse for each in read], context=" ".join(each.before for each in read))


def _nearest(
    claim: Parse, passages: Sequence[Passage], parser: Parser, embedder: Embedder
) -> tuple[_Read, ...]:
    """The sentences of the passages that are nearest to the claim in words and meaning, best first."""
    placed: dict[tuple[str, int], tuple[Passage, Span]] = {}
    for passage in passages:
        for start, end in sentences(passage.text):
            span = (passage.start + start, passage.start + end)
            placed.setdefault((passage.article.id, span[0]), (passage, span))
    if not placed:
        return ()
    listed = list(placed.values())
    texts = [" ".join(passage.article.text[slice(*span)].split()) for passage, span in listed]
    wanted = set(content_words(claim.text)) or {"\0"}
    held = np.array([_share(wanted, set(content_words(text))) for text in texts])
    near = np.argsort(-held, kind="stable")[: 4 * READ]
    vectors = embedder.embed([claim.text, *(texts[i] for i in near)], "document")
    scores = held[near] + vectors[1:] @ vectors[0]
    best = [int(near[i]) for i in np.argsort(-scores, kind="stable")[:READ]]
    parses = parser.parse([texts[i] for i in best])
    return tuple(_Read(*listed[i], parse, float(held[i])) for i, parse in zip(best, parses, strict=True))


def _share(wanted: set[str], words: set[str]) -> float:
    return sum(word in words or any(akin(word, other) for other in words) for word in wanted) / len(wanted)


__all__ = ["Verdict", "verdict"]
