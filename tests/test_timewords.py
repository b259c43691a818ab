"""The words of a question that say which articles are meant, and what they are read as."""

from __future__ import annotations

from datetime import date

import pytest

from rag.confidence import Calibration
from rag.engines import FITTED
from rag.filters import ALL, Filter
from rag.pipeline import Tearsheet
from rag.settings import Settings
from rag.timewords import narrowed, read_filters, without_words

TODAY = date(2026, 3, 20)  # a Friday
OUTLETS = ["BBC News", "Reuters", "The Times"]


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("Who met Putin yesterday?", ("2026-03-19", "2026-03-21", "yesterday")),
        ("What happened last week?", ("2026-03-09", "2026-03-17", "last week")),
        ("Who met Putin on 2 December?", ("2025-12-02", "2025-12-04", "on 2 December")),
        ("Who resigned in February?", ("2026-02-01", "2026-03-02", "in February")),
        ("How many have died since Monday?", ("2026-03-16", "", "since Monday")),
        ("Who spoke in the last three days?", ("2026-03-17", "", "in the last three days")),
        ("How many died, according to Reuters?", ("Reuters", "", "according to Reuters")),
        ("What did the BBC report about the fire?", ("BBC News", "", "did the BBC report")),
        ("According to the Times, who resigned?", ("The Times", "", "According to the Times")),
        ("What is the latest death toll?", ("", "", "the latest")),
    ],
)
def test_words_become_a_filter(question: str, read: tuple[str, str, str]) -> None:
    (found,) = read_filters(question, lambda: OUTLETS, TODAY)
    assert (found.first, found.last, found.said) == read


@pytest.mark.parametrize(
    "question",
    [
        "Will it open on 5 December 2026?",
        "Did the strike end before 5 March?",
        "What were the sales in 2025?",
        "What happened between 3 March and 5 March?",
        "How many took part in Saturday’s march?",
        "According to the Harbour Party, how many ballots were there?",
        "What did Putin say about the war?",
        "What did the journalists do at the last meeting?",
    ],
)
def test_what_only_looks_like_one_is_left_alone(question: str) -> None:
    assert read_filters(question, lambda: OUTLETS, TODAY) == ()


def test_words_that_stand_in_no_article_are_not_searched_for() -> None:
    for question, asked in [
        ("What did the BBC report about the fire?", "What is known about the fire?"),
        ("How many died, according to Reuters?", "How many died?"),
        ("Who met Putin last week?", "Who met Putin?"),
        ("Who met Putin on 2 December?", "Who met Putin on 2 December?"),
    ]:
        assert without_words(question, read_filters(question, lambda: OUTLETS, TODAY)) == asked


def test_what_the_user_chose_is_not_overruled() -> None:
    read = read_filters("What did Reuters report last week?", lambda: OUTLETS, TODAY)
    assert narrowed(ALL, read) == Filter(sources=("Reuters",), after="2026-03-09", before="2026-03-17")
    chosen = Filter(sources=("BBC News",), after="2026-01-01")
    assert narrowed(chosen, read) == chosen


@pytest.fixture(scope="module")
def tearsheet(tmp_path_factory: pytest.TempPathFactory) -> Tearsheet:
    folder = tmp_path_factory.mktemp("told")
    for outlet, day, toll in [("Reuters", "2026-03-02", "three"), ("Herald", "2026-03-09", "nine")]:
        text = (
            f"The ferry fire in Solvik killed {toll} people, the police said. The ferry was on its way home."
        )
        head = f"---\ntitle: Ferry fire\nsource: {outlet}\npublished: {day}\n---\n"
        (folder / f"{outlet}.md").write_text(head + text, "utf-8")
    opened = Tearsheet.open(Settings.load(library=folder / "library", tier="quote"), write=True)
    assert opened.add([folder]).added == 2
    return opened


@pytest.mark.parametrize(
    ("question", "short", "said"),
    [
        ("How many people did the ferry fire kill, according to Reuters?", "three", "according to Reuters"),
        ("How many people did the ferry fire kill on 9 March?", "nine", "on 9 March"),
        ("How many people did the latest ferry fire kill?", "nine", "the latest"),
    ],
)
def test_the_answer_is_of_the_articles_meant(
    tearsheet: Tearsheet, question: str, short: str, said: str
) -> None:
    answer = tearsheet.ask(question, as_of="2026-03-20")
    assert (answer.status, answer.short) == ("answered", short)
    assert [each.said for each in answer.filters] == [said]


def test_a_filter_that_finds_nothing_is_dropped_and_said_so(tearsheet: Tearsheet) -> None:
    answer = tearsheet.ask("How many people did the ferry fire kill yesterday?", as_of="2026-03-20")
    assert answer.status != "refused"
    assert answer.filters == ()
    assert "“yesterday”" in answer.notes[-1]


def test_filters_are_not_read_when_not_wanted(tearsheet: Tearsheet) -> None:
    question = "How many people did the ferry fire kill on 9 March?"
    for answer in (
        tearsheet.ask(question, as_of="2026-03-20", read_filters=False),
        tearsheet.ask(question, as_of="2026-03-20", not_read=["on 9 March"]),
    ):
        assert answer.filters == ()


def test_care_decides_how_sure_an_answer_must_be(tearsheet: Tearsheet) -> None:
    question = "How many people did the ferry fire kill?"
    sure = tearsheet.ask(question).confidence
    unlike = "Which captain steered the ferry home?"
    lenient, usual, strict = (tearsheet.ask(unlike, care=care) for care in ("lenient", "usual", "strict"))
    assert lenient.confidence == usual.confidence == strict.confidence < sure
    fitted = Calibration.load(FITTED / "calibration.json")
    assert fitted.lenient < fitted.threshold < fitted.strict
    for answer, least in ((lenient, fitted.lenient), (usual, fitted.threshold), (strict, fitted.strict)):
        assert (answer.status == "refused") == (answer.confidence < least)
