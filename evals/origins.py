"""Prints how well near-copies are told from other reports: edited as desks do, and reports of one event.

    python -m evals.origins ARTICLES.jsonl [--clusters CLUSTERS.jsonl] [--articles 300] [--show]

ARTICLES has one JSON object a line with `text`. CLUSTERS has one with `documents`, the texts of several
reports of one event (strings, or objects with `rawDocumentText` or `text`). The articles are added, then a
copy of each for every kind of edit: found when it gets its article's origin, wrong when it gets another's.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from rag.library import Library, text_id
from rag.origins import overlap, shingles
from rag.records import Article, Passage
from rag.text import sentences

Edit = Callable[[list[str], list[str], random.Random], list[str]]
"""Sentences of an article, sentences of another one, and chance -> the sentences of a copy."""


def _cut(share: float) -> Edit:
    return lambda own, _, __: own[: max(3, round(share * len(own)))]


def _dropped(own: list[str], _: list[str], chance: random.Random) -> list[str]:
    return [sentence for sentence in own if chance.random() > 0.25]


def _reworded(own: list[str], _: list[str], chance: random.Random) -> list[str]:
    """One word in twelve is another word, as a sub-editor's pass leaves it."""
    words = [word for sentence in own for word in sentence.split()]
    return [
        " ".join(chance.choice(words) if chance.random() < 1 / 12 else word for word in sentence.split())
        for sentence in own
    ]


EDITS: dict[str, Edit] = {
    "another headline": lambda own, other, _: [*other[:1], *own[1:]],
    "cut to 60 %": _cut(0.6),
    "cut to 30 %": _cut(0.3),
    "a quarter of the sentences dropped": _dropped,
    "sentences shuffled": lambda own, _, chance: chance.sample(own, len(own)),
    "local news appended, a third of it": lambda own, other, _: [*own, *other[: len(own) // 2]],
    "half of it merged with half of another": lambda own, other, _: [
        *own[: (len(own) + 1) // 2],
        *other[: len(own) // 2],
    ],
    "one word in twelve reworded": _reworded,
    "cut to 60 %, shuffled, local news appended": lambda own, other, chance: [
        *chance.sample(own[: round(0.6 * len(own))], round(0.6 * len(own))),
        *other[: len(own) // 5],
    ],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _options(argv)
    texts = list(dict.fromkeys(json.loads(line)["text"] for line in options.file.open("r", encoding="utf-8")))
    texts = [text for text in texts if len(text) > 1000][: options.articles]
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder), write=True) as library:
        library.store.db.execute("PRAGMA synchronous = OFF")
        origins = [add(library, text) for text in texts]
        alone = Counter(origins)
        together = sum(count - 1 for count in alone.values())
        print(f"{len(texts)} articles; {together} of them share the origin of an earlier one")
        if options.show:
            _show(texts, origins)
        print("\n| copy | found | given another's origin |\n|---|---|---|")
        found = wrong = made = 0
        for kind, edit in EDITS.items():
            right, other = score(library, texts, origins, edit)
            print(f"| {kind} | {right} of {len(texts)} | {other} |")
            found, wrong, made = found + right, wrong + other, made + len(texts)
        print(f"\nrecall {found / made:.4f} ({found} of {made}), precision {found / (found + wrong):.4f}")
    if options.clusters:
        print(events(options.clusters))
    return 0


def score(library: Library, texts: Sequence[str], origins: Sequence[str], edit: Edit) -> tuple[int, int]:
    """Return how many copies get the origin of their article, and how many that of another."""
    right = other = 0
    parts = [[text[start:end] for start, end in sentences(text)] for text in texts]
    for number, own in enumerate(parts):
        # The second half of another article, so that two copies do not share what was put into both.
        stranger = parts[(number + 1 + len(parts) // 2) % len(parts)]
        copy = " ".join(edit(own, stranger[len(stranger) // 2 :], random.Random(number)))
        got = add(library, copy)
        right += got == origins[number]
        other += got not in (origins[number], text_id(copy))
        # A copy of a copy would be easier to find.
        if text_id(copy) != text_id(texts[number]):
            library.remove(text_id(copy))
    return right, other


def events(file: Path) -> str:
    """Return how many reports of one event share an origin, though they are not edited copies."""
    pairs = grouped = 0
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder), write=True) as library:
        for line in file.open("r", encoding="utf-8"):
            origins = [add(library, text) for text in _reports(json.loads(line))]
            for place, origin in enumerate(origins):
                pairs += place
                grouped += origins[:place].count(origin)
    return f"{grouped} of {pairs} pairs of reports of one event share an origin"


def add(library: Library, text: str) -> str:
    """Add an article as one passage; return its origin."""
    article = Article(id=text_id(text), text=text)
    library.add(article, [Passage(article, 0, len(text))], np.array([[1.0, 0.0]], np.float32))
    return library.article(article.id).origin


def _reports(row: dict[str, object]) -> Iterator[str]:
    documents = row["documents"]
    assert isinstance(documents, list)
    for one in documents:
        text = one if isinstance(one, str) else one.get("rawDocumentText") or one.get("text")
        if text and text.strip():
            yield text.strip()


def _show(texts: Sequence[str], origins: Sequence[str]) -> None:
    first = dict(zip(reversed(origins), reversed(texts), strict=True))
    for text, origin in zip(texts, origins, strict=True):
        if text != first[origin]:
            share = overlap(shingles(text), shingles(first[origin]))
            print(f"{share:.2f}  {text[:70]!r}  {first[origin][:70]!r}")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.origins", description=__doc__)
    parser.add_argument("file", type=Path, metavar="ARTICLES.jsonl")
    parser.add_argument("--clusters", type=Path)
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--show", action="store_true", help="name the articles that share an origin")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
