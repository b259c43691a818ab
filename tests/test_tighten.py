"""Tightening long lines of a briefing: out of their own words, and only where every check passes."""

from __future__ import annotations

import pytest

from models.fake import FakeGenerator
from models.generator import load_generator
from models.parser import load_parser
from models.protocols import Generator
from rag.errors import CancelledError
from rag.records import Article, Brief, Citation, Claim, Point, Section
from rag.tighten import tighten

PARSER = load_parser()
SHORT = "Norfab closed its plant in Dalby on Friday."
LONG = (
    "Norfab closed its plant in Dalby on Friday, which had long served as a meeting point for the whole"
    " of the valley and for its people."
)
DEAD = (
    "Norfab closed its plant in Dalby on Friday, and officials at the county put the people out of work in"
    " the hundreds of thousands."
)


def brief(*lines: str, kind: str = "points") -> Brief:
    points = []
    for number, text in enumerate(lines):
        article = Article(f"{number:016}", text)
        points.append(Point(Claim(text, (Citation(article, 0, len(text), text),)), origins=1))
    return Brief("Norfab", "answered", sections=(Section(kind, "Key points", tuple(points)),))


def told(made: Brief, writer: Generator) -> list[tuple[str, str]]:
    return [(p.claim.by, p.claim.text) for p in tighten(made, writer, PARSER).sections[0].points]


def test_the_bundled_model_leaves_out_what_only_explains():
    assert told(brief(LONG, SHORT), load_generator(threads=1)) == [("model", SHORT), ("source", SHORT)]


def test_a_line_keeps_every_name_number_day_and_amount():
    assert told(brief(DEAD), load_generator(threads=1)) == [("source", DEAD)]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Norfab closed its plant in Dalby on Sunday.", "it leaves out Friday"),
        ("Norfab closed its plant on Friday.", "it leaves out Dalby"),
        ("Norfab never closed its plant in Dalby on Friday.", "the passage does not speak of “never”"),
        (LONG.replace("whole", "entire"), "it is no shorter"),
    ],
)
def test_a_server_that_writes_something_else_is_not_believed(reply, reason):
    tightened = tighten(brief(LONG), FakeGenerator([reply]), PARSER)
    assert tightened.sections[0].points[0].claim.text == LONG
    assert [each.text for each in tightened.rejected] == [reply]
    assert reason in tightened.rejected[0].reason


def test_a_section_that_must_stay_as_it_is_stays():
    writer = FakeGenerator([SHORT])
    assert told(brief(LONG, kind="differences"), writer) == [("source", LONG)]
    assert not writer.prompts


def test_tightening_can_be_cancelled():
    with pytest.raises(CancelledError):
        tighten(brief(LONG), FakeGenerator([SHORT]), PARSER, cancelled=lambda: True)
