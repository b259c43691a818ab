"""How likely it is that the evidence answers the question at all: the base of every refusal."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelError
from rag.evidence import Evidence, unmentioned
from rag.names import named_in
from rag.question import NUMERIC, Question
from rag.relations import (
    asks_name,
    of_whom_else,
    only_limited,
    speaks,
    undone,
    ungiven,
    unnamed,
    untold,
    untouched,
)

SIGNALS = ("score", "margin", "most_aligned", "term_near", "typed", "kind_number")
"""Names of the signals: the score of the best evidence and its distance to the next, how well the best
aligned sentence is aligned, and features of the best evidence."""
READ_SIGNALS = ("read", "most_read")
"""Further signals when sentences were read: what the reader says of the best, and the most it says of one."""

VETOED = 0.02
"""Confidence when something the question rests on is plainly not there."""
PLAIN = 0.9
"""Confidence when the form of the sentence leaves no doubt."""
HARDLY = 0.2
"""A span this surely of the kind asked for is of another: a country for a city."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regressions over the signals, and the confidence below which we refuse, by how careful we are.

    `read` has weights for `SIGNALS` and `READ_SIGNALS`, `unread` those for `SIGNALS` alone; the last number
    of each is the bias.
    """

    read: tuple[float, ...]
    unread: tuple[float, ...]
    threshold: float
    strict: float = 1.0
    lenient: float = 0.0

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Return the calibration in a JSON file. Raises ModelError when it does not fit this program."""
        try:
            stored = json.loads(path.read_text("utf-8"))
            read = tuple(float(stored["read"][name]) for name in (*SIGNALS, *READ_SIGNALS, "bias"))
            unread = tuple(float(stored["unread"][name]) for name in (*SIGNALS, "bias"))
            return cls(read, unread, *(float(stored[name]) for name in ("threshold", "strict", "lenient")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The calibration {path.name} cannot be read: {error!r}. Reinstall Tearsheet."
            ) from error


def confidence(question: Question, evidence: Sequence[Evidence], calibration: Calibration) -> float:
    """Return the chance, 0 to 1, that the best evidence answers; `evidence` is sorted, best first."""
    if not evidence or veto(question, evidence[0]):
        return VETOED if evidence else 0.0
    *weights, bias = calibration.unread if evidence[0].read is None else calibration.read
    total = bias + sum(w * x for w, x in zip(weights, signals(question, evidence), strict=True))
    chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
    return max(chance, PLAIN) if _tells_age(question, evidence[0]) else chance


def _tells_age(question: Question, best: Evidence) -> bool:
    """Whether the age stands right behind the name that is asked about: "Berg, 51, said"."""
    if question.kind != "age" or best.span.whole or not question.names:
        return False
    surname = question.names[-1].split()[-1].removesuffix("'s").removesuffix("’s")
    before = best.sentence.text[: best.span.start]
    return bool(re.search(rf"\b{re.escape(surname)}(?:,| is| was|,? aged)? \(?$", before))


def veto(question: Question, best: Evidence) -> str:
    """Return what the question rests on and the evidence lacks, in words; empty when nothing."""
    if unfit := _unfit(question, best):
        return unfit
    if question.kind == "age" and not any(t.pos in {"NOUN", "PROPN"} for t in question.parse.tokens):
        return "whose age is asked for is not said"
    if lacking := unmentioned(question, best.sentence):
        return f"{lacking} is not mentioned"
    span = range(0) if best.span.whole else range(best.span.first, best.span.last + 1)
    if asks_name(question) and unnamed(question, best.sentence.parse, span):
        return "no name is given"
    if lacking := _misses_number(question, best):
        return lacking
    sentence = best.sentence
    spoken = f"{sentence.before}\n{sentence.text}"
    heard = named_in(question.speaker, spoken) and speaks(sentence.parse)
    if question.kind == "quote" and question.speaker and not heard:
        return f"no words of {question.speaker} are given"
    lacking = untold(question, sentence.article, sentence.start, sentence.end)
    if lacking:
        return f"nothing is said of “{lacking}”"
    doing = undone(question, sentence.parse)
    if doing:
        return f"who {doing} it is not said"
    missed = untouched(question, sentence.text)
    return f"{missed} is not what they speak about" if missed else ""


def _unfit(question: Question, best: Evidence) -> str:
    """Whether the sentence has nothing of the kind that is asked for."""
    kind = question.kind
    if best.span.whole:
        if kind in NUMERIC or (kind == "reason" and not _why_so(question)):
            return f"no {kind} is given"
        return "what they are is not said" if kind == "role" else ""
    if kind in {"place", "date"} and best.span.typed <= HARDLY:
        return f"no {question.focus or kind} that fits is given"
    return ""


def _why_so(question: Question) -> bool:
    """Whether "why" asks for what makes a thing so ("why is it important?"), told without "because"."""
    tokens = question.parse.tokens
    root = next((i for i, token in enumerate(tokens) if token.head == i), 0)
    exists = any(token.head == root and token.dep == "expl" for token in tokens)
    return tokens[root].lemma.casefold() in {"be", "matter"} and not exists and not question.negated


def _misses_number(question: Question, best: Evidence) -> str:
    """Whether a number of the question is nowhere given, or the one that is given is somebody else's."""
    number = ungiven(question, best.sentence.article)
    if number:
        return f"{number} is not given"
    before, span = best.sentence.before.rpartition(" . ")[2], (best.span.start, best.span.end)
    if only_limited(question, best.sentence.parse, span):
        return "only a limit is given"
    whose = of_whom_else(question, best.sentence.parse, before, span)
    return f"it is not said of “{whose}”" if whose else ""


def signals(question: Question, evidence: Sequence[Evidence]) -> tuple[float, ...]:
    """Return the values of `SIGNALS` for the best evidence, and those of `READ_SIGNALS` when it was read."""
    best = evidence[0]
    given = {
        "score": best.score,
        "margin": best.score - (evidence[1].score if len(evidence) > 1 else 0.0),
        "most_aligned": max(found.feature("aligned") for found in evidence),
    }
    shown = tuple(given[name] if name in given else best.feature(name) for name in SIGNALS)
    if best.read is None:
        return shown
    return (*shown, best.read, max(found.read for found in evidence if found.read is not None))
