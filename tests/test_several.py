"""Questions that ask for several names: the span holds them all."""

import pytest

from models.parser import load_parser
from rag.question import read_question
from rag.several import asked_for, with_lists
from rag.spans import candidates


@pytest.mark.parametrize(
    ("question", "sentence", "surest"),
    [
        ("Which two officials came?", "Berg met Ida Holm, and Carl Lund.", ["Ida Holm, and Carl Lund"]),
        ("Which three officials joined Berg?", "Berg was joined by Ida Holm and Carl Lund.", []),
        (
            "Who are the two envoys?",
            "Ida Holm and Carl Lund, President Anna Berg's son, met in Oslo.",
            ["Ida Holm and Carl Lund"],
        ),
        ("Which countries signed?", "Peru, Chile and Bolivia, an ally, signed.", ["Peru, Chile and Bolivia"]),
        ("Which two regions fell?", "The Luhansk and Donetsk regions fell.", ["Luhansk and Donetsk"]),
        ("Which two of his people came?", "Ida Holm and Carl Lund came.", ["Ida Holm and Carl Lund"]),
        ("Which country signed?", "It was signed by Peru, Chile and Bolivia.", []),
    ],
)  # fmt: skip
def test_a_list_is_one_span_when_several_are_asked_for(
    question: str, sentence: str, surest: list[str]
) -> None:
    parser = load_parser()
    asked, parse = read_question(question, parser), parser.parse([sentence])[0]
    spans = with_lists(asked, parse, candidates(asked, parse, frozenset()))
    assert [
        sentence[s.start : s.end] for s in spans if s.typed == 1.0 and " and " in parse.text[s.start : s.end]
    ] == surest


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("Which two regions were lost?", 2),
        ("In which regions was there fighting?", 0),
        ("Which region was lost?", 1),
        ("What did the two envoys bring?", 1),
        ("How many regions were lost?", 1),
    ],
)
def test_how_many_names_are_asked_for(question: str, number: int) -> None:
    assert asked_for(read_question(question, load_parser())) == number
