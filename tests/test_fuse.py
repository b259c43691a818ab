"""Fusing key points: one sentence for several, cited to each, only when their passages say all of it."""

from __future__ import annotations

import pytest

from models.fake import FakeGenerator
from models.parser import load_parser
from rag.errors import CancelledError
from rag.fuse import fuse
from rag.records import Article, Brief, Citation, Claim, Point, Section

PARSER = load_parser()
CLOSED = "Norfab closed its plant in Dalby on Friday."
SOLD = "Norfab sold the harbour of Dalby for 12 million euros."
RAIN = "It rained in Oslo for a week."
JOINED = "Norfab closed its plant in Dalby on Friday and sold the harbour of Dalby for 12 million euros."


def point(text: str, number: int) -> Point:
    article = Article(f"{number:016}", text)
    return Point(Claim(text, (Citation(article, 0, len(text), text),)), origins=number)


def made() -> Brief:
    points = tuple(point(text, number) for number, text in enumerate((CLOSED, RAIN, SOLD), start=1))
    return Brief("Norfab", "answered", sections=(Section("points", "Key points", points),))


def lines(brief: Brief) -> list[str]:
    return [point.claim.text for point in brief.sections[0].points]


def test_two_points_on_one_name_become_a_sentence_that_cites_both():
    writer = FakeGenerator([JOINED])
    fused = fuse(made(), writer, PARSER)
    assert lines(fused) == [JOINED, RAIN]
    first = fused.sections[0].points[0]
    assert [citation.quote for citation in first.claim.citations] == [CLOSED, SOLD]
    assert (first.claim.by, first.origins, fused.tier, len(writer.prompts)) == ("model", 1, "compose", 1)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Norfab closed its plant in Dalby on Friday.",
        "Norfab closed its plant in Dalby on Friday and sold the harbour of Dalby for 19 million euros.",
        "Norfab closed its plant in Dalby on Friday and never sold Dalby its harbour for 12 million euros.",
        "Berg closed the Norfab plant in Dalby on Friday and sold the harbour for 12 million euros.",
        f"{JOINED} Everybody in the town was sad and angry about it.",
    ],
)
def test_a_sentence_that_loses_adds_or_changes_something_is_rejected(reply):
    fused = fuse(made(), FakeGenerator([reply]), PARSER)
    assert lines(fused) == [CLOSED, RAIN, SOLD]
    assert [each.text for each in fused.rejected] == [reply]


def test_fusing_can_be_cancelled():
    with pytest.raises(CancelledError):
        fuse(made(), FakeGenerator(), PARSER, cancelled=lambda: True)
