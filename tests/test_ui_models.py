"""The Models tab as text: what is there and fits, fetching with progress and stop, using, removing."""

from __future__ import annotations

import html
import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_fetch import MODEL, Hub, hub

from models.bench import Measured
from models.catalog import Speed, known
from models.fake import FakeEmbedder, FakeParser
from models.fetch import Source, fetch
from models.machine import Machine
from rag.pipeline import Models, Tearsheet
from rag.settings import Settings
from ui import models_view as view
from ui.measuring import Earned, note_earned
from ui.models_desk import ModelsDesk
from ui.models_view import Row
from ui.work import State

__all__ = ["hub"]
SMALL = "smollm2-360m"


def shown(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", markup))).strip()


@pytest.fixture
def tearsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tearsheet]:
    monkeypatch.setenv("TEARSHEET_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("TEARSHEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TEARSHEET_CONFIG", str(tmp_path / "t.toml"))
    settings = Settings(library=tmp_path / "library", tier="quote")
    models = Models(settings, embedder=FakeEmbedder(), parser=FakeParser())
    with Tearsheet.open(settings, write=True, models=models) as opened:
        yield opened


def put(folder: Path, name: str) -> Path:
    """Let a model stand in the folder as if it had been fetched."""
    place = folder / "models" / known(name).file
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(MODEL)
    return place


def test_every_known_model_is_offered_with_what_can_be_done(tearsheet, tmp_path):
    desk = ModelsDesk(tearsheet)
    labels = {name: label for label, name in desk.choices()}
    assert labels["smollm2-135m"].startswith("in use · came with the installation · 98.4 MB")
    bundled, small = desk.look("smollm2-135m"), desk.look(SMALL)
    assert (bundled.fetch, bundled.use, bundled.measure, bundled.remove) == (False, False, True, False)
    assert (small.fetch, small.use, small.measure, small.remove) == (True, False, False, False)
    put(tmp_path, SMALL)
    small = desk.look(SMALL)
    assert (small.fetch, small.use, small.measure, small.remove) == (False, True, True, True)
    assert desk.look("gpt-9").pane == ""
    assert str(tmp_path) not in small.pane


def test_a_model_that_does_not_fit_says_why_and_cannot_be_fetched():
    why = "needs 12.0 GB of memory, 8.0 are free"
    row = Row("big", known("qwen3-14b"), 9_000_000_000, "not fetched", why, False, None, None, None)
    assert view.label(row).startswith("needs 12.0 GB of memory, 8.0 are free · 9.0 GB")
    assert "Fits here needs 12.0 GB of memory" in shown(view.pane(row))


def test_a_model_is_fetched_in_the_background_with_its_progress(tearsheet, tmp_path, hub: Hub):
    told: list[tuple[int, int]] = []

    def from_hub(_: Source, *, on_progress, cancelled) -> Path:
        def watched(there: int, total: int) -> None:
            told.append((there, total))
            on_progress(there, total)

        return fetch(hub.source(), folder=tmp_path / "models", on_progress=watched, cancelled=cancelled)

    desk = ModelsDesk(tearsheet, fetcher=from_hub)
    assert desk.start("fetch", SMALL) == ""
    assert desk.work.wait(20)
    assert shown(desk.progress) == f"{SMALL} was fetched and checked."
    assert told[-1] == (len(MODEL), len(MODEL))


def test_stopping_a_download_keeps_what_is_there_and_says_so(tearsheet):
    def endless(_: Source, *, on_progress, cancelled) -> Path:
        for there in range(1, 10_000):
            time.sleep(0.005)
            on_progress(there * 1_000_000, 100_000_000)
        raise AssertionError("never stopped")

    desk = ModelsDesk(tearsheet, fetcher=endless)
    desk.start("fetch", SMALL)
    while "MB of 100 MB" not in desk.progress:
        time.sleep(0.01)
    assert "ts-progress" in desk.progress
    desk.work.stop()
    assert desk.work.wait(5)
    assert shown(desk.progress) == "Stopped. What was fetched is kept, and gone on from next time."


def test_a_download_that_fails_is_a_sentence_without_a_path(tearsheet, tmp_path, hub: Hub):
    def wrong(_: Source, **given) -> Path:
        return fetch(hub.source(sha256="0" * 64), folder=tmp_path / "models", **given)

    desk = ModelsDesk(tearsheet, fetcher=wrong)
    desk.start("fetch", SMALL)
    desk.work.wait(20)
    assert "is not what it should be" in shown(desk.progress)
    assert str(tmp_path) not in desk.progress


@pytest.mark.parametrize("name", ["gpt-9", "", None, "../x.gguf", "http://203.0.113.9/x.gguf", 7])
def test_only_models_that_are_offered_are_touched(tearsheet, name):
    desk = ModelsDesk(tearsheet)
    for told in (desk.start("fetch", name), desk.use(name), desk.remove(name)):
        assert 'role="alert"' in told
    assert not desk.work.state.running


def test_using_another_model_lasts_and_takes_effect_at_once(tearsheet, tmp_path):
    put(tmp_path, SMALL)
    desk = ModelsDesk(tearsheet)
    said = desk.use(SMALL)
    assert "Answers are worded by smollm2-360m from now on." in shown(said), said
    assert (tearsheet.settings.model, tearsheet.models.embedder.fingerprint) == (
        SMALL,
        FakeEmbedder().fingerprint,
    )
    assert tomllib.loads((tmp_path / "t.toml").read_text())["model"] == SMALL
    assert {name: label for label, name in desk.choices()}[SMALL].startswith("in use")
    assert "in use" in shown(desk.remove(SMALL))
    assert "Answers are worded by smollm2-135m" in shown(desk.use("smollm2-135m"))
    assert tearsheet.settings.model == ""


def test_a_model_that_cannot_be_loaded_leaves_the_old_one(tearsheet, tmp_path):
    put(tmp_path, SMALL).write_bytes(b"no model")
    before = tearsheet.models
    told = ModelsDesk(tearsheet).use(SMALL)
    assert 'role="alert"' in told
    assert str(tmp_path) not in told
    assert (tearsheet.models, tearsheet.settings.model) == (before, "")


def test_only_what_was_fetched_is_removed(tearsheet, tmp_path):
    place, own = put(tmp_path, SMALL), tmp_path / "models" / "mine.gguf"
    own.write_bytes(MODEL)
    desk = ModelsDesk(tearsheet)
    assert "Removed smollm2-360m." in shown(desk.remove(SMALL))
    assert not place.exists()
    assert "Nothing was fetched" in shown(desk.remove("mine"))
    assert "Nothing was fetched" in shown(desk.remove("smollm2-135m"))
    assert own.exists()


def test_speed_and_tier_are_said_when_measured_and_reckoned_else(tearsheet):
    note_earned(
        tearsheet.settings.library / "evals", "", Earned("write", 55, 60, ("write: earned",), "2026-03-05")
    )
    row = next(row for row in ModelsDesk(tearsheet).rows() if row.name == "smollm2-135m")
    told = shown(view.pane(row))
    assert "It earned write : 55 of 60 cases passed, on 2026-03-05." in told
    assert "Not measured yet. Measuring the bundled model" in told
    measured = Measured("m", "f", 1, 0.5, 0.3, 400.0, 50.0, 300_000_000)
    assert view._speed(Row(row.name, row.known, 1, "bundled", "", used=True, measured=measured, expected=None,
                           earned=None)).count("reads 400 and writes 50 tokens a second")  # fmt: skip
    slow = Row(
        row.name,
        row.known,
        1,
        "fetched",
        "",
        used=False,
        measured=None,
        expected=Speed(4.0, 1.0),
        earned=None,
    )
    assert "an answer takes about 40 s. That is slow." in shown(view.pane(slow))


def test_the_machine_is_said_in_words():
    told = shown(view.machine(Machine(16_000_000_000, 9_500_000_000, 2, 70_000_000_000, "CPU <b>", ""), "m"))
    assert told.startswith(
        "2 cores 9.5 GB of 16.0 GB memory free 70.0 GB disk free Answers are worded by m ."
    )
    assert "CPU <b>." in told


def test_progress_is_empty_before_anything_was_done():
    assert view.progress(State()) == ""
    assert view.bytes_far("m", 12_000_000, 0) == "m: 12 MB"
