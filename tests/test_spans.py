"""Spans that could be the short answer, by how numbers are written."""

import pytest

from models.parser import load_parser
from rag.question import read_question
from rag.span import Candidate
from rag.spans import candidates


def spans_of(question: str, sentence: str) -> tuple[Candidate, ...]:
    parser = load_parser()
    return candidates(read_question(question, parser), parser.parse([sentence])[0], frozenset())


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
        ("How long is the new main?", "A new main of 640 metres runs under the street.", "640 metres"),
        ("How much more pay did they want?", "The union asked for 8% more.", "8%"),
    ],
)
def test_amounts_and_clock_times_are_found_however_they_are_written(
    question: str, sentence: str, short: str
) -> None:
    spans = spans_of(question, sentence)
    surest = [sentence[span.start : span.end] for span in spans if span.typed >= 0.9]
    assert short in surest


@pytest.mark.parametrize(
    ("sentence", "age"),
    [
        ("At age 115, she was believed to be the oldest person in the land.", "115"),
        ("Pelé died last week at age 82 and was buried in Santos.", "82"),
        ("His parents bought it in 1969, when Kurt was 2.", "2"),
        ("She turned 80 in May.", "80"),
        ("Masks are required for people ages 6 and older.", "6"),
        ("The report gave the age of Dr. Berg as 67.", "67"),
        ("The toll was 35 on Monday.", ""),
    ],
)
def test_an_age_is_found_however_it_is_told(sentence: str, age: str) -> None:
    spans = spans_of("How old was he?", sentence)
    assert [sentence[span.start : span.end] for span in spans if not span.whole] == ([age] if age else [])


def test_a_share_answers_how_many_of_them() -> None:
    sentence = "61.8% of the votes were in favour; 50% would have been enough."
    for question, typed in (
        ("How many of the votes were in favour?", 0.7),
        ("How many votes were there?", 0),
    ):
        spans = spans_of(question, sentence)
        assert max(
            (s.typed for s in spans if sentence[s.start : s.end] == "61.8%"), default=0
        ) == pytest.approx(typed)


@pytest.mark.parametrize(
    ("question", "sentence", "short", "never"),
    [
        (
            "Which comic strip was dropped?",
            "They will stop running the widely syndicated comic strip Dilbert.",
            "Dilbert",
            "widely syndicated comic strip Dilbert",
        ),
        (
            "Which university hired her?",
            "She is joining the University of Virginia's board.",
            "University of Virginia",
            "University of Virginia's",
        ),
    ],
)
def test_a_name_stands_without_its_kind_and_its_possessive(question, sentence, short, never) -> None:
    spans = spans_of(question, sentence)
    shown = [sentence[span.start : span.end] for span in spans]
    assert short in shown
    assert never not in shown


def test_how_fast_may_be_a_time() -> None:
    sentence = "He solved the cube in just 3.134 seconds."
    spans = spans_of("How fast did he solve the cube?", sentence)
    assert "3.134 seconds" in [sentence[span.start : span.end] for span in spans]


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


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many people took part?", "The walks lasted 28 minutes in all."),
        ("How much did the house cost?", "They bought it when the boy was 2."),
    ],
)
def test_minutes_are_no_people_and_an_age_is_no_sum(question: str, sentence: str) -> None:
    spans = spans_of(question, sentence)
    assert [sentence[span.start : span.end] for span in spans if not span.whole] == []


@pytest.mark.parametrize(
    ("question", "sentence", "sure"),
    [
        ("In which city will they meet?", "They will meet in Hungary.", []),
        ("In which country will they meet?", "They will meet in Hungary.", ["Hungary"]),
        ("In which region will they meet?", "They will meet in Hungary, in Budapest.", []),
        ("Which European country drafted it?", "The U.S. and Poland met on it.", ["Poland"]),
        ("Which state does Anna Berg represent?", "Anna Berg (R-Neb.) came to Ukraine.", ["Neb."]),
        ("In what month did it rise?", "It rose on Monday evening and again in November.", ["November"]),
        ("When will they meet again?", "They met yesterday.", []),
        ("How often does the paper appear?", "The daily paper has two sections.", ["daily"]),
    ],
)
def test_a_span_is_of_the_very_kind_that_is_asked_for(question: str, sentence: str, sure: list[str]) -> None:
    spans = spans_of(question, sentence)
    assert [sentence[span.start : span.end] for span in spans if span.typed >= 0.9] == sure


