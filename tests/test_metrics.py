"""Each metric against an example worked out by hand."""

from __future__ import annotations

import pytest

from evals.cases import Case, Corpus, Fact
from evals.match import Amount, Pattern
from evals.figures import pooled
from evals.metrics import (
    Count,
    citation_precision,
    citation_validity,
    cited_fact_recall,
    conflict_handling,
    fact_recall,
    false_conflicts,
    false_refusals,
    number_grounding,
    quote_fidelity,
    quote_law,
    refusal_recall,
    rejected_sentences,
    silent_picks,
    total,
    wilson,
    word_grounding,
    worded_by_model,
)
from evals.reply import Quoted, Reply, Said
from rag.records import Article

FIRE = "Police said 12 people were hurt in the Dalby fire."
WARD = "The hospital treated 15 patients. “We were very busy all night,” a nurse said."
CORPUS = Corpus({"a": Article(id="aaaa", text=FIRE), "b": Article(id="bbbb", text=WARD)})
HURT = Fact("hurt", Pattern(number=Amount(12)), ("a",))
TREATED = Fact("treated", Pattern(number=Amount(15)), ("b",))
QUESTION = Case("fire", "answerable", "How many were hurt?", (HURT,))
DISPUTE = Case("toll", "conflict", "How many were hurt?", (HURT, TREATED))
NOTHING = Case("age", "unanswerable", "How old is the mayor?")


def cites(key, start=0, end=0, n=1):
    article = CORPUS.articles[key]
    return Quoted(key, article.id, start, end, article.text[start:end], n)


def reply(*said, status="answered", text="", **more):
    return Reply(status, text, tuple(said), **more)


RIGHT = Said("12 people were hurt.", (cites("a", 12, 31),), "model")
UNCITED = Said("12 people were hurt.", ())
ELSEWHERE = Said("12 people were hurt.", (cites("b"),))
OTHER = Said("The hospital treated 15.", (cites("b", 0, 32),))

INTERVALS = [
    (60, 60, 0.940, 1.0),
    (57, 60, 0.863, 0.983),
    (48, 60, 0.682, 0.882),
    (10, 10, 0.722, 1.0),
    (0, 10, 0.0, 0.278),
]


@pytest.mark.parametrize(("num", "den", "low", "high"), INTERVALS)
def test_wilson_gives_the_published_intervals(num, den, low, high):
    assert wilson(num, den) == pytest.approx((low, high), abs=0.0005)


def test_nothing_counted_has_no_value():
    assert (Count().value, pooled(Count()).interval, str(pooled(Count()))) == (None, None, "n/a")
    assert str(pooled(Count(48, 60))) == "0.800  48/60  [0.682, 0.882]"
    assert Count(1, 2) + Count(2, 3) == Count(3, 5)


def test_a_fact_counts_as_cited_only_beside_its_own_article():
    assert fact_recall(QUESTION, reply(ELSEWHERE)) == Count(1, 1)
    assert cited_fact_recall(QUESTION, reply(ELSEWHERE)) == Count(0, 1)
    assert cited_fact_recall(QUESTION, reply(UNCITED)) == Count(0, 1)
    assert cited_fact_recall(QUESTION, reply(RIGHT)) == Count(1, 1)
    assert cited_fact_recall(DISPUTE, reply(RIGHT)) == Count(1, 2)


def test_citation_precision_judges_only_sentences_that_state_a_fact():
    both = Said("12 people were hurt.", (cites("a"), cites("b")))
    idle = Said("It rained.", (cites("b"),))
    assert citation_precision(QUESTION, reply(both, idle)) == Count(1, 2)
    assert citation_precision(QUESTION, reply(idle)) == Count(0, 0)


def test_a_marker_without_its_citation_stays_in_the_denominator():
    assert citation_validity(reply(RIGHT, text="12 people were hurt [1][9].")) == Count(1, 2)
    assert citation_validity(reply(RIGHT, text="12 people were hurt.")) == Count(0, 0)


def test_the_quote_law_reads_the_stored_article():
    forged = Quoted("a", "aaaa", 0, 6, "Firemen", 1)
    unknown = Quoted("", "cccc", 0, 6, "Police", 1)
    empty = Quoted("a", "aaaa", 3, 3, "", 1)
    said = Said("12.", (cites("a", 0, 6), forged, unknown, empty))
    assert quote_law(reply(said), CORPUS) == Count(1, 4)
    assert quote_law(reply(status="refused", nearest=(cites("b", 0, 12),)), CORPUS) == Count(1, 1)


def test_a_number_is_grounded_in_an_article_its_own_sentence_cites():
    assert number_grounding(reply(RIGHT, OTHER), CORPUS) == Count(2, 2)
    assert number_grounding(reply(ELSEWHERE), CORPUS) == Count(0, 1)
    percent = Said("12% were hurt, one said.", (cites("a"),))
    assert number_grounding(reply(percent), CORPUS) == Count(0, 1)


def test_a_quotation_must_stand_in_the_cited_article():
    spoken = 'A nurse said: "We were very busy all night."'
    assert quote_fidelity(reply(Said(spoken, (cites("b"),))), CORPUS) == Count(1, 1)
    assert quote_fidelity(reply(Said(spoken, (cites("a"),))), CORPUS) == Count(0, 1)
    assert quote_fidelity(reply(Said('A "very busy" night.', (cites("a"),))), CORPUS) == Count(0, 0)


def test_a_content_word_must_come_from_the_quote_or_the_question():
    said = Said("The mayor said 12 people were hurt.", (cites("a", 12, 31),))
    assert word_grounding(QUESTION, reply(said)) == Count(3, 5)  # mayor and said are from nowhere


def test_refusals_are_counted_as_a_pair():
    refused, answered = reply(status="refused"), reply(RIGHT)
    assert refusal_recall(NOTHING, refused) == Count(1, 1)
    assert refusal_recall(NOTHING, answered) == Count(0, 1)
    assert false_refusals(QUESTION, refused) == Count(1, 1)
    assert false_refusals(NOTHING, refused) == Count(0, 0)
    assert false_conflicts(QUESTION, reply(RIGHT, status="conflict")) == Count(1, 1)


def test_a_disagreement_needs_every_side_and_the_verdict():
    assert conflict_handling(DISPUTE, reply(RIGHT, OTHER, status="conflict")) == Count(1, 1)
    assert conflict_handling(DISPUTE, reply(RIGHT, OTHER, status="answered")) == Count(0, 1)
    assert conflict_handling(DISPUTE, reply(RIGHT, status="conflict")) == Count(0, 1)
    assert silent_picks(DISPUTE, reply(RIGHT)) == Count(1, 1)
    assert silent_picks(DISPUTE, reply(RIGHT, OTHER)) == Count(0, 1)
    assert conflict_handling(QUESTION, reply(RIGHT)) == Count(0, 0)


def test_sides_count_as_said():
    sides = (Said("12", (cites("a"),)), Said("15", (cites("b"),)))
    assert conflict_handling(DISPUTE, reply(status="conflict", sides=sides)) == Count(1, 1)


def test_who_worded_the_claims_and_what_was_rejected():
    assert worded_by_model(reply(RIGHT, OTHER)) == Count(1, 2)
    assert rejected_sentences(reply(RIGHT, OTHER, rejected=("So.", "No.", "Oh."))) == Count(3, 4)


def test_metrics_of_many_replies_add_up():
    assert total([{"x": Count(1, 2)}, {"x": Count(1, 1), "y": Count(0, 1)}]) == {
        "x": Count(2, 3),
        "y": Count(0, 1),
    }
