"""Shorter forms of a sentence: its own words, nothing that denies, doubts or attributes left out."""

from __future__ import annotations

import pytest

from models.parser import load_parser
from rag.trim import shorten

PARSER = load_parser()


def forms(text: str) -> list[str]:
    return list(shorten(PARSER.parse([text])[0]))


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        (
            "The mayor, known for her patience, opened the bridge in Oslo on Friday.",
            "The mayor opened the bridge in Oslo on Friday.",
        ),
        (
            "However, the company will not close the plant, leaving 900 workers in their jobs.",
            "The company will not close the plant.",
        ),
        (
            "The weight of the visit was shown by its guests: Anna Berg was joined by the mayor of Oslo.",
            "Anna Berg was joined by the mayor of Oslo.",
        ),
        ("Following the leak, diplomats met in Geneva on Nov. 23.", "Diplomats met in Geneva on Nov. 23."),
    ],
)
def test_insertions_and_openings_may_go(text, shortest):
    assert forms(text)[-1] == shortest


@pytest.mark.parametrize(
    "text",
    [
        "The deal is off, the minister said.",
        "The minister denied it: Norfab had closed the plant in Oslo.",
        "The wire reported this: Norfab had closed the plant in Oslo.",
        "The police, according to the wire, arrested two men at the harbour.",
        "The plant will close, unless the state pays.",
        "The fire, reportedly caused by a cigarette, killed six.",
        "The mayor, Anna Berg, opened the bridge.",
        "He called it “a tragedy for the people, connected to the policies of the junta.”",
    ],
)
def test_what_denies_doubts_attributes_names_or_is_quoted_stays(text):
    assert all(len(form.split()) >= len(text.split()) - 1 for form in forms(text))


def test_the_next_item_of_a_list_is_not_taken_for_the_rest_of_the_sentence():
    text = "The plan, including a ban on arms, limits on troops and a new border, failed."
    assert not any(form.startswith("The plan, limits") for form in forms(text))
