"""A pytest plugin: `pytest --tearsheet` collects fact files, each case a test.

Loaded by pytest in every project where Tearsheet is installed, so nothing is imported before it is asked for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evals.ask import Product, Record
    from evals.cases import Case, Corpus
    from evals.suites import Chosen

CLASSES = ("answerable", "unanswerable", "conflict", "injection", "briefing")
TIERS = ("quote", "write", "compose")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("tearsheet", "facts about news articles")
    group.addoption(
        "--tearsheet", action="store_true", help="collect fact files (*.toml): each case is a test"
    )
    group.addoption("--tearsheet-tier", choices=TIERS, help="how answers are worded")
    group.addoption("--tearsheet-model", metavar="FILE.gguf", help="the model that words them")
    group.addoption(
        "--tearsheet-answers", metavar="FILE", help="score these saved answers; no model is asked"
    )
    group.addoption("--tearsheet-held", action="store_true", help="also the cases held back for releases")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks that cases carry, so that -m chooses a class of them."""
    for name in CLASSES if config.getoption("--tearsheet") else ():
        config.addinivalue_line("markers", f"{name}: a Tearsheet case of this class")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a fact file when --tearsheet is given."""
    if file_path.suffix != ".toml" or not parent.config.getoption("--tearsheet") or not _is_facts(file_path):
        return None
    collector: pytest.Collector = FactFile.from_parent(parent, path=file_path)
    return collector


def _is_facts(path: Path) -> bool:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return "[[case]]" in path.read_text("utf-8", "replace")  # broken: let the loader say where
    return "schema" in values and "corpus" in values


class FactFile(pytest.File):
    """One fact file; its product is opened for the first case and closed after the last."""

    chosen: Chosen
    answers: dict[str, Record] | None = None
    _product: Product | None = None

    def collect(self) -> Iterator[pytest.Item]:
        from evals.campaign import check_suites
        from evals.runfile import read_answers
        from evals.suites import choose
        from rag.errors import InputError

        held = bool(self.config.getoption("--tearsheet-held"))
        try:
            (self.chosen,) = choose([str(self.path)], held=held)
            check_suites([self.chosen])
            if saved := self.config.getoption("--tearsheet-answers"):
                self.answers = read_answers(Path(str(saved)))[0]
        except InputError as error:
            raise self.CollectError(str(error)) from error
        for case in sorted(self.chosen.cases, key=lambda case: (case.plant, case.id)):
            yield CaseItem.from_parent(self, name=case.id, case=case)

    def setup(self) -> None:
        self._open = ExitStack()
        self.addfinalizer(self._open.close)

    def ask(self, case: Case) -> Record:
        """Return the record of a case: the saved one, or a fresh answer."""
        from evals.ask import open_product
        from evals.runfile import NO_ANSWER
        from rag.settings import Settings

        if self.answers is not None:
            return self.answers.get(case.id, NO_ANSWER)
        if self._product is None:
            given = {name: self.config.getoption(f"--tearsheet-{name}") for name in ("tier", "model")}
            product = open_product(self.chosen.suite, self.chosen.corpus, Settings.load(**given))
            self._product = self._open.enter_context(product)
        return self._product(case)


class CaseFailed(Exception):
    """A case did not pass; its text says what was asked, answered and missing."""


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, case: Case, **others: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**others)
        self.case = case
        self.add_marker(case.slice)

    def runtest(self) -> None:
        from evals.runfile import score_records

        assert isinstance(self.parent, FactFile)
        corpus: Corpus = self.parent.chosen.corpus
        record = self.parent.ask(self.case)
        (score,) = score_records(self.parent.chosen.suite, corpus, {self.case.id: record}, [self.case.id])
        if score.label == "not run":
            pytest.skip(score.missing[0])
        if not score.passed:
            told = [f"asked     {self.case.ask}", f"answered  {score.reply.text or score.reply.status}"]
            told += [f"missing   {line}" for line in score.missing]
            raise CaseFailed("\n".join([f"{self.case.id} [{score.label}]", *told]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401
        if isinstance(excinfo.value, CaseFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, max(0, self.case.line - 1), self.name
