"""Which difference between articles a question asks about: posts, governments, authors, opposites."""

from __future__ import annotations

import pytest

from models.embedder import load_embedder
from models.parser import load_parser
from models.trees import Trees
from rag.compare import asked_difference, asks_by_name
from rag.engines import FITTED
from rag.question import read_question
from rag.records import Article, Hit, Passage
from rag.select import select

ENVOY = (
    "Anna Berg, the special envoy of the king, flew to Dalby on Tuesday. The government confirmed the trip."
)
BROKER = (
    "Anna Berg, a property developer, met the rebels in Dalby. Berg was on a rogue mission, diplomats said."
)
DRAFT = "The Dalby plan was written by Berg and Lund. The Holm administration welcomed the plan."
HELP = "Berg wrote the plan for Dalby with help from foreign bankers. The Falk administration was silent."

FASTER = "Russian invasion forces advanced somewhat faster in November, but are not close to Dalby."
STEADY = (
    "The visit to Dalby comes at a bad time, as Russian forces continue to steadily advance along the front."
)


def told(question: str, *texts: str) -> set[str]:
    parser, embedder = load_parser(), load_embedder()
    articles = [Article(f"a{i}", t, title="Talks in Dalby", source=f"Paper {i}") for i, t in enumerate(texts)]
    hits = [Hit(Passage(article, 0, len(article.text)), 1.0) for article in articles]
    asked = read_question(question, parser)
    evidence = select(asked, hits, embedder, parser, Trees.load(FITTED / "evidence.npz"))
    return {side.value for side in asked_difference(asked, evidence, embedder, parser)}


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        ("What is Anna Berg's role?", [ENVOY, BROKER], {"special envoy of the king", "property developer"}),
        ("Who is Anna Berg?", [ENVOY, BROKER], {"special envoy of the king", "property developer"}),
        ("Who is Anna Berg?", [ENVOY, ENVOY.replace("Tuesday", "Wednesday")], set()),
        ("When did Anna Berg fly to Dalby?", [ENVOY, BROKER], set()),
        ("Was the trip of Berg to Dalby official?", [ENVOY, BROKER], {"official", "not official"}),
        ("Was the trip of Berg to Dalby official?", [ENVOY, ENVOY.replace("flew", "drove")], set()),
        (
            "Who wrote the plan for Dalby?",
            [DRAFT, HELP],
            {"Berg and Lund", "Berg with foreign bankers"},
        ),
        ("Which administration is in office?", [DRAFT, HELP], {"Holm administration", "Falk administration"}),
        ("What did the Holm administration welcome?", [DRAFT, HELP], set()),
        (
            "Did the Russian forces advance more quickly?",
            [FASTER, STEADY],
            {FASTER, "Russian forces continue to steadily advance along the front"},
        ),
        ("Did the Russian forces advance more quickly in November?", [FASTER, STEADY], set()),
    ],
    ids=[
        *("a role", "who somebody is", "one role", "another thing", "opposites", "no opposite"),
        *("an author", "a government", "no government", "two paces", "another time"),
    ],
)  # fmt: skip
def test_only_the_difference_that_is_asked_for_is_told(
    question: str, texts: list[str], expected: set[str]
) -> None:
    assert told(question, *texts) == expected


OFFER = "Anna Berg and Lund flew to Dalby on Monday to present the Ruritanian counter-offer."
FRAMEWORK = "Anna Berg and Lund are in Dalby for talks on the King’s latest plan. Falk’s plan is another one."
KING = "President Holm sent Berg to Dalby."
EX_KING = "Berg is a friend of Peter Holm. Her trip to Dalby has the blessing of the former President."
TWO_POSTS = "The talks were led by Anna Berg, head of the state bank."
HELPED = "Berg allegedly wrote the Dalby plan, and foreign bankers helped her."


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        (
            "Whose proposal did Berg and Lund take to Dalby?",
            [OFFER, FRAMEWORK],
            {"Ruritanian counter-offer", "King’s latest plan"},
        ),
        (
            "Whose proposal did Berg and Lund take to Dalby?",
            [OFFER, OFFER.replace("Monday", "Tuesday")],
            set(),
        ),
        ("What office does President Holm hold?", [KING, EX_KING], {"President Holm", "former President"}),
        ("What office does Anna Berg hold?", [ENVOY, TWO_POSTS], set()),
        (
            "What office does Anna Berg hold?",
            [ENVOY, BROKER],
            {"special envoy of the king", "property developer"},
        ),
        (
            "Did the trip of Berg to Dalby go through official channels?",
            [ENVOY, BROKER],
            {"official", "not official"},
        ),
        (
            "Did Berg help to draft the plan for Dalby?",
            [HELPED, DRAFT],
            {"Berg and Lund", "allegedly Berg with foreign bankers"},
        ),
        ("Did Falk help to draft the plan for Dalby?", [HELPED, DRAFT], set()),
    ],
    ids=[
        *("whose plan", "one plan", "former", "two offices", "an office and a trade", "channels"),
        *("a helper", "somebody else"),
    ],
)
def test_what_a_question_is_about_decides_which_difference_is_told(
    question: str, texts: list[str], expected: set[str]
) -> None:
    assert told(question, *texts) == expected


WILLING = (
    "Anna Berg is open to a truce. She is pleased with the talks, and an unexpected visitor came to Berg."
)
UNWILLING = (
    "Anna Berg is not interested in a truce. Berg spoke of her frustration with the talks. "
    "The visit to Berg was announced on Monday."
)


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        ("Is Berg interested in a truce?", [WILLING, UNWILLING], {"willing", "not willing"}),
        ("Is Berg interested in a truce?", [WILLING, WILLING.replace("talks", "meeting")], set()),
        ("Is Lund interested in a truce?", [WILLING, UNWILLING], set()),
        ("How does Berg feel about the talks?", [WILLING, UNWILLING], {"positive", "negative"}),
        ("Was the visit to Berg a surprise?", [WILLING, UNWILLING], {"a surprise", "announced"}),
        (
            "Is the king putting Holm under pressure?",
            ["The king went on isolating Holm.", "The king is holding off on pressure on Holm."],
            {"under pressure", "no pressure"},
        ),
        (
            "Have the talks in Dalby made headway?",
            ["The talks in Dalby have stalled.", "Major progress had been made in the talks in Dalby."],
            {"progress", "no progress"},
        ),
        ("Who is interested in a truce?", [WILLING, UNWILLING], set()),
    ],
)
def test_articles_that_word_the_opposite_differ_on_a_stance(
    question: str, texts: list[str], expected: set[str]
) -> None:
    assert told(question, *texts) == expected


def test_one_article_told_twice_differs_from_nothing() -> None:
    assert told("Who is Anna Berg?", f"{ENVOY} {BROKER}") == set()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who is Anna Berg?", True),
        ("Who wrote the plan?", True),
        ("Who governs in Dalby?", True),
        ("What did she call the people who govern in Dalby?", False),
        ("Who is the president's spokeswoman?", False),
        ("Who passed the draft to the press?", False),
        ("What did President Holm say on Monday?", False),
        ("How many people were hurt?", False),
    ],
)
def test_a_question_names_the_difference_it_is_after(question: str, expected: bool) -> None:
    assert asks_by_name(read_question(question, load_parser())) is expected
