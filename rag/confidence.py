"""How likely it is that the evidence answers the question at all: the base of every refusal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelError
from rag.evidence import Evidence
from rag.question import Question

SIGNALS = (
    "score", "margin", "term_recall", "term_recall_context", "name_recall_context", "number_recall", "worst_term",
    "cosine", "typed", "tree_near", "speaker", "agreement", "whole", "negation", "bigram_recall", "names_missing",
)  # fmt: skip
"""Names of the signals, in the order of the weights."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted weights of a logistic regression over `SIGNALS`, and the confidence below which we refuse."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Return the calibration stored in a JSON file. Raises ModelError when it does not fit this program."""
        try:
            stored = json.loads(path.read_text("utf-8"))
            weights = tuple(float(stored["weights"][name]) for name in SIGNALS)
            return cls(weights, float(stored["bias"]), float(stored["threshold"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The calibration {path.name} cannot be read: {error!r}. Reinstall Tearsheet."
            ) from error


def signals(question: Question, evidence: Sequence[Evidence]) -> tuple[float, ...]:
    """Return the signals of the best evidence; `evidence` is sorted, best first, and not empty."""
    best = evidence[0]
    second = evidence[1].score if len(evidence) > 1 else 0.0
    key = best.short.casefold()
    agreeing = {
        other.sentence.article.id
        for other in evidence[1:6]
        if not other.span.whole and (key in other.short.casefold() or other.short.casefold() in key)
    } - {best.sentence.article.id}
    missing = 1 - best.feature("name_recall_context")
    values = {
        "score": best.score,
        "margin": best.score - second,
        "agreement": float(min(len(agreeing), 2)),
        "typed": best.span.typed,
        "whole": float(best.span.whole),
        "names_missing": float(missing > 0.01),
    }
    return tuple(values[name] if name in values else best.feature(name) for name in SIGNALS)


def confidence(question: Question, evidence: Sequence[Evidence], calibration: Calibration) -> float:
    """Return the estimated chance, 0 to 1, that the best evidence answers the question."""
    if not evidence:
        return 0.0
    found = signals(question, evidence)
    total = calibration.bias + sum(w * s for w, s in zip(calibration.weights, found, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
