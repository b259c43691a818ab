"""Prints how well confidence tells what the articles cover, and how often the right choice is picked.

    python -m evals.covered ARTICLES.jsonl QUESTIONS.jsonl [--library DIR] [--limit N] [--failures FILE]

The files are those of RealTimeQA (Kasai et al. 2023, https://arxiv.org/abs/2207.13332). Each question is
asked of all articles, and again without its own: the second should be refused. AUROC is of both confidences.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evals.figures import Figure
from evals.official import contains, exact, mean
from evals.public import spread
from evals.retrieval import fill
from models.protocols import Embedder
from rag.filters import Filter
from rag.pipeline import Tearsheet
from rag.records import Answer, Hit
from rag.rows import text_id
from rag.settings import Settings
from rag.text import content_words, normalise, sentences

SHARP = 12.0
"""How much more a sentence counts that is nearer to the question: e to this power from cosine 0 to 1."""
WHOLE = 3
"""The power of the share of a choice's words that a sentence holds: half of them is worth an eighth."""
HITS = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what was found for it."""

    row: dict[str, Any]
    answer: Answer
    without: float
    """Confidence when its own articles were left out."""
    choice: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _options(argv)
    rows = [json.loads(line) for line in options.questions.read_text("utf-8").splitlines()]
    rows = [*spread(rows, options.limit)]
    articles = [json.loads(line) for line in options.articles.read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as spare:
        settings = Settings.load(library=options.library or Path(spare), tier="quote")
        with Tearsheet.open(settings, write=True) as tearsheet:
            fill(tearsheet.library, tearsheet.models.embedder, options.articles, words=120, header=False)
            ids = {row["id"]: text_id(row["text"]) for row in articles}
            asked = []
            for number, row in enumerate(rows, 1):
                asked.append(_ask(tearsheet, row, ids))
                print(f"\r{number}/{len(rows)} questions", end="", file=sys.stderr)
    print(file=sys.stderr)
    print("\n".join(f"| {name} | {figure} |" for name, figure in figures(asked)))
    if options.failures:
        options.failures.write_text(failures(asked), "utf-8")
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.covered", description=__doc__.splitlines()[0])
    parser.add_argument("articles", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--library", type=Path, metavar="DIR", help="keep the library here, and use it again")
    parser.add_argument("--limit", type=int, metavar="N", help="N questions, evenly spread")
    parser.add_argument("--failures", type=Path, metavar="FILE", help="write 20 failures, to be read")
    return parser.parse_args(argv)


def _ask(tearsheet: Tearsheet, row: dict[str, Any], ids: Mapping[str, str]) -> Asked:
    own = set(row["articles"])
    left_out = {ids[name] for name in own if name in ids}
    others = tuple(dict.fromkeys(id_ for id_ in ids.values() if id_ not in left_out))
    answer = tearsheet.ask(row["question"], read_filters=False)
    without = tearsheet.ask(row["question"], where=Filter(articles=others), read_filters=False)
    hits = tearsheet.search(row["question"], limit=HITS)
    choice = choose(row["question"], row["choices"], hits, tearsheet.models.embedder)
    return Asked(row, answer, without.confidence, choice)


def choose(question: str, choices: Sequence[str], hits: Sequence[Hit], embedder: Embedder) -> str:
    """Return the choice whose words stand in the sentences most like the question, all of them together."""
    said = [hit.passage.text[a:b] for hit in hits for a, b in sentences(hit.passage.text)]
    if not said:
        return choices[0]
    about = embedder.embed(said, "document") @ embedder.embed([question], "query")[0]
    words = [set(content_words(sentence)) for sentence in said]
    worth = []
    for choice in choices:
        wanted = set(content_words(choice)) or {normalise(choice)}
        held = np.array([len(wanted & each) / len(wanted) for each in words])
        worth.append(float(held**WHOLE @ np.exp(SHARP * about)))
    return choices[int(np.argmax(worth))]


def figures(asked: Sequence[Asked]) -> list[tuple[str, Figure | str]]:
    """Return each figure by its name, with counts and interval."""
    stated = [one for one in asked if one.row["answer_string_in_articles"]]
    right = [one.choice == one.row["answer"] for one in asked]
    return [
        ("covered against not, AUROC", auroc(asked)),
        ("the same, where the answer is stated", auroc(stated)),
        ("multiple choice", mean(right)),
        ("multiple choice, every second, not tuned on", mean(right[1::2])),
        ("answer stated: exact", mean([exact(o.row["answer"], o.answer.short or "") for o in stated])),
        ("answer stated: contained", mean([contains(_text(o.answer), o.row["answer"]) for o in stated])),
        ("answer stated: refused", mean([o.answer.status == "refused" for o in stated])),
    ]


def auroc(asked: Sequence[Asked]) -> str:
    """Return the area under the curve with the interval of 1,000 resampled sets of questions."""
    if not asked:
        return "n/a"
    pairs = np.array([(one.answer.confidence, one.without) for one in asked])
    random = np.random.default_rng(0)
    drawn = [_area(pairs[random.integers(0, len(pairs), len(pairs))]) for _ in range(1000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{_area(pairs):.3f} [{low:.3f}, {high:.3f}] of {len(pairs)} with and {len(pairs)} without"


def _area(pairs: np.ndarray[Any, Any]) -> float:
    higher = (pairs[:, :1] > pairs[None, :, 1]).mean()
    return float(higher + 0.5 * (pairs[:, :1] == pairs[None, :, 1]).mean())


def _text(answer: Answer) -> str:
    return " ".join(claim.text for claim in answer.claims)


def failures(asked: Sequence[Asked]) -> str:
    """Return 20 questions whose stated answer was missed, as Markdown, each with its reason."""
    lines = ["# Missed answers", ""]
    for one in asked:
        if not one.row["answer_string_in_articles"] or contains(_text(one.answer), one.row["answer"]):
            continue
        reason = "threshold" if one.answer.status == "refused" else "evidence"
        shown = _text(one.answer) or " / ".join(citation.quote for citation in one.answer.nearest[:2])
        wanted = f"- **{one.row['question']}** wanted {one.row['answer']!r}; {reason}"
        lines += [f"{wanted}: {' '.join(shown.split())[:300]}"]
        if len(lines) == 22:
            break
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
