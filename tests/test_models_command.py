"""`tearsheet models`: what a person types, what they see, what stands in the settings afterwards."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from test_fetch import MODEL, Hub, hub, serve

from models.bench import remembered
from models.generator import bundled_gguf
from rag.cli import main
from rag.settings import Settings

__all__ = ["hub"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEARSHEET_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("TEARSHEET_CONFIG", str(tmp_path / "t.toml"))
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["models", *words]) == code
    found = capsys.readouterr()
    return found.out if code == 0 else found.err


def test_list_shows_every_row_and_what_answers_are_worded_by(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "list").splitlines()
    assert lines[0].split() == ["MODEL", "FILE", "MEMORY", "LICENCE", "LANGUAGES", "HERE"]
    assert lines[1].split()[:5] == ["smollm2-135m", "98", "MB", "306", "MB"]
    assert any(line.startswith("qwen3-14b ") for line in lines)
    assert lines[-1] == "Answers are worded by the bundled model."


def test_list_as_json_is_the_catalog(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "list", "--json"))
    row = next(row for row in found["models"] if row["name"] == "qwen3-4b")
    assert (row["bytes"], row["licence"], row["state"]) == (2497280256, "Apache-2.0", "not fetched")
    assert row["url"].endswith("/Qwen3-4B-Q4_K_M.gguf")
    assert [each["dimensions"] for each in found["embedders"]][:2] == [384, 384]


def test_bench_measures_and_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    row = json.loads(printed(capsys, "bench", "--json"))["measured"][0]
    assert row["name"] == bundled_gguf().stem
    assert row["prompt"] > row["reply"] > 1
    assert 100_000_000 < row["memory"] < 600_000_000
    assert remembered()[row["name"]].reply == row["reply"]


def test_recommend_says_what_fits_and_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "recommend")
    assert "GB disk free" in text
    assert text.count("<- recommended") == 1
    found = json.loads(printed(capsys, "recommend", "--json"))
    seconds = [row["seconds"] for row in found["models"]]
    assert 0 < seconds[0] < seconds[4] < seconds[-1]
    assert found["recommended"] in {row["name"] for row in found["models"] if row["fits"]}


def test_pull_use_and_remove(capsys: pytest.CaptureFixture[str], folder: Path, hub: Hub) -> None:
    name = f"{hub.url}/small.gguf"
    hub.queue = [serve(cut=1000)]
    place = folder / "models" / "small.gguf"
    said = printed(capsys, "pull", name)
    assert "checked by what the hub says" in said
    assert f"tearsheet models use {place}\n" in said
    assert place.read_bytes() == MODEL
    (folder / "t.toml").write_text("# mine\npassages = 5\n")
    assert f"worded by {place}" in printed(capsys, "use", str(place))
    assert (folder / "t.toml").read_text() == f'# mine\npassages = 5\nmodel = "{place}"\n'
    assert Settings.load().model == str(place)
    assert "worded by the bundled model" in printed(capsys, "use", "default")
    assert tomllib.loads((folder / "t.toml").read_text()) == {"passages": 5}
    assert str(place) in printed(capsys, "remove", str(place))
    assert list((folder / "models").iterdir()) == []


def test_a_pull_that_fails_says_why_in_one_line(capsys: pytest.CaptureFixture[str], hub: Hub) -> None:
    hub.queue = [serve(b"<html>")]
    said = printed(capsys, "pull", f"{hub.url}/small.gguf", code=4)
    assert said.count("\n") == 1
    assert "is no model: it has 6 bytes" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("use", "gpt-9"), "no model 'gpt-9'"),
        (("use", "qwen3-4b"), "`tearsheet models pull qwen3-4b` does it"),
        (("pull", "smollm2-135m"), "came with the installation"),
        (("remove", "smollm2-135m"), "came with the installation"),
    ],
)
def test_what_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert says in printed(capsys, *words, code=2)


def test_a_file_of_ones_own_is_not_removed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(MODEL)
    assert "a file of your own and stays" in printed(capsys, "remove", str(own), code=2)
    assert own.exists()


def test_a_file_brought_by_hand_must_be_the_one_of_the_catalog(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "Qwen3-4B-Q4_K_M.gguf").write_bytes(MODEL)
    assert "is not the file it should be" in printed(capsys, "use", "qwen3-4b", code=4)
    assert not (folder / "t.toml").exists()
