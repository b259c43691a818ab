"""What may follow `tearsheet eval`: its arguments only, so that `tearsheet --help` stays quick."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from evals.codes import BROKEN, UNUSABLE, complain
from rag.errors import InputError, TearsheetError
from rag.session import care_arguments
from rag.settings import TIERS, Settings

EPILOG = """\
exit codes:
  0 every gate holds          1 an answer got worse, blocks, or is missing; a floor is not reached
  2 the suite, the baseline or an argument cannot be used      3 the harness itself failed

examples:
  tearsheet eval new facts.toml          start a fact file on the articles in your library
  tearsheet eval lint facts.toml         check it without asking anything
  tearsheet eval run facts.toml          ask, score, and judge against the baseline
  tearsheet eval run --model A.gguf --model B.gguf --html runs.html
"""
RUNS = Path("evals/runs")
LAYOUTS = ("alce", "diversesumm", "multihop-rag", "ramdocs", "realtimeqa", "squad2", "wice")
"""The public sets that are read, each in the form of its files."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add everything that may follow `tearsheet eval`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    rows = parser.add_subparsers(title="what to do", metavar="DO", required=True)
    for name, (told, add) in DOINGS.items():
        row = rows.add_parser(name, help=told, description=told)
        row.set_defaults(do=name)
        add(row)


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Do what was asked; return the exit code of an eval."""
    from evals.commands import DO

    named = {name: getattr(given, name, None) or getattr(settings, name) for name in ("reranker", "checker")}
    settings = replace(settings, **named)
    try:
        return DO[given.do](given, settings)
    except InputError as error:
        return complain(str(error), UNUSABLE)
    except TearsheetError as error:
        return complain(str(error), BROKEN)
    except Exception as error:
        if os.environ.get("TEARSHEET_DEBUG"):
            raise
        return complain(f"Unexpected {type(error).__name__}: {error}. TEARSHEET_DEBUG=1 shows where.", BROKEN)


def _suite_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help="fact files or shipped suites (default: all)"
    )
    parser.add_argument("--suite", action="append", default=[], metavar="NAME", help="the same as naming it")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="other copies of the articles")
    parser.add_argument(
        "--only", nargs="+", action="extend", default=[], metavar="ID", help="these cases only"
    )
    parser.add_argument("--held", action="store_true", help="also the cases held back for releases")
    parser.add_argument("--no-nulls", action="store_true", help="leave out the worthless answers beside ours")


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one self-contained page")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write Markdown for a pull request")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the figures between its marks")
    parser.add_argument("--quiet", action="store_true", help="print the verdict only")


def _gate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the run to compare with")
    parser.add_argument(
        "--new-baseline",
        action="store_true",
        help="go on although what is compared has changed",
    )
    parser.add_argument("--floors", type=Path, metavar="FILE", help="least and most of each figure (TOML)")
    parser.add_argument("--quarantine", type=Path, metavar="FILE", help="cases that may fail (TOML)")


def _pair_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reranker", metavar="DIR", help="a CrossEncoder that orders the passages found")
    parser.add_argument("--checker", metavar="DIR", help="a CrossEncoder that may lower a verdict")


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    _suite_arguments(parser)
    _pair_arguments(parser)
    parser.add_argument("--tier", choices=TIERS, help="how answers are worded")
    parser.add_argument(
        "--model", action="append", dest="models", metavar="FILE.gguf", help="once for each model"
    )
    parser.add_argument("--repeat", type=int, default=1, metavar="K", help="ask everything K times")
    parser.add_argument("--shuffle-check", action="store_true", help="ask some again in another order")
    parser.add_argument("--out", type=Path, default=RUNS, metavar="DIR", help="where runs are kept")
    parser.add_argument(
        "--accept", action="store_true", help="make the run the baseline, unless an answer blocks"
    )
    parser.add_argument("--because", default="", metavar="REASON", help="why worse cases are accepted")
    _gate_arguments(parser)
    _report_arguments(parser)


def _score_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("answers", type=Path, help="answers.jsonl, a run.json, or their folder")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="RUN",
        help="a run of other suites by the same model, to be scored together with it",
    )
    _suite_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the run to this file")
    _gate_arguments(parser)
    _report_arguments(parser)


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", type=Path, help="a run.json or its folder")
    parser.add_argument("second", type=Path, help="the run to hold against it")


def _accept_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the run.json, or its folder, to make the baseline")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the baseline to replace")
    parser.add_argument("--because", default="", metavar="REASON", help="why worse cases are accepted")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the figures between its marks")


def _make_report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, help="run.json files or their folders")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the run to show changes against")
    _report_arguments(parser)


def _new_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the fact file to write")
    parser.add_argument(
        "--library", metavar="DIR", default=argparse.SUPPRESS, help="the folder of the library"
    )
    parser.add_argument("--article", nargs="+", default=[], metavar="ID", help="these articles only")


def _lint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help="fact files or shipped suites (default: all)"
    )
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="other copies of the articles")


def _public_arguments(parser: argparse.ArgumentParser) -> None:
    _pair_arguments(parser)
    parser.add_argument("layout", choices=LAYOUTS, help="the form of the files")
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="the files of the set")
    parser.add_argument("--limit", type=int, metavar="N", help="N of its questions, evenly spread")
    parser.add_argument("--tier", choices=TIERS, help="how answers are worded")
    care_arguments(parser)


DOINGS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "run": ("ask the cases, score the answers, judge them", _run_arguments),
    "score": ("score saved answers again; nothing is asked", _score_arguments),
    "compare": ("hold one run against another", _compare_arguments),
    "accept": ("make a run the baseline", _accept_arguments),
    "report": ("print and write the reports of finished runs", _make_report_arguments),
    "new": ("start a fact file on the articles of a library", _new_arguments),
    "lint": ("check fact files without asking anything", _lint_arguments),
    "public": ("ask a public question set that you have on disk", _public_arguments),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m evals ...`, the same as `tearsheet eval ...`."""
    parser = argparse.ArgumentParser(prog="tearsheet eval")
    arguments(parser)
    given = parser.parse_args(argv)
    return run(
        given, Settings.load(library=getattr(given, "library", None), tier=getattr(given, "tier", None))
    )