def test_one_whom_the_question_names_is_no_answer_with_a_title_either() -> None:
    parser = load_parser()
    sentence = "In Dalby they met Carl Holm, the son-in-law of President Anna Berg."
    asked = read_question("Who is Anna Berg's son-in-law?", parser)
    spans = [
        sentence[s.start : s.end]
        for s in candidates(asked, parser.parse([sentence])[0], frozenset())
        if not s.whole
    ]
    assert "Carl Holm" in spans
    assert [span for span in spans if "Anna Berg" in span and "Holm" not in span and "son" not in span] == []


@pytest.mark.parametrize(
    ("sentence", "never"),
    [
        ("Berg, proud of her mediation in the strike, left for Holm.", "her mediation"),
        ("He met Secretary of State Anna Berg in Holm.", "State Anna Berg"),
        ("He met GOP Leader Anna Berg in Holm.", "Leader Anna Berg"),
        ("Berg spent four hours with the mayor.", "four hours"),
    ],
)
def test_a_deed_a_time_or_a_part_of_a_title_is_nobody(sentence: str, never: str) -> None:
    spans = spans_of("Who mediated in the strike?", sentence)
    said = [sentence[span.start : span.end] for span in spans]
    assert not any(never in span for span in said if span != sentence)
    assert any("Berg" in span for span in said)


@pytest.mark.parametrize(
    ("question", "sentence", "short"),
    [
        ("How many minutes help?", "Just 11 minutes of it a day help, a study says.", "11 minutes"),
        ("Which biscuit is best?", "Jaffa Cakes, not digestives, are the best biscuits.", "Jaffa Cakes"),
        ("Who was buried?", "They buried Pope Benedict XVI on Monday.", "Pope Benedict XVI"),
    ],
)
def test_a_span_has_its_whole_name_and_nothing_else(question: str, sentence: str, short: str) -> None:
    spans = spans_of(question, sentence)
    said = [sentence[span.start : span.end] for span in spans if not span.whole]
    assert short in said
    assert not any(span.startswith("Just ") or span.endswith((", not", ",")) for span in said)


def test_a_dateline_tells_when_of_nothing() -> None:
    sentence = "VELD, Jan 2 (LNA) – The strike in Veld began on December 30, the union said on Friday."
    spans = spans_of("When did the strike in Veld begin?", sentence)
    said = [sentence[span.start : span.end] for span in spans if not span.whole]
    assert said == ["December 30", "Friday"]


def test_a_day_that_the_tagger_overlooked_is_a_time() -> None:
    sentence = (
        "Prior to his meeting with officials, the radio reported on Berg’s visit to a barracks, where "
        "commanders informed him on Sunday that their forces had seized the town."
    )
    spans = spans_of("On which day was Berg informed?", sentence)
    assert "Sunday" in [sentence[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("name", "sentence", "office"),
    [
        (
            "Marco Berg",
            "They met senior officials including Secretary of State Marco Berg, Lund and Holm.",
            "Secretary of State",
        ),
        ("Anna Holm", "He was in Dalby to meet President Anna Holm and to rest.", "President"),
    ],
)
def test_an_office_before_a_name_is_what_somebody_is(name: str, sentence: str, office: str) -> None:
    spans = spans_of(f"What office does {name} hold?", sentence)
    assert office in [sentence[span.start : span.end] for span in spans]


def test_a_ceasefire_is_hardly_somebody() -> None:
    sentence = "After the ceasefire in the war the residents came back."
    fit = {sentence[s.start : s.end]: s.typed for s in spans_of("Who mediated?", sentence) if not s.whole}
    assert fit["ceasefire"] == 0.3
    assert fit["residents"] == 0.5


def test_how_somebody_is_related_is_told_by_a_word_for_kin() -> None:
    sentence = "Holm, the husband of Ida Lund, spoke to Carl Holm, Peter Lund’s son-in-law, in the lobby."
    spans = spans_of("How is Holm related to Peter Lund?", sentence)
    assert [sentence[s.start : s.end] for s in spans if not s.whole] == ["son-in-law"]
