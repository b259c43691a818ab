"""What each press in the Models tab does: fetch, measure, use and remove language models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from models.bench import Measured, bench, remembered
from models.catalog import Known, Speed, known_models, objection
from models.choose import model_file
from models.fetch import fetch, source_of
from models.machine import Machine, this_machine
from models.places import models_folder
from rag.errors import InputError, TearsheetError
from rag.models_command import DEFAULT, choose_model, remove_model
from rag.pipeline import Models, Tearsheet
from ui import models_view as view
from ui.alias import without_folders
from ui.evals_desk import EVERY_TIER, in_child, plan_of, runs_folder
from ui.measuring import Earned, earned_tiers
from ui.models_view import Row
from ui.work import Work

Choice = tuple[str, str]
Doing = Literal["fetch", "speed", "tier"]


class Task(NamedTuple):
    """Something that takes a while, with a model."""

    do: Doing
    name: str


Tending = Work[Task, str]


class Looked(NamedTuple):
    """A model to look at, and what can be done with it now."""

    pane: str
    fetch: bool = False
    use: bool = False
    measure: bool = False
    remove: bool = False


class ModelsDesk:
    """The language models of this machine, and the one queue of what takes a while with them."""

    def __init__(self, tearsheet: Tearsheet, *, fetcher: Callable[..., Path] = fetch) -> None:
        self._tearsheet = tearsheet
        self._fetcher = fetcher
        self.work: Tending = Work(self._do)

    @property
    def progress(self) -> str:
        """How far what is under way has come, or how the last ended."""
        return view.progress(self.work.state)

    def machine(self) -> str:
        """Return what this machine has, and what answers are worded by."""
        return view.machine(this_machine(models_folder()), self._worded_by())

    def rows(self) -> list[Row]:
        """Return every model that is known or there, the smallest known one first."""
        machine, measured = this_machine(models_folder()), remembered()
        earned = earned_tiers(runs_folder(self._tearsheet.settings))
        rows = [self._row(each, machine, measured, earned) for each in known_models()]
        own = sorted(set(models_folder().glob("*.gguf")) - {each.path for each in known_models()})
        return [*rows, *(self._own(path, measured, earned) for path in own)]

    def choices(self) -> list[Choice]:
        """Return the models to choose from: what to show, and the name."""
        return [(view.label(row), row.name) for row in self.rows()]

    def look(self, name: object) -> Looked:
        """Return what is known of a model, and what can be done with it."""
        row = next((row for row in self.rows() if row.name == name), None)
        if row is None:
            return Looked("")
        there = row.state != "not fetched"
        return Looked(
            view.pane(row),
            fetch=not there and not row.why,
            use=there and not row.used,
            measure=there,
            remove=row.state == "fetched",
        )

    def start(self, do: Doing, name: object) -> str:
        """Begin with something that takes a while; return what is wrong with it, if anything."""
        if not any(row.name == name for row in self.rows()):
            return view.problem(f"There is no model {name!r}.")
        self.work.start([Task(do, str(name))])
        return ""

    def use(self, name: object) -> str:
        """Word answers with this model from now on, here and after the next start.

        Nothing else may run a model meanwhile. The model in use stays when the new one cannot be loaded.
        """
        tearsheet = self._tearsheet
        try:
            row = next((row for row in self.rows() if row.name == name), None)
            if row is None:
                raise InputError(f"There is no model {name!r}.")
            named = DEFAULT if row.state == "bundled" else self._setting(row)
            model = "" if named == DEFAULT else named
            settings = replace(tearsheet.settings, model=model)
            given = tearsheet.models
            models = Models(settings, embedder=given.embedder, parser=given.parser)
            if settings.tier != "quote" and models.generator is None:
                raise InputError(models.unusable or f"The model {row.name} cannot be loaded.")
            choose_model(named)
        except TearsheetError as error:
            return view.problem(without_folders(str(error)))
        tearsheet.models, tearsheet.settings = models, settings
        given.close()
        return view.done(f"Answers are worded by {row.name} from now on.")

    def remove(self, name: object) -> str:
        """Remove what was fetched of a model."""
        row = next((row for row in self.rows() if row.name == name), None)
        try:
            if row is None or row.state != "fetched":
                raise InputError(f"Nothing was fetched of {name!r}.")
            if row.used:
                raise InputError(f"{row.name} is in use. Use another model first.")
            remove_model(row.name)
        except TearsheetError as error:
            return view.problem(without_folders(str(error)))
        return view.done(f"Removed {row.name}.")

    def _do(self, task: Task, work: Tending) -> Iterator[str]:
        if task.do == "fetch":

            def on_progress(there: int, total: int) -> None:
                work.tell(view.bytes_far(task.name, there, total))

            work.tell(f"{task.name}: connecting")
            self._fetcher(source_of(task.name), on_progress=on_progress, cancelled=work.stopping.is_set)
            yield f"{task.name} was fetched and checked."
            return
        row = next(row for row in self.rows() if row.name == task.name)
        setting = "" if row.state == "bundled" else self._setting(row)
        if task.do == "speed":
            work.tell(f"{task.name}: reading and writing")
            found = bench(model_file(setting), threads=self._tearsheet.settings.threads)
            yield f"{task.name} reads {found.prompt:.0f} and writes {found.reply:.0f} tokens a second."
            return
        plan = plan_of(self._tearsheet.settings, "card", EVERY_TIER, model=setting)
        for _ in in_child(plan, work):
            pass
        earned = earned_tiers(runs_folder(self._tearsheet.settings))[setting]
        yield f"{task.name} earned the tier {earned.tier}, with {earned.passed} of {earned.asked} cases."

    def _setting(self, row: Row) -> str:
        return row.name if row.known else str(models_folder() / f"{row.name}.gguf")

    def _worded_by(self) -> str:
        if self._tearsheet.settings.tier == "quote":
            return ""
        return next((row.name for row in self.rows() if row.used), "a model of your own")

    def _row(
        self, each: Known, machine: Machine, measured: dict[str, Measured], earned: dict[str, Earned]
    ) -> Row:
        setting = "" if each.bundled else each.name
        state: Any = "bundled" if each.bundled else "fetched" if each.path.is_file() else "not fetched"
        ours = next(row for row in known_models() if row.bundled)
        base = measured.get(Path(ours.file).stem)
        # What is run of the bundled model is its 8-bit copy: a byte and a sixteenth for each parameter.
        expected = (
            Speed(base.prompt, base.reply).of(each, ours, ours.parameters * 17 // 16)
            if base and base.prompt
            else None
        )
        return Row(
            each.name,
            each,
            each.size,
            state,
            objection(each, machine),
            self._tearsheet.settings.model == setting,
            measured.get(Path(each.file).stem),
            expected,
            earned.get(setting),
        )

    def _own(self, path: Path, measured: dict[str, Measured], earned: dict[str, Earned]) -> Row:
        used = self._tearsheet.settings.model in (str(path), str(path.resolve()))
        return Row(
            path.stem, None, path.stat().st_size, "yours", "", used,
            measured.get(path.stem), None, earned.get(str(path)),
        )  # fmt: skip
