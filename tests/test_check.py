"""A draft against the articles: true, altered and misquoted sentences, and what claims nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from models.parser import load_parser
from rag.check import claims_something, dated, quotations, speaker
from rag.check_command import as_text
from rag.cli import main
from rag.pipeline import Tearsheet
from rag.records import Article, Check, Checked, Citation
from rag.render_check import check_to_html, check_to_json
from rag.settings import Settings

STORY = (
    "Nine people died in the Solvik ferry fire on Tuesday, the police said. "
    "“We saw the smoke from the harbour,” said Mona Dahl, who runs the kiosk. "
    "The ferry was built in 1987 and carried 87 people. "
    "Its owner, Tarn Lines, has not been charged."
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drafts")
    head = "---\ntitle: Ferry fire\nsource: Tidende\npublished: 2026-03-04\n---\n"
    (folder / "fire.md").write_text(head + STORY, "utf-8")
    return folder


@pytest.fixture(scope="module")
def tearsheet(folder: Path) -> Iterator[Tearsheet]:
    with Tearsheet.open(Settings.load(library=folder / "library", tier="quote"), write=True) as opened:
        assert opened.add([folder / "fire.md"]).added == 1
        yield opened


@pytest.mark.parametrize(
    ("sentence", "support", "words"),
    [
        ("Nine people died in the Solvik ferry fire.", "partly", "the police"),
        ("The ferry was built in 1987.", "supported", ""),
        ("The ferry carried 93 people.", "contradicted", "87"),
        ("Mona Dahl said: “We saw the smoke from the harbour.”", "supported", ""),
        ("Ivar Moe said: “We saw the smoke from the harbour.”", "contradicted", "Mona Dahl"),
        ("“We saw the flames from the harbour,” Mona Dahl said.", "contradicted", "these are not the words"),
        ("“Nobody has ever told us what to do,” Mona Dahl said.", "unsupported", "stand in no article"),
        ("The mayor of Bergen opened a new library.", "unsupported", ""),
    ],
)
def test_each_sentence_gets_its_verdict(
    tearsheet: Tearsheet, sentence: str, support: str, words: str
) -> None:
    (checked,) = tearsheet.check(sentence, written="2026-03-10").sentences
    assert checked.support == support
    assert words in checked.reason
    assert all(each.article.text[each.start : each.end] == each.quote for each in checked.citations)


def test_what_claims_nothing_has_no_verdict(tearsheet: Tearsheet) -> None:
    made = tearsheet.check(
        "Ferry fire\n\nWho is to blame? The ferry was built in 1987.", written="2026-03-10"
    )
    assert [each.support for each in made.sentences] == [None, None, "supported"]
    assert made.sound


def test_days_are_reckoned_from_the_day_of_writing() -> None:
    day = date(2026, 3, 5)
    assert dated("Nine people died yesterday.", day) == "Nine people died on 4 March 2026."
    assert dated("They met on Tuesday.", day) == "They met on 3 March 2026."
    assert dated("They met in March 2025.", day) == "They met in March 2025."


def test_a_quotation_and_its_speaker_are_found() -> None:
    parser = load_parser()
    text = "“We saw the smoke,” said Mona Dahl, who runs the kiosk."
    assert quotations(text) == ["We saw the smoke,"]
    assert speaker(parser.parse([text])[0]) == "Mona Dahl"
    assert not claims_something(parser.parse(["Why did it burn?"])[0])


def test_the_exit_code_tells_and_a_page_holds_no_markup_of_the_draft(
    folder: Path, tearsheet: Tearsheet
) -> None:
    article = Article("a" * 16, "The <b>ferry</b> sank.", source="Tidende")
    said = Citation(article, 0, len(article.text), article.text)
    made = Check((Checked("It <script>sank</script>.", 0, 5, "claim", "supported", "", (said,)),))
    assert "<script>" not in check_to_html(made)
    assert json.dumps(check_to_json(made))
    assert "\\<script" in as_text(made, "md", "")
    assert as_text(made, "text", "").startswith("✓ It <script>sank</script>.")


def test_the_command_says_by_its_exit_code_when_something_is_wrong(
    folder: Path, tearsheet: Tearsheet, capsys: pytest.CaptureFixture[str]
) -> None:
    library = ["--library", str(folder / "library")]
    right, wrong = folder / "right.txt", folder / "wrong.txt"
    right.write_text("The ferry was built in 1987.", "utf-8")
    wrong.write_text("The ferry carried 93 people.", "utf-8")
    assert main(["check", str(right), *library]) == 0
    assert "1 supported" in capsys.readouterr().out
    assert main(["check", str(wrong), "--json", *library]) == 1
    assert json.loads(capsys.readouterr().out)["counts"]["contradicted"] == 1
    assert main(["check", str(folder / "none.txt"), *library]) == 2
