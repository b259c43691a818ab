"""A list of articles by the page: sorted, searched and counted without reading their texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.fake import FakeEmbedder
from rag.chunk import chunk
from rag.library import Filter, Library, text_id
from rag.listing import Tally, entries, ids, tallies
from rag.records import Article

EMBEDDER = FakeEmbedder()
FERRY = "The ferry Solvei ran aground off Dalby on Monday. Nobody was hurt, the coast guard said."
MILL = "A fire broke out at the old mill on Tuesday. Twelve people were hurt, the police said."
VOTE = "The council voted to build a bridge. It will cost three million."


def add(library: Library, text: str, **more: str) -> str:
    article = Article(id=text_id(text), text=text, **more)
    passages = chunk(article, count_tokens=EMBEDDER.count_tokens, limit=EMBEDDER.window)
    library.add(article, passages, EMBEDDER.embed([p.text for p in passages], "document"))
    return article.id


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / "library", write=True) as opened:
        add(opened, FERRY, title="Ferry aground", source="Gazette", published="2026-03-02", path="/f.txt")
        add(opened, MILL, title="Mill burns", source="Radio", published="2026-03-03T08:00:00Z", path="/m.txt")
        add(opened, VOTE, source="gazette", path="/v.txt")
        yield opened


def titles(library: Library, **asked) -> list[str]:
    return [entry.title for entry in entries(library.store, **asked).entries]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("newest", "Mill burns"),
        ("oldest", "Ferry aground"),
        ("added", VOTE),
        ("title", "Ferry aground"),
        ("outlet", "Ferry aground"),
    ],
)
def test_each_order_begins_with_the_right_article_and_undated_ones_come_last(library, order, first):
    assert titles(library, order=order)[0] == first
    if order in ("newest", "oldest"):
        assert titles(library, order=order)[-1] == VOTE


def test_a_page_of_the_list_knows_how_long_the_list_is(library):
    found = entries(library.store, order="oldest", first=1, most=1)
    assert (found.total, [entry.title for entry in found.entries]) == (3, ["Mill burns"])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ferry", 1),
        ("hurt", 2),
        ("HURT police", 1),
        ("coun", 1),
        ("gazette", 2),
        ("radio mill", 1),
        ("nowhere", 0),
        ('" OR 1 -- * (', 0),
        ('"ferry" -- *', 1),
        ("NEAR(ferry", 0),
        ("", 3),
    ],
)
def test_every_word_must_be_in_the_text_the_title_or_the_outlet(library, words, found):
    assert entries(library.store, words=words).total == found
    assert len(ids(library.store, words=words)) == found


def test_an_article_is_found_by_how_its_id_begins(library):
    assert ids(library.store, words=text_id(MILL)[:8]) == [text_id(MILL)]


def test_a_filter_narrows_the_list(library):
    assert titles(library, where=Filter(sources=("Gazette",), after="2026")) == ["Ferry aground"]


def test_copies_and_older_texts_are_counted_and_not_listed(library):
    add(library, FERRY + " A tug is on its way.", title="Wire copy", source="Post", path="/w.txt")
    add(library, MILL + " Two died.", title="Mill burns, two dead", source="Radio", path="/m.txt")
    listed = {entry.title: entry for entry in entries(library.store).entries}
    assert set(listed) == {"Ferry aground", "Wire copy", "Mill burns, two dead", VOTE}
    assert (listed["Ferry aground"].copies, listed["Mill burns, two dead"].revised) == (1, 1)


def test_tallies_count_by_day_and_outlet_whatever_its_case(library):
    add(library, "Gazette again. It rained in Dalby.", source="GAZETTE", published="2026-03-02", path="/g")
    assert tallies(library.store) == [
        Tally("", "gazette", 1),
        Tally("2026-03-02", "Gazette", 2),
        Tally("2026-03-03", "Radio", 1),
    ]
