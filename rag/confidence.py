"""How likely it is that the evidence answers the question at all: the base of every refusal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.words import load_words
from rag.errors import ModelError
from rag.evidence import Evidence
from rag.names import akin, article_words
from rag.question import Question
from rag.text import STOPWORDS

FROM_EVIDENCE = (
    "cosine", "soft_recall", "soft_context", "soft_worst", "name_recall_context", "name_recall",
    "names_in_article", "terms_missing", "name_near", "term_near", "tree_mean", "typed", "speaker",
    "number_recall", "kind_open",
    "bigram_recall", "span_length", "heading", "is_question",
)  # fmt: skip
"""Signals that are features of the best evidence."""

SIGNALS = (
    "score", "margin", "whole", "whole_ent", "agree", "mx_soft", "mx_softctx", "mx_cos", "nouns_absent",
    "others_absent", *FROM_EVIDENCE,
)  # fmt: skip
"""Names of all signals, in the order of the weights."""

PRESENT = 0.45
"""Cosine of word vectors from which an article counts as speaking of a word."""
AGREEING = 5
"""Runners-up that are looked at for the same short answer."""
VETOED = 0.02
"""Confidence when something the question rests on is plainly not there."""
_NAMES_OF_KINDS = frozenset({"republican", "republicans", "democrat", "democrats", "democratic"})


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted weights of a logistic regression over `SIGNALS`, and the confidence below which we refuse."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Return the calibration in a JSON file. Raises ModelError when it does not fit this program."""
        try:
            stored = json.loads(path.read_text("utf-8"))
            weights = tuple(float(stored["weights"][name]) for name in SIGNALS)
            return cls(weights, float(stored["bias"]), float(stored["threshold"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The calibration {path.name} cannot be read: {error!r}. Reinstall Tearsheet."
            ) from error


def confidence(question: Question, evidence: Sequence[Evidence], calibration: Calibration) -> float:
    """Return the chance, 0 to 1, that the best evidence answers; `evidence` is sorted, best first."""
    if not evidence or veto(question, evidence[0]):
        return VETOED if evidence else 0.0
    total = calibration.bias
    for weight, signal in zip(calibration.weights, signals(question, evidence), strict=True):
        total += weight * signal
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def veto(question: Question, best: Evidence) -> str:
    """Return what the question rests on and the evidence lacks, in words; empty when nothing."""
    if question.kind in {"count", "money", "percent", "age", "date", "duration"} and best.span.whole:
        return f"no {question.kind} is given"
    for name in question.names:
        if name.casefold() not in _NAMES_OF_KINDS and not best.sentence.names_anything(name):
            return f"{name} is not mentioned"
    return ""


def signals(question: Question, evidence: Sequence[Evidence]) -> tuple[float, ...]:
    """Return the values of `SIGNALS` for the best evidence."""
    best = evidence[0]
    nouns, others = _absent(question, best)
    values = {
        "score": best.score,
        "margin": best.score - (evidence[1].score if len(evidence) > 1 else 0.0),
        "whole": float(best.span.whole),
        "whole_ent": float(best.span.whole) * (best.feature("kind_entity") + best.feature("kind_number")),
        "agree": float(min(2, _agreeing(evidence))),
        "mx_soft": max(found.feature("soft_recall") for found in evidence),
        "mx_softctx": max(found.feature("soft_context") for found in evidence),
        "mx_cos": max(found.feature("cosine") for found in evidence),
        "nouns_absent": float(min(2, nouns)),
        "others_absent": float(min(2, others)),
    }
    return tuple(values[name] if name in values else best.feature(name) for name in SIGNALS)


def _agreeing(evidence: Sequence[Evidence]) -> int:
    key = evidence[0].short.casefold()
    shorts = [found.short.casefold() for found in evidence[1 : 1 + AGREEING] if not found.span.whole]
    return sum(key in short or short in key for short in shorts)


def _absent(question: Question, best: Evidence) -> tuple[int, int]:
    """How many nouns, and how many other words, of the question the whole article does not speak of."""
    asked_nouns = {token.lemma.casefold() for token in question.parse.tokens if token.pos == "NOUN"}
    held = [word for word in article_words(best.sentence.article.text) if word and word not in STOPWORDS]
    alike = load_words().similarity(question.terms, held)
    absent = [
        term
        for row, term in enumerate(question.terms)
        if not any(akin(term, word) for word in held) and (not held or alike[row].max() < PRESENT)
    ]
    nouns = sum(term in asked_nouns for term in absent)
    return nouns, len(absent) - nouns
