"""What each press in the Evals tab does: runs in a child process, saved runs, comparisons, single cases."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from evals.cli import RUNS
from evals.compare import compare
from evals.runfile import CaseRun, Run, read_run
from evals.suites import CARD, SHIPPED
from rag.errors import CancelledError, InputError, ModelError, TearsheetError
from rag.records import Tier
from rag.settings import TIERS, Settings
from ui import evals_view as view
from ui.measuring import Plan
from ui.work import STOPPED, Work

FOLDER = "evals"
"""Beside the articles: the runs that the page made."""
EVERY_TIER = "each"
CASES = 400
"""Cases of a run that can be chosen."""

Choice = tuple[str, str]
Measuring = Work[Plan, str]


class Chosen(NamedTuple):
    """A run to look at."""

    figures: str
    cases: tuple[Choice, ...] = ()
    """The cases to open: failed ones first."""


def runs_folder(settings: Settings) -> Path:
    """Return where the page keeps the runs it made."""
    return settings.library / FOLDER


def suite_choices() -> list[Choice]:
    """Return the suites that can be run, smallest first: what to show, and the name."""
    shipped = [(path.stem.replace("-", " "), path.stem) for path in sorted(SHIPPED.glob("*.toml"))]
    return [("Card: 60 questions of all suites", CARD), *shipped, ("All suites", "all")]


def tier_choices() -> list[Choice]:
    """Return the tiers that can be asked."""
    told = {
        "quote": "Quote: the articles' own words",
        "write": "Write: one sentence at a time",
        "compose": "Compose: several sentences together",
    }
    return [*((told[tier], tier) for tier in TIERS), ("Each of them, to tell the tier earned", EVERY_TIER)]


def plan_of(settings: Settings, suite: object, tier: object, *, model: str | None = None) -> Plan:
    """Return what is to be run. Raises InputError for a suite or a tier that there is not."""
    known = [name for _, name in suite_choices()]
    if suite not in known:
        raise InputError(f"There is no suite {suite!r}. Choose one of: {', '.join(known)}.")
    tiers: tuple[Tier, ...] = TIERS if tier == EVERY_TIER else tuple(each for each in TIERS if each == tier)
    if not tiers:
        raise InputError(f"There is no tier {tier!r}. Choose one of: {', '.join(TIERS)}.")
    named = settings.model if model is None else model
    return Plan((str(suite),), tiers, str(runs_folder(settings)), named, settings.threads, settings.embedder)


def measuring() -> Measuring:
    """Return the work of running plans, each in a process of its own."""
    return Work(in_child)


def in_child(plan: Plan, work: Work[Any, str]) -> Iterator[str]:
    """Yield the name of each run kept. Raises ModelError with what the child says, CancelledError."""
    work.tell("loading the models")
    command = [sys.executable, "-m", "ui.measuring", json.dumps(asdict(plan))]
    problem = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        threading.Thread(target=_end_when_told, args=(process, work.stopping), daemon=True).start()
        for line in process.stdout or ():
            told = json.loads(line)
            problem = told.get("problem", problem)
            if "kept" in told:
                yield str(told["kept"])
            elif "done" in told and not work.stopping.is_set():
                case = f": {told['case']}" if told["case"] else ""
                work.tell(f"{told['tier']}, {told['done']} of {told['total']} cases{case}")
    if work.stopping.is_set():
        raise CancelledError(STOPPED)
    if process.returncode:
        raise ModelError(problem or "The eval ended without a word; the terminal shows what happened.")


def _end_when_told(process: subprocess.Popen[str], stopping: threading.Event) -> None:
    while process.poll() is None:
        if stopping.wait(0.2):
            process.terminate()
            return


class Evals:
    """The saved runs of one library, and the one queue of runs under way."""

    def __init__(self, settings: Settings, *, folders: Sequence[Path] | None = None) -> None:
        self._folders = tuple(folders) if folders is not None else (runs_folder(settings), RUNS)
        self.settings = settings
        self.work = measuring()

    @property
    def progress(self) -> str:
        """How far the runs under way are, or how the last ended."""
        return view.progress(self.work.state)

    def start(self, suite: object, tier: object, *, model: str | None = None) -> str:
        """Run a suite in the background; return what is wrong with it, if anything."""
        try:
            plan = plan_of(self.settings, suite, tier, model=model)
        except InputError as error:
            return view.problem(str(error))
        self.work.start([plan])
        return ""

    def saved(self) -> list[Choice]:
        """Return the saved runs, the last first: what to show, and a name for `look`."""
        found = [path for folder in self._folders for path in folder.glob("*/run.json")]
        found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        return [(view.run_label(path), self._name(path)) for path in found]

    def look(self, name: object, beside: object = "") -> Chosen:
        """Return the figures of a run, with another one beside them when `beside` names it."""
        try:
            run = self._read(name)
            other = self._read(beside) if beside and beside != name else None
            found = compare(other, run) if other else None
        except TearsheetError as error:
            return Chosen(view.problem(str(error)))
        cases = sorted(run.cases, key=lambda case: (case.passed, case.label == "not run"))[:CASES]
        choices = tuple((view.case_label(case), case.id) for case in cases)
        return Chosen(view.run_page(run, other, found), choices)

    def case(self, name: object, id_: object) -> str:
        """Return one case of a run beside its evidence."""
        try:
            case: CaseRun | None = self._read(name).by_id.get(str(id_))
        except TearsheetError as error:
            return view.problem(str(error))
        return view.case_page(case) if case else view.problem("The run has no such case.")

    def _name(self, path: Path) -> str:
        place = next(number for number, folder in enumerate(self._folders) if path.is_relative_to(folder))
        return f"{place}/{path.parent.name}"

    def _read(self, name: object) -> Run:
        for path in (path for folder in self._folders for path in folder.glob("*/run.json")):
            if self._name(path) == name:
                return _read_once(path, path.stat().st_mtime_ns)
        raise InputError("There is no such run any more. Choose another.")


@lru_cache(maxsize=4)
def _read_once(path: Path, changed: int) -> Run:
    del changed
    return read_run(path)
