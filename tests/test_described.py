"""A question on somebody it only describes is asked with the name that another sentence gives."""

from pathlib import Path

import pytest

from models.parser import load_parser
from rag.described import named_instead
from rag.pipeline import Tearsheet
from rag.records import Article, Hit, Passage
from rag.settings import Settings

TEXT = (
    "Carl Holm, the mayor's son-in-law, opened the new mill in Dalby on Monday. "
    "The mayor's press secretary, Anna Berg, was there. So were two aides of the governor. "
    "Holm, 51, sold his shares in the ferry last year. "
    "The head of the Dalby savings bank, Jens Lund, gave a speech."
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How old is the mayor's son-in-law?", "How old is Carl Holm?"),
        ("What did the head of the Dalby savings bank give?", "What did Jens Lund give?"),
        ("Where was the mayor's press secretary born?", "Where was Anna Berg born?"),
        ("Who is the mayor's press secretary?", ""),
        ("What is the name of the mayor's press secretary?", ""),
        ("What did the governor's aide say?", ""),
        ("What did the minister's press secretary say?", ""),
        ("What did the secretary say?", ""),
        ("How old is Carl Holm?", ""),
    ],
)
def test_a_description_is_read_as_a_name(question: str, expected: str) -> None:
    hits = [Hit(Passage(Article("a", TEXT), 0, len(TEXT)), 1.0)]
    assert named_instead(question, hits, load_parser())[0] == expected


def test_two_who_fit_are_left_as_they_are() -> None:
    text = TEXT + " The mayor's other son-in-law, Olaf Brandt, stayed away."
    hits = [Hit(Passage(Article("a", text), 0, len(text)), 1.0)]
    assert named_instead("How old is the mayor's son-in-law?", hits, load_parser()) == ("", "")


def test_what_no_sentence_answers_by_itself_is_asked_by_name(tmp_path: Path) -> None:
    for name, text in (
        ("mill", "Carl Holm, the mayor's son-in-law, opened the new mill in Dalby on Monday."),
        ("ferry", "The ferry to Lund has a new owner. Carl Holm, 51, sold his shares in it last year."),
    ):
        (tmp_path / f"{name}.txt").write_text(text, "utf-8")
    settings = Settings.load(library=tmp_path / "library", threads=1, tier="quote")
    with Tearsheet.open(settings, write=True) as tearsheet:
        tearsheet.add([tmp_path / "mill.txt", tmp_path / "ferry.txt"])
        mill = next(hit.passage.article.id[:8] for hit in tearsheet.search("new mill"))
        answer = tearsheet.ask("How old is the mayor's son-in-law?")
        other = tearsheet.ask("How old is the governor's son-in-law?")
    assert (answer.status, answer.short) == ("answered", "51")
    assert (answer.question, answer.asked_as) == (
        "How old is the mayor's son-in-law?",
        "How old is Carl Holm?",
    )
    assert [note for note in answer.notes if "son-in-law" in note] == [
        f"“mayor's son-in-law” is read as Carl Holm, after `tearsheet show {mill}`."
    ]
    assert (other.status, other.asked_as) == ("refused", "")
