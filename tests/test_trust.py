"""One command for all rows: each set in turn, what is missing said, what fails named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.trust import main


def test_sets_that_are_not_given_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path), "--suites"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("left out: give its files with --") == 6
    assert "== 4/6 verdicts, and what each signal earns: WiCE" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_set_is_measured_and_a_broken_one_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {
        "question": "Who won the race?",
        "gold_answers": ["Arna Lund"],
        "wrong_answers": [],
        "documents": [{"text": "Arna Lund won on Friday.", "type": "correct", "answer": "Arna Lund"}],
    }
    good, broken = tmp_path / "ramdocs.jsonl", tmp_path / "wice.jsonl"
    good.write_text(json.dumps(asked) + "\n", "utf-8")
    broken.write_text("no JSON\n", "utf-8")
    out = tmp_path / "out"
    assert main(["--out", str(out), "--ramdocs", str(good), "--wice", str(broken), "--suites"]) == 1
    assert "Failed: verdicts, and what each signal earns: WiCE (exit " in capsys.readouterr().err
    kept = (out / "ramdocs-evals.txt").read_text("utf-8")
    assert "lenient" in kept.splitlines()[0]
    assert "exact match" in kept.casefold()
