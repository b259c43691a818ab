"""The shorter sentences that a sentence may become: its own words, the answer and the day in each."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from models.parser import load_parser
from models.protocols import Lattice
from rag.wordings import Opening, wordings

PARSER = load_parser()
RENT = "Norfab's sister Borgin Inc. is being sued by 900 workers in Oslo."


def replies(text: str, answer: str | None, asked: str = "", subject: str = "") -> set[str]:
    """Every reply that the lattice of a sentence allows; the opening is the start of `asked`."""
    parse = PARSER.parse([text])[0]
    opening = Opening()
    if asked:
        tokens = PARSER.parse([asked])[0].tokens
        helper = tokens[-1] if asked != subject else None
        opening = Opening(asked, subject, helper)
    keep = [] if answer is None else [(text.index(answer), text.index(answer) + len(answer))]
    lattice = wordings(parse, keep, opening)
    return {asked + reply for reply in paths(lattice)} if lattice else set()


def paths(lattice: Lattice) -> Iterator[str]:
    waiting = [(piece, lattice.pieces[piece]) for piece in lattice.first]
    while waiting:
        piece, text = waiting.pop()
        if lattice.last[piece]:
            yield text
        waiting += [(after, text + lattice.pieces[after]) for after in lattice.follows[piece]]


def test_insertions_and_adjuncts_at_the_end_may_go_and_the_answer_stays() -> None:
    found = replies("The mayor, known for her patience, opened the bridge with a short speech.", "the bridge")
    assert "The mayor opened the bridge" in found
    assert "The mayor, known for her patience, opened the bridge with a short speech" in found
    assert all("the bridge" in reply for reply in found)


@pytest.mark.parametrize(
    ("text", "answer", "kept"),
    [
        ("The mayor opened the bridge to traffic on Friday with a speech.", "the bridge", "on Friday"),
        ("The plant employs 900 people, unless the state is wrong.", "900", "unless"),
        ("The fire killed six people near Oslo, the police said.", "six", "the police said"),
        ("It would end the war, cap the army at 900 men and lift the ban.", "900", "lift the ban"),
        ("The storm closed schools of the three northern counties.", "schools", "of the three northern"),
    ],
)
def test_days_limits_speakers_and_what_a_noun_needs_stay(text: str, answer: str, kept: str) -> None:
    assert all(kept in reply for reply in replies(text, answer) or {text})


def test_a_sentence_with_nothing_to_leave_out_has_no_wordings() -> None:
    assert not replies("The mayor opened the bridge.", "the bridge")


def test_without_a_span_the_reason_stays() -> None:
    text = "The plant, which opened in spring, closed because the firm lost its licence."
    found = replies(text, None)
    assert all("because the firm lost its licence" in reply for reply in found or {text})


@pytest.mark.parametrize(
    ("text", "answer", "told"),
    [
        (
            "It went to Anna Berg, who had led the strike for six weeks, not to Norfab.",
            "six weeks",
            "Anna Berg had led the strike for six weeks",
        ),
        ("The bank, Norfab, which employs 900 people, is to close.", "900", "Norfab employs 900 people"),
        (
            "Nobody forgets the speech of Buddy Lind, who called it “a gift to Oslo,” at the party.",
            "a gift to Oslo",
            "Buddy Lind called it “a gift to Oslo,”",
        ),
    ],
)
def test_what_a_clause_tells_of_a_name_is_told_of_the_name(text: str, answer: str, told: str) -> None:
    assert replies(text, answer) == {told}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The firm was founded by her uncle, who led it for six years.", "six years"),
        ("The police say that they want Anna Berg, who stole 900 euros, to talk.", "900"),
        ("Anna Berg who led the strike for six weeks has left.", "six weeks"),
        ("Anna Berg, who led the strike, was paid 900 euros.", "900"),
        ("It went to Anna Berg, who led the strike for six weeks, and to her sister.", "six weeks"),
    ],
)
def test_a_clause_on_no_name_or_in_what_somebody_says_is_not_told_alone(text: str, answer: str) -> None:
    assert not any(re.match(r"\S+ ?\S* (?:led|stole)", reply) for reply in replies(text, answer))


def test_an_opening_goes_on_where_its_subject_does_something() -> None:
    text = "Oslo: Anna Berg scored 29 points and Buddy Lind made a long throw three seconds into the game."
    found = replies(text, "three seconds into the game", "Buddy Lind", "Buddy Lind")
    assert "Buddy Lind made a long throw three seconds into the game" in found
    assert not any("points" in reply for reply in found)


def test_an_opening_on_somebody_else_or_in_another_tense_finds_no_way_on() -> None:
    assert not replies(RENT, "900", "Norfab is", "Norfab")
    assert replies(RENT, "900", "Borgin Inc. is", "Borgin Inc.")
    assert not replies(RENT, "900", "Borgin Inc. was", "Borgin Inc.")


def test_a_possibility_is_not_made_of_a_plan() -> None:
    text = "Restaurants in the whole of the city will open again with 75% of their tables."
    assert replies(text, "75%", "The restaurants will", "The restaurants")
    assert not replies(text, "75%", "The restaurants could", "The restaurants")


@pytest.mark.parametrize(
    ("text", "answer", "asked", "reply"),
    [
        ("Berg, 51, who lives in Oslo, said the work took long.", "51", "Anna Berg is", "Anna Berg is 51"),
        (
            "Anna Berg, the mayor of Dalby, opened the bridge.",
            "the mayor of Dalby",
            "Anna Berg is",
            "Anna Berg is the mayor of Dalby",
        ),
    ],
)
def test_what_stands_beside_a_name_says_who_it_is(text: str, answer: str, asked: str, reply: str) -> None:
    assert replies(text, answer, asked, "Anna Berg") == {reply}
    assert not replies(text, answer, "Anna Berg was", "Anna Berg")
    assert not replies(text, answer, "Boris Lind is", "Boris Lind")


def test_what_may_be_the_answer_as_well_stays() -> None:
    text = "The price fell by 45%, to a mere $235,000."
    parse = PARSER.parse([text])[0]
    spans = [(text.index(part), text.index(part) + len(part)) for part in ("45%", "$235,000")]
    lattice = wordings(parse, spans, Opening())
    assert lattice is None or all("$235,000" in reply for reply in paths(lattice))
    assert "The price fell by 45%" in replies(text, "45%")


def test_an_opening_leaves_out_nothing_that_may_be_the_answer() -> None:
    text = "Ted Berg, a Liberal, opened the bridge for the Danish envoy on Friday."
    parse = PARSER.parse([text])[0]
    spans = [(text.index(each), text.index(each) + len(each)) for each in ("Danish envoy", "Liberal")]
    opening = Opening("Ted Berg", "Ted Berg")
    assert wordings(parse, spans[:1], opening) is not None
    assert wordings(parse, spans, opening) is None


def test_what_somebody_believes_is_not_made_a_fact() -> None:
    text = "The union fears Norfab will close the plant in Oslo with its 900 jobs."
    assert not replies(text, "the plant in Oslo", "Norfab will", "Norfab")


def test_he_is_the_subject_of_the_question_only_where_that_is_known() -> None:
    parse = PARSER.parse(["He closed the old mill on Monday."])[0]
    answer = [(parse.text.index("Monday"), parse.text.index("Monday") + 6)]
    assert wordings(parse, answer, Opening("Carl Holm", "Carl Holm")) is None
    lattice = wordings(parse, answer, Opening("Carl Holm", "Carl Holm", person=True))
    assert lattice is not None
    assert " closed the old mill on Monday" in set(paths(lattice))
