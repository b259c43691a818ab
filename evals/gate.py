"""Compares a run with its baseline case by case, and says whether it may pass."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from evals.codes import OK, QUALITY, UNUSABLE
from evals.runfile import CaseRun, Run
from rag.errors import InputError

BASELINES = Path(__file__).resolve().parent / "baselines"
COMPARED = ("prompts", "model", "embedder")
"""Parts of the head, beside the suites and their articles, that must be the same for a comparison."""

Change = Literal["pass to fail", "fail to pass", "new and failing", "not run any more", "words lost"]
"""Words lost: the case passes as before, but no sentence of the model is let through any more, where one was.
A broken prompt shows there first: verification puts the article's sentence in place of what the model writes.
"""


@dataclass(frozen=True, slots=True)
class Flip:
    """A case that went another way than in the baseline."""

    case: CaseRun
    change: Change
    excuse: str = ""
    """Why it does not count: the reason in the quarantine."""

    @property
    def gates(self) -> bool:
        return self.change != "fail to pass" and not self.excuse

    def __str__(self) -> str:
        mark = "!" if self.gates else "."
        told = f" (quarantined: {self.excuse})" if self.excuse else ""
        why = (
            "" if self.change == "fail to pass" else "".join(f"\n      {line}" for line in self.case.missing)
        )
        return f"  {mark} {self.change}: {self.case.id} [{self.case.label or 'pass'}]{told}{why}"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A case that may fail for a while."""

    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Floor:
    """The least or the most that a figure may be."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says: an exit code, and why."""

    code: int
    lines: tuple[str, ...]
    flips: tuple[Flip, ...] = ()


def gate(
    run: Run,
    baseline: Run | None,
    *,
    today: date,
    quarantine: Mapping[str, Quarantined] | None = None,
    floors: Mapping[str, Floor] | None = None,
    new_baseline: bool = False,
) -> Verdict:
    """Judge a run. `new_baseline` goes on although suite, articles, prompts or weights changed."""
    changed = differences(run, baseline) if baseline else ()
    flips = tuple(find_flips(run, baseline, quarantine or {}, today)) if baseline else ()
    lines: list[str] = []
    code = OK
    if changed:
        lines.append(f"Not comparable with the baseline: {', '.join(changed)} changed.")
        if not new_baseline:
            lines.append("The flips below may be due to that. --new-baseline goes on nevertheless.")
            code = UNUSABLE
    blocked = [case for case in run.cases if case.blocks]
    lines += [f"  ! {case.id}: {block}" for case in blocked for block in case.blocks]
    errors = [case for case in run.cases if case.label == "error"]
    lines += [f"  ! no answer: {case.id}: {'; '.join(case.missing)}" for case in errors]
    lines += [str(flip) for flip in flips]
    broken = list(_below(run, floors or {}))
    lines += broken
    if code == OK and (blocked or errors or broken or any(flip.gates for flip in flips)):
        code = QUALITY
    lines.append(_said(run, baseline, flips, code))
    return Verdict(code, tuple(lines), flips)


def _said(run: Run, baseline: Run | None, flips: Sequence[Flip], code: int) -> str:
    asked = [case for case in run.cases if case.label != "not run"]
    left = len(run.cases) - len(asked)
    passed = f"{sum(case.passed for case in asked)} of {len(asked)} cases passed"
    told = [passed, f"{left} not run"] if left else [passed]
    if baseline:
        worse = sum(flip.change != "fail to pass" for flip in flips)
        told.append(f"{worse} worse and {len(flips) - worse} better than the baseline")
    else:
        told.append("no baseline")
    return f"Gate {'passed' if code == OK else 'FAILED'}: {', '.join(told)}."


def differences(run: Run, baseline: Run) -> tuple[str, ...]:
    """Return what differs between the two runs so that their answers cannot be compared."""
    found = [name for name in COMPARED if run.head.get(name) != baseline.head.get(name)]
    suites, theirs = run.head["suites"], baseline.head["suites"]
    for name in suites:
        if name not in theirs:
            found.append(f"suite {name} (it is new)")
        elif suites[name]["sha256"] != theirs[name]["sha256"]:
            found.append(f"suite {name}")
        elif suites[name]["corpus"] != theirs[name]["corpus"]:
            found.append(f"articles of {name}")
    return tuple(found)


def find_flips(run: Run, baseline: Run, quarantine: Mapping[str, Quarantined], today: date) -> Iterator[Flip]:
    """Yield each case that changed, in the order of the run."""
    before = baseline.by_id
    for case in run.cases:
        was = before.get(case.id)
        change: Change | None = None
        if was is None:
            change = None if case.passed or case.label == "not run" else "new and failing"
        elif was.passed and not case.passed:
            change = "not run any more" if case.label == "not run" else "pass to fail"
        elif case.passed and not was.passed:
            change = "fail to pass"
        elif case.passed and was.worded and not case.worded:
            change = "words lost"
        if change:
            held = quarantine.get(case.id)
            yield Flip(case, change, held.reason if held and held.until >= today else "")


def _below(run: Run, floors: Mapping[str, Floor]) -> Iterator[str]:
    for name, floor in floors.items():
        figure = run.figures.get(name)
        if figure and figure.value is not None and not floor.holds(figure.value):
            yield f"  ! {name} is {figure.value:.3f} ({figure.num}/{figure.den}), must be {floor}"


def accept(run: Run, baseline: Run | None, *, today: date, because: str = "") -> Run:
    """Return the run as the next baseline.

    Raises InputError when it has an answer that blocks, or when a case got worse and `because` is empty.
    """
    if blocked := [case.id for case in run.cases if case.blocks]:
        raise InputError(f"{blocked[0]!r} blocks: no baseline may hold it. Run the gate to see why.")
    flips = find_flips(run, baseline, {}, today) if baseline else ()
    worse = [flip.case.id for flip in flips if flip.gates]
    if worse and not because.strip():
        raise InputError(
            f"{len(worse)} case(s) got worse, e.g. {worse[0]!r}. Accept them with --because 'the reason'."
        )
    return replace(run, because=because.strip() if worse else "")


# ---------------------------------------------------------------- files


def baseline_path(run: Run, folder: Path = BASELINES) -> Path:
    """Return where the baseline of this model in this tier is kept."""
    name = "".join(letter if letter.isalnum() else "-" for letter in run.name.casefold())
    return folder / f"{name}.json"


def read_quarantine(path: Path) -> dict[str, Quarantined]:
    """Return the cases that may fail, by id; none when there is no such file. Raises InputError."""
    entries = _read(path).get("quarantine", [])
    try:
        return {entry["id"]: Quarantined(_reason(entry), _day(entry["until"])) for entry in entries}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: each [[quarantine]] needs id, reason and until (a day): {error!r}."
        ) from error


def _reason(entry: Mapping[str, str]) -> str:
    if not entry["reason"].strip():
        raise ValueError("the reason is empty")
    return entry["reason"]


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def read_floors(path: Path) -> dict[str, Floor]:
    """Return the floors, by the name of the figure; none when there is no such file. Raises InputError."""
    try:
        return {name: Floor(**bounds) for name, bounds in _read(path).get("floors", {}).items()}
    except TypeError as error:
        raise InputError(f"{path}: a floor has `least` or `most`: {error}.") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
