"""A question is taken apart into what it asks for, about whom, and by which words."""

import pytest

from models.parser import load_parser
from models.protocols import Parser
from rag.errors import QuestionError
from rag.question import MAX_QUESTION, read_question


@pytest.fixture(scope="module")
def parser() -> Parser:
    return load_parser()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Who met Putin in Moscow?", "person"),
        ("Who is Kirill Dmitriev?", "role"),
        ("How is Kushner related to Trump?", "role"),
        ("Which think tank does Stanovaya work for?", "group"),
        ("What is Rustem Umerov's job?", "role"),
        ("When did the diplomats meet?", "date"),
        ("On which day was he told?", "date"),
        ("Where did they meet?", "place"),
        ("Which city was captured?", "place"),
        ("How many troops would be left?", "count"),
        ("How much did the fund invest in his firm?", "money"),
        ("What share of the country is occupied?", "percent"),
        ("How old is Jared Kushner?", "age"),
        ("How long did the talks last?", "duration"),
        ("How much diesel has to be pumped out before the wreck is raised?", "amount"),
        ("How much money was raised?", "money"),
        ("On what pay rise did they agree?", "amount"),
        ("How much did the fund invest?", "money"),
        ("What is the name of the mayor's wife?", "person"),
        ("Which general told the king?", "person"),
        ("How many hours did they talk?", "duration"),
        ("How long did they talk, in hours?", "duration"),
        ("How long is the plan now, in points?", "count"),
        ("Which host left?", "person"),
        ("Which public figure will plead guilty?", "person"),
        ("Which two of his people came?", "person"),
        ("What is their destination?", "place"),
        ("Which airline lost money?", "group"),
        ("What did Ted Lieu call the envoy?", "quote"),
        ("How did Ted Lieu defend the call?", "quote"),
        ("How did they pass the town?", "manner"),
        ("What is Holm bombing harder now that temperatures are dropping?", "thing"),
        ("Why was he criticised?", "reason"),
        ("Did Rubio go to Moscow?", "yesno"),
        ("Which newspaper published the call?", "group"),
    ],
)
def test_the_kind_of_answer_is_seen(parser: Parser, text: str, kind: str) -> None:
    assert read_question(text, parser).kind == kind


def test_names_terms_and_speaker_are_told_apart(parser: Parser) -> None:
    question = read_question("What did Ted Lieu say about the leaked call?", parser)
    assert question.names == ("Ted Lieu",)
    assert question.speaker == "Ted Lieu"
    assert question.terms == ("leak",) or question.terms == ("leaked",)


@pytest.mark.parametrize("text", ["", "   ", "?!", "\n"])
def test_an_empty_question_is_refused_in_words(parser: Parser, text: str) -> None:
    with pytest.raises(QuestionError, match="The question is empty"):
        read_question(text, parser)


def test_a_question_of_pages_is_refused_with_both_lengths(parser: Parser) -> None:
    with pytest.raises(QuestionError, match=f"10,000 characters; at most {MAX_QUESTION:,}"):
        read_question("x" * 10_000, parser)


def test_another_script_is_a_question_too(parser: Parser) -> None:
    assert read_question("Кто встретился с Путиным?", parser).text == "Кто встретился с Путиным?"


def test_a_name_goes_on_behind_a_hyphen(parser: Parser) -> None:
    assert read_question("When did Kim Jong-un come to Holm?", parser).names == ("Kim Jong-un", "Holm")
    assert read_question("What is in the Anna Berg-backed plan?", parser).names == ("Anna Berg",)


def test_a_plural_noun_that_begins_a_question_is_no_name(parser: Parser) -> None:
    asked = "Parts of Florida's Broward County are under quarantine after sightings of which species?"
    assert read_question(asked, parser).names == ("Florida", "Broward County")
    assert read_question("Democrats want what?", parser).names == ("Democrats",)


@pytest.mark.parametrize(
    ("text", "kind", "focus"),
    [
        ("In the city where the talks were held, who spoke first?", "person", ""),
        ("According to the report which was leaked, how many died?", "count", "die"),
        ("Fox parted ways when it announced it would lose which top-rated host?", "person", "host"),
        ("Where did the man who robbed the bank flee?", "place", ""),
        ("Tell me when the strike ended.", "date", ""),
    ],
)
def test_what_is_asked_is_not_what_a_clause_says_by_the_way(parser: Parser, text, kind, focus) -> None:
    question = read_question(text, parser)
    assert (question.kind, question.focus) == (kind, focus)


def test_who_defends_something_is_the_speaker(parser: Parser) -> None:
    assert read_question("How did Ted Lieu defend the leaked call?", parser).speaker == "Ted Lieu"
