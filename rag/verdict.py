"""Any claim against passages: supported, partly, contradicted or unsupported, by which sentences, and why.

A sentence of the passages, or a few together, must say what the claim says, by the checks of `verify`. Where
a claim gathers facts from many sentences and near-copies none of them, the fitted chance of `coverage` rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

import models
from models.protocols import Embedder, Pairs, Parse, Parser
from rag.coverage import Weights, signals
from rag.names import akin
from rag.records import Citation, Passage
from rag.text import Span, content_words, sentences
from rag.verify import Verdict, check

READ = 8
"""Sentences of the passages that are read closely: those nearest in words and in meaning."""
NEAR = 32
"""Sentences, by shared words, whose meaning is compared with the claim's."""
MOST_TOGETHER = 3
"""Sentences that may bear a claim out together when none does alone."""
BEFORE = 400
"""Characters before a sentence, and the title, in which what its pronouns mean may stand."""
ON_IT = 0.5
"""Share of the claim's words a sentence must hold to be taken as speaking of the same thing."""
COPY = 0.85
"""Share from which a claim is taken as retelling one sentence: what that sentence does not say then stands
against it, whatever the chance."""
GATHERS = 7
"""Words with content from which a claim may gather its facts from many sentences; a shorter one must stand
in one or a few. With one word changed, a copy of seven still holds 85%."""
SHORTEST_PART = 4
"""Words from which a part of the claim between commas is compared by itself."""
CHECKED = 0.5
"""Chance below which a checking model lowers a verdict."""
WEIGHTS = Path(models.__file__).parent / "verdict.json"
_PARTS = re.compile(r"[,;:–—]| (?:and|but|which|who|where|while|after|before|when) ")
_ORDER = {"partly": 0, "contradicted": 1, "unsupported": 2, "supported": 0}


@dataclass(frozen=True, slots=True)
class Read:
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


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found on a claim before it is decided."""

    said: Verdict
    """Of the sentences read closely, the most telling one, by the checks alone."""
    held: float
    """Share of the claim's words in that sentence."""
    signals: tuple[float, ...]
    words: int
    """Words with content in the claim."""


def verdict(claim: str, passages: Sequence[Passage], parser: Parser, embedder: Embedder) -> Verdict:
    """Return what the passages say of `claim`, a sentence: its support, the reason in words, and by what.

    `citations` are the sentences the verdict rests on, the most telling first; `chance` is how likely the
    claim is borne out, 0 to 1. A claim that no passage speaks of is `unsupported`, which is a value.
    Raises ModelError when the fitted weights are missing.
    """
    return decide(look(claim, passages, parser, embedder), weights())


def lowered(said: Verdict, claim: str, passages: Sequence[Passage], checker: Pairs | None) -> Verdict:
    """Return the verdict, or unsupported when a checking model finds the claim in none of the passages.

    Such a model never raises a verdict: it overlooks changed names and numbers that the checks see.
    """
    if checker is None or said.support != "supported" or not passages:
        return said
    chance = float(checker.score([(passage.text, claim) for passage in passages]).max())
    if chance >= CHECKED:
        return said
    reason = f"the model {checker.name} does not find it there ({chance:.0%} likely)"
    cited = tuple(replace(each, support="unsupported", reason=reason) for each in said.citations)
    return Verdict("unsupported", reason, min(said.chance, chance), cited)


@cache
def weights() -> Weights:
    """Return the shipped weights. Raises ModelError."""
    return Weights.load(WEIGHTS)


