"""Prints how a library behaves as it grows: adding, opening, memory, disk, and how long retrieval takes.

    python -m evals.scale [--sizes 100000 1000000] [--real LIBRARY] [--keep DIR] [--queries 200] [--chroma]

Synthetic libraries have passages of 100 words drawn as words of news are (Zipf), and clustered vectors of 384
numbers. `--real` measures a library you have. The embedder is left out of every figure.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.protocols import Role, Tokens
from rag.library import ALL, Filter, Library, text_id
from rag.records import Article, Passage
from rag.retrieve import retrieve
from rag.vectors import ChromaIndex, nearest

WIDTH, CENTRES, SPREAD = 384, 2000, 0.9
WORDS, PASSAGES, VOCABULARY = 100, 8, 60_000
OUTLETS = 100
STOPWORDS = 100
TIMED = 500
"""Articles at either end of the adding whose commits are timed; those between skip the flush to disk."""

Vectors = NDArray[np.float32]


class Drawn:
    """An embedder whose query vectors are drawn beside those of the library."""

    name, fingerprint, dimensions, window = "drawn", "drawn", WIDTH, 254

    def __init__(self, vectors: Callable[[int], Vectors]) -> None:
        self._vectors = vectors

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        del role
        return self._vectors(len(texts))

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        raise NotImplementedError(f"a drawn vector has no tokens; {len(texts)} texts were given")

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _options(argv)
    if options.measure:
        print(json.dumps(measure(options.measure, queries=options.queries, chroma=options.chroma)))
        return 0
    print("| passages | articles/s, first and last | open and search ms | RSS MB | disk MB ", end="")
    print("| plain p50/p95 (CPU) ms | 1 % filter | 50 % filter | exact search alone | Chroma recall@10 |")
    print("|---" * 10 + "|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        for size in options.sizes:
            rates = fill(folder / str(size), size)
            _print_row(folder / str(size), rates, options)
        if options.real:
            _print_row(options.real, "", options)
    return 0


def fill(folder: Path, size: int) -> str:
    """Make a synthetic library of `size` passages, going on where one was left; return how fast."""
    rng = np.random.default_rng(7)
    vocabulary = _vocabulary()
    centres = _unit(rng.standard_normal((CENTRES, WIDTH)))
    rates: list[float] = []
    with Library.open(folder, write=True) as library:
        library.match_embedder("drawn")
        done, goal = library.counts().articles, size // PASSAGES
        if done >= goal:
            return ""
        timed, began = 0, time.perf_counter()
        for number in range(goal):
            article, passages = _article(number, rng, vocabulary)
            vectors = _near(centres, rng, PASSAGES)
            if number < done:
                continue
            at_an_end = number - done < TIMED or number >= goal - TIMED
            library.store.db.execute(f"PRAGMA synchronous = {'FULL' if at_an_end else 'OFF'}")
            if at_an_end and not timed:
                began = time.perf_counter()
            library.add(article, passages, vectors)
            timed = timed + 1 if at_an_end else 0
            if timed == TIMED:
                rates.append(TIMED / (time.perf_counter() - began))
                timed = 0
            if number % 5000 == 0:
                print(f"\r{number:,} of {goal:,} articles", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    return " / ".join(f"{rate:.0f}" for rate in rates)


def measure(folder: Path, *, queries: int, chroma: bool) -> dict[str, Any]:
    """Return what a fresh process finds: opening, memory, latency and recall."""
    began = time.perf_counter()
    with Library.open(folder, write=chroma) as library:
        rng = np.random.default_rng(99)
        rows = library.rows()
        centres = _sample(library, rng)
        embedder = Drawn(lambda count: _near(centres, rng, count))
        embedder.fingerprint = library.embedder
        nearest(library, embedder.embed([""], "query")[0], 10)
        opened = time.perf_counter() - began
        questions = list(_questions(library, rng, queries))
        few, half = _filters(library)
        found = {
            "passages": len(rows.ids),
            "open": opened * 1000,
            "plain": _times(library, embedder, questions, ALL),
            "few": _times(library, embedder, questions, few),
            "half": _times(library, embedder, questions, half),
            "exact": _timed(
                lambda: nearest(library, embedder.embed([""], "query")[0], 50), min(queries, 100)
            ),
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "disk": library.counts().bytes / 1e6,
        }
        if chroma:
            found["recall"] = _recall(library, embedder)
    return found


def _print_row(folder: Path, rates: str, options: argparse.Namespace) -> None:
    command = [
        sys.executable,
        "-m",
        "evals.scale",
        "--measure",
        str(folder),
        "--queries",
        str(options.queries),
    ]
    done = subprocess.run(
        [*command, *(["--chroma"] if options.chroma else [])], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    times = " | ".join(
        "{:.0f} / {:.0f} ({:.0f})".format(*found[name]) for name in ("plain", "few", "half", "exact")
    )
    recall = f"{found['recall']:.3f}" if "recall" in found else ""
    print(
        f"| {found['passages']:,} | {rates} | {found['open']:.0f} | {found['rss']:,.0f} "
        f"| {found['disk']:,.0f} | {times} | {recall} |",
        flush=True,
    )


def _times(
    library: Library, embedder: Drawn, questions: Sequence[str], where: Filter
) -> tuple[float, float, float]:
    asked = iter([*questions, *questions])
    # Each filter is asked many times in a row, as in a conversation, but the first counts too.
    return _timed(lambda: retrieve(next(asked), library, embedder, where=where), len(questions))


def _timed(work: Callable[[], object], count: int) -> tuple[float, float, float]:
    """Return the median, the 95th percentile and the median of processor time, in milliseconds.

    The last tells what the work takes where nothing else runs.
    """
    took, worked = [], []
    for _ in range(count):
        began, started = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - started) * 1000)
    return tuple(float(value) for value in (*np.percentile(took, (50, 95)), np.median(worked)))  # type: ignore[return-value]


def _recall(library: Library, embedder: Drawn) -> float:
    with ChromaIndex.open(library) as index:
        hits = 0
        for query in embedder.embed([""] * 100, "query"):
            exact = {id_ for id_, _ in nearest(library, query, 10)}
            hits += len(exact & {id_ for id_, _ in index.search(query, 10)})
    return hits / 1000


def _questions(library: Library, rng: np.random.Generator, count: int) -> Iterator[str]:
    """Yield six words of a passage, none of the commonest, which a question has as stopwords."""
    ids = library.rows().ids
    common = set(_vocabulary()[:STOPWORDS])
    while count:
        for passage in library.passages(ids[rng.integers(0, len(ids), 1)]).values():
            words = [word for word in passage.text.split() if word.strip(".") not in common]
            if len(words) >= 6:
                count -= 1
                yield " ".join(words[i] for i in rng.integers(0, len(words), 6))


def _filters(library: Library) -> tuple[Filter, Filter]:
    """Return filters that about 1 and 50 articles in 100 pass."""
    sources = sorted({article.source for article in library.articles()}) if library.size < 50_000 else []
    if len(sources) == OUTLETS or not sources:
        names = [f"Outlet {number}" for number in range(OUTLETS)]
        return Filter(sources=(names[3],)), Filter(sources=tuple(names[: OUTLETS // 2]))
    ids = [article.id for article in library.articles()]
    return Filter(articles=tuple(ids[::100])), Filter(articles=tuple(ids[::2]))


def _sample(library: Library, rng: np.random.Generator) -> Vectors:
    ids = library.rows().ids
    return library.vectors_of(np.unique(ids[rng.integers(0, len(ids), 300)]))[1]


@cache
def _vocabulary() -> list[str]:
    """Made-up words, the commonest first."""
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnoprstuvwy"))
    return ["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(VOCABULARY)]


def _article(
    number: int, rng: np.random.Generator, vocabulary: Sequence[str]
) -> tuple[Article, list[Passage]]:
    ranks = np.minimum(rng.zipf(1.3, WORDS * PASSAGES) - 1, VOCABULARY - 1)
    words = [vocabulary[rank] for rank in ranks]
    parts = [" ".join(words[i : i + WORDS]) + "." for i in range(0, len(words), WORDS)]
    text = " ".join(parts)
    day = f"{2020 + number % 6}-{1 + number % 12:02}-{1 + number % 28:02}"
    article = Article(
        id=text_id(text), text=text, path=f"/{number}", source=f"Outlet {number % OUTLETS}", published=day
    )
    starts = np.cumsum([0, *(len(part) + 1 for part in parts)])
    return article, [Passage(article, int(s), int(s) + len(p)) for s, p in zip(starts, parts, strict=False)]


def _near(centres: Vectors, rng: np.random.Generator, count: int) -> Vectors:
    chosen = centres[rng.integers(0, len(centres), count)]
    return _unit(chosen + SPREAD / np.sqrt(WIDTH) * rng.standard_normal((count, WIDTH)))


def _unit(rows: NDArray[Any]) -> Vectors:
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000], metavar="PASSAGES")
    parser.add_argument("--real", type=Path, metavar="LIBRARY", help="a library to measure as well")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--chroma", action="store_true", help="build the Chroma index too, for its recall")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep the libraries, and go on with those there"
    )
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
