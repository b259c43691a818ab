"""Fits and measures the verdict on claims of many facts: WiCE, halved at random, ours beside the plain one.

    python -m evals.verdicts wice_claim_dev.jsonl [--out models/verdict.json] [--halvings 5] [--cache FILE]

Each half is judged by weights fitted on the other. Prints the balanced accuracy (supported or not) of: the
whole verdict (checks and fitted chance), the fitted chance alone, the checks alone, and a logistic regression
over the plain signals of our research notes; then what is lost without each signal. Writes weights fitted on
everything when `--out` is given. Reading the claims takes some minutes; `--cache` keeps what was read.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.official import Outcome, wice
from models.embedder import load_embedder
from models.parser import load_parser
from rag.coverage import SIGNALS, Weights
from rag.records import Article, Passage
from rag.text import content_words, words
from rag.verdict import Looked, decide, look

STRENGTH = 0.03
"""Of the regularisation (sklearn's C)."""
HALVINGS = 5

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim of the set, with what was found on it."""

    label: str
    looked: Looked
    plain: tuple[float, ...]


def main(argv: Sequence[str] | None = None) -> int:
    """Read the claims, print the figures, write the weights."""
    options = _options(argv)
    judged = _read(options.path, options.cache)
    right = np.array([each.label == "supported" for each in judged])
    ours = np.array([each.looked.signals for each in judged])
    plain = np.array([each.plain for each in judged])
    print(f"{options.path.name}: {len(judged)} claims, {right.sum()} supported, {options.halvings} halvings")
    halves = _halves(len(judged), options.halvings)
    _print("checks and chance", [_whole(judged, right, ours, *half) for half in halves])
    _print("chance alone", [_alone(ours, right, *half) for half in halves])
    checks = np.array([each.looked.said.support == "supported" for each in judged])
    _print("checks alone", [balanced(right[test], checks[test]) for _, test in halves])
    _print("plain logistic regression", [_alone(plain, right, *half) for half in halves])
    for i, name in enumerate(SIGNALS):
        _print(f"  without {name}", [_alone(np.delete(ours, i, 1), right, *half) for half in halves])
    _official(judged, right, ours, halves[:2])
    if options.out:
        _write(fit(ours, right), options.out)
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evals.verdicts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, metavar="FILE", help="claims of WiCE, one JSON object a line")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the weights here")
    parser.add_argument("--halvings", type=int, default=HALVINGS, metavar="N", help="random halvings")
    parser.add_argument("--cache", type=Path, metavar="FILE", help="keep, and use, what was read")
    return parser.parse_args(argv)


def _read(path: Path, cache: Path | None) -> list[Judged]:
    if cache is not None and cache.exists():
        with cache.open("rb") as stored:
            return list(pickle.load(stored))
    parser, embedder = load_parser(), load_embedder()
    judged = []
    for line in path.read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        text = "\n".join(row["evidence"])
        passage = Passage(Article("wice", text), 0, len(text))
        looked = look(row["claim"], [passage], parser, embedder)
        judged.append(Judged(row["label"], looked, plain_signals(row["claim"], row["evidence"])))
        if sys.stderr.isatty():
            print(f"\r{len(judged)} claims read", end="", file=sys.stderr)
    if cache is not None:
        cache.write_bytes(pickle.dumps(judged))
    return judged


def plain_signals(claim: str, evidence: Sequence[str]) -> tuple[float, ...]:
    """Return the signals of a verifier without a model: overlap of words, pairs, numbers, names; lengths."""
    bags = [set(content_words(text)) for text in evidence]
    own = set(content_words(claim)) or {"\0"}
    weights = {word: np.log(1 + len(bags) / (1 + sum(word in bag for bag in bags))) for word in own}
    shares = sorted((_recall(own & bag, weights) for bag in bags), reverse=True)
    ranked = sorted(bags, key=lambda bag: -_recall(own & bag, weights))
    three: set[str] = set().union(*ranked[:3]) if ranked else set()
    whole = " ".join(evidence)
    pairs, known = set(pairwise(words(claim))), set(pairwise(words(whole)))
    numbers = set(re.findall(r"\d[\d.,]*\d|\d", claim))
    names = set(re.findall(r"\b[A-Z]\w+", claim[1:]))
    return (
        shares[0] if shares else 0.0,
        _recall(own & three, weights),
        _recall(own & set().union(*bags), weights) if bags else 0.0,
        len(pairs & known) / (len(pairs) or 1),
        sum(number in whole for number in numbers) / len(numbers) if numbers else 1.0,
        sum(name in whole for name in names) / len(names) if names else 1.0,
        float(len(numbers)),
        float(len(names)),
        float(np.log(1 + len(claim.split()))),
        float(np.log(1 + len(evidence))),
    )


def _recall(held: set[str], weights: dict[str, float]) -> float:
    return float(sum(weights[word] for word in held) / (sum(weights.values()) or 1.0))


# ---------------------------------------------------------------- fitting


def fit(rows: Array, right: NDArray[np.bool_]) -> Weights:
    """Return a logistic regression in which the supported and the others weigh the same."""
    from sklearn.linear_model import LogisticRegression

    middle, spread = rows.mean(0), rows.std(0) + 1e-6
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    model.fit((rows - middle) / spread, right)
    slopes = model.coef_[0] / spread
    bias = float(model.intercept_[0] - (slopes * middle).sum())
    return Weights(tuple(float(slope) for slope in slopes), bias)


def _halves(count: int, halvings: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Random halvings: (fitted on, measured on), each half in each part once."""
    found = []
    for seed in range(halvings):
        order = np.random.default_rng(seed).permutation(count)
        left, right = order[: count // 2], order[count // 2 :]
        found += [(left, right), (right, left)]
    return found


def _alone(rows: Array, right: NDArray[np.bool_], train: NDArray[np.int64], test: NDArray[np.int64]) -> float:
    fitted = fit(rows[train], right[train])
    given = np.array([fitted.chance(row.tolist()) >= fitted.threshold for row in rows[test]])
    return balanced(right[test], given)


def _whole(
    judged: Sequence[Judged],
    right: NDArray[np.bool_],
    rows: Array,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
) -> float:
    fitted = fit(rows[train], right[train])
    given = np.array([decide(judged[i].looked, fitted).support == "supported" for i in test])
    return balanced(right[test], given)


def balanced(right: NDArray[np.bool_], given: NDArray[np.bool_]) -> float:
    """Return the mean of the shares right of the supported and of the others.

    >>> float(balanced(np.array([True, True, False]), np.array([True, False, False])))
    0.75
    """
    return float((given[right].mean() + (~given[~right]).mean()) / 2)


def _print(name: str, scores: Sequence[float]) -> None:
    print(f"  {name:30} {np.mean(scores):.3f}  spread {np.std(scores):.3f}  of {len(scores)} halves")


def _official(
    judged: Sequence[Judged],
    right: NDArray[np.bool_],
    rows: Array,
    halves: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> None:
    """Print the figures of `evals/public` over both halves of the first halving."""
    outcomes = []
    for train, test in halves:
        fitted = fit(rows[train], right[train])
        for i in test:
            support = decide(judged[i].looked, fitted).support
            outcomes.append(Outcome({"label": judged[i].label}, "", "", support))
    print("official figures, each half judged by weights of the other")
    for scored in wice(outcomes):
        print(scored)


def _write(fitted: Weights, path: Path) -> None:
    stored = {
        "weights": {name: round(slope, 4) for name, slope in zip(SIGNALS, fitted.slopes, strict=True)},
        "bias": round(fitted.bias, 4),
        "threshold": fitted.threshold,
        "recipe": "python -m evals.verdicts wice_claim_dev.jsonl --out models/verdict.json",
    }
    path.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
