"""What `tearsheet eval` does: run, score, compare, accept, report, new, lint, public."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from evals import gate
from evals.ask import Progress, Record
from evals.campaign import Campaign, check_suites, keep, repeat_lines, run_model, score_run
from evals.card import CARD_TIERS, CardRow, card_lines, card_row, cards_side_by_side
from evals.codes import BROKEN, OK, complain
from evals.compare import compare, comparison_lines
from evals.gate import BASELINES, Verdict
from evals.junit import as_junit
from evals.new import write_new
from evals.page import as_page
from evals.public import run_public
from evals.runfile import Run, read_answers, read_run, write_run
from evals.suites import CARD, SHIPPED, Chosen, choose
from evals.tables import as_markdown, failures, figures_table, in_readme, terminal
from rag.errors import InputError, ModelError
from rag.settings import Settings


def progress() -> Progress | None:
    """Return what shows cases done, the case at hand and the time left; None when nobody watches."""
    if not sys.stderr.isatty():
        return None
    started = time.perf_counter()

    def show(done: int, total: int, case: str) -> None:
        left = (time.perf_counter() - started) / done * (total - done) if done else 0
        ends = "\n" if done == total else ""
        print(
            f"\r{done} of {total}  {left / 60:3.0f} min left  {case:40.40}",
            end=ends,
            file=sys.stderr,
            flush=True,
        )

    return show


# ---------------------------------------------------------------- run and score


def _run(given: argparse.Namespace, settings: Settings) -> int:
    if given.repeat < 1:
        raise InputError(f"--repeat must be at least 1; found {given.repeat}.")
    names = [*given.suites, *given.suite]
    chosen = choose(names, only=given.only, held=given.held, folder=given.corpus)
    check_suites(chosen)
    if CARD in names:
        return _run_card(given, settings, chosen)
    campaigns = [
        _run_one(given, replace(settings, model=model), chosen) for model in given.models or [settings.model]
    ]
    code = _judge([campaign.run for campaign in campaigns], given, chosen)
    if given.accept:
        for campaign in campaigns:
            path = given.baseline or gate.baseline_path(campaign.run, _home(chosen))
            _make_baseline(campaign.run, path, given)
        code = OK
    for campaign in campaigns:
        print("\n".join(repeat_lines(campaign, given.repeat)), end="\n" if campaign.passes else "")
        if campaign.unsteady:
            changed = ", ".join(campaign.unsteady)
            code = complain(f"Asked again, these cases had another answer: {changed}.", BROKEN)
        elif given.shuffle_check:
            print("Asked again in another order, the answers were the same.")
    return code


def _run_one(given: argparse.Namespace, settings: Settings, chosen: Sequence[Chosen]) -> Campaign:
    campaign = run_model(
        chosen,
        settings,
        folder=given.corpus,
        repeat=given.repeat,
        shuffle=given.shuffle_check,
        on_progress=progress(),
    )
    if settings.model and not campaign.run.head["model"]["name"]:
        raise ModelError(f"The model {settings.model!r} could not be loaded; its eval would be of none.")
    keep(campaign, given.out / gate.baseline_path(campaign.run).stem)
    return campaign


def _run_card(given: argparse.Namespace, settings: Settings, chosen: Sequence[Chosen]) -> int:
    # The articles' own words are the same whichever model is beside them.
    quoting = _run_one(given, replace(settings, model="", tier=CARD_TIERS[0]), chosen)
    rows: list[CardRow] = []
    for model in given.models or [settings.model]:
        worded = [
            _run_one(given, replace(settings, model=model, tier=tier), chosen) for tier in CARD_TIERS[1:]
        ]
        rows.append(card_row([campaign.run for campaign in (quoting, *worded)], settings, model))
        print("\n".join(card_lines(rows[-1])))
    print(*cards_side_by_side(rows), sep="\n")
    return OK


def _score(given: argparse.Namespace, _: Settings) -> int:
    records, seconds, identity = _joined([given.answers, *given.also])
    names = [*given.suites, *given.suite]
    chosen = choose(names, only=given.only, held=given.held, folder=given.corpus)
    check_suites(chosen)
    scored = score_run(chosen, records, seconds, identity, nulls=not given.no_nulls)
    if given.out:
        write_run(scored, given.out)
    return _judge([scored], given, chosen)


def _joined(paths: Sequence[Path]) -> tuple[dict[str, Record], dict[str, float], dict[str, Any]]:
    """Return the answers of several runs together. Raises InputError when not the same model gave them."""
    records, seconds, identity = read_answers(paths[0])
    for path in paths[1:]:
        more, longer, theirs = read_answers(path)
        most = max(identity.get("memory", 0), theirs.get("memory", 0))
        if {**identity, "memory": most} != {**theirs, "memory": most}:
            raise InputError(f"The answers of {path} are not of the same model and settings as {paths[0]}.")
        records, seconds, identity = records | more, seconds | longer, {**identity, "memory": most}
    return records, seconds, identity


def _judge(runs: Sequence[Run], given: argparse.Namespace, chosen: Sequence[Chosen]) -> int:
    """Gate every run, print and write the reports, return the worst code."""
    home = _home(chosen)
    floors = gate.read_floors(given.floors or home / "floors.toml") if not given.only else {}
    quarantine = gate.read_quarantine(given.quarantine or home / "quarantine.toml")
    verdicts: list[Verdict] = []
    baselines: list[Run | None] = []
    for each in runs:
        path = given.baseline or gate.baseline_path(each, home)
        baseline = read_run(path) if given.baseline or path.is_file() else None
        verdict = gate.gate(
            each,
            baseline,
            today=date.today(),
            quarantine=quarantine,
            floors=floors,
            new_baseline=given.new_baseline,
        )
        if not given.quiet:
            print("\n".join([*terminal(each, baseline), *failures(each), ""]))
        print("\n".join(verdict.lines))
        verdicts.append(verdict)
        baselines.append(baseline)
    for each in runs[1:]:
        print("\n".join(comparison_lines(runs[0], each, compare(runs[0], each))))
    _write_reports(runs, given, verdicts[0] if len(runs) == 1 else None, baselines[0])
    return max(verdict.code for verdict in verdicts)


def _home(chosen: Sequence[Chosen]) -> Path:
    """Return where baseline, floors and quarantine of these suites are: ours, or beside the fact file."""
    shipped = all(each.suite.path.resolve().parent == SHIPPED for each in chosen)
    return BASELINES if shipped else chosen[0].suite.path.parent / "baselines"


def _write_reports(
    runs: Sequence[Run], given: argparse.Namespace, verdict: Verdict | None, baseline: Run | None
) -> None:
    kinds: dict[str, Callable[[], str]] = {
        "html": lambda: as_page(runs, verdict, baseline),
        "markdown": lambda: as_markdown(runs, verdict, baseline),
        "junit": lambda: as_junit(runs, verdict),
    }
    for kind, made in kinds.items():
        if path := getattr(given, kind):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made(), "utf-8")
            print(f"Wrote {path}.")
    if given.readme:
        _rewrite(given.readme, runs[0])


# ---------------------------------------------------------------- the rest


def _compare(given: argparse.Namespace, _: Settings) -> int:
    first, second = read_run(given.first), read_run(given.second)
    print("\n".join(comparison_lines(first, second, compare(first, second))))
    return OK


def _accept(given: argparse.Namespace, _: Settings) -> int:
    candidate = read_run(given.run)
    if not given.baseline and (own := [name for name in candidate.head["suites"] if not _is_shipped(name)]):
        raise InputError(
            f"{own[0]} is a fact file of your own. Say where its baseline is kept: --baseline "
            f"FOLDER/baselines/{gate.baseline_path(candidate).name}, with the FOLDER of the fact file."
        )
    _make_baseline(candidate, given.baseline or gate.baseline_path(candidate), given)
    if given.readme:
        _rewrite(given.readme, candidate)
    return OK


def _is_shipped(name: str) -> bool:
    return (SHIPPED / f"{name}.toml").is_file()


def _make_baseline(candidate: Run, path: Path, given: argparse.Namespace) -> None:
    before = read_run(path) if path.is_file() else None
    kept = gate.accept(candidate, before, because=given.because, today=date.today())
    write_run(kept, path)
    passed = f"{sum(case.passed for case in kept.cases)} of {len(kept.cases)} cases passed"
    was = f", {sum(case.passed for case in before.cases)} of {len(before.cases)} before" if before else ""
    why = f" Accepted because: {kept.because}." if kept.because else ""
    print(f"{path} is the baseline of {candidate.name} now: {passed}{was}.{why}")


def _rewrite(readme: Path, candidate: Run) -> None:
    """Put the table of figures between the marks of a README, and say so."""
    readme.write_text(in_readme(readme.read_text("utf-8"), figures_table(candidate)), "utf-8")
    print(f"The table of {readme} holds the figures of this run.")


def _make_report(given: argparse.Namespace, _: Settings) -> int:
    runs = [read_run(path) for path in given.runs]
    baseline = read_run(given.baseline) if given.baseline else None
    verdict = gate.gate(runs[0], baseline, today=date.today()) if baseline else None
    if not given.quiet:
        for each in runs:
            print("\n".join([*terminal(each, baseline), *failures(each)]))
    _write_reports(runs, given, verdict, baseline)
    return OK


def _new(given: argparse.Namespace, settings: Settings) -> int:
    count = write_new(given.file, settings.library, only=given.article)
    print(f"Wrote {given.file} on {count} articles. Write a case, then: tearsheet eval lint {given.file}")
    return OK


def _lint(given: argparse.Namespace, _: Settings) -> int:
    chosen = choose(given.suites, held=True, folder=given.corpus)
    check_suites(chosen)
    for each in chosen:
        counts = {name: sum(case.slice == name for case in each.cases) for name in _slices(each)}
        told = ", ".join(f"{number} {name}" for name, number in counts.items())
        probes = sum(len(case.passing) + len(case.failing) for case in each.cases)
        print(f"{each.suite.path}: {len(each.cases)} cases ({told}), {probes} probes hold")
    return OK


def _slices(chosen: Chosen) -> list[str]:
    return list(dict.fromkeys(case.slice for case in chosen.cases))


def _public(given: argparse.Namespace, settings: Settings) -> int:
    lines = run_public(
        given.layout,
        given.paths,
        settings,
        limit=given.limit,
        care=given.care or "usual",
        on_progress=progress(),
    )
    print("\n".join(lines))
    return OK


DO: dict[str, Callable[[argparse.Namespace, Settings], int]] = {
    "run": _run,
    "score": _score,
    "compare": _compare,
    "accept": _accept,
    "report": _make_report,
    "new": _new,
    "lint": _lint,
    "public": _public,
}