def look(claim: str, passages: Sequence[Passage], parser: Parser, embedder: Embedder) -> Looked:
    """Read the sentences nearest to the claim and say what they bear out, with the signals of all."""
    own = parser.parse([claim])[0]
    listed = _listed(passages)
    texts = [" ".join(passage.article.text[slice(*span)].split()) for passage, span in listed]
    wanted = set(content_words(claim)) or {"\0"}
    held = np.array([_share(wanted, set(content_words(text))) for text in texts])
    near = [int(i) for i in np.argsort(-held, kind="stable")[:NEAR] if held[i] > 0]
    if not near:
        none = Verdict("unsupported", "no passage speaks of it")
        return Looked(none, 0.0, signals(own, texts, 0.0), len(wanted))
    parts = [part for part in _PARTS.split(claim) if len(part.split()) >= SHORTEST_PART]
    parts = parts if len(parts) > 1 else []
    vectors = embedder.embed([claim, *parts, *(texts[i] for i in near)], "document")
    alike = vectors[: 1 + len(parts)] @ vectors[1 + len(parts) :].T
    scores = held[near] + alike[0]
    best = [near[i] for i in np.argsort(-scores, kind="stable")[:READ]]
    read = [
        Read(listed[i][0], listed[i][1], parse, float(held[i]))
        for i, parse in zip(best, parser.parse([texts[i] for i in best]), strict=True)
    ]
    meaning = float((alike[1:] if parts else alike).max(axis=1).mean())
    said, share = _closely(own, read)
    return Looked(said, share, signals(own, texts, meaning), len(wanted))


def decide(looked: Looked, fitted: Weights) -> Verdict:
    """Return the verdict: the checks', unless many sentences may bear out what none says by itself."""
    chance = fitted.chance(looked.signals)
    said = looked.said
    if said.support == "supported":
        return replace(said, chance=max(chance, fitted.threshold))
    if looked.words >= GATHERS and looked.held < COPY and chance >= fitted.threshold:
        cited = tuple(replace(each, support="supported", reason="") for each in said.citations)
        return Verdict("supported", chance=chance, citations=cited)
    chance = min(chance, fitted.threshold)
    if said.support == "unsupported" and looked.held >= ON_IT:
        cited = tuple(replace(each, support="partly") for each in said.citations)
        return Verdict("partly", said.reason, chance, cited)
    return replace(said, chance=chance)


def _closely(claim: Parse, read: Sequence[Read]) -> tuple[Verdict, float]:
    """What the sentences say by the checks, one by one and then together, and how much the best holds."""
    found = [(each, _judge(claim, [each])) for each in read]
    alone = [(each, said) for each, said in found if said.support == "supported"]
    if alone:
        cited = tuple(each.citation(said) for each, said in alone[:MOST_TOGETHER])
        return replace(alone[0][1], citations=cited), alone[0][0].held
    for many in range(2, min(MOST_TOGETHER, len(read)) + 1):
        said = _judge(claim, read[:many])
        if said.support == "supported":
            cited = tuple(each.citation(said) for each in read[:many])
            return replace(said, citations=cited), read[0].held
    each, said = min(found, key=lambda pair: (-pair[0].held if pair[0].held >= COPY else 0.0, _rank(*pair)))
    if said.support == "contradicted" and each.held < ON_IT:
        said = replace(said, support="unsupported")
    return replace(said, citations=(each.citation(said),)), each.held


def _rank(read: Read, said: Verdict) -> tuple[int, float]:
    return (_ORDER[said.support] if read.held >= ON_IT else 3, -read.held)


def _judge(claim: Parse, read: Sequence[Read]) -> Verdict:
    days = {each.passage.article.published for each in read}
    return check(
        claim,
        [each.parse for each in read],
        context=" ".join(each.before for each in read),
        published=days.pop() if len(days) == 1 else "",
    )


def _listed(passages: Sequence[Passage]) -> list[tuple[Passage, Span]]:
    """The sentences of the passages, each once."""
    placed: dict[tuple[str, int], tuple[Passage, Span]] = {}
    for passage in passages:
        for start, end in sentences(passage.text):
            span = (passage.start + start, passage.start + end)
            placed.setdefault((passage.article.id, span[0]), (passage, span))
    return list(placed.values())


def _share(wanted: set[str], words: set[str]) -> float:
    return sum(word in words or any(akin(word, other) for other in words) for word in wanted) / len(wanted)


__all__ = ["Looked", "Verdict", "decide", "look", "lowered", "verdict", "weights"]
