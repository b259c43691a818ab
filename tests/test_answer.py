"""From evidence to an answer: refusal, conflict, the model's words checked, the source's words otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from models.embedder import load_embedder
from models.fake import FakeGenerator
from models.parser import load_parser
from models.protocols import Embedder, Generator, Parser, Reader
from models.reader import OnnxReader
from models.trees import Trees
from rag.answer import Draft, answer, may_answer
from rag.confidence import Calibration
from rag.engines import FITTED
from rag.question import read_question
from rag.records import Answer, Article, Hit, Passage, Tier
from rag.select import select
from rag.text import sentences

DALBY = Article(
    "a1",
    "Anna Berg, the mayor of Dalby, opened the new bridge on Friday. The bridge cost $12 million. "
    "Berg, 51, said the work took two years. Not everyone was pleased.",
    title="Dalby opens its bridge",
)
OTHER = Article(
    "a2",
    "The bridge in Dalby was opened on Saturday by Anna Berg, its mayor. It cost $12 million to build.",
    title="A bridge at last",
)
DEAR = Article(
    "a3",
    "The bridge, which was built by hand, cost $12 million. Not everyone was pleased.",
    title="What the bridge cost",
)


@dataclass(frozen=True)
class Bench:
    embedder: Embedder
    parser: Parser
    calibration: Calibration
    trees: Trees
    reader: Reader
    generator: Generator | None = None


@pytest.fixture(scope="module")
def bench() -> Bench:
    calibration = Calibration.load(FITTED / "calibration.json")
    reader = OnnxReader.load(FITTED / "reader.npz", threads=1)
    return Bench(load_embedder(), load_parser(), calibration, Trees.load(FITTED / "evidence.npz"), reader)


def ask(
    bench: Bench, question: str, *, articles: Sequence[Article] = (DALBY,), tier: Tier = "quote"
) -> Answer:
    asked = read_question(question, bench.parser)
    hits = [Hit(Passage(a, sentences(a.text)[0][0], sentences(a.text)[-1][1]), 1.0) for a in articles]
    evidence = select(asked, hits, bench.embedder, bench.parser, bench.trees, bench.reader)
    events = list(answer(asked, evidence, bench, tier=tier))
    assert isinstance(events[-1], Answer)
    assert all(isinstance(event, Draft) for event in events[:-1])
    return events[-1]


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("How old is Anna Berg?", "51"),
        ("How much did the bridge cost?", "$12 million"),
        ("Who opened the new bridge?", "Anna Berg"),
        ("When was the new bridge opened?", "Friday"),
    ],
)
def test_the_short_answer_is_an_exact_span_of_the_quoted_sentence(
    bench: Bench, question: str, short: str
) -> None:
    found = ask(bench, question)
    assert (found.status, found.short) == ("answered", short)
    assert short in found.claims[0].citations[0].quote
    assert found.claims[0].by == "source"


@pytest.mark.parametrize("question", ["How old is Boris Lind?", "How many children does Anna Berg have?"])
def test_what_the_articles_do_not_say_is_refused_with_the_nearest(bench: Bench, question: str) -> None:
    found = ask(bench, question)
    assert (found.status, found.claims, found.short) == ("refused", (), None)
    assert found.nearest[0].article.id == "a1"


def test_a_refusal_says_what_the_nearest_sentence_lacks(bench: Bench) -> None:
    found = ask(bench, "How old is Boris Lind?")
    assert found.notes == ("What comes nearest falls short: Boris Lind is not mentioned.",)


def test_an_article_that_never_mentions_who_is_asked_about_comes_last(bench: Bench) -> None:
    other = Article("a7", "The mayor said that the new bridge in Dalby was a success.", title="A bridge")
    told = Article("a8", "Carl Holm spoke. He said of it that it had been worth it.", title="Dalby")
    asked = read_question("What did Carl Holm say about the new bridge in Dalby?", bench.parser)
    hits = [Hit(Passage(article, 0, len(article.text)), 1.0) for article in (other, told)]
    first, *_ = select(asked, hits, bench.embedder, bench.parser, bench.trees, bench.reader)
    assert first.sentence.article.id == "a8"


@pytest.mark.parametrize(
    ("behind", "claims"),
    [("They point to rust in the old steel.", 2), ("Many point to rust in the old steel.", 1)],
)
def test_what_goes_on_about_the_same_people_is_told_as_well(bench: Bench, behind: str, claims: int) -> None:
    text = f"The critics of the new bridge in Dalby are worried about it. {behind} It rained on Monday."
    article = Article("a9", text, title="Dalby")
    found = ask(bench, "What worries the critics of the new bridge in Dalby?", articles=(article,))
    assert [claim.citations[0].quote for claim in found.claims][1:] == [behind][: claims - 1]


def test_who_said_it_stands_before_the_quotation(bench: Bench) -> None:
    text = (
        "The talks in Dalby went on.\n"
        "The talks will go on for weeks, as they did last year and the year before, writes the scholar Carl "
        "Holm in the Dalby Review, which is read by everybody:\n"
        "“A peace is on offer that could be worse for Dalby than more war.”\n"
        "Anna Berg did not comment."
    )
    found = ask(
        bench, "Who wrote that the peace on offer could be worse for Dalby than war?",
        articles=(Article("a6", text, title="Talks"),),
    )  # fmt: skip
    assert found.short == "Carl Holm"
    assert found.claims[0].citations[0].quote.endswith("which is read by everybody:")


def test_articles_that_differ_are_shown_side_by_side(bench: Bench) -> None:
    found = ask(bench, "On which day was the bridge in Dalby opened?", articles=(DALBY, OTHER))
    assert found.status == "conflict"
    assert {side.value: side.citations[0].article.id for side in found.sides} == {
        "Friday": "a1",
        "Saturday": "a2",
    }


def test_articles_that_agree_are_cited_together(bench: Bench) -> None:
    found = ask(bench, "How much did the bridge cost?", articles=(DALBY, OTHER))
    assert found.status == "answered"
    assert found.sides == ()


def write(bench: Bench, reply: str, question: str = "How much did the bridge cost?") -> Answer:
    model = FakeGenerator([reply, reply, reply])
    return ask(
        Bench(bench.embedder, bench.parser, bench.calibration, bench.trees, bench.reader, model),
        question,
        articles=(DEAR,),
        tier="write",
    )


def test_a_true_sentence_of_the_model_stands_with_its_citation(bench: Bench) -> None:
    claim = write(bench, "The bridge cost $12 million.").claims[0]
    assert (claim.text, claim.by) == ("The bridge cost $12 million.", "model")
    assert claim.citations[0].quote == "The bridge, which was built by hand, cost $12 million."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("The bridge cost $15 million.", "does not answer"),
        ("The tunnel cost $12 million.", "does not speak of “tunnel”"),
        ("The bridge of Boris cost $12 million.", "Boris is not named"),
        ("bridge bridge bridge", "repeats a word"),
    ],
)
def test_a_false_sentence_of_the_model_is_replaced_by_the_source(
    bench: Bench, reply: str, reason: str
) -> None:
    found = write(bench, reply)
    assert found.claims[0].by == "source"
    assert found.claims[0].text == "The bridge, which was built by hand, cost $12 million."
    assert reason in found.rejected[0].reason


def test_the_model_never_sees_more_than_the_sentence_and_the_question(bench: Bench) -> None:
    model = FakeGenerator(["The bridge cost $12 million."])
    ask(
        Bench(bench.embedder, bench.parser, bench.calibration, bench.trees, bench.reader, model),
        "How much did the bridge cost?",
        articles=(DEAR,),
        tier="write",
    )
    text = "The bridge, which was built by hand, cost $12 million."
    assert model.prompts[0][-1].content == f"Text: {text}\nQuestion: How much did the bridge cost?"


def test_a_reply_that_leaves_nothing_out_counts_as_the_words_of_the_source(bench: Bench) -> None:
    found = write(bench, "The bridge, which was built by hand, cost $12 million.")
    assert (found.claims[0].by, found.rejected) == ("source", ())


def test_a_sentence_with_nothing_to_leave_out_is_not_given_to_the_model(bench: Bench) -> None:
    model = FakeGenerator(["The bridge cost $12 million."])
    found = ask(
        Bench(bench.embedder, bench.parser, bench.calibration, bench.trees, bench.reader, model),
        "How much did the bridge cost?",
        tier="write",
    )
    assert (found.claims[0].by, model.prompts) == ("source", [])


def test_of_a_difference_only_what_a_side_says_is_shortened(bench: Bench) -> None:
    model = FakeGenerator(["The Dalby plan was written by Peter Falk."])
    found = ask(
        Bench(bench.embedder, bench.parser, bench.calibration, bench.trees, bench.reader, model),
        "Who wrote the Dalby plan?",
        articles=(
            Article("a7", "Anna Berg wrote the Dalby plan with Boris Lund."),
            Article("a8", "The Dalby plan, which is long, was written by Peter Falk and the mayor of Dalby."),
        ),
        tier="write",
    )
    assert (found.status, found.short, model.prompts) == ("conflict", "Peter Falk and the mayor", [])
    assert {claim.by for claim in found.claims} == {"source"}


def test_nothing_is_left_out_where_any_part_of_the_sentence_may_be_the_answer(bench: Bench) -> None:
    model = FakeGenerator(["“It is cold,” Anna Berg wrote on Friday."])
    text = "“It is cold,” Anna Berg, a senior fellow at the Dalby School of Weather, wrote on Friday."
    found = ask(
        Bench(bench.embedder, bench.parser, bench.calibration, bench.trees, bench.reader, model),
        "Where does Anna Berg work?",
        articles=(Article("a5", text),),
        tier="write",
    )
    assert (found.claims[0].text, model.prompts) == (text, [])


@pytest.mark.parametrize(
    ("question", "text", "kept"),
    [
        (
            "What did the firm sell?",
            "The firm sold its ferry to a bank in Oslo, with a pier and two cranes.",
            {"its ferry", "bank", "bank in Oslo", "Oslo", "pier", "two cranes"},
        ),
        (
            "How many men did the firm hire?",
            "The firm hired 40 men for its ferry, with a pier and a crane in Oslo.",
            {"40"},
        ),
    ],
)
def test_where_the_kind_of_answer_is_unsure_whatever_may_be_it_stays(
    bench: Bench, question: str, text: str, kept: set[str]
) -> None:
    asked = read_question(question, bench.parser)
    hits = [Hit(Passage(Article("a4", text), 0, len(text)), 1.0)]
    found = select(asked, hits, bench.embedder, bench.parser, bench.trees, bench.reader)
    assert {text[start:end] for start, end in may_answer(asked, found[0])} == kept
