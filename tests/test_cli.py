"""The command line: exit codes, streams and the two ways of speaking, with a stand-in behind it."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag.cli import COMMANDS, main
from rag.errors import LockedError, ModelError, NotFoundError, QuestionError
from rag.read import Unread, read
from rag.records import Answer, Article, Citation, Claim

ROOT = Path(__file__).parent.parent
MILL = Article(
    id="a1" * 8,
    title="Fire at the mill",
    source="The Gazette",
    published="2026-03-02",
    path="/articles/fire.txt",
    text="Twelve people were hurt, the police said. Nobody was killed — so far.",
)
QUOTE = "Twelve people were hurt, the police said."
CLAIM = Claim(QUOTE, (Citation(MILL, 0, len(QUOTE), QUOTE),))


class Desk:
    """Stands in for the pipeline: the articles it was given and one answer."""

    def __init__(self, *articles: Article, fails: BaseException | None = None) -> None:
        self.held = {article.id: article for article in articles}
        self.fails = fails
        self.library = self
        self.written = False

    def __call__(self, settings: object, *, write: bool) -> Desk:
        self.settings, self.written = settings, write
        if self.fails:
            raise self.fails
        return self

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def articles(self, where: object = None) -> list[Article]:
        return list(self.held.values())

    def article(self, name: str) -> Article:
        found = [article for article in self.held.values() if article.id.startswith(name)]
        if not found:
            raise NotFoundError(f"No article answers to {name!r}. `tearsheet list` shows them.")
        return found[0]

    def counts(self) -> SimpleNamespace:
        return SimpleNamespace(articles=len(self.held), passages=2 * len(self.held), bytes=2_500_000)

    def add(self, paths: Sequence[str], **how: object) -> SimpleNamespace:
        found = list(read(map(Path, paths)))
        unread = tuple(item for item in found if isinstance(item, Unread))
        return SimpleNamespace(added=len(found) - len(unread), revised=0, unchanged=0, unread=unread)

    def remove(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            del self.held[id_]

    def ask(self, question: str, *, where: object = None) -> Answer:
        if len(question) > 100:
            raise QuestionError("The question is longer than 100 characters. Shorten it.")
        if "boom" in question:
            raise ZeroDivisionError("a defect")
        if "stop" in question:
            raise KeyboardInterrupt
        status, claims = ("answered", (CLAIM,)) if "hurt" in question else ("refused", ())
        return Answer(question, status, claims)

    def doctor(self, *, rebuild: bool = False) -> tuple[SimpleNamespace, ...]:
        law = SimpleNamespace(law="Every passage has a vector.", found="2 without", article=MILL.id)
        return () if rebuild else (law,)


@pytest.fixture
def desk() -> Desk:
    return Desk(MILL)


def loaded(text: str) -> Any:
    return json.loads(text)


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEARSHEET_CONFIG", str(tmp_path / "none.toml"))


def test_an_answer_shows_its_words_and_the_passage(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "How many were hurt?"], open_tearsheet=desk) == 0
    out, err = capsys.readouterr()
    assert out == (
        f"“{QUOTE}” [1]\n\n[1] The Gazette · Fire at the mill · 2 March 2026\n"
        "    ✓ the passage says so · fire.txt · a1a1a1a1\n"
    )
    assert err == ""
    assert desk.closed


def test_a_question_needs_no_quotation_marks(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--json", "How", "many", "were", "hurt?"], open_tearsheet=desk) == 0
    assert loaded(capsys.readouterr().out)["question"] == "How many were hurt?"


def test_not_saying_is_an_answer(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "Who set it?"], open_tearsheet=desk) == 0
    assert capsys.readouterr().out == "The articles do not say.\n"


def test_questions_come_one_a_line_and_answers_go_one_a_line(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"How many hurt?\n\n{'long ' * 30}\nWho set it?\n"))
    assert main(["ask", "-", "--json"], open_tearsheet=desk) == 1
    out, err = capsys.readouterr()
    first, second, third = map(loaded, out.splitlines())
    assert (first["status"], third["status"]) == ("answered", "refused")
    assert second["error"].startswith("The question is longer")
    assert err == "tearsheet: The question is longer than 100 characters. Shorten it.\n"


@pytest.mark.parametrize(
    "where", [["--library", "LIB", "ask", "hurt?"], ["ask", "hurt?", "--library", "LIB"]]
)
def test_options_reach_the_settings_from_either_side(desk: Desk, where: list[str]) -> None:
    assert main([*where, "--tier", "quote", "--passages", "4", "--model", "m.gguf"], open_tearsheet=desk) == 0
    settings: Any = desk.settings
    assert (settings.library, settings.tier) == (Path("LIB"), "quote")
    assert (settings.passages, settings.model) == (4, "m.gguf")


@pytest.mark.parametrize(
    ("words", "fails", "code", "said"),
    [
        (["ask", "long " * 30], None, 2, "The question is longer than 100 characters"),
        (["ask", "hurt?", "--passages", "0"], None, 2, "'passages' must be a whole number of at least 1"),
        (["show", "zz"], None, 2, "No article answers to 'zz'"),
        (["remove", "zz"], None, 2, "No article answers to 'zz'"),
        (["list"], LockedError("The library is in use by process 7."), 3, "in use by process 7"),
        (["ask", "hurt?"], ModelError("The model cannot be loaded."), 4, "The model cannot be loaded."),
        (["ask", "boom"], None, 70, "Unexpected ZeroDivisionError: a defect. This is a defect"),
        (["ask", "stop"], None, 130, "Stopped. What was finished before is kept."),
        (["list"], PermissionError(13, "Permission denied", "/lib"), 1, "/lib: Permission denied"),
    ],
)
def test_failures_are_one_line_and_an_exit_code(
    words: list[str], fails: BaseException | None, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words, open_tearsheet=Desk(MILL, fails=fails)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tearsheet: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_failure_never_commands_the_terminal(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", "no\x1b[2Jsuch\nfile.txt"], open_tearsheet=desk) == 1
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["ask", "hurt?", "--tier", "loud"], ["sing"]])
def test_wrong_usage_exits_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage: tearsheet" in capsys.readouterr().err


def test_no_question_is_an_error_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask"]) == 2
    assert "No question was given" in capsys.readouterr().err


def test_adding_counts_what_was_read_and_names_what_was_not(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("The envoys met on Tuesday.")
    (tmp_path / "b.txt").touch()
    assert main(["add", str(tmp_path)], open_tearsheet=desk) == 1
    out, err = capsys.readouterr()
    assert out == "Added 1 article, 1 not read.\n"
    assert err == f"tearsheet: {tmp_path}/b.txt: The file is empty.\n"
    assert desk.written


def test_adding_in_json(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("The envoys met on Tuesday.")
    assert main(["add", "--json", str(tmp_path / "a.txt")], open_tearsheet=desk) == 0
    assert loaded(capsys.readouterr().out) == {"added": 1, "revised": 0, "unchanged": 0, "unread": []}


def test_the_list_is_tabs_for_programs_and_json_on_request(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"], open_tearsheet=desk) == 0
    row = capsys.readouterr().out
    assert row == "a1a1a1a1a1a1a1a1\t2026-03-02\tThe Gazette\tFire at the mill\t/articles/fire.txt\n"
    assert main(["--json", "list"], open_tearsheet=desk) == 0
    found = loaded(capsys.readouterr().out)
    assert (found["passages"], found["articles"][0]["id"]) == (2, MILL.id)
    assert "text" not in found["articles"][0]


def test_showing_gives_the_exact_text(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "a1a1", "--json"], open_tearsheet=desk) == 0
    assert loaded(capsys.readouterr().out)["text"] == MILL.text
    assert main(["show", "a1a1"], open_tearsheet=desk) == 0
    out = capsys.readouterr().out
    assert "outlet     The Gazette\n" in out
    assert out.endswith(f"\n\n{MILL.text}\n")


def test_removing_goes_on_after_a_wrong_name(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["remove", "zz", "a1"], open_tearsheet=desk) == 1
    out, err = capsys.readouterr()
    assert out == "Removed a1a1a1a1  Fire at the mill\n"
    assert "No article answers to 'zz'" in err
    assert desk.held == {}


def test_the_doctor_says_which_law_does_not_hold(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"], open_tearsheet=desk) == 1
    out, err = capsys.readouterr()
    assert out.endswith("1 problem. `tearsheet doctor --rebuild` makes the indexes anew.\n")
    assert "Every passage has a vector. Found: 2 without (article a1a1a1a1a1a1a1a1)" in err
    assert main(["doctor", "--rebuild"], open_tearsheet=desk) == 0
    assert capsys.readouterr().out.endswith("Every law of the library holds.\n")
    assert desk.written


def started(code: str, encoding: str = "utf-8") -> subprocess.Popen[bytes]:
    places = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "HOME": "/nonexistent"}
    environment = places | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def python(code: str, encoding: str = "utf-8") -> tuple[str, str]:
    with started(code, encoding) as process:
        out, err = process.communicate(timeout=60)
    return out.decode(encoding), err.decode(encoding)


def test_help_answers_at_once_and_loads_nothing_heavy() -> None:
    heavy = {"rich", "numpy", "torch", "chromadb", "llama_cpp", "gradio", "spacy", "trafilatura", "pypdf"}
    code = (
        "import sys, atexit; from rag.cli import main\n"
        f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules)), file=sys.stderr))\n"
        "main(['--help'])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out, err = python(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert err == "[]\n"
    # Processor time, so that a busy machine does not fail it.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3
    assert all(f"    {command.name} " in out for command in COMMANDS)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_stays_json_in_any_encoding(encoding: str) -> None:
    out, _ = python(
        "from test_cli import *; main(['show', 'a1', '--json'], open_tearsheet=Desk(MILL))", encoding
    )
    assert loaded(out)["text"] == MILL.text


def test_words_that_the_terminal_lacks_do_not_stop_it() -> None:
    out, err = python("from test_cli import *; main(['show', 'a1'], open_tearsheet=Desk(MILL))", "ascii")
    assert "Nobody was killed ? so far." in out
    assert err == ""


@pytest.mark.parametrize("words", [["list"], ["show", "a1"], ["show", "a1", "--json"], ["ask", "hurt?"]])
def test_a_reader_that_leaves_is_no_failure_to_report(words: list[str]) -> None:
    code = f"from test_cli import *; sys.exit(main({words}, open_tearsheet=Desk(MILL)))"
    with started(code) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_watched_answer_clears_what_it_showed_meanwhile() -> None:
    from rich.console import Console

    from rag.pipeline import Draft, Found
    from rag.terminal import watch

    out = io.StringIO()
    console = Console(file=out, width=60, force_terminal=True, color_system=None)
    answer = Answer("How many?", "answered", (CLAIM,))
    drafts = [Draft("Twelve \x1b[2J[red]people"), Draft("Twelve people were hurt.")]
    assert watch([Found(()), *drafts, answer], console) == answer
    shown = out.getvalue()
    assert "Found 0 passages in 0 articles" in shown
    assert "Twelve people were hurt." in shown
    assert "\x1b[2J" not in shown


def test_progress_shows_only_to_those_who_watch() -> None:
    from rich.console import Console

    from rag.terminal import progress

    with progress(Console(file=io.StringIO()), "Adding") as nobody:
        assert nobody is None
    out = io.StringIO()
    with progress(Console(file=out, width=100, force_terminal=True, color_system=None), "Adding") as move:
        assert move is not None
        move(3, 7, "[red]\x1b[2Jfire.txt")
        move(7, 7, "")
    assert "Finishing" in out.getvalue()
    assert "7/7" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
