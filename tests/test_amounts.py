"""Figures with the words they stand in: whoever reads the phrase alone is told nothing that is not said."""

from __future__ import annotations

import pytest

from models.embedder import load_embedder
from models.parser import load_parser
from rag.amounts import figures
from rag.records import Article
from rag.statements import gather_statements


def phrases(text: str) -> list[str]:
    article = Article("a" * 16, text)
    return [
        figure.phrase for figure in figures(gather_statements("", [article], load_embedder(), load_parser()))
    ]


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        (
            "The plan was criticised for requiring Norland to cede land and cap its army at 600,000 troops.",
            "requiring Norland to cede land and cap its army at 600,000 troops",
        ),
        ("After speaking for five hours, both sides gave no details.", "five hours"),
        ("The plan was reduced to around 20 points on Friday.", "The plan was reduced to around 20 points"),
        (
            "The union said that the Solvei had sailed with seven crew.",
            "the Solvei had sailed with seven crew",
        ),
        ("He said that it took nine minutes.", "nine minutes"),
        ("The police said that 94 people were aboard.", "94 people were aboard"),
    ],
)
def test_a_phrase_keeps_the_verb_that_says_how_it_is_meant(text, phrase):
    assert phrases(text) == [phrase]


def test_a_name_with_a_hyphen_stays_whole() -> None:
    said = phrases(
        "Tobias Grünwald-Ferrant has 21,419 votes, and Delphine Marrow-Achebe has 21,408: a margin of 11."
    )
    assert said[0] == "Tobias Grünwald-Ferrant has 21,419 votes"
