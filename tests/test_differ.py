"""Differences between articles, from whole articles to sides; what only sounds different is none."""

from __future__ import annotations

import pytest

from models.embedder import load_embedder
from models.parser import load_parser
from rag.amounts import figures
from rag.differ import differences
from rag.people import people
from rag.points import Pool
from rag.records import Article
from rag.statements import gather_statements
from rag.timeline import dated

EMBEDDER, PARSER = load_embedder(), load_parser()


def found(*texts: str) -> dict[str, list[str]]:
    articles = [Article(f"{n:016x}", text, published="2026-03-04") for n, text in enumerate(texts, start=1)]
    read = gather_statements("the ferry fire", articles, EMBEDDER, PARSER)
    pool = Pool(read)
    told = differences(pool, people(read), dated(read), figures(read))
    return {each.about: sorted(side.value for side in each.sides) for each in told}


@pytest.mark.parametrize(
    ("left", "right", "sides"),
    [
        (
            "The police in Dalby say that 12 people were injured in the fire at Norfab.",
            "The hospital in Dalby says that 19 people were injured in the fire at Norfab.",
            ["12 people", "19 people"],
        ),
        (
            "Commanders informed President Berg on Sunday that Dalby had been captured by the rebels.",
            "Officers informed President Berg on Monday that Dalby had been captured by the rebels.",
            ["Monday", "Sunday"],
        ),
        (
            "The peace plan was written by Anna Berg and Per Lund in October.",
            "The peace plan was written by Olga Petrova, a lawyer from Dalby.",
            ["Anna Berg and Per Lund", "Olga Petrova"],
        ),
        (
            "Dmitri Orlov, head of the state wealth fund, joined the talks in Dalby.",
            "Dmitri Orlov, the economic envoy of the president, joined the talks in Dalby.",
            ["economic envoy of the president", "head of the state wealth fund"],
        ),
        (
            "The harbour was empty, as Northern rebels continue to steadily advance along the coast road.",
            "Northern rebels advanced along the coast in May, but are not close to the harbour.",
            [
                "Northern rebels advanced along the coast in May, but are not close to the harbour.",
                "Northern rebels continue to steadily advance along the coast road",
            ],
        ),
    ],
)
def test_two_articles_that_differ_are_shown_side_by_side(left, right, sides):
    assert sides in found(left, right).values()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            "The police in Dalby say that about 100 people were injured in the fire at Norfab.",
            "The hospital in Dalby says that 97 people were injured in the fire at Norfab.",
        ),
        (
            "The harbour was empty, as Northern rebels continue to steadily advance along the coast road.",
            "Southern rebels advanced along the coast in May, but are not close to the harbour.",
        ),
        (
            "Five people died in the fire at Norfab in Dalby.",
            "There were 94 people aboard the ferry from Dalby.",
        ),
        (
            "Anna Berg, the mayor of Dalby, opened the bridge.",
            "Mayor Anna Berg opened the bridge in Dalby on Friday.",
        ),
    ],
)
def test_roundings_other_counts_and_the_same_post_are_no_differences(left, right):
    assert found(left, right) == {}


def test_a_number_is_shown_in_its_shortest_wording():
    told = found(
        "The 28-point peace plan that Anna Berg brought to Dalby leaked on Friday.",
        "The 28-point Norwegian-backed peace plan of Anna Berg leaked in Dalby.",
        "The plan that Anna Berg brought to Dalby leaked, and is now a 20-point peace plan.",
    )
    assert told == {"How many points": ["20-point peace plan", "28-point peace plan"]}


def test_who_governs_is_told_once_and_a_helper_counts_as_an_author() -> None:
    told = found(
        "President Peter Holm sent Anna Berg to Dalby. The Holm administration wants peace. "
        "Anna Berg and Per Lund had first negotiated the peace plan in October with Carl Falk.",
        "Anna Berg is a friend of Peter Holm. Her trip has the blessing of the former President. "
        "The Falk administration is silent. Anna Berg wrote the peace plan, and foreign bankers helped her.",
    )
    assert told["Which administration governs"] == ["Falk administration", "Holm administration"]
    assert "Which office Peter Holm holds" not in told
    assert told["Who drew up the plan"] == [
        "Anna Berg and Per Lund with Carl Falk",
        "Anna Berg with foreign bankers",
    ]
