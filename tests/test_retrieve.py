"""A question finds its passages by words and by meaning, the same way each time, whatever it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.retrieval import Question, plain, score
from models.fake import FakeEmbedder
from rag.chunk import chunk
from rag.library import Filter, Library, text_id
from rag.records import Article, Passage
from rag.retrieve import fuse, retrieve, terms
from rag.vectors import ChromaIndex

EMBEDDER = FakeEmbedder()
STORIES = (
    ("Seven people were hurt in Oslo on Monday.", "Post", "2025-12-01"),
    ("The minister resigned after the vote in Bergen.", "Post", "2025-12-02"),
    ("Rain fell on the hills. The river rose by two metres.", "Herald", "2025-12-03"),
    ("A bank raised its rates to 4.5 percent.", "Herald", ""),
)


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / "library", write=True) as opened:
        for text, source, published in STORIES:
            article = Article(id=text_id(text), text=text, source=source, published=published)
            passages = chunk(article, count_tokens=EMBEDDER.count_tokens, limit=254)
            opened.add(article, passages, EMBEDDER.embed([p.text for p in passages], "document"))
        opened.match_embedder(EMBEDDER.fingerprint)
        yield opened


def found(library: Library, question: str, **how: object) -> list[str]:
    return [hit.passage.text for hit in retrieve(question, library, EMBEDDER, **how)]  # type: ignore[arg-type]


def test_the_passage_with_the_words_comes_first(library: Library) -> None:
    assert found(library, "Which minister resigned?")[0] == STORIES[1][0]
    assert found(library, "What did the bank raise its rates to?")[0] == STORIES[3][0]


def test_a_hit_says_what_each_leg_gave_it(library: Library) -> None:
    first, *rest = retrieve("Which minister resigned?", library, EMBEDDER)
    assert [name for name, _ in first.why] == ["dense", "lexical"]
    assert 0 < dict(first.why)["dense"] < 1 < dict(first.why)["lexical"]
    assert first.score == pytest.approx(1 / 13 + 1 / 11)
    assert all([name for name, _ in hit.why] == ["dense"] for hit in rest)


def test_the_passage_of_a_hit_is_a_span_of_its_article(library: Library) -> None:
    for hit in retrieve("rain river oslo minister bank", library, EMBEDDER):
        assert hit.passage.article in library.articles()
        assert hit.passage.text == hit.passage.article.text[hit.passage.start : hit.passage.end]


def test_k_limits_the_hits_and_the_order_is_always_the_same(library: Library) -> None:
    assert [len(found(library, "Rain in Oslo", k=k)) for k in (0, 1, 3, 99)] == [0, 1, 3, 4]
    assert found(library, "Rain in Oslo", k=2) == found(library, "Rain in Oslo")[:2]


def test_filters_bind_both_legs(library: Library) -> None:
    question = "Seven people, a minister, rain and a bank"
    assert set(found(library, question, where=Filter(sources=("Herald",)))) == {STORIES[2][0], STORIES[3][0]}
    assert set(found(library, question, where=Filter(before="2025-12-02"))) == {STORIES[0][0], STORIES[1][0]}
    assert found(library, question, where=Filter(tags=("none",))) == []


def test_with_an_index_the_hits_are_the_same(library: Library) -> None:
    with ChromaIndex.open(library) as index:
        for question in ("Which minister resigned?", "rain", "Oslo bank"):
            assert found(library, question, index=index) == found(library, question)


def test_what_was_removed_is_not_found(library: Library) -> None:
    library.remove(text_id(STORIES[1][0]))
    assert STORIES[1][0] not in found(library, "Which minister resigned?")


@pytest.mark.parametrize("question", ["", "   ", "?!", "\n\0\t", '"()*'])
def test_a_question_without_a_word_finds_nothing(library: Library, question: str) -> None:
    assert found(library, question) == []


HOSTILE = (
    "rain " * 2000,
    " ".join(f"w{n}" for n in range(3000)),
    "а" * 10_000,
    'rain" OR "x',
    "NEAR(rain hills, 2)",
    "rain* ^rain -rain text:rain",
    "\ud800 rain",
    "Где шёл дождь?",
    "雨はどこに降りましたか",
    "🌧️ rain",
    "who is he",
    "a' OR 1=1 --",
    "r\0ain",
    "%s {} ${x}",
)


@pytest.mark.parametrize("question", HOSTILE)
def test_no_question_fails(library: Library, question: str) -> None:
    assert len(found(library, question)) == 4


def test_a_question_in_capitals_and_accents_is_the_same_question(library: Library) -> None:
    why = [
        dict(retrieve(q, library, EMBEDDER)[0].why)["lexical"] for q in ("Minister", "MÍNISTER", "ministers")
    ]
    assert why[0] == why[1] == why[2]


def test_an_empty_library_finds_nothing(tmp_path: Path) -> None:
    with Library.open(tmp_path, write=True) as library:
        assert found(library, "Which minister resigned?") == []


def test_with_vectors_of_another_embedder_the_words_alone_find(library: Library) -> None:
    (hit,) = retrieve("rain", library, FakeEmbedder(name="another"))
    assert [name for name, _ in hit.why] == ["lexical"]


def test_terms_leave_out_stopwords_unless_there_is_nothing_else(library: Library) -> None:
    assert terms("What did the Post's minister say about the 4.5 percent?", library) == [
        "post", "minister", "say", "4.5", "percent"
    ]  # fmt: skip
    assert terms("Who is he?", library) == ["who", "is", "he"]


def test_in_a_large_library_the_rarest_words_are_searched_for(library: Library) -> None:
    for number in range(40):
        text = f"The council met {number} times about a road{' and a bridge' * (number < 3)}."
        article = Article(id=text_id(text), text=text)
        passages = chunk(article, count_tokens=EMBEDDER.count_tokens, limit=254)
        library.add(article, passages, EMBEDDER.embed([p.text for p in passages], "document"))
    question = "Which council met about the road, the bridge, the minister and the zebra?"
    assert terms(question, library, small=10) == ["minister", "bridge"]
    assert terms(question, library) == ["council", "met", "road", "bridge", "minister", "zebra"]


FUSED = [
    ([[1, 2], [3, 1]], [1, 3, 2]),
    ([[1, 2], [2, 1]], [1, 2]),
    ([[1], [2]], [1, 2]),
    ([[], [5, 4]], [5, 4]),
    ([[], []], []),
]


@pytest.mark.parametrize(("rankings", "expected"), FUSED)
def test_fusion_adds_reciprocal_ranks_and_breaks_ties_by_the_first_ranking(rankings, expected) -> None:
    assert list(fuse(rankings)) == expected


def test_fusion_by_hand() -> None:
    assert fuse([[7, 8], [8]]) == {8: 1 / 12 + 1 / 11, 7: 1 / 11}


# ── How retrieval is measured ────────────────────────────────────────────────────────────────────────


def test_an_answer_is_looked_for_in_plain_words() -> None:
    assert plain("The Élysée, in 1,000 days – a ‘first’") == " elysee in 1000 days first "
    assert plain("A six") not in plain("sixteen")


def test_the_measurement_by_hand() -> None:
    article = Article(id="x", text="Rain fell in Oslo. Snow fell in Bergen.", path="one")
    oslo, bergen = Passage(article, 0, 18), Passage(article, 19, 39)
    long = Passage(Article(id="y", text="word " * 300, path="two"), 0, 1500)
    found = {"Where did rain fall?": [oslo, bergen], "Where did snow fall?": [long, bergen], "Hail?": []}
    questions = [
        Question("Where did rain fall?", plain("Oslo"), frozenset({"one"})),
        Question("Where did snow fall?", plain("bergen"), frozenset({"one"})),
        Question("Hail?", plain("nowhere"), frozenset({"one"})),
    ]
    assert score(lambda question: found[question.text], questions) == [1, 2, 2, 1, 2, 1]
