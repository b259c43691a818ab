"""Fits what evidence and refusals rest on: the trees that rank evidence and the weights of confidence.

    python -m evals.fit --squad squad2_dev.json --news articles.jsonl --corpus FOLDER [--out models]

Trains on SQuAD 2.0 (answerable questions for the trees; all for confidence) and on the questions in
`evals/fitting`, asked of the articles they were written on. Prints figures of two folds, each scored by
weights fitted on the other, then writes weights fitted on everything. Takes about half an hour on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.embedder import load_embedder
from models.parser import load_parser
from models.protocols import Embedder, Parser
from rag.confidence import SIGNALS, signals, veto
from rag.evidence import FEATURES, Evidence, Sentence, gather, rank_by, weigh
from rag.question import Question, read_question
from rag.records import Article, Hit, Passage
from rag.retrieve import fuse
from rag.text import content_words, normalise, sentences, words

QUESTIONS = Path(__file__).parent / "fitting"
PASSAGE_WORDS = 120
FOUND = 10
DEEP = 60
NEGATIVES = 60
"""Wrong spans kept per question: more of them teach the trees nothing new."""
OURS = 3.0
"""Weight of a question on news, beside one of SQuAD."""
NO_SPAN = 0.4
"""What the right sentence is worth with a wrong span; the rest is the span's F1."""

