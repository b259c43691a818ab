"""Swapped facts: true sentences with one fact changed, and harmless paraphrases, put to the verifier.

    python -m evals.swaps PATH... [--hand all|kept|open|none] [--whole] [--most N]
                          [--offset N] [--failures N]

A PATH is a folder of articles or a file of articles, one JSON object a line. What is made by program is made
of their sentences; what was written by hand (`evals/cases/paraphrases.jsonl`) needs no PATH. Each sentence is
judged against the one it was made of, or with `--whole` against the article, as `tearsheet check` does.
Prints what was caught and what was rejected, by kind, then the failures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.alter import alter
from evals.metrics import wilson
from models.embedder import load_embedder
from models.parser import load_parser
from models.protocols import Embedder, Entity, Parser
from rag.read import read
from rag.records import Article, Passage
from rag.text import sentences
from rag.verdict import verdict
from rag.verify import Verdict, check

HAND = Path(__file__).parent / "cases" / "paraphrases.jsonl"
MOST_OF_A_KIND = 60
SENTENCES = 900
"""True sentences tried, evenly spread over the articles."""
WORDS = (8, 34)


@dataclass(frozen=True, slots=True)
class Pair:
    """What was said of a true sentence, `source`, of `article`."""

    kind: str
    harmless: bool
    source: str
    claim: str
    article: Article
    start: int = 0
    by_hand: bool = False


def main(argv: Sequence[str] | None = None) -> int:
    """Make the pairs, judge them, print the counts; 1 when there was nothing to judge."""
    options = _options(argv)
    parser = load_parser()
    pairs = [*_by_hand(options.hand), *_by_program(options.paths, parser, options.most, options.offset)]
    if not pairs:
        print("Nothing to judge: no sentence in what was given.", file=sys.stderr)
        return 1
    embedder = load_embedder() if options.whole else None
    judged = [(pair, _judge(pair, parser, embedder)) for pair in pairs]
    _print(judged, failures=options.failures)
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evals.swaps",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="articles: folders or .jsonl files"
    )
    parser.add_argument(
        "--hand",
        choices=("all", "kept", "open", "none"),
        default="all",
        help="which of those written by hand: `open` was looked at when the verifier was made, `kept` not",
    )
    parser.add_argument("--whole", action="store_true", help="judge against the whole article")
    parser.add_argument("--most", type=int, default=MOST_OF_A_KIND, metavar="N", help="of each kind")
    parser.add_argument("--offset", type=int, default=0, metavar="N", help="1, 2, …: other sentences")
    parser.add_argument("--failures", type=int, default=20, metavar="N", help="failures shown of each side")
    return parser.parse_args(argv)


def _by_hand(which: str) -> Iterator[Pair]:
    for line in HAND.read_text("utf-8").splitlines() if which != "none" else ():
        row = json.loads(line)
        if which in {"all", row["set"]}:
            before, source = row.get("before", ""), row["passage"]
            text = f"{before} {source}".strip()
            article = Article("hand", text, title=row.get("title", ""), published=row.get("published", ""))
            at = len(text) - len(source)
            yield Pair(row["kind"], row["harmless"], source, row["claim"], article, at, by_hand=True)


def _by_program(paths: Sequence[Path], parser: Parser, most: int, offset: int = 0) -> Iterator[Pair]:
    """Alter sentences, evenly spread over the articles, until there are `most` of each kind."""
    articles = [article for article in read(paths) if isinstance(article, Article)]
    listed = [
        (article, start, end)
        for article in articles
        for start, end in sentences(article.text)
        if WORDS[0] <= len(article.text[start:end].split()) <= WORDS[1] and article.text[end - 1] == "."
    ]
    if not listed:
        return
    step = max(1, len(listed) // SENTENCES)
    chosen = listed[offset::step]
    parses = parser.parse([" ".join(article.text[start:end].split()) for article, start, end in chosen])
    around: dict[str, list[Entity]] = defaultdict(list)
    for (article, *_), parse in zip(chosen, parses, strict=True):
        around[article.id] += parse.entities
    everyone = [entity for parse in parses for entity in parse.entities]
    made: dict[str, int] = defaultdict(int)
    for (article, start, _), parse in zip(chosen, parses, strict=True):
        for altered in alter(parse, (*around[article.id], *everyone), article.published):
            if made[altered.kind] < most:
                made[altered.kind] += 1
                yield Pair(altered.kind, altered.harmless, parse.text, altered.text, article, start)


def _judge(pair: Pair, parser: Parser, embedder: Embedder | None) -> Verdict:
    if embedder is not None:
        whole = Passage(pair.article, 0, len(pair.article.text))
        return verdict(pair.claim, [whole], parser, embedder)
    claim, cited = parser.parse([pair.claim, pair.source])
    return check(claim, [cited], context=before(pair), published=pair.article.published)


def before(pair: Pair) -> str:
    """Return the title and what stands before the sentence, where its pronouns point."""
    return f"{pair.article.title} . {pair.article.text[max(0, pair.start - 400) : pair.start]}"


def _print(judged: Sequence[tuple[Pair, Verdict]], *, failures: int) -> None:
    for harmless, title in ((False, "swapped facts caught"), (True, "harmless paraphrases rejected")):
        side = [(pair, said) for pair, said in judged if pair.harmless == harmless]
        print(title)
        rows: dict[str, list[bool]] = defaultdict(list)
        for pair, said in side:
            rejected = said.support != "supported"
            rows["by hand: " + pair.kind if pair.by_hand else pair.kind].append(rejected)
            rows["all by hand" if pair.by_hand else "all by program"].append(rejected)
            rows["all"].append(rejected)
        for kind, found in sorted(rows.items(), key=lambda row: row[0].startswith("all")):
            low, high = wilson(sum(found), len(found)) or (0.0, 1.0)
            share = sum(found) / len(found)
            print(f"  {kind:34} {sum(found):4}/{len(found):<4} {share:.3f} [{low:.3f}, {high:.3f}]")
        wrong = [(pair, said) for pair, said in side if (said.support == "supported") != harmless]
        for pair, said in wrong[:failures]:
            print(
                f"  - {pair.kind}: {pair.claim}\n      of: {pair.source}\n      {said.support} {said.reason}"
            )


if __name__ == "__main__":
    raise SystemExit(main())
