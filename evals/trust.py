"""Prints every figure of how far answers can be trusted, on public sets that you have.

    python -m evals.trust --out FOLDER [--squad FILE] [--realtimeqa ARTICLES QUESTIONS] [--wice FILE]
                          [--ramdocs FILE] [--suites NAME...] [--limit N]

Each set is measured in a process of its own, one after the other, and what it prints is kept in FOLDER too,
with the failures a person can read. A set that is not given is left out and said; one that fails is named at
the end, and the exit code is 1. Nothing is fitted. `--limit` asks of each set N questions, for a try.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

EVALS = (sys.executable, "-m", "evals")


@dataclass(frozen=True, slots=True)
class Row:
    """One set: what it measures, and the command that prints it; none when its files were not given."""

    name: str
    command: tuple[str, ...]
    wanted: str
    """The argument that gives its files."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run every command and return 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m evals.trust", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="keep what is printed here")
    parser.add_argument("--squad", type=Path, metavar="FILE", help="SQuAD 2.0")
    parser.add_argument(
        "--realtimeqa", type=Path, nargs=2, metavar="FILE", help="RealTimeQA: its articles, its questions"
    )
    parser.add_argument("--wice", type=Path, metavar="FILE", help="WiCE, claims")
    parser.add_argument("--ramdocs", type=Path, metavar="FILE", help="RAMDocs")
    parser.add_argument(
        "--suites", nargs="*", default=["seeds"], metavar="NAME", help="suites of the project"
    )
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="N questions of each set")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = tuple(planned(options))
    failed = []
    for place, row in enumerate(rows, 1):
        print(f"\n== {place}/{len(rows)} {row.name}", flush=True)
        if not row.command:
            print(f"left out: give its files with {row.wanted}", flush=True)
        elif code := _run(row, options.out):
            failed.append(f"{row.name} (exit {code})")
    if failed:
        print(f"\nFailed: {', '.join(failed)}.", file=sys.stderr)
    return int(bool(failed))


def planned(options: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows in the order they are measured in."""
    limit = ("--limit", str(options.limit)) if options.limit else ()

    def public(form: str, file: Path | None) -> tuple[str, ...]:
        return (*EVALS, "public", form, str(file), *limit) if file else ()

    yield Row("short answers and what has none: SQuAD 2.0", public("squad2", options.squad), "--squad")
    asked = [str(file) for file in options.realtimeqa or ()]
    failures = ("--failures", str(options.out / "covered-failures.md"))
    covered = (sys.executable, "-m", "evals.covered", *asked, *failures, *limit) if asked else ()
    yield Row("what the articles cover: RealTimeQA", covered, "--realtimeqa")
    most = ("--most", str(options.limit)) if options.limit else ()
    swaps = (sys.executable, "-m", "evals.swaps", asked[0], *most) if asked else ()
    yield Row("facts changed, and said in another way", swaps, "--realtimeqa")
    halvings = ("--halvings", "1") if options.limit else ()
    verdicts = (sys.executable, "-m", "evals.verdicts", str(options.wice), *halvings) if options.wice else ()
    yield Row("verdicts, and what each signal earns: WiCE", verdicts, "--wice")
    # Every question of RAMDocs has an answer, and its measure knows no refusal.
    asked_leniently = (*conflicts, "--lenient") if (conflicts := public("ramdocs", options.ramdocs)) else ()
    yield Row("documents in conflict: RAMDocs", asked_leniently, "--ramdocs")
    report = ("--html", str(options.out / "suites.html"), "--out", str(options.out / "suites"))
    suites = (*EVALS, "run", *options.suites, "--tier", "quote", *report) if options.suites else ()
    yield Row("questions written by hand", suites, "--suites")


def _run(row: Row, folder: Path) -> int:
    """Run a command, show what it prints and keep it; return its exit code."""
    file = folder / f"{row.wanted.removeprefix('--')}-{row.command[2].removeprefix('evals.')}.txt"
    began, environment = time.monotonic(), {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        file.open("w", encoding="utf-8") as kept,
        subprocess.Popen(
            row.command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment
        ) as process,
    ):
        for line in process.stdout or ():
            print(line, end="", flush=True)
            kept.write(line)
    print(f"({time.monotonic() - began:.0f} s)", flush=True)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
