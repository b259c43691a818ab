"""Runs evals in a process of its own for the page, so that nothing it does disturbs the answers there.

`python -m ui.measuring PLAN` tells how far it is as lines of JSON. It ends when nobody reads them any more.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.errors import TearsheetError
from rag.records import Tier
from rag.settings import Settings

TIERS_FILE = "tiers.json"
"""What each model earned, beside the runs."""
NOTHING = "No suite was chosen."

Say = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of which model, and where the runs are kept."""

    suites: tuple[str, ...]
    tiers: tuple[Tier, ...]
    folder: str
    model: str = ""
    threads: int = 0
    embedder: str = ""

    @property
    def judges(self) -> bool:
        """Whether it tells which tier the model earns."""
        return len(self.tiers) > 1 and self.tiers[0] == "quote"


@dataclass(frozen=True, slots=True)
class Earned:
    """The highest tier that a model earned here, and on what that rests."""

    tier: str
    passed: int
    asked: int
    why: tuple[str, ...]
    """For each tier tried: earned or not, and why."""
    day: str


def measure(plan: Plan, say: Say) -> None:
    """Run the plan; `say` is given progress, the name of each run kept, and at the end nothing more.

    Raises TearsheetError for a suite or a model that cannot be used.
    """
    from evals.campaign import check_suites, keep, run_model
    from evals.runfile import Run
    from evals.suites import choose

    chosen = choose(plan.suites)
    check_suites(chosen)
    total = len(plan.tiers) * sum(len(each.cases) for each in chosen)
    runs: list[Run] = []
    for place, tier in enumerate(plan.tiers):
        # The articles' own words are the same whichever model is beside them.
        model = "" if tier == "quote" else plan.model
        settings = Settings(
            library=Path(plan.folder), model=model, tier=tier, threads=plan.threads, embedder=plan.embedder
        )
        before = place * (total // len(plan.tiers))

        def tell(done: int, _: int, case: str, *, before: int = before, tier: str = tier) -> None:
            say({"done": before + done, "total": total, "case": case, "tier": tier})

        campaign = run_model(chosen, settings, on_progress=tell)
        name = run_name(plan.suites, campaign.run.name, datetime.now(UTC))
        keep(campaign, Path(plan.folder) / name)
        runs.append(campaign.run)
        say({"kept": name})
    if plan.judges:
        note_earned(Path(plan.folder), plan.model, judged(runs))


def run_name(suites: Sequence[str], model: str, at: datetime) -> str:
    """Return the name of the folder of a run: when, what was asked, of what."""
    parts = [at.strftime("%Y%m%d-%H%M%S"), "+".join(suites), model]
    return "_".join(re.sub(r"[^\w.+-]+|_+", "-", part)[:60] for part in parts)


def judged(runs: Sequence[Any]) -> Earned:
    """Return the highest tier earned, from one run in each tier of which the first is the quoting one."""
    from evals.card import objection_to

    earned, why = runs[0], []
    for run in runs[1:]:
        objection = objection_to(run, runs[0])
        why.append(f"{run.head['model']['tier']}: {objection or 'earned'}")
        earned = earned if objection else run
    asked = [case for case in earned.cases if case.label != "not run"]
    return Earned(
        earned.head["model"]["tier"],
        sum(case.passed for case in asked),
        len(asked),
        tuple(why),
        datetime.now(UTC).date().isoformat(),
    )


def note_earned(folder: Path, model: str, earned: Earned) -> None:
    """Remember what a model earned."""
    every = {name: asdict(one) for name, one in earned_tiers(folder).items()} | {model: asdict(earned)}
    part = folder / f"{TIERS_FILE}.part"
    folder.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(every, indent=1) + "\n", "utf-8")
    part.replace(folder / TIERS_FILE)


def earned_tiers(folder: Path) -> dict[str, Earned]:
    """Return what models earned, by the setting that names them; nothing when the file is damaged."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        stored = json.loads((folder / TIERS_FILE).read_text("utf-8"))
        return {name: replace(Earned(**row), why=tuple(row["why"])) for name, row in stored.items()}
    return {}


def main(argv: Sequence[str]) -> int:
    """Measure what the plan in `argv` says; the exit code says whether it went well."""

    def say(told: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    given = json.loads(argv[0])
    plan = Plan(**given | {"suites": tuple(given["suites"]), "tiers": tuple(given["tiers"])})
    try:
        measure(plan, say)
    except TearsheetError as error:
        say({"problem": str(error)})
        return error.exit_code
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
