"""Asks the chosen cases of one model after another, scores them, and keeps answers and runs on disk."""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.ask import Asked, Product, Progress, Record, ask_all, in_order, open_product
from evals.cases import Case
from evals.probes import check, null_scores
from evals.runfile import Run, Suited, make_run, score_records, write_answers, write_run
from evals.score import Score
from evals.suites import Chosen
from rag.settings import Settings

SHUFFLED = 5
"""Cases of each suite asked again in another order by --shuffle-check."""
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Campaign:
    """What one model said and how it scored."""

    run: Run
    asked: tuple[Asked, ...]
    unsteady: tuple[str, ...] = ()
    """Cases whose answer changed when they were asked again."""
    passes: Mapping[str, int] | None = None
    """With --repeat: how often each case passed."""


def check_suites(chosen: Iterable[Chosen]) -> None:
    """Raise SuiteError unless every suite is honest: its quotes, its probes, its null answers."""
    for each in chosen:
        check(each.suite, each.corpus)


def run_model(
    chosen: Sequence[Chosen],
    settings: Settings,
    *,
    folder: Path | None = None,
    repeat: int = 1,
    shuffle: bool = False,
    on_progress: Progress | None = None,
) -> Campaign:
    """Ask every chosen case of the model in `settings`, offline. Raises ModelError, LibraryError."""
    from rag.pipeline import Models

    models = Models(settings)
    asked: list[Asked] = []
    unsteady: list[str] = []
    identity: dict[str, Any] = {}
    rounds: list[dict[str, Record]] = []
    total = sum(len(each.cases) for each in chosen) * repeat
    done = 0

    def progress(here: int, _: int, case: str) -> None:
        if on_progress is not None:
            on_progress(done + here, total, case)

    for each in chosen:
        cases = in_order(each.cases)
        with open_product(each.suite, each.corpus, settings, folder=folder, models=models) as product:
            identity = product.identity()
            for number in range(repeat):
                answers = list(ask_all(product, cases, on_progress=progress))
                done += len(cases)
                asked += answers if number == 0 else []
                if len(rounds) <= number:
                    rounds.append({})
                rounds[number] |= {one.record["case"]: one.record for one in answers}
            if shuffle:
                unsteady += _shuffled(product, cases, rounds[0])
    identity["memory"] = peak_memory()
    run = score_run(chosen, rounds[0], _seconds(asked), identity)
    passes = _passes(chosen, rounds) if repeat > 1 else None
    differing = (case for case in rounds[0] if any(one[case] != rounds[0][case] for one in rounds[1:]))
    return Campaign(run, tuple(asked), tuple(dict.fromkeys([*unsteady, *differing])), passes)


def score_run(
    chosen: Sequence[Chosen],
    records: Mapping[str, Record],
    seconds: Mapping[str, float],
    identity: Mapping[str, Any],
    *,
    nulls: bool = True,
) -> Run:
    """Score saved records of the chosen cases, with the worthless answers beside them."""
    parts = [
        Suited(
            each.suite,
            each.corpus,
            score_records(each.suite, each.corpus, records, [case.id for case in each.cases]),
        )
        for each in chosen
    ]
    beside: dict[str, list[Score]] = {}
    for each in chosen if nulls else ():
        for name, scores in null_scores(each.suite, each.corpus, each.cases).items():
            beside.setdefault(name, []).extend(scores)
    return make_run(parts, records, seconds=seconds, identity=identity, nulls=beside)


def _seconds(asked: Iterable[Asked]) -> dict[str, float]:
    return {each.record["case"]: each.seconds for each in asked if "not run" not in each.record}


def _shuffled(product: Product, cases: Sequence[Case], first: Mapping[str, Record]) -> Iterator[str]:
    """Yield the cases whose answer changes when a few are asked again in another order."""
    few = random.Random(SEED).sample(list(cases), min(SHUFFLED, len(cases)))
    for again in ask_all(product, few):
        if again.record != first[again.record["case"]]:
            yield again.record["case"]


def _passes(chosen: Sequence[Chosen], rounds: Sequence[Mapping[str, Record]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for records in rounds:
        for each in chosen:
            ids = [case.id for case in each.cases]
            for scored in score_records(each.suite, each.corpus, records, ids):
                counts[scored.case.id] = counts.get(scored.case.id, 0) + scored.passed
    return counts


def repeat_lines(campaign: Campaign, repeat: int) -> list[str]:
    """Return pass^k (all passed) and pass@k (one passed); neither ever gates."""
    counts = list((campaign.passes or {}).values())
    every, some = sum(count == repeat for count in counts), sum(count > 0 for count in counts)
    return [f"pass^{repeat} {every}/{len(counts)}, pass@{repeat} {some}/{len(counts)}"] if counts else []


def peak_memory() -> int:
    """Return the most memory that this process has held so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def keep(campaign: Campaign, folder: Path) -> None:
    """Write `answers.jsonl` and `run.json` into the folder."""
    write_answers(campaign.asked, folder / "answers.jsonl")
    write_run(campaign.run, folder / "run.json")
