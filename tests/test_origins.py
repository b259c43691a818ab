"""Copies are found however a desk changed them, and reports of one event are not copies."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from models.fake import FakeEmbedder
from rag.chunk import chunk
from rag.library import Library, text_id
from rag.origins import BANDS, COPY, bands, overlap, shingles
from rag.records import Article

EMBEDDER = FakeEmbedder()


def story(seed: int, sentences: int = 24) -> list[str]:
    """Sentences of made-up words, so that two stories share nothing."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghiklmnoprstuvwy", k=chance.randint(2, 9))) for _ in range(400)]
    return [" ".join(chance.choices(words, k=18)).capitalize() + "." for _ in range(sentences)]


def add(library: Library, text: str, path: str = "") -> str:
    article = Article(id=text_id(text), text=text, path=path)
    passages = chunk(article, count_tokens=EMBEDDER.count_tokens, limit=EMBEDDER.window)
    library.add(article, passages, EMBEDDER.embed([p.text for p in passages], "document"))
    return library.article(article.id).origin


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path, write=True) as opened:
        yield opened


WIRE = story(1)
EDITS = {
    "another headline": ["Quite another headline for this", *WIRE[1:]],
    "cut to half": WIRE[:12],
    "shuffled": random.Random(3).sample(WIRE, len(WIRE)),
    "local news appended": [*WIRE[:14], *story(4)[:10]],
    "marks and case": [" ".join(WIRE).upper().replace(".", " –")],
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_a_desk_does_to_a_wire_story_leaves_it_a_copy(library: Library, edit: str) -> None:
    first = add(library, " ".join(WIRE))
    assert first == text_id(" ".join(WIRE))
    add(library, " ".join(story(2)))
    assert add(library, " ".join(EDITS[edit])) == first


def test_a_shared_quotation_makes_no_copy(library: Library) -> None:
    quotation = WIRE[3:6]
    one, other = [*story(5), *quotation], [*story(6), *quotation]
    assert add(library, " ".join(one)) != add(library, " ".join(other))


def test_a_story_merged_of_two_joins_one_group_and_unites_none(library: Library) -> None:
    one, other = add(library, " ".join(WIRE)), add(library, " ".join(story(7)))
    merged = add(library, " ".join([*WIRE[:16], *story(7)[:8]]))
    assert (merged, one != other) == (one, True)
    assert library.article(text_id(" ".join(story(7)))).origin == other


def test_short_texts_are_copies_of_nothing(library: Library) -> None:
    assert bands(shingles("Rain fell in Oslo on Monday.")) == []
    assert add(library, "Rain fell in Oslo on Monday.") != add(library, "Rain fell in Oslo on Monday again.")


def test_a_revision_stays_in_its_group(library: Library) -> None:
    first = add(library, " ".join(WIRE), "/a.txt")
    assert add(library, " ".join([*WIRE[:20], "Corrected."]), "/a.txt") == first
    assert library.check() == []


def test_groups_are_listed_with_their_current_members(library: Library) -> None:
    first = add(library, " ".join(WIRE), "/a.txt")
    add(library, " ".join(WIRE[:12]), "/b.txt")
    alone = add(library, " ".join(story(2)))
    short = text_id(" ".join(WIRE[:12]))
    assert library.origins([first, alone]) == {first: [first, short], alone: [alone]}
    library.remove(first)
    assert library.origins([short]) == {first: [short]}
    assert library.article(short).origin == first


def test_a_band_of_boilerplate_makes_adding_no_slower(library: Library) -> None:
    legal = " ".join(WIRE[:4])
    for number in range(40):
        add(library, f"{legal} {' '.join(story(100 + number, 4))}")
    looked: list[str] = []
    library._store.db.set_trace_callback(
        lambda sql: looked.append(sql) if "SELECT text, origin" in sql else None
    )
    add(library, f"{legal} {' '.join(story(99, 4))}")
    library._store.db.set_trace_callback(None)
    assert 0 < len(looked) <= 30


def test_overlap_is_the_share_of_the_shorter_text() -> None:
    one, other = np.arange(100, dtype=np.uint64), np.arange(50, 250, dtype=np.uint64)
    assert overlap(one, other) == overlap(other, one) == 0.5
    assert COPY < 0.5
    assert len(set(bands(one))) == BANDS
