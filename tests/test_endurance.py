"""Long runs in short: memory and answers stay, threads take turns, a stop harms nothing; what reuse saves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.endurance import Endured, endure, main, model_only
from evals.overhead import reuse
from models.generator import load_generator

FINE = Endured(100, 0, (200, 200, 205), (1.0, 1.1), (16, 16), (9, 20, 20))


def test_a_model_endures_many_questions_threads_and_stops() -> None:
    generator = load_generator(threads=1)
    asked = model_only(generator, "Anna Berg, 51, met the envoys in Moscow on Friday.")
    questions = ["How old is Anna Berg?", "Who met the envoys?"]
    found = endure(asked, questions, count=4, threads=3, cancels=2)
    assert (found.wrong, found.together, found.stopped[1:]) == (0, (6, 6), (2, 2))
    assert len(found.memory) == 4
    assert found.memory[-1] < found.memory[0] * 1.05
    generator.close()


def test_a_wrong_answer_is_counted() -> None:
    said = iter("abcab" + "abX" + "ab" * 50)
    found = endure(lambda *_: next(said), ["q"], count=3, threads=1, cancels=0)
    assert found.wrong > 0


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"wrong": 2}, "2 of 100 answers differ from the first"),
        ({"memory": (200_000_000, 220_000_000)}, "memory grew from 200 to 220 MB"),
        ({"latency": (1.0, 1.2)}, "a question took 1.000 s and takes 1.200"),
        ({"together": (15, 16)}, "15 of 16 answers were right with several threads"),
        ({"stopped": (9, 19, 20)}, "19 of 20 answers after a stop were right"),
    ],
)
def test_what_does_not_hold_is_said(changed: dict[str, object], says: str) -> None:
    assert FINE.objections() == []
    assert replace(FINE, **changed).objections() == [says]


def test_the_whole_product_endures(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--tier", "quote", "--questions", "2", "--threads", "2", "--cancels", "1", "--distinct", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-1] == "2/2"
    assert lines[3].split()[-1] == "4/4"
    assert "1/1" in lines[4]


def test_what_is_kept_is_not_read_again(tmp_path: Path) -> None:
    rows = list(reuse(tmp_path))
    assert [row[1] for row in rows] == [191, 76, 80, 3]
    assert rows[0][2] > rows[1][2] > 2 * rows[3][2]


def test_an_interrupted_run_tells_what_it_reached() -> None:
    calls: list[str] = []

    def ask(question: str, _: object) -> str:
        calls.append(question)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return question

    found = endure(ask, ["a", "b"], count=100, threads=2, cancels=0)
    assert (found.asked, found.wrong, found.together) == (3, 0, (4, 4))
