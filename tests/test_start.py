"""What `make run` types on a new machine, on the next day, and over a library of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.fake import FakeEmbedder, FakeGenerator, FakeParser
from rag.cli import main
from rag.pipeline import Models, Tearsheet
from rag.settings import Settings
from ui import start

PROJECT = Path(__file__).resolve().parents[1]
ADD = ["add", "seeds/articles"]
ASK = ["ask", "How old is Jared Kushner?"]
UI = ["ui"]


@pytest.fixture(autouse=True)
def fresh_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TEARSHEET_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.chdir(PROJECT)


def opened(settings: Settings, *, write: bool) -> Tearsheet:
    fakes = {"embedder": FakeEmbedder(), "parser": FakeParser(), "generator": FakeGenerator()}
    return Tearsheet.open(settings, write=write, models=Models(settings, **fakes))


def typed(*failing: str, carry_out: tuple[str, ...] = ()) -> tuple[int, list[list[str]]]:
    """Run it; commands that are not carried out succeed or, when `failing`, give 3."""
    ran: list[list[str]] = []

    def run(words):
        ran.append(list(words))
        if words[0] in carry_out:
            return main(words, open_tearsheet=opened)
        return 3 if words[0] in failing else 0

    return start.main(run), ran


def test_an_empty_library_gets_the_articles_and_later_runs_leave_it_alone():
    assert typed(carry_out=("add",)) == (0, [ADD, ASK, UI])
    assert typed() == (0, [ASK, UI])


def test_a_library_of_ones_own_gets_neither_articles_nor_question(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("The bridge of Dalby was built in 1932.")
    main(["add", str(tmp_path / "mine.txt")], open_tearsheet=opened)
    assert typed() == (0, [UI])
    assert "holds articles of your own; ask them on the page." in capsys.readouterr().out


def test_the_first_command_that_fails_ends_it():
    assert typed("add") == (3, [ADD])


def test_a_damaged_library_is_left_to_the_command_that_says_so(tmp_path, capsys):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "library.db").write_text("no library")
    code, ran = typed(carry_out=("add",))
    assert (code, ran) == (3, [ADD])
    assert "damaged" in capsys.readouterr().err


@pytest.mark.skipif(start.sys.platform != "linux", reason="elsewhere there always is a desktop")
def test_without_a_desktop_no_browser_is_opened(monkeypatch):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert typed("ask")[1][-1] == ASK
    assert typed()[1][-1] == ["ui", "--no-browser"]


def test_each_command_is_shown_before_it_runs(capsys):
    typed()
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [
        "$ tearsheet add seeds/articles",
        "$ tearsheet ask 'How old is Jared Kushner?'",
        "$ tearsheet ui",
    ]
