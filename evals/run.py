"""Runs a case file against the articles it is about, and prints what passed, what failed and why."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from evals.cases import Case, Class, Corpus, Suite, SuiteError, load_suite, open_corpus, problems
from evals.metrics import Count, total
from evals.reply import Reply, reply_from_json
from evals.score import Score, null_problems, nulls, probe_problems, score
from rag.errors import InputError, TearsheetError

PROJECT = Path(__file__).resolve().parents[1]
CASES = PROJECT / "evals" / "cases" / "seeds.toml"
LAWS = ("quote law", "citation validity")
"""Metrics that must be 1: one miss is a defect of the program, whatever the model."""

NO_REPLY = Reply("error", "", ())

Record = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, 1 (a law broken or a case without an answer) or the code of an error."""
    options = _options(argv)
    try:
        suite = load_suite(options.cases)
        corpus = open_corpus(suite, options.corpus or PROJECT / suite.corpus)
        rows = check(suite, corpus)
        if options.answers:
            records = _saved(options.answers)
        else:
            records = _kept(ask(suite, corpus, tier=options.tier, only=options.only), options.save)
    except TearsheetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    wanted = [case.id for case in suite.cases if not options.only or case.id in options.only]
    scores = score_records(suite, corpus, records, wanted)
    summary = summarise(scores)
    print("\n".join([*report(suite, summary, scores, rows), *failures(scores)]))
    if options.json:
        run = run_file(suite, corpus, scores, records)
        options.json.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", "utf-8")
    broken = [name for name in LAWS if summary[name].num < summary[name].den]
    return 1 if broken or any(each.label == "error" for each in scores) else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.run", description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES, metavar="FILE", help="the case file (TOML)")
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help="the folder of articles, instead of the suite's"
    )
    parser.add_argument("--tier", choices=("quote", "write", "compose"), help="how answers are worded")
    parser.add_argument("--only", nargs="+", metavar="ID", default=(), help="ask these cases only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole run to this file")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write the answers to this file, a line each"
    )
    parser.add_argument("--answers", type=Path, metavar="FILE", help="score saved answers; no model is asked")
    return parser.parse_args(argv)


def check(suite: Suite, corpus: Corpus) -> dict[str, Count]:
    """Return the null answers' rows. Raises SuiteError listing all that would make the suite dishonest."""
    rows = nulls(suite, corpus)
    if wrong := (*problems(suite, corpus), *probe_problems(suite, corpus), *null_problems(rows)):
        raise SuiteError("\n".join(wrong))
    return rows


# ---------------------------------------------------------------- answers


def ask(
    suite: Suite, corpus: Corpus, *, tier: str | None = None, only: Sequence[str] = ()
) -> Iterator[Record]:
    """Yield a record for each case, in the order of ids, asked of a fresh library of the corpus."""
    from rag.pipeline import Tearsheet
    from rag.render import answer_to_json
    from rag.settings import Settings

    if unknown := set(only) - {case.id for case in suite.cases}:
        raise InputError(f"{suite.path} has no case {min(unknown)!r}.")
    cases = sorted((case for case in suite.cases if not only or case.id in only), key=lambda case: case.id)
    with tempfile.TemporaryDirectory(prefix="tearsheet-evals-") as folder:
        settings = Settings.load(library=Path(folder) / "library", tier=tier)
        with Tearsheet.open(settings, write=True) as tearsheet:
            added = tearsheet.add([Path(article.path) for article in corpus.articles.values()])
            if added.unread:
                raise SuiteError(f"The corpus cannot be added: {added.unread[0].reason}")
            for number, case in enumerate(cases, start=1):
                if sys.stderr.isatty():
                    print(f"\r{number} of {len(cases)}  {case.id:40}", end="", file=sys.stderr, flush=True)
                started = time.perf_counter()
                try:
                    answer = tearsheet.ask(case.ask)
                except Exception as error:  # a case that raises is a failed case, never a dropped one
                    yield {"case": case.id, "error": f"{type(error).__name__}: {error}"}
                    continue
                seconds = time.perf_counter() - started
                hits = [
                    {"article": hit.passage.article.id, "start": hit.passage.start, "end": hit.passage.end}
                    for hit in answer.hits
                ]
                yield {"case": case.id, "answer": answer_to_json(answer), "hits": hits, "seconds": seconds}
            if sys.stderr.isatty():
                print(file=sys.stderr)


