"""The commands that measure the library run and count right, on little."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from evals import faults, origins, scale
from evals.speed import programs
from evals.speed.__main__ import main as speed
from rag.library import Library


def test_scale_measures_what_it_made(tmp_path: Path) -> None:
    scale.fill(tmp_path, 160)
    with Library.open(tmp_path) as library:
        assert (library.size, library.check()) == (160, [])
    found = scale.measure(tmp_path, queries=4, chroma=True)
    assert (found["passages"], found["recall"] > 0.95) == (160, True)
    assert all(0 < found[name][0] <= found[name][1] for name in ("plain", "few", "half", "exact"))
    scale.fill(tmp_path, 320)
    with Library.open(tmp_path) as library:
        assert library.size == 320


def test_origins_counts_copies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdefghiklmnoprstuvwy", k=6)) for _ in range(900)]
    texts = [
        " ".join(" ".join(chance.choices(words, k=12)).capitalize() + "." for _ in range(30))
        for _ in range(4)
    ]
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(json.dumps({"text": text, "documents": texts[:2]}) for text in texts))
    assert origins.main([str(file), "--clusters", str(file)]) == 0
    out = capsys.readouterr().out
    assert "4 articles; 0 of them share the origin of an earlier one" in out
    assert "| sentences shuffled | 4 of 4 | 0 |" in out
    assert "0 of 4 pairs of reports" in out


def test_speed_runs_ours_as_the_pipeline_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"id": "1", "text": "Rain fell on the hills of Dalby in March."}))
    assert programs.main(["tearsheet", "add", str(tmp_path / "store"), str(file)]) == 0
    assert programs.main(["tearsheet", "find", str(tmp_path / "store"), "Where did rain fall?"]) == 0
    added, found = map(json.loads, capsys.readouterr().out.splitlines())
    assert added["seconds"] > 0
    assert found["passage"] == "Rain fell on the hills of Dalby in March."


def test_speed_tells_what_adding_again_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(json.dumps({"id": day, "text": f"Rain fell on {day}."}) for day in "abc"))
    assert speed([str(file), "--articles", "2", "--again"]) == 0
    assert capsys.readouterr().out.endswith("0 new, 2 unchanged\n")


@pytest.mark.slow
def test_faults_counts_kills(capsys: pytest.CaptureFixture[str]) -> None:
    assert faults.main(["--only", "kills", "--kills", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("kills: 2 kills, 0 committed articles lost, 0 there twice, 0 laws broken")
