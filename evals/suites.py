"""Which fact files a name stands for, and which of their cases are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.cases import Case, Corpus, Suite
from evals.corpus import open_corpus
from evals.load import SuiteError, load_suite
from rag.errors import InputError

SHIPPED = Path(__file__).resolve().parent / "cases"
CARD = "card"
CARD_CASES = 60
"""Questions of the card suite, drawn from all shipped suites: enough to tell tiers apart, in minutes."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A suite, its articles, and those of its cases that are asked."""

    suite: Suite
    corpus: Corpus
    cases: tuple[Case, ...]


def suite_paths(names: Sequence[str]) -> list[Path]:
    """Return the fact files that `names` stand for: a file, a folder, the name of a shipped suite, or all."""
    paths: list[Path] = []
    for name in names or ["all"]:
        path = Path(name)
        if name in ("all", CARD):
            paths += sorted(SHIPPED.glob("*.toml"))
        elif (SHIPPED / f"{name}.toml").is_file():
            paths.append(SHIPPED / f"{name}.toml")
        elif path.is_dir():
            paths += sorted(path.glob("*.toml"))
        elif path.suffix == ".toml" or path.is_file():
            paths.append(path)
        else:
            known = ", ".join(["all", CARD, *sorted(path.stem for path in SHIPPED.glob("*.toml"))])
            raise SuiteError(f"There is no suite {name!r}. Name a fact file (*.toml) or one of: {known}.")
    return list(dict.fromkeys(paths))


def choose(
    names: Sequence[str], *, only: Sequence[str] = (), held: bool = False, folder: Path | None = None
) -> list[Chosen]:
    """Return the suites with the cases to ask. Raises SuiteError; InputError for an unknown id in `only`."""
    suites = [load_suite(path) for path in suite_paths(names)]
    ids: dict[str, Path] = {}
    for suite in suites:
        for case in suite.cases:
            if case.id in ids:
                raise SuiteError(f"{suite.path}:{case.line}: {ids[case.id]} has a case {case.id!r} too.")
            ids[case.id] = suite.path
    if unknown := [name for name in only if name not in ids]:
        raise InputError(f"No case is called {unknown[0]!r}. Known, e.g.: {', '.join(list(ids)[:5])}.")
    if not ids:
        raise SuiteError(f"{', '.join(str(suite.path) for suite in suites)} has no case yet. Write one.")
    card = _card([case for suite in suites for case in suite.cases]) if CARD in names else None
    chosen = []
    for suite in suites:
        cases = tuple(case for case in suite.cases if _asked(case, only, held, card))
        if cases:
            chosen.append(Chosen(suite, open_corpus(suite, folder), cases))
    return chosen


def _asked(case: Case, only: Sequence[str], held: bool, card: frozenset[str] | None) -> bool:  # noqa: FBT001
    if only:
        return case.id in only
    if card is not None:
        return case.id in card
    return held or not case.held


def _card(cases: Sequence[Case]) -> frozenset[str]:
    """Return the questions of the card suite: plain ones, drawn by the hash of their id."""
    plain = [case.id for case in cases if case.kind == "qa" and not (case.plant or case.held or case.after)]
    return frozenset(sorted(plain, key=lambda id_: hashlib.sha256(id_.encode()).hexdigest())[:CARD_CASES])
