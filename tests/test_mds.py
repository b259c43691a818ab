"""The measures of summaries and attribution, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.attribute import count_words, rank_sources
from evals.briefs import cover, read_list
from evals.mds import cut_to, lead, mmr, rouge, textrank
from rag.records import Article, Brief, Citation, Claim, Difference, Point, Section, Side

LIST = Path(__file__).resolve().parents[1] / "evals" / "brief_lists" / "seeds.toml"


@pytest.mark.parametrize(
    ("n", "made", "written", "expected"),
    [
        (1, "the cat sat", "the cat lay", 2 / 3),
        (2, "the cat sat", "the cat lay", 1 / 2),
        (1, "a b c d", "a b", 2 * (1 / 2) * 1 / (1 / 2 + 1)),
        (2, "one", "one", 0.0),
        (1, "The Cat!", "the cat", 1.0),
    ],
)
def test_rouge_by_hand(n, made, written, expected):
    assert rouge(n, made, written) == pytest.approx(expected)


def test_the_source_is_the_sentence_that_shares_the_rare_words():
    sentences = ["The mayor opened the bridge.", "The mayor closed the harbour.", "Rain fell."]
    rows = np.eye(3, dtype=np.float32)
    ranked = rank_sources(
        "The harbour was closed.", np.zeros(3, np.float32), sentences, rows, count_words(sentences)
    )
    assert ranked[0] == 1


def test_of_two_with_the_same_words_the_source_has_them_in_the_same_order():
    sentences = ["The man the dog bit sued.", "The dog bit the man and sued."]
    ranked = rank_sources(
        "The dog bit the man.",
        np.zeros(2, np.float32),
        sentences,
        np.eye(2, dtype=np.float32),
        count_words(sentences),
    )
    assert ranked == [1, 0]


def test_summarisers_order_all_sentences_they_are_given():
    texts = [
        "The fire began at night in Dalby.",
        "The fire in Dalby killed two.",
        "Rain fell.",
        "Nobody was hurt.",
    ]
    rows = np.eye(4)
    assert lead(texts, rows, [0, 3, 0, 1]) == [0, 2, 3, 1]
    assert sorted(mmr(texts, rows, [0, 1, 2, 3])) == [0, 1, 2, 3]
    assert set(textrank(texts, rows, [0, 1, 2, 3])[:2]) == {0, 1}
    assert cut_to(["one two", "three four"], 3) == "one two three"


def test_coverage_counts_what_is_told_and_how_it_is_labelled():
    text = "The $2 billion came from a fund. The plan has 28 points. The plan has 20 points."
    article = Article("a" * 16, text)

    def cite(words: str) -> Citation:
        start = text.index(words)
        return Citation(article, start, start + len(words), words)

    point = Point(
        Claim("The $2 billion came from a fund.", (cite("The $2 billion came from a fund."),)), alone=True
    )
    sides = (Side("28 points", (cite("28 points"),)), Side("20 points", (cite("20 points"),)))
    made = Brief(
        "x", "answered", sections=(Section("alone", "", (point,)),), disagreements=(Difference("x", sides),)
    )
    covered = cover(made, read_list(LIST))
    assert [id_ for id_, how in covered.single.items() if how == "labelled"] == ["saudi-money"]
    assert [id_ for id_, found in covered.differences.items() if found] == ["how-many-points"]
    assert [id_ for id_, told in covered.key.items() if told] == ["points"]
    assert covered.extra == ()
