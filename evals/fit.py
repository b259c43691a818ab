"""Fits the trees of evidence, the reader's weights and the confidence, and writes them into `models/`.

    python -m evals.fit --squad squad2_dev.json --news articles.jsonl --corpus FOLDER [--out models]

Trains on SQuAD 2.0 (reader and confidence on those of its articles that the adapter has not seen), on the
questions in `evals/fitting`, asked of the articles they were written on, on the cases of the suites that are
not held; the reader on the contrasts of its adapter as well. Prints figures of FOLDS folds, each
scored by weights fitted on the others, then writes weights fitted on everything. Takes about an hour on 2
cores, most of it reading.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.fit_contrasts import contrasts
from evals.fit_questions import TAUGHT, Array, Asked, read_questions
from models.embedder import load_embedder
from models.parser import load_parser
from models.reader import OnnxReader
from rag.confidence import READ_SIGNALS, SIGNALS, VETOED, Calibration, confidence, signals, veto
from rag.evidence import FEATURES, Evidence, rank_by
from rag.select import reading, shared_out, worth_reading

FOLDS = 5
NEGATIVES = 60
"""Wrong spans kept per question: more of them teach the trees nothing new."""
NO_SPAN = 0.4
"""What the right sentence is worth with a wrong span; the rest is the span's F1."""
READ_OF_SQUAD = 2
"""Sentences read of a question of SQuAD, of which there are many."""
SQUAD_READ, CONTRAST, SQUAD_CONFIDENCE, BARE = 0.3, 0.3, 0.15, 0.5
"""Weights beside 1 for ours: of SQuAD and of contrasts for the reader; of SQuAD and of questions whose answer
was cut out, or that were asked of other articles, for confidence."""
REFUSED = {"strict": 0.95, "lenient": 0.5}
"""Share of our own unanswerable questions that a threshold has to refuse; the usual one refuses as large a
share of them as it answers of the others."""
LEAST = VETOED + 0.01
"""No threshold lets through what is plainly not there."""

