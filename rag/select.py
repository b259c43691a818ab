"""Hits -> the evidence, best first: ranked by the trees, by what its article is, and by a closer reading."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.protocols import Embedder, Parser, Reader
from models.trees import Trees
from rag.evidence import Evidence, rank_by, weigh
from rag.gather import OPENS_QUOTATION, gather
from rag.prompts import read_prompt
from rag.question import Question
from rag.records import Hit
from rag.standing import standings
from rag.text import normalise

READ = 4
"""Sentences that are read closely at most: each costs 0.06 s on one core."""
NEAR = 0.1
"""What a further sentence must be worth, as a share of the best, to be read."""
BY_SCORE = 0.7
"""Weight of the log-odds of the score beside those of the reader, fitted."""
SURE = 0.6
"""How well a span must fit "who" to be the speaker of a quotation."""
TRUST = {"report": 1.0, "opinion": 0.6, "withdrawn": 0.3, "satire": 0.2}
"""What the evidence in an article is worth, by what the article is."""
_ABOUT_A_PIECE = re.compile(
    r"\b(?:correct(?:ion|ed)|withdr[ae]w\w*|retract\w*|wrong(?:ly)?|mistake\w*|error|satir\w+|parody|opinion|column\w*"
    r"|editorial|comment\w*|joke\w*|claim\w*|misquot\w*|falsely?|critics?|critici[sz]\w+)\b",
    re.I,
)


def select(
    question: Question,
    hits: Sequence[Hit],
    embedder: Embedder,
    parser: Parser,
    trees: Trees,
    reader: Reader | None = None,
) -> tuple[Evidence, ...]:
    """Return the evidence in `hits`, one entry per sentence, best first; with `reader` the best are read."""
    pairs = weigh(question, gather(question, hits, embedder, parser))
    if not pairs:
        return ()
    fitted = trees.predict(np.array([pair.features for pair in pairs], np.float32))
    ranked = _by_standing(question, rank_by(question, pairs, fitted))
    return _speaker_first(question, read_closely(question, ranked, reader) if reader is not None else ranked)


def read_closely(question: Question, ranked: Sequence[Evidence], reader: Reader) -> tuple[Evidence, ...]:
    """Have the best sentences read, and order them by what the trees and the reader say together.

    They share their scores out anew, so that the best still has the highest.
    """
    said = reader.read([reading(question, found) for found in worth_reading(ranked)])
    return shared_out(ranked, [float(value) for value in said])


def worth_reading(ranked: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the evidence that is read closely: the best, and what comes near it."""
    return tuple(found for found in ranked[:READ] if found.score >= NEAR * ranked[0].score)


def shared_out(ranked: Sequence[Evidence], said: Sequence[float]) -> tuple[Evidence, ...]:
    """Return the evidence in its new order, given what the reader says of the first of it."""
    best = ranked[: len(said)]
    read = [replace(found, read=value) for found, value in zip(best, said, strict=True)]
    order = sorted(read, key=lambda found: -worth(found))
    scores = sorted((found.score for found in best), reverse=True)
    shared = [replace(found, score=score) for found, score in zip(order, scores, strict=True)]
    return (*shared, *ranked[len(said) :])


def reading(question: Question, found: Evidence) -> str:
    """Return what the reader is given of a sentence."""
    sentence = found.sentence
    before = sentence.before.rpartition(" . ")[2]
    return read_prompt(question.text, sentence.article.title, before, sentence.text)


def worth(found: Evidence) -> float:
    """Return how likely the sentence answers, in log-odds up to a constant, from its score and the reader."""
    score = min(max(found.score, 0.001), 0.999)
    return BY_SCORE * math.log(score / (1 - score)) + (found.read or 0.0)


def _speaker_first(question: Question, ranked: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Asked who said it, put the sentence that leads up to the best quotation first: "Berg writes:"."""
    best = ranked[0]
    if question.kind != "person" or not best.span.whole or best.sentence.text[0] not in OPENS_QUOTATION:
        return tuple(ranked)
    for other in ranked[1:]:
        leads = other.sentence.text.endswith(":") and other.sentence.adjoins(best.sentence)
        if leads and other.span.typed >= SURE:
            rest = (found for found in ranked if found is not other)
            return (replace(other, score=best.score, read=best.read), *rest)
    return tuple(ranked)


def _by_standing(question: Question, ranked: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Put satire, withdrawn reports and opinion behind reports, unless the question is about them."""
    if _ABOUT_A_PIECE.search(question.text):
        return tuple(ranked)
    low = normalise(question.text)
    standing = standings([found.sentence.article for found in ranked])
    weighed = [
        found
        if (source := normalise(found.sentence.article.source)) and source in low
        else replace(found, score=found.score * TRUST[standing[found.sentence.article.id].kind])
        for found in ranked
    ]
    return tuple(sorted(weighed, key=lambda found: -found.score))
