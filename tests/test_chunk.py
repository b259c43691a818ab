"""Passages are whole sentences, exact, within the window, and leave nothing out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chunk import LONGEST, chunk
from rag.library import text_id
from rag.records import Article, Passage
from rag.text import sentences

SEEDS = Path(__file__).parents[1] / "seeds" / "articles"


def count(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def article(text: str) -> Article:
    return Article(id=text_id(text), text=text)


def passages(text: str, *, limit: int = 254, words: int = 120) -> tuple[Passage, ...]:
    return chunk(article(text), count_tokens=count, limit=limit, words=words)


def assert_whole(text: str, found: tuple[Passage, ...], limit: int) -> None:
    """The laws: in order, inside the window, and nothing but space between them."""
    end = 0
    for passage in found:
        assert passage.start >= end
        assert not text[end : passage.start].strip()
        assert passage.text.strip() == passage.text != ""
        assert count(passage.text) <= limit
        end = passage.end
    assert not text[end:].strip()


def test_sentences_are_packed_whole_and_evenly() -> None:
    text = "One two three four. " * 10
    assert [passage.text.count(".") for passage in passages(text, words=13)] == [3, 4, 3]


def test_a_short_article_is_one_passage() -> None:
    (only,) = passages("  Rain fell in Oslo. It stopped at noon.\n")
    assert (only.start, only.end, only.text) == (2, 40, "Rain fell in Oslo. It stopped at noon.")


def test_no_article_ends_in_a_scrap() -> None:
    text = "The minister said on Monday that talks would go on. " * 13
    assert [len(passage.text.split()) for passage in passages(text)] == [130]


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*")), ids=lambda path: path.stem)
def test_the_seeds_are_cut_only_between_sentences(path: Path) -> None:
    text = path.read_text("utf-8")
    found = passages(text)
    assert_whole(text, found, 254)
    starts, ends = zip(*sentences(text), strict=True)
    assert {p.start for p in found} <= set(starts)
    assert {p.end for p in found} <= set(ends)


def test_a_sentence_longer_than_the_window_is_cut_at_clauses() -> None:
    text = "He named Ann, Bob, Carl, Dora, Emil, Fay, Gus, and Hal, all of them in that order, and left."
    found = passages(text, limit=10)
    assert_whole(text, found, 10)
    assert [p.text for p in found][:2] == ["He named Ann, Bob, Carl, Dora,", "Emil, Fay, Gus, and Hal,"]


@pytest.mark.parametrize(
    "text",
    [
        "word " * 3000,
        "x" * 50_000,
        "漢字" * 4000,
        "a,b;" * 5000,
        "\n\n".join("abc"),
        "–" * 999,
        "é\u0301 " * 3000,
    ],
)
def test_hostile_text_is_cut_somewhere_and_nothing_is_lost(text: str) -> None:
    found = passages(text, limit=50)
    assert_whole(text, found, 50)
    assert max(len(p.text) for p in found) <= LONGEST


def test_space_between_sentences_may_cost_tokens() -> None:
    text = "One two.\n\n\n\n\n\nThree four.\n\n\n\n\n\nFive. Six."
    found = chunk(article(text), count_tokens=len, limit=30, words=100)
    assert [p.text for p in found] == ["One two.\n\n\n\n\n\nThree four.", "Five. Six."]


@given(st.text(max_size=400), st.integers(1, 60), st.integers(1, 40))
def test_any_text_keeps_the_laws(text: str, limit: int, words: int) -> None:
    assert_whole(text, passages(text, limit=limit, words=words), limit)


def test_text_without_a_word_has_no_passage() -> None:
    assert passages(" \n\n ") == ()


def test_real_news_fits_the_real_window() -> None:
    data = Path(__file__).parents[2] / "shared" / "data" / "realtimeqa_2023_articles.jsonl"
    if not data.exists():
        pytest.skip("needs the news articles kept beside the project")
    with data.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line, _ in zip(lines, range(40), strict=False)]
    for text in texts:
        assert_whole(text, passages(text, limit=120), 120)
