"""Older texts of an article are kept, shown, and searched when a question is asked as of their day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.fake import FakeEmbedder
from rag.chunk import chunk
from rag.library import Filter, Library, text_id
from rag.records import Article
from rag.retrieve import retrieve

EMBEDDER = FakeEmbedder()
URL = "https://example.org/fire"
TEXTS = ("Seven people were hurt.", "Nine people were hurt.", "Ten people were hurt.")


def add(library: Library, text: str, **more: str) -> str:
    article = Article(id=text_id(text), text=text, path=more.pop("path", URL), **more)
    passages = chunk(article, count_tokens=EMBEDDER.count_tokens, limit=EMBEDDER.window)
    return library.add(article, passages, EMBEDDER.embed([p.text for p in passages], "document"))


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path, write=True) as opened:
        opened.match_embedder(EMBEDDER.fingerprint)
        add(opened, TEXTS[0], published="2026-03-01", fetched="2026-03-01T08:00:00+00:00")
        add(
            opened,
            TEXTS[1],
            published="2026-03-01",
            updated="2026-03-03",
            fetched="2026-03-08T08:00:00+00:00",
        )
        add(opened, TEXTS[2], published="2026-03-01", fetched="2026-03-09T08:00:00+00:00")
        yield opened


def found(library: Library, as_of: str = "") -> list[str]:
    hits = retrieve("How many people were hurt?", library, EMBEDDER, where=Filter(as_of=as_of))
    return [hit.passage.text for hit in hits]


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("2026-02-28", None),
        ("2026-03-01", 0),
        ("2026-03-02", 0),
        ("2026-03-03", 1),
        ("2026-03-08", 1),
        ("2026-03-09", 2),
        ("2026-03", 2),
        ("2027", 2),
        ("", 2),
    ],
)
def test_a_question_as_of_a_day_finds_the_text_of_that_day(
    library: Library, day: str, text: int | None
) -> None:
    assert found(library, day) == ([] if text is None else [TEXTS[text]])


def test_revisions_come_oldest_first_with_their_times(library: Library) -> None:
    for name in TEXTS:
        revisions = library.revisions(text_id(name))
        assert [revision.article.text for revision in revisions] == list(TEXTS)
    assert [(one.known[:10], one.until[:10]) for one in revisions] == [
        ("2026-03-01", "2026-03-03"),
        ("2026-03-03", "2026-03-09"),
        ("2026-03-09", ""),
    ]


def test_a_text_that_comes_back_has_both_its_times(library: Library) -> None:
    assert add(library, TEXTS[0], published="2026-03-01", fetched="2026-03-20T08:00:00+00:00") == "revised"
    assert [found(library, day) for day in ("2026-03-02", "2026-03-10", "2026-03-20")] == [
        [TEXTS[0]],
        [TEXTS[2]],
        [TEXTS[0]],
    ]
    assert [one.article.text for one in library.revisions(text_id(TEXTS[0]))] == [*TEXTS, TEXTS[0]]
    assert library.check() == []
    library.remove(text_id(TEXTS[0]))
    assert (library.size, library._store.rows("SELECT count(*) FROM articles")[0][0]) == (0, 0)


def test_a_clock_set_back_puts_no_text_before_the_one_it_replaces(library: Library) -> None:
    add(library, "Eleven people were hurt.", published="2026-03-01", fetched="2020-01-01T00:00:00+00:00")
    assert found(library, "2026-03-08") == [TEXTS[1]]
    assert found(library) == ["Eleven people were hurt."]
    known = [one.known for one in library.revisions(text_id(TEXTS[0]))]
    assert known == sorted(known)


def test_undated_articles_count_as_known(library: Library) -> None:
    add(library, "Rain fell on many people.", path="/rain.txt", fetched="2026-03-04T00:00:00+00:00")
    assert "Rain fell on many people." in found(library, "1999")


def test_a_reader_follows_revisions_without_reading_everything_again(library: Library) -> None:
    with Library.open(library.folder) as reader:
        before = reader.rows()
        add(library, "Twelve people were hurt.", fetched="2026-03-30T00:00:00+00:00")
        after = reader.rows()
        assert np.shares_memory(before.blocks[0], after.blocks[0])
        assert found(reader) == ["Twelve people were hurt."]
        assert found(reader, "2026-03-10") == [TEXTS[2]]
