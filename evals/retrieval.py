"""Prints how often the passages found for a question hold its answer: by words, by meaning, and fused.

    python -m evals.retrieval ARTICLES.jsonl QUESTIONS.jsonl [--words 120] [--header] [--keep DIR]

ARTICLES has one JSON object a line: `id`, `text`, perhaps `title`, `source`, `published`.
QUESTIONS has `question`, `answer` and `articles` (the ids it was asked about); only those marked
`answer_string_in_articles` count.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.embedder import load_embedder
from models.protocols import Embedder
from rag.chunk import PASSAGE_WORDS, chunk
from rag.library import Library, text_id
from rag.records import Article, Passage
from rag.retrieve import DEPTH, retrieve, terms
from rag.vectors import nearest

RANKS = (1, 5, 10)
READING = (300, 1000)
"""Words a reader goes through from the top, to compare passages of different length."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its answer in plain words, and the articles it was asked about."""

    text: str
    answer: str
    articles: frozenset[str]


Find = Callable[[Question], Iterable[Passage]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _options(argv)
    questions = read_questions(options.questions)
    embedder = load_embedder()
    variant = f"{options.words} words{', embedded under their header' if options.header else ''}"
    with (
        tempfile.TemporaryDirectory() as folder,
        Library.open((options.keep or Path(folder)) / variant, write=True) as library,
    ):
        fill(library, embedder, options.articles, words=options.words, header=options.header)
        counts = library.counts()
        print(
            f"{len(questions)} questions, {counts.articles} articles, {counts.passages} passages of {variant}"
        )
        print("\n".join(table(library, embedder, questions, depth=options.depth)))
    return 0


def read_questions(path: Path) -> list[Question]:
    """Return the questions whose answer occurs in their articles."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        Question(row["question"], plain(row["answer"]), frozenset(row["articles"]))
        for row in rows
        if row["answer_string_in_articles"]
    ]


def fill(library: Library, embedder: Embedder, path: Path, *, words: int, header: bool) -> None:
    """Add the articles that are not there yet."""
    library.match_embedder(embedder.fingerprint)
    lines = path.read_text("utf-8").splitlines()
    for done, line in enumerate(lines, start=1):
        row = json.loads(line)
        article = Article(
            id=text_id(row["text"]),
            text=row["text"],
            path=row["id"],
            title=row.get("title", ""),
            source=row.get("source", ""),
            published=row.get("published", ""),
        )
        if library.holds(article):
            continue
        above = " — ".join(filter(None, (article.title, article.source, article.published))) + "\n"
        room = embedder.count_tokens(above) if header else 0
        limit = embedder.window - room
        passages = chunk(article, count_tokens=embedder.count_tokens, limit=limit, words=words)
        texts = [(above if header else "") + passage.text for passage in passages]
        library.add(article, passages, embedder.embed(texts, "passage"))
        print(f"\r{done}/{len(lines)} articles", end="", file=sys.stderr)
    print(file=sys.stderr)


def table(
    library: Library, embedder: Embedder, questions: Sequence[Question], *, depth: int
) -> Iterator[str]:
    """Yield the lines of a Markdown table of counts, one for each way of finding."""

    def by_words(question: Question) -> Iterable[Passage]:
        found = library.lexical(terms(question.text, library), depth)
        return library.passages(id_ for id_, _ in found).values()

    def by_meaning(question: Question) -> Iterable[Passage]:
        found = nearest(library, embedder.embed([question.text], "query")[0], depth)
        return library.passages(id_ for id_, _ in found).values()

    def by_both(question: Question) -> Iterable[Passage]:
        hits = retrieve(question.text, library, embedder, k=depth, depth=depth)
        return (hit.passage for hit in hits)

    heads = [
        *(f"top {rank}" for rank in RANKS),
        *(f"{words} words" for words in READING),
        "own article first",
    ]
    yield f"| | {' | '.join(heads)} | ms |"
    yield "|---" * (len(heads) + 2) + "|"
    for name, find in (("lexical", by_words), ("dense", by_meaning), ("fused", by_both)):
        started = time.perf_counter()
        counts = score(find, questions)
        spent = (time.perf_counter() - started) * 1000 / max(1, len(questions))
        yield f"| {name} | {' | '.join(map(str, counts))} | {spent:.0f} |"


def score(find: Find, questions: Sequence[Question]) -> list[int]:
    """Return how many questions have their answer in the first 1, 5, 10 passages, in the first 300 and 1,000
    words, and how many find one of their own articles first.
    """
    counts = [0] * (len(RANKS) + len(READING) + 1)
    for question in questions:
        passages = list(find(question))
        first = next((rank for rank, p in enumerate(passages, 1) if question.answer in plain(p.text)), None)
        read = sum(len(p.text.split()) for p in passages[:first]) if first else 0
        reached = [first is not None and first <= rank for rank in RANKS]
        reached += [0 < read <= words for words in READING]
        reached += [bool(passages) and passages[0].article.path in question.articles]
        counts = [count + hit for count, hit in zip(counts, reached, strict=True)]
    return counts


def plain(text: str) -> str:
    """Return `text` case-folded, without accents, punctuation and articles, between spaces.

    >>> plain("The Élysée, in 1,000 days")
    ' elysee in 1000 days '
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    found = re.findall(r"\w+", bare.casefold().replace(",", ""))
    return f" {' '.join(word for word in found if word not in ('a', 'an', 'the'))} "


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.retrieval", description=__doc__)
    parser.add_argument("articles", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--words", type=int, default=PASSAGE_WORDS, help="length of a passage (%(default)s)")
    parser.add_argument("--depth", type=int, default=DEPTH, help="passages of each leg (%(default)s)")
    parser.add_argument(
        "--header", action="store_true", help="embed title, source and date above each passage"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the libraries made there")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