Ranked = tuple[Evidence, ...]
States = Mapping[str, NDArray[np.float32]]


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print the figures of the folds, write the weights."""
    options = _options(argv)
    asked = read_questions(
        options.squad, options.news, options.corpus, load_embedder(), load_parser(), most=options.most
    )
    scored = rank_out_of_fold(asked)
    _print_ranking("by the trees", scored)
    known = {f"squad{number}" for number in range(TAUGHT)}
    scored = [pair for pair in scored if pair[0].group not in known]
    reader = OnnxReader(np.zeros(0, np.float32), 0.0)
    wanted = dict.fromkeys(text for one, ranked in scored for text, _ in _readings(one, ranked))
    states = {text: reader.states([text])[0] for text in wanted}
    pairs, _ = contrasts(options.news, options.corpus)
    told = [reading for one in pairs[: options.most] for reading in one.readings()]
    beside = [(reader.states([text])[0], right) for text, right in told]
    read = fit_rest(asked, scored, states, beside, options.out)
    if options.earns:
        _print_what_earns(asked, read)
    return 0


def fit_rest(
    asked: Sequence[Asked],
    scored: Sequence[tuple[Asked, Ranked]],
    states: States,
    beside: Sequence[tuple[Array, bool]],
    out: Path | None,
) -> list[tuple[Asked, Ranked]]:
    """Fit reader and confidence on rankings of other folds' trees; write all weights to `out`.

    `beside` has states of contrasts, each with whether the question is answered. Returns each question with
    its evidence as readers fitted on the other folds order it.
    """
    fold = _folds(asked)
    read: list[tuple[Asked, Ranked]] = []
    for k in range(FOLDS):
        others = [pair for pair in scored if fold[pair[0].group] != k]
        weights, bias = fit_reader(others, states, beside)
        read += [
            (one, _read(one, ranked, states, weights, bias)) for one, ranked in scored if fold[one.group] == k
        ]
    _print_ranking("with the reader", read)
    with_reader, without = fit_confidence(read), fit_confidence(scored)
    threshold = _threshold(read, with_reader)
    # Without the reader another confidence refuses as much: the bias takes up the difference.
    moved = _logit(threshold) - _logit(_threshold(scored, without))
    without["bias"] = round(without["bias"] + moved, 4)
    calibration = _calibration(with_reader, without, threshold)
    _print_refusals("with the reader", read, calibration)
    _print_refusals("without it", scored, calibration)
    if out is None:
        return read
    out.mkdir(parents=True, exist_ok=True)
    write_trees(fit_trees(asked), out / "evidence.npz")
    weights, bias = fit_reader(scored, states, beside)
    np.savez_compressed(out / "reader.npz", weights=weights, bias=np.float64(bias))
    shares = {care: round(_threshold(read, with_reader, care), 4) for care in REFUSED}
    stored = {"read": with_reader, "unread": without, "threshold": round(threshold, 4)} | shares
    (out / "calibration.json").write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    return read


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.fit", description=__doc__)
    parser.add_argument("--squad", type=Path, required=True, metavar="FILE", help="SQuAD 2.0, as published")
    parser.add_argument("--news", type=Path, required=True, metavar="FILE", help="news articles, one a line")
    parser.add_argument(
        "--corpus", type=Path, required=True, metavar="DIR", help="the reports retold in seeds/"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the weights here")
    parser.add_argument(
        "--earns", action="store_true", help="print what each feature and signal earns (another 20 minutes)"
    )
    parser.add_argument(
        "--most", type=int, default=10**6, metavar="N", help="questions of each set, for a try"
    )
    return parser.parse_args(argv)


def _folds(asked: Sequence[Asked]) -> dict[str, int]:
    """The fold of each group: questions on one article are never on both sides."""
    groups = sorted({one.group for one in asked})
    random.Random(5).shuffle(groups)
    return {group: place % FOLDS for place, group in enumerate(groups)}


def rank_out_of_fold(asked: Sequence[Asked], without: str = "") -> list[tuple[Asked, Ranked]]:
    """Return each question with its evidence as trees fitted on the other folds rank it.

    The trees do not see the feature `without`.
    """
    fold = _folds(asked)
    scored: list[tuple[Asked, Ranked]] = []
    for k in range(FOLDS):
        trees = fit_trees([one for one in asked if fold[one.group] != k], without)
        held = [one for one in asked if fold[one.group] == k]
        scored += [
            (one, rank_by(one.question, one.pairs, trees.predict(_rows(one, without)))) for one in held
        ]
    return scored


class FittedTrees:
    """Boosted trees as scikit-learn fitted them."""

    def __init__(self, rows: Array, wanted: Array, weights: Array) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor

        self.model = HistGradientBoostingRegressor(
            max_iter=120, max_leaf_nodes=15, learning_rate=0.1, min_samples_leaf=50, l2_regularization=1.0
        )
        self.model.fit(rows, wanted, sample_weight=weights)

    def predict(self, rows: Array) -> Array:
        return np.asarray(self.model.predict(rows), np.float32)


def fit_trees(asked: Sequence[Asked], without: str = "") -> FittedTrees:
    """Return trees that predict what a (sentence, span) pair is worth, from the answerable questions."""
    random = np.random.default_rng(0)
    rows, wanted, weights = [], [], []
    for one in asked:
        if not one.right.any():
            continue
        wrong = np.flatnonzero(~one.right)
        kept = np.concatenate([np.flatnonzero(one.right), random.permutation(wrong)[:NEGATIVES]])
        worth = one.right * (NO_SPAN + (1 - NO_SPAN) * one.f1)
        rows.append(_rows(one, without)[kept])
        wanted.append(worth[kept])
        weights.append(np.full(len(kept), one.weight))
    return FittedTrees(*(np.concatenate(part).astype(np.float32) for part in (rows, wanted, weights)))


# ---------------------------------------------------------------- the reader


def _readings(one: Asked, ranked: Ranked) -> list[tuple[str, bool]]:
    """What the reader is given for a question, each with whether it answers."""
    stating = _stating(one)
    chosen = worth_reading(ranked) if one.weight > 1 else ranked[:READ_OF_SQUAD]
    return [(reading(one.question, found), _place(found) in stating) for found in chosen]


def fit_reader(
    scored: Sequence[tuple[Asked, Ranked]], states: States, beside: Sequence[tuple[Array, bool]]
) -> tuple[Array, float]:
    """Return the weights and the bias of the linear function of a state."""
    from sklearn.linear_model import LogisticRegression

    given = [
        (states[text], right, 1.0 if one.weight > 1 else SQUAD_READ)
        for one, ranked in scored
        for text, right in _readings(one, ranked)
    ] + [(state, right, CONTRAST) for state, right in beside]
    table, right, weight = (np.array(part) for part in zip(*given, strict=True))
    middle, spread = table.mean(0), table.std(0) + 1e-6
    fitted = LogisticRegression(C=0.01, max_iter=1000).fit((table - middle) / spread, right, weight)
    slopes = fitted.coef_[0] / spread
    return slopes.astype(np.float32), float(fitted.intercept_[0] - (slopes * middle).sum())


def _read(one: Asked, ranked: Ranked, states: States, weights: Array, bias: float) -> Ranked:
    """The evidence as the product orders it once the best was read."""
    texts = [text for text, _ in _readings(one, ranked)]
    said = [float(states[text] @ weights + bias) for text in texts]
    return shared_out(ranked, said)


# ---------------------------------------------------------------- confidence


@dataclass(frozen=True, slots=True)
class _Shown:
    signals: tuple[float, ...]
    answers: bool
    weight: float


def fit_confidence(scored: Sequence[tuple[Asked, Ranked]], without: Sequence[str] = ()) -> dict[str, float]:
    """Return the weights of confidence by name, with the bias; of the signals `without` they are 0.

    An answerable question is shown twice: as it is, and, as one that nothing answers, without the
    sentences that do.
    """
    from sklearn.linear_model import LogisticRegression

    shown: list[_Shown] = []
    read = any(ranked and ranked[0].read is not None for _, ranked in scored)
    for one, ranked in scored:
        stating = _stating(one)
        rest = tuple(found for found in ranked if _place(found) not in stating)
        weight = (BARE if one.elsewhere else 1.0) if one.weight > 1 else SQUAD_CONFIDENCE
        for evidence, answers, share in ((ranked, one.answerable, 1.0), (rest, False, BARE)):
            if not evidence or veto(one.question, evidence[0]) or (evidence is rest and not stating):
                continue
            if read == (evidence[0].read is not None):
                shown.append(_Shown(signals(one.question, evidence), answers, weight * share))
    names = (*SIGNALS, *READ_SIGNALS) if read else SIGNALS
    table = np.array([one.signals for one in shown]) * [name not in without for name in names]
    middle, spread = table.mean(0), table.std(0) + 1e-6
    fitted = LogisticRegression(C=0.05, max_iter=4000).fit(
        (table - middle) / spread, [one.answers for one in shown], [one.weight for one in shown]
    )
    slopes = fitted.coef_[0] / spread
    weights = {name: round(float(slope), 4) for name, slope in zip(names, slopes, strict=True)}
    return weights | {"bias": round(float(fitted.intercept_[0] - (slopes * middle).sum()), 4)}


def _calibration(read: Mapping[str, float], unread: Mapping[str, float], threshold: float) -> Calibration:
    return Calibration(
        tuple(read[name] for name in (*SIGNALS, *READ_SIGNALS, "bias")),
        tuple(unread[name] for name in (*SIGNALS, "bias")),
        threshold,
    )


def _threshold(
    scored: Sequence[tuple[Asked, Ranked]], weights: Mapping[str, float], care: str = "usual"
) -> float:
    """The confidence below which we refuse with this care, from our own questions."""
    whole = dict.fromkeys((*SIGNALS, *READ_SIGNALS, "bias"), 0.0) | dict(weights)
    calibration = _calibration(whole, whole, 0.0)
    ours = [
        (one.answerable, confidence(one.question, ranked, calibration))
        for one, ranked in scored
        if one.weight > 1 and not one.elsewhere
    ]
    yes, no = (np.array([chance for kind, chance in ours if kind is wanted]) for wanted in (True, False))
    if care in REFUSED:
        return max(float(np.quantile(no, REFUSED[care])), LEAST)
    return float(min((*yes, *no), key=lambda least: abs((yes >= least).mean() - (no < least).mean())))


def _logit(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


def write_trees(trees: FittedTrees, path: Path) -> None:
    """Write the trees as the flat table that `models.trees` reads."""
    feature, threshold, left, right, value, roots = ([] for _ in range(6))  # type: ignore[var-annotated]
    depth = 0
    for (tree,) in trees.model._predictors:
        first = len(feature)
        roots.append(first)
        for place, node in enumerate(tree.nodes, first):
            leaf = bool(node["is_leaf"])
            feature.append(0 if leaf else int(node["feature_idx"]))
            threshold.append(0.0 if leaf else float(node["num_threshold"]))
            left.append(place if leaf else first + int(node["left"]))
            right.append(place if leaf else first + int(node["right"]))
            value.append(float(node["value"]) if leaf else 0.0)
            depth = max(depth, int(node["depth"]))
    np.savez_compressed(
        path,
        roots=np.array(roots, np.int32),
        feature=np.array(feature, np.int16),
        threshold=np.array(threshold, np.float32),
        left=np.array(left, np.int32),
        right=np.array(right, np.int32),
        value=np.array(value, np.float32),
        base=np.float64(np.ravel(trees.model._baseline_prediction)[0]),
        depth=np.int32(depth + 1),
    )


def _rows(one: Asked, without: str) -> Array:
    rows = np.array([pair.features for pair in one.pairs], np.float32).reshape(-1, len(FEATURES))
    if without:
        rows[:, FEATURES.index(without)] = 0
    return rows


def _place(found: Evidence) -> tuple[str, int]:
    return found.sentence.article.id, found.sentence.start


def _stating(one: Asked) -> set[tuple[str, int]]:
    return {_place(pair) for pair, right in zip(one.pairs, one.right, strict=True) if right}


def _sets(scored: Sequence[tuple[Asked, Ranked]]) -> dict[str, list[tuple[Asked, Ranked]]]:
    found: dict[str, list[tuple[Asked, Ranked]]] = {}
    for one, ranked in scored:
        name = "squad" if one.group.startswith("squad") else one.group.split("-")[0]
        name += " elsewhere" if one.elsewhere else ""
        found.setdefault(name, []).append((one, ranked))
    return found


def _print_ranking(how: str, scored: Sequence[tuple[Asked, Ranked]]) -> None:
    """Print, for each set, how often the best sentence, and one of the best three, states the answer."""
    for name, rows in _sets(scored).items():
        ours = [(ranked, _stating(one)) for one, ranked in rows if one.answerable]
        first, third = (
            sum(any(_place(found) in stating for found in ranked[:n]) for ranked, stating in ours)
            for n in (1, 3)
        )
        print(f"{name}, {how}: best sentence {first}/{len(ours)}, best three {third}/{len(ours)}")


def _print_what_earns(asked: Sequence[Asked], read: Sequence[tuple[Asked, Ranked]]) -> None:
    """Print what is lost without each feature and each signal: right best sentences, AUROC of confidence."""
    for feature in ("", *FEATURES):
        found: dict[bool, list[bool]] = {True: [], False: []}
        for one, ranked in rank_out_of_fold(asked, feature):
            if one.answerable:
                found[one.weight > 1].append(_place(ranked[0]) in _stating(one) if ranked else False)
        ours, squad = (f"{sum(right)}/{len(right)}" for right in (found[True], found[False]))
        print(f"without {feature or 'nothing'}: best sentence {ours} of ours, {squad} of SQuAD", flush=True)
    for group in ((), *((name,) for name in (*SIGNALS, *READ_SIGNALS)), READ_SIGNALS):
        calibration = _calibration(fit_confidence(read, group), dict.fromkeys((*SIGNALS, "bias"), 0.0), 0.0)
        ours, squad = (_area(*_chances(rows, calibration)) for rows in _halves(read))
        print(f"without {' and '.join(group) or 'nothing'}: AUROC {ours} of ours, {squad} of SQuAD")


def _halves(scored: Sequence[tuple[Asked, Ranked]]) -> list[list[tuple[Asked, Ranked]]]:
    return [[pair for pair in scored if (pair[0].weight > 1) is ours] for ours in (True, False)]


def _chances(
    rows: Sequence[tuple[Asked, Ranked]], calibration: Calibration
) -> tuple[list[bool], list[float]]:
    return [one.answerable for one, _ in rows], [confidence(o.question, r, calibration) for o, r in rows]


def _area(truth: Sequence[bool], chances: Sequence[float]) -> str:
    from sklearn.metrics import roc_auc_score

    return f"{roc_auc_score(truth, chances):.4f}" if len(set(truth)) == 2 else "-"


def _print_refusals(how: str, scored: Sequence[tuple[Asked, Ranked]], calibration: Calibration) -> None:
    """Print, for each set, how many are answered, and how well confidence tells which can be (AUROC)."""
    for name, rows in _sets(scored).items():
        truth, chances = _chances(rows, calibration)
        yes, no = (
            [c >= calibration.threshold for c, t in zip(chances, truth, strict=True) if t is t_]
            for t_ in (True, False)
        )
        print(
            f"{name}, {how}: answered {sum(yes)}/{len(yes)} answerable, {sum(no)}/{len(no)} not; "
            f"AUROC {_area(truth, chances)}"
        )


if __name__ == "__main__":
    sys.exit(main())