def _kept(records: Iterable[Record], save: Path | None) -> dict[str, Record]:
    """Return the records by case, written to `save` as well when it is given."""
    kept = {record["case"]: record for record in records}
    if save:
        save.write_text(
            "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in kept.values()), "utf-8"
        )
    return kept


def _saved(path: Path) -> dict[str, Record]:
    try:
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        return {record["case"]: record for record in records}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The answers in {path} cannot be read: {error!r}. Save them with --save."
        ) from error


# ---------------------------------------------------------------- scores


def score_records(
    suite: Suite, corpus: Corpus, records: Mapping[str, Record], wanted: Iterable[str]
) -> tuple[Score, ...]:
    """Score the wanted cases, in the order of the file; one without an answer fails as `error`."""
    ids = set(wanted)
    nothing = {"error": "no answer was saved"}
    return tuple(
        _score(case, records.get(case.id, nothing), corpus) for case in suite.cases if case.id in ids
    )


def _score(case: Case, record: Record, corpus: Corpus) -> Score:
    try:
        problem, reply = record.get("error"), NO_REPLY
        if not problem:
            reply = reply_from_json(record, corpus)
    except (KeyError, TypeError) as error:
        problem = f"the answer breaks the JSON contract: {error!r}"
    scored = score(case, reply, corpus)
    return replace(scored, passed=False, label="error", missing=(str(problem),)) if problem else scored


def summarise(scores: Sequence[Score]) -> dict[str, Count]:
    """Return the cases passed of each class, then every metric, by name."""
    by_class = total({each.case.class_: Count(int(each.passed), 1)} for each in scores)
    classes = {class_: by_class.get(class_, Count()) for class_ in get_args(Class)}
    return classes | total(each.counts for each in scores)


def report(
    suite: Suite, summary: Mapping[str, Count], scores: Sequence[Score], rows: Mapping[str, Count]
) -> list[str]:
    """Return the lines of the report: passes and metrics, each as value, count and 95 % interval."""
    seconds = [each.reply.seconds for each in scores if each.label != "error"]
    latency = f"{statistics.median(seconds):.2f} s median, {max(seconds):.2f} s most" if seconds else "n/a"
    return [
        f"{suite.path.name}: {len(scores)} cases, {sum(each.passed for each in scores)} passed",
        *(f"  {name:22}{count}" for name, count in summary.items()),
        f"  {'seconds a question':22}{latency}",
        "worthless answers that pass (must be 0; gold must be all)",
        *(f"  {name:22}{row.num}/{row.den}" for name, row in rows.items()),
    ]


def failures(scores: Sequence[Score]) -> list[str]:
    """Return the lines that say what was asked, answered and missing in each failed case, and its label."""
    lines: list[str] = []
    for each in (each for each in scores if not each.passed):
        answered = each.reply.text if each.reply.status != "refused" else "(refused)"
        lines += [
            "",
            f"FAILED {each.case.id} [{each.label}] {each.case.class_}, answered as {each.reply.status}",
        ]
        lines += [f"  asked     {each.case.ask}", f"  answered  {answered}"]
        lines += [f"  missing   {missing}" for missing in each.missing]
    return lines


def run_file(
    suite: Suite, corpus: Corpus, scores: Sequence[Score], records: Mapping[str, Record]
) -> dict[str, object]:
    """Return the whole run: the suite and articles by hash, the figures, and each case with its answer."""
    return {
        "schema": 1,
        "suite": {"name": suite.path.name, "sha256": suite.sha256},
        "articles": {key: article.id for key, article in corpus.articles.items()},
        "figures": {
            name: {"num": count.num, "den": count.den, "value": count.value, "interval": count.interval}
            for name, count in summarise(scores).items()
        },
        "cases": [
            {
                "id": each.case.id,
                "class": each.case.class_,
                "passed": each.passed,
                "label": each.label,
                "missing": each.missing,
                "record": records.get(each.case.id),
            }
            for each in scores
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
