"""What a filter can be set to, and the list of earlier briefings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ui_standin import BRIEF

from models.fake import FakeEmbedder, FakeGenerator, FakeParser
from rag.facets import facets
from rag.library import text_id
from rag.pipeline import Models, Tearsheet
from rag.records import Article
from rag.settings import Settings
from rag.since import FOLDER, earlier, remember


@pytest.fixture
def tearsheet(tmp_path):
    settings = Settings(library=tmp_path / "library", tier="quote")
    given = {"embedder": FakeEmbedder(), "parser": FakeParser(), "generator": FakeGenerator()}
    with Tearsheet.open(settings, write=True, models=Models(settings, **given)) as opened:
        yield opened


def note(text: str, source: str, *tags: str) -> Article:
    return Article(id=text_id(text), text=text, source=source, path=f"{text}.txt", tags=tags)


def test_outlets_and_tags_are_counted_most_frequent_first_without_the_removed(tearsheet):
    tearsheet.add_given(
        [
            note("One thing happened.", "Gazette", "fire"),
            note("Another thing happened.", "gazette", "fire", "mill"),
            note("A third one did.", "Radio"),
            gone := note("Nothing else did.", "Herald", "gone"),
        ]
    )
    tearsheet.remove([gone.id])
    found = facets(tearsheet.library.store)
    assert found.outlets == (("gazette", 2), ("Radio", 1))
    assert found.tags == (("fire", 2), ("mill", 1))
    assert found.feeds == ()
    assert facets(tearsheet.library.store, most=1).tags == (("fire", 2),)


def test_earlier_briefings_are_listed_and_damaged_ones_passed_over(tmp_path):
    assert earlier(tmp_path) == ()
    remember(tmp_path, BRIEF)
    remember(tmp_path, replace(BRIEF, topic="Another"))
    (tmp_path / FOLDER / "broken.json").write_text("{", "utf-8")
    listed = earlier(tmp_path)
    assert {one.topic for one in listed} == {"the Dalby fire", "Another"}
    assert [one.lines for one in listed] == [3, 3]
    assert len(earlier(tmp_path, most=1)) == 1
