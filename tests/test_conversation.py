"""Follow-up questions made self-contained, and questions that stand alone left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.parser import load_parser
from models.protocols import Parser
from rag.conversation import asked_as, turn_of
from rag.pipeline import Tearsheet
from rag.records import Turn
from rag.settings import Settings

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "articles"
MEETING = Turn("When was the meeting in Geneva?", "Nov. 23", "It was held on Nov. 23.")
VISIT = Turn("When did Witkoff meet Putin?", "Tuesday", "Witkoff met Putin on Tuesday.")
CHAIR = Turn("Who replaced the chairman of Orrin?", "Vale", "Anna Vale replaced him on Monday.")
UNKNOWN = Turn("Who is the managing partner of Castle Road?")
DEAL = Turn("Did the drivers accept the deal?", "", "They did.")
TOLL = Turn("How many people died in Germany on 2 May?", "12", "Twelve people died.")
SHARE = Turn("How much of the coast does the firm own?", "20%", "It owns 20% of the coast.")


@pytest.fixture(scope="module")
def parser() -> Parser:
    return load_parser()


@pytest.mark.parametrize(
    ("earlier", "question", "meant"),
    [
        (MEETING, "And who led it?", "Who led the meeting in Geneva?"),
        (MEETING, "Who was there?", "Who was in Geneva?"),
        (VISIT, "Where did they meet?", "Where did Witkoff and Putin meet?"),
        (VISIT, "Where?", "Where did Witkoff meet Putin?"),
        (CHAIR, "How old is she?", "How old is Anna Vale?"),
        (CHAIR, "What is her job?", "What is Anna Vale’s job?"),
        (CHAIR, "When was that?", "When was it that Vale replaced the chairman of Orrin?"),
        (CHAIR, "Who else?", "Who else replaced the chairman of Orrin?"),
        (UNKNOWN, "What does she earn?", "What does the managing partner of Castle Road earn?"),
        (DEAL, "Why?", "Why did the drivers accept the deal?"),
        (DEAL, "By what share?", "By what share did the drivers accept the deal?"),
        (DEAL, "When did it take effect?", "When did the deal take effect?"),
        (TOLL, "What about France?", "How many people died in France on 2 May?"),
        (TOLL, "And on 3 May?", "How many people died in Germany on 3 May?"),
        (TOLL, "How many of those were children?",
         "How many of the people who died in Germany on 2 May were children?"),
        (SHARE, "Since when?", "Since when does the firm own 20% of the coast?"),
    ],
)  # fmt: skip
def test_a_follow_up_is_put_into_words(parser: Parser, earlier: Turn, question: str, meant: str) -> None:
    assert asked_as(question, [earlier], parser) == meant


@pytest.mark.parametrize(
    "question",
    [
        "Who won the World Cup?",
        "What did Merz say about his visit?",
        "Is it true that Kyiv refused?",
        "How long did it take to build the bridge?",
        "How many soldiers are there in Pokrovsk?",
        "Which company said that it would close its plants?",
        "Who published the details of that leaked call?",
        "Did the workers get their money?",
    ],
)
def test_a_question_that_stands_alone_is_not_changed(parser: Parser, question: str) -> None:
    for earlier in (MEETING, VISIT, CHAIR, DEAL, TOLL):
        assert asked_as(question, [earlier], parser) == question


def test_the_latest_turn_that_offers_a_person_is_meant(parser: Parser) -> None:
    assert asked_as("How old is he?", [VISIT, MEETING], parser) == "How old is Witkoff?"


def test_a_man_is_not_meant_by_she(parser: Parser) -> None:
    context = (
        "Ben Oduya left. He said he was tired. Mr Oduya is 60. Clara Lind stays. She is 40, Ms Lind said."
    )
    turn = Turn("Who demanded the resignation of Clara Lind?", "Oduya", "Ben Oduya demanded it.", context)
    assert asked_as("What did she reply?", [turn], parser) == "What did Clara Lind reply?"
    assert asked_as("What did he reply?", [turn], parser) == "What did Ben Oduya reply?"


def test_a_conversation_is_asked_of_the_articles(tmp_path: Path) -> None:
    with Tearsheet.open(Settings.load(library=tmp_path, tier="quote"), write=True) as tearsheet:
        tearsheet.add([SEEDS])
        first = tearsheet.ask("Who is Donald Trump’s son-in-law?")
        then = tearsheet.ask("How old is he?", conversation=[first])
        alone = tearsheet.ask("How old is he?")
    assert (then.question, then.asked_as) == ("How old is he?", "How old is Jared Kushner?")
    assert then.short == "44"
    assert (first.asked_as, alone.asked_as, alone.short) == ("", "", None)
    assert turn_of(then).question == "How old is Jared Kushner?"
