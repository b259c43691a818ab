"""Where articles differ: what counts as another side, and what does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.embedder import load_embedder
from models.parser import load_parser
from models.trees import Trees
from rag.disagree import sides
from rag.either import either_or
from rag.engines import FITTED
from rag.question import read_question
from rag.records import Article, Hit, Passage
from rag.select import select


def values(question: str, *texts: str) -> list[str]:
    """The differing values for the question in these articles."""
    parser, embedder = load_parser(), load_embedder()
    articles = [
        Article(f"a{i}", text, title="March in Dalby", source=f"Paper {i}") for i, text in enumerate(texts)
    ]
    hits = [Hit(Passage(article, 0, len(article.text)), 1.0) for article in articles]
    asked = read_question(question, parser)
    evidence = select(asked, hits, embedder, parser, Trees.load(FITTED / "evidence.npz"))
    return [side.value for side in either_or(asked, evidence) or sides(asked, evidence, embedder)]


ASKED = "How many people marched in Dalby on Saturday?"
FOUR = "On Saturday 400 people marched in Dalby."
NINE = "On Saturday 900 people marched in Dalby."


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        (ASKED, [FOUR, NINE], {"400", "900"}),
        (ASKED, [f"{FOUR} The organisers counted 900."], {"400", "900"}),
        (
            ASKED,
            ["The police counted 400 of them who marched in Dalby on Saturday. The town spoke of 900."],
            {"400", "900"},
        ),
        (
            "When did the march in Dalby begin?",
            ["The march in Dalby began on June 2.", "The march in Dalby began at 4 p.m."],
            set(),
        ),
        (
            "What did the new mill in Dalby cost?",
            ["The new mill in Dalby cost 4 million hryvnias. The town puts it at 6 million hryvnias."],
            {"4 million hryvnias", "6 million hryvnias"},
        ),
        (ASKED, [FOUR, "Police said 400 people marched in Dalby."], set()),
        (ASKED, ["At least 400 people marched in Dalby.", "On Saturday 430 people marched in Dalby."], set()),
        (ASKED, [FOUR, "On Saturday 30 cars stood in Dalby."], set()),
        (
            "How many points has the plan for Dalby?",
            ["The plan for Dalby has 20 points.", "The 28-point plan for Dalby was cut."],
            set(),
        ),
        (
            "How many people have marched in Dalby up to now?",
            ["On Friday 400 people marched in Dalby.", NINE],
            set(),
        ),
        (
            "What share of Dalby's mill does its founder own?",
            [
                "The founder of Dalby's mill, who owns 11% of the shares, will sell them.",
                "The founder of Dalby's mill owns shares and set it up with two horses.",
            ],
            set(),
        ),
        (
            "When was the capture of Holm reported to Berg?",
            [
                "Officials reportedly informed Mr. Berg on Monday that troops had captured the town of Holm.",
                "Before the talks, the radio told of Berg's visit to a barracks, where the generals informed "
                "him on Sunday that their forces had seized the town of Holm.",
            ],
            {"Monday", "Sunday"},
        ),
        (
            "On what date will the mayor of Dalby be sworn in?",
            ["The mayor of Dalby will be sworn in on March 16.", "The mayor of Dalby was sworn in in 2018."],
            set(),
        ),
        (
            "In what year was the mayor of Dalby sworn in?",
            ["The mayor of Dalby was sworn in in 2016.", "The mayor of Dalby was sworn in in 2018."],
            {"2016", "2018"},
        ),
        (
            "Where did Anna Berg meet the envoys?",
            ["Anna Berg met the envoys in Florida.", "Anna Berg met the envoys in Miami."],
            set(),
        ),
        (
            "Where did Anna Berg meet the envoys?",
            ["Anna Berg met the envoys in Florida.", "Anna Berg met the envoys in Dallas."],
            {"Florida", "Dallas"},
        ),
        (
            "How high was the average rate in Dalby in the week ending October 13?",
            [
                "The average rate in Dalby was 6.9% in the week ending October 13.",
                "The average rate in Dalby was 7.8% in the week ending October 27.",
            ],
            set(),
        ),
    ],
    ids=[
        "two articles", "beside it", "no noun", "day and hour", "money beside it", "agree", "a bound",
        "other things", "a name",
        "the latest", "no share", "one deed", "another year", "two years", "a town of it",
        "a town elsewhere", "another week",
    ],
)  # fmt: skip
def test_another_value_for_the_same_thing_is_a_side(
    question: str, texts: list[str], expected: set[str]
) -> None:
    assert set(values(question, *texts)) == expected


TOLD = "Officials told Mr. Berg on {} that troops had captured the town of Holm."
SPLIT = [
    "After the talks Lund was in Dalby on Monday to meet Anna Berg.",
    "On Monday Lund had a meeting with Peter Holm.",
]


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        ("Was Berg told on Sunday that Holm had been captured?", ["Sunday", "Monday"], {"Sunday", "Monday"}),
        ("Was Berg told on Friday that Holm had been captured?", ["Sunday", "Monday"], set()),
        ("Was Berg told on Sunday that Holm had been captured?", ["Sunday", "Sunday"], set()),
    ],
    ids=["another day", "neither day", "one day"],
)
def test_whether_it_was_on_a_day_is_answered_with_the_other_day(
    question: str, texts: list[str], expected: set[str]
) -> None:
    assert set(values(question, *(TOLD.format(day) for day in texts))) == expected


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        (
            "When did the plan for Dalby leak?",
            ["The plan for Dalby leaked in late November.", "The plan for Dalby leaked last month."],
            set(),
        ),
        (
            "On which day was the meeting with Berg in Dalby?",
            [
                "The meeting with Anna Berg in Dalby was on Tuesday.",
                "The meeting on Monday with Peter Holm in Dalby was long.",
            ],
            set(),
        ),
        (
            "On which day was the meeting with Berg in Dalby?",
            [
                "The meeting with Anna Berg in Dalby was on Tuesday.",
                "The meeting on Monday with Anna Berg in Dalby was long.",
            ],
            {"Tuesday", "Monday"},
        ),
        (
            "Who mediated the truce in Dalby?",
            [
                "After leading the mediation of a truce in Dalby, the banker Peter Lund has a new task.",
                "Anna Berg, emboldened by her mediation of the truce in Dalby, wants more.",
            ],
            {"Peter Lund", "Anna Berg"},
        ),
        (
            "Who mediated the truce in Dalby?",
            [
                "After leading the mediation of a truce in Dalby, the banker Peter Lund has a new task.",
                "Anna Berg and Peter Lund were praised for their mediation of the truce in Dalby.",
            ],
            set(),
        ),
        (
            "Where did Anna Berg meet the envoys?",
            [
                "Anna Berg met the envoys in Florida.",
                "In Russia’s name Anna Berg met the envoys, who had come to Miami.",
            ],
            set(),
        ),
        (
            "Who runs the agency of Falk?",
            ["Berg runs the agency for trade.", "The agency for trade, run by Lund, is in Dalby."],
            set(),
        ),
        ("Did Lund spend Monday with Berg or with Holm?", SPLIT, {"Berg", "Holm"}),
        ("Did Lund spend Monday with Berg or with Falk?", SPLIT, set()),
    ],
    ids=[
        *(
            "last month",
            "with another",
            "with the same",
            "two doers",
            "both",
            "the town too",
            "of nobody named",
        ),
        *("two offered", "one of them"),
    ],
)
def test_what_is_of_another_matter_is_no_side(question: str, texts: list[str], expected: set[str]) -> None:
    assert set(values(question, *texts)) == expected


class Says:
    """A reader that says yes to every sentence but those that hold a word."""

    def __init__(self, no: str) -> None:
        self._no = no

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([-3.0 if self._no in text else 1.0 for text in texts], np.float32)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("no", "expected"), [("fair", []), ("Tuesday", ["20", "28"])])
def test_a_sentence_that_the_reader_says_no_to_is_no_side(no: str, expected: list[str]) -> None:
    parser, embedder = load_parser(), load_embedder()
    texts = [
        "The plan was revised on Sunday, which left around 20 points.",
        "At the fair Anna Berg read out the 28 points left in the plan to a crowd of farmers in the rain.",
    ]
    articles = [Article(f"a{i}", text, title="", source=f"Paper {i}") for i, text in enumerate(texts)]
    hits = [Hit(Passage(article, 0, len(article.text)), 1.0) for article in articles]
    asked = read_question("How many points were left after the plan was revised?", parser)
    trees = Trees.load(FITTED / "evidence.npz")
    evidence = select(asked, hits, embedder, parser, trees, Says(no))
    assert sorted(side.value for side in sides(asked, evidence, embedder)) == expected
