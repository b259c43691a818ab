"""Runs every program in turns on the same articles and prints the ratios.

    python -m evals.speed ARTICLES.jsonl [--articles 300] [--rounds 3] [--only tearsheet plain …] [--again]

ARTICLES has `id` and `text` on each line; those of at most 1,500 words are taken. The others must be
installed where this Python finds them (`pip install langchain-chroma langchain-huggingface
langchain-text-splitters txtai`); one that is not there is left out and said. Each round adds the next part
of the articles with every program, in another order, so that a machine that is busy is busy for all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from evals.speed.programs import PROGRAMS

LONGEST = 1500
QUESTION = "What did the president say about the economy?"
STARTS = 3


@dataclass
class Taken:
    """What one program took."""

    seconds: float = 0.0
    megabytes: float = 0.0
    starts: list[float] = field(default_factory=list)
    problem: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _options(argv)
    lines = [line for line in options.file.read_text("utf-8").splitlines() if line.strip()]
    lines = [line for line in lines if len(json.loads(line)["text"].split()) <= LONGEST][: options.articles]
    if options.again:
        return _print_again(lines)
    taken = {name: Taken() for name in options.only or PROGRAMS}
    with tempfile.TemporaryDirectory() as folder:
        parts = [Path(folder) / f"{number}.jsonl" for number in range(options.rounds)]
        for number, part in enumerate(parts):
            part.write_text("\n".join(lines[number :: options.rounds]) + "\n", "utf-8")
            names = [*taken][number % len(taken) :] + [*taken][: number % len(taken)]
            for name in names:
                _add(name, Path(folder) / name, part, taken[name])
        for _ in range(STARTS):
            for name, its in taken.items():
                _start(name, Path(folder) / name, its)
        again = _again(Path(folder) / "tearsheet", parts) if "tearsheet" in taken else None
    _print(taken, len(lines))
    if again is not None:
        print(f"\ntearsheet, the same {len(lines)} again: {again[0]:.2f} s and {again[1]} new")
    return 0


def _run(name: str, verb: str, store: Path, given: str) -> dict[str, object]:
    """Run one verb in a process of its own. Raises RuntimeError with its last words."""
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}
    done = subprocess.run(
        [sys.executable, "-m", "evals.speed.programs", name, verb, str(store), given],
        capture_output=True,
        text=True,
        env=os.environ | offline,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().split("\n")[-1])
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def _add(name: str, store: Path, part: Path, taken: Taken) -> None:
    if taken.problem:
        return
    try:
        found = _run(name, "add", store, str(part))
    except RuntimeError as error:
        taken.problem = str(error)
        return
    taken.seconds += float(str(found["seconds"]))
    taken.megabytes = max(taken.megabytes, float(str(found["megabytes"])))
    print(f"{name}: {taken.seconds:.1f} s so far", file=sys.stderr, flush=True)


def _start(name: str, store: Path, taken: Taken) -> None:
    """Time a process from its start to its first passage, and its end with it."""
    if taken.problem:
        return
    began = time.perf_counter()
    try:
        _run(name, "find", store, QUESTION)
    except RuntimeError as error:
        taken.problem = str(error)
        return
    taken.starts.append(time.perf_counter() - began)


def _again(store: Path, parts: Sequence[Path]) -> tuple[float, int]:
    """Return how long adding everything once more takes, and how many articles that made."""
    from rag.library import Library

    with Library.open(store) as library:
        before = library.counts().articles
    seconds = sum(float(str(_run("tearsheet", "add", store, str(part))["seconds"])) for part in parts)
    with Library.open(store) as library:
        return seconds, library.counts().articles - before


def _print_again(lines: Sequence[str]) -> int:
    """Print how long adding the same articles a second time takes: nothing is embedded then."""
    from models.fake import FakeEmbedder, FakeParser
    from rag.pipeline import Models, Tearsheet
    from rag.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "all.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        settings = Settings.load(library=Path(folder) / "library", tier="quote")
        models = Models(settings, embedder=FakeEmbedder(dimensions=8), parser=FakeParser())
        with Tearsheet.open(settings, write=True, models=models) as tearsheet:
            tearsheet.add([Path(folder) / "all.jsonl"])
            began, worked = time.perf_counter(), time.process_time()
            report = tearsheet.add([Path(folder) / "all.jsonl"])
            seconds, work = time.perf_counter() - began, time.process_time() - worked
    print(
        f"the same {len(lines)} articles again: {seconds:.2f} s ({work:.2f} s of CPU), "
        f"{report.added} new, {report.unchanged} unchanged"
    )
    return 0


def _print(taken: dict[str, Taken], articles: int) -> None:
    there = {name: its for name, its in taken.items() if not its.problem and its.starts}
    others = [its for name, its in there.items() if name != "tearsheet"]
    print("| program | articles/s | seconds | start to first passage, median s | peak MB while adding |")
    print("|---|---|---|---|---|")
    for name, its in there.items():
        print(
            f"| {name} | {articles / its.seconds:.2f} | {its.seconds:.1f} | {median(its.starts):.2f} "
            f"| {its.megabytes:.0f} |"
        )
    for name, its in taken.items():
        if its.problem:
            print(f"\n{name} was left out: {its.problem}")
    if others and "tearsheet" in there:
        ours = there["tearsheet"]
        quicker = min(it.seconds for it in others) / ours.seconds
        print(
            f"\ntearsheet beside the best of the others: {quicker:.2f} x "
            f"articles/s, {min(median(it.starts) for it in others) / median(ours.starts):.1f} x sooner, "
            f"{ours.megabytes / min(it.megabytes for it in others):.2f} x the memory"
        )


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.speed", description=__doc__)
    parser.add_argument("file", type=Path, metavar="ARTICLES.jsonl")
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--again", action="store_true", help="only time adding them twice, with stand-ins for the vectors"
    )
    parser.add_argument("--only", nargs="*", choices=PROGRAMS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
