"""Spans that could be the short answer, by how numbers are written."""

import pytest

from models.parser import load_parser
from rag.question import read_question
from rag.spans import candidates


@pytest.mark.parametrize(
    ("question", "sentence", "short"),
    [
        ("What did Holm Marine bid for a share?", "Holm Marine had agreed on 41 euros a share.", "41 euros"),
        (
            "What was the price of the main?",
            "The town puts it at 31 million hryvnias.",
            "31 million hryvnias",
        ),
        ("What was the mayor's salary?", "She earned £1.2m a year.", "£1.2m"),
        ("How high is the damage?", "The damage is put at $3,000,000.", "$3,000,000"),
        ("When did the alarm go off?", "The log shows 19:04 for the alarm.", "19:04"),
        ("How much diesel was pumped out?", "Divers pumped out 60 tonnes of diesel.", "60 tonnes"),
    ],
)
def test_amounts_and_clock_times_are_found_however_they_are_written(
    question: str, sentence: str, short: str
) -> None:
    parser = load_parser()
    spans = candidates(read_question(question, parser), parser.parse([sentence])[0], frozenset())
    surest = [sentence[span.start : span.end] for span in spans if span.typed >= 0.9]
    assert short in surest


def test_a_part_of_what_was_counted_is_no_sure_count() -> None:
    parser = load_parser()
    asked = read_question("How many workers were injured?", parser)
    sentence = "Three workers were injured, one of them seriously."
    typed = {
        sentence[span.start : span.end]: span.typed
        for span in candidates(asked, parser.parse([sentence])[0], frozenset())
    }
    assert typed["Three"] == 1.0
    assert typed["one"] == 0.4