Array = NDArray[np.float32]
Holds = Callable[[Sentence], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, everything that could answer it, and what does."""

    group: str
    """Questions of one group are never split over two folds."""
    question: Question
    answerable: bool
    pairs: tuple[Evidence, ...]
    right: NDArray[np.bool_]
    """Whether the pair's sentence states the answer."""
    f1: Array
    """Overlap of the pair's span with the answer."""
    weight: float


class Pool:
    """Passages of some articles, searched as the product does: words and meaning, fused by rank."""

    def __init__(self, passages: Sequence[Passage], embedder: Embedder) -> None:
        self.passages = passages
        self._embedder = embedder
        self._vectors = embedder.embed([passage.text for passage in passages], "document")
        self._words = [Counter(content_words(passage.text)) for passage in passages]
        counts = Counter(word for held in self._words for word in held)
        self._rarity = {word: np.log(1 + len(passages) / count) for word, count in counts.items()}

    def search(self, question: str) -> list[Hit]:
        asked = set(content_words(question))
        lexical = np.array(
            [
                sum(self._rarity[w] * held[w] / (held[w] + 1.2) for w in asked if w in held)
                for held in self._words
            ]
        )
        dense = self._vectors @ self._embedder.embed([question], "query")[0]
        legs = [np.argsort(-leg, kind="stable")[:DEEP].tolist() for leg in (dense, lexical)]
        return [Hit(self.passages[i], score) for i, score in list(fuse(legs).items())[:FOUND]]


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print the figures of the folds, write the weights."""
    options = _options(argv)
    embedder, parser = load_embedder(), load_parser()
    asked = [
        *_squad(options.squad, embedder, parser, most=options.most),
        *_ours(QUESTIONS / "seeds.jsonl", _folder(options.corpus), embedder, parser, most=options.most),
        *_ours(QUESTIONS / "news.jsonl", _lines(options.news), embedder, parser, most=options.most),
    ]
    groups = sorted({one.group for one in asked})
    half = {group: place % 2 for place, group in enumerate(groups)}
    scored: list[tuple[Asked, tuple[Evidence, ...]]] = []
    for fold in (0, 1):
        trees = fit_trees([one for one in asked if half[one.group] != fold])
        held = [one for one in asked if half[one.group] == fold]
        scored += [(one, rank_by(one.question, one.pairs, trees.predict(_rows(one)))) for one in held]
    _print_ranking(scored)
    weights, bias = fit_confidence(scored)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        write_trees(fit_trees(asked), options.out / "evidence.npz")
        stored = {"weights": weights, "bias": bias, "threshold": 0.5}
        (options.out / "calibration.json").write_text(json.dumps(stored, indent=1), "utf-8")
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.fit", description=__doc__)
    parser.add_argument("--squad", type=Path, required=True, metavar="FILE", help="SQuAD 2.0, as published")
    parser.add_argument("--news", type=Path, required=True, metavar="FILE", help="news articles, one a line")
    parser.add_argument(
        "--corpus", type=Path, required=True, metavar="DIR", help="the reports retold in seeds/"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the weights here")
    parser.add_argument(
        "--most", type=int, default=10**6, metavar="N", help="questions of each set, for a try"
    )
    return parser.parse_args(argv)


# ---------------------------------------------------------------- questions


def _squad(path: Path, embedder: Embedder, parser: Parser, *, most: int) -> Iterator[Asked]:
    passages: list[Passage] = []
    listed: list[tuple[str, str, list[tuple[str, int]]]] = []
    for number, entry in enumerate(json.loads(path.read_text("utf-8"))["data"]):
        blocks = [block["context"].replace("\n", " ") for block in entry["paragraphs"]]
        article = Article(f"squad{number}", "\n".join(blocks), title=entry["title"].replace("_", " "))
        start = 0
        for block, given in zip(blocks, entry["paragraphs"], strict=True):
            passages.append(Passage(article, start, start + len(block)))
            for question in given["qas"]:
                spans = [(a["text"], start + a["answer_start"]) for a in question["answers"]]
                listed.append((article.id, question["question"].strip(), spans))
            start += len(block) + 1
    pool = Pool(passages, embedder)
    for home, text, spans in listed[:most]:

        def holds(sentence: Sentence, home: str = home, spans: list[tuple[str, int]] = spans) -> bool:
            inside = any(sentence.start <= at < sentence.end for _, at in spans)
            return sentence.article.id == home and inside

        answers = [answer for answer, _ in spans]
        yield _ask(home, text, answers, holds, pool, (embedder, parser), weight=1.0)


def _ours(
    path: Path, articles: Sequence[Article], embedder: Embedder, parser: Parser, *, most: int
) -> Iterator[Asked]:
    pool = Pool([passage for article in articles for passage in _passages(article)], embedder)
    for line in path.read_text("utf-8").splitlines()[:most]:
        row = json.loads(line)
        answers, support = row.get("any") or [], set(row.get("support") or [])

        def holds(sentence: Sentence, answers: list[str] = answers, support: set[str] = support) -> bool:
            low = normalise(sentence.text)
            said = any(re.search(rf"(?<!\w){re.escape(normalise(answer))}(?!\w)", low) for answer in answers)
            return sentence.article.id in support and said

        group = f"{path.stem}-{row['id']}"
        yield _ask(group, row["ask"], answers, holds, pool, (embedder, parser), weight=OURS)


def _ask(
    group: str,
    text: str,
    answers: Sequence[str],
    holds: Holds,
    pool: Pool,
    tools: tuple[Embedder, Parser],
    *,
    weight: float,
) -> Asked:
    question = read_question(text, tools[1])
    pairs = weigh(question, gather(question, pool.search(text), *tools))
    right = np.array([bool(answers) and holds(pair.sentence) for pair in pairs], bool)
    overlap = [
        max((f1(p.short, a) for a in answers), default=0.0) * r for p, r in zip(pairs, right, strict=True)
    ]
    return Asked(group, question, bool(answers), pairs, right, np.array(overlap, np.float32), weight)


def f1(left: str, right: str) -> float:
    """Return the overlap of two answers in words, as SQuAD counts it: 0 to 1, articles left out."""
    ours = Counter(word for word in words(left) if word not in {"a", "an", "the"})
    theirs = Counter(word for word in words(right) if word not in {"a", "an", "the"})
    shared = sum((ours & theirs).values())
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0


def _passages(article: Article) -> Iterator[Passage]:
    first, length, last = -1, 0, 0
    for start, end in sentences(article.text):
        count = len(article.text[start:end].split())
        if first >= 0 and length + count > PASSAGE_WORDS:
            yield Passage(article, first, last)
            first, length = -1, 0
        first, length, last = (start if first < 0 else first), length + count, end
    if first >= 0:
        yield Passage(article, first, last)


def _folder(folder: Path) -> list[Article]:
    return [Article(path.name[:3], path.read_text("utf-8").strip()) for path in sorted(folder.glob("*.txt"))]


def _lines(path: Path) -> list[Article]:
    wanted = {
        article
        for line in (QUESTIONS / "news.jsonl").read_text("utf-8").splitlines()
        for article in json.loads(line).get("support") or []
    }
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    others = [row for row in rows if row["id"] not in wanted and len(row["text"]) < 4000][:90]
    chosen = [row for row in rows if row["id"] in wanted] + others
    return [Article(row["id"], row["text"], title=row.get("title", "")) for row in chosen]


# ---------------------------------------------------------------- fitting


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


def fit_trees(asked: Sequence[Asked]) -> FittedTrees:
    """Return trees that predict what a (sentence, span) pair is worth, from the answerable questions."""
    random = np.random.default_rng(0)
    rows, wanted, weights = [], [], []
    for one in asked:
        if not one.right.any():
            continue
        wrong = np.flatnonzero(~one.right)
        kept = np.concatenate([np.flatnonzero(one.right), random.permutation(wrong)[:NEGATIVES]])
        worth = one.right * (NO_SPAN + (1 - NO_SPAN) * one.f1)
        rows.append(_rows(one)[kept])
        wanted.append(worth[kept])
        weights.append(np.full(len(kept), one.weight))
    return FittedTrees(*(np.concatenate(part).astype(np.float32) for part in (rows, wanted, weights)))


def fit_confidence(scored: Sequence[tuple[Asked, tuple[Evidence, ...]]]) -> tuple[dict[str, float], float]:
    """Return the weights of confidence and their bias.

    An answerable question is shown twice: as it is, and, as one that nothing answers, without the
    sentences that do.
    """
    from sklearn.linear_model import LogisticRegression

    rows, answered, weights = [], [], []
    for one, ranked in scored:
        stating = {_place(pair.sentence) for pair, right in zip(one.pairs, one.right, strict=True) if right}
        rest = tuple(found for found in ranked if _place(found.sentence) not in stating)
        shown = [(ranked, one.answerable, 1.0 if one.answerable else 1.6 if one.weight > 1 else 0.3)]
        if stating and len(rest) > 1:
            shown.append((rest, False, 0.8 if one.weight > 1 else 1.0))
        for evidence, truth, weight in shown:
            if evidence and not veto(one.question, evidence[0]):
                rows.append(signals(one.question, evidence))
                answered.append(truth)
                weights.append(weight * one.weight * (1.0 if one.weight > 1 else 0.15))
    table = np.array(rows)
    middle, spread = table.mean(0), table.std(0) + 1e-6
    fitted = LogisticRegression(C=0.05, max_iter=4000).fit((table - middle) / spread, answered, weights)
    slopes = fitted.coef_[0] / spread
    bias = float(fitted.intercept_[0] - (slopes * middle).sum())
    return {name: round(float(x), 4) for name, x in zip(SIGNALS, slopes, strict=True)}, round(bias, 4)


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


def _rows(one: Asked) -> Array:
    return np.array([pair.features for pair in one.pairs], np.float32).reshape(-1, len(FEATURES))


def _place(sentence: Sentence) -> tuple[str, int]:
    return sentence.article.id, sentence.start


def _print_ranking(scored: Sequence[tuple[Asked, tuple[Evidence, ...]]]) -> None:
    """Print, for each set, how often the best sentence, and one of the best three, states the answer."""
    for name in ("squad", "seeds", "news"):
        ours = [(one, ranked) for one, ranked in scored if one.answerable and one.group.startswith(name)]
        first = third = 0
        for one, ranked in ours:
            stating = {_place(p.sentence) for p, right in zip(one.pairs, one.right, strict=True) if right}
            first += any(_place(found.sentence) in stating for found in ranked[:1])
            third += any(_place(found.sentence) in stating for found in ranked[:3])
        print(f"{name}: best sentence {first}/{len(ours)}, best three {third}/{len(ours)}")


if __name__ == "__main__":
    sys.exit(main())
