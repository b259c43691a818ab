"""Each metric against an example worked out by hand."""

from __future__ import annotations

import pytest

from evals.cases import Ban, Case, Corpus, Fact
from evals.figures import pooled
from evals.match import Amount, Pattern
from evals.metrics import (
    Count,
    citation_coverage,
    citation_precision,
    citation_validity,
    cited_fact_recall,
    conflict_handling,
    context_fact_recall,
    distinct_articles,
    duplicate_items,
    fact_recall,
    false_conflicts,
    false_refusals,
    judged_share,
    must_not,
    number_grounding,
    okay_facts,
    quote_fidelity,
    quote_law,
    refusal_recall,
    rejected_sentences,
    retrieval_recall,
    silent_picks,
    strict_fact_recall,
    total,
    wilson,
    word_grounding,
    worded_by_model,
)
from evals.reply import Passed, Quoted, Reply, Said
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


# ---------------------------------------------------------------- the rest of the definitions

FOUND = (Passed("a", FIRE, "aaaa", 0, len(FIRE)),)
BANNED = Case("fire", "answerable", "How many?", (HURT,), bans=(Ban("x", Pattern(any=("15 people",)), "no"),))


def test_strict_recall_needs_every_fact():
    assert strict_fact_recall(DISPUTE, reply(RIGHT)) == Count(0, 1)
    assert strict_fact_recall(DISPUTE, reply(RIGHT, OTHER)) == Count(1, 1)
    assert strict_fact_recall(NOTHING, reply(RIGHT)) == Count()


def test_a_fact_that_may_be_left_out_is_counted_apart():
    spare = Case(
        "fire", "answerable", "?", (HURT, Fact("t", Pattern(number=Amount(15)), ("b",), vital=False))
    )
    assert okay_facts(spare, reply(RIGHT)) == Count(0, 1)
    assert okay_facts(spare, reply(RIGHT, OTHER)) == Count(1, 1)
    assert fact_recall(spare, reply(RIGHT)) == Count(1, 1)


def test_the_judged_share_says_how_many_citations_precision_speaks_for():
    assert judged_share(QUESTION, reply(RIGHT, Said("It rained.", (cites("b"), cites("b"))))) == Count(1, 3)


def test_must_not_counts_cases_that_forbid_something():
    assert must_not(BANNED, reply(RIGHT)) == Count(0, 1)
    assert must_not(BANNED, reply(Said("15 people.", ()))) == Count(1, 1)
    assert must_not(QUESTION, reply(RIGHT)) == Count()


def test_a_citation_outside_the_passages_found_is_not_valid():
    inside, outside = cites("a", 12, 31, 1), cites("b", 0, 12, 2)
    both = reply(Said("12.", (inside, outside)), text="12 [1][2].", found=FOUND)
    assert citation_validity(both) == Count(1, 2)


def test_coverage_counts_sentences_with_a_number_a_quotation_or_a_name():
    factual = ["12 were hurt.", "He said “no”.", "It was Berg who left."]
    idle = ["Nobody knows.", "Nothing happened. It was calm."]
    said = [Said(text, (cites("a"),) if n else ()) for n, text in enumerate(factual + idle)]
    assert citation_coverage(reply(*said)) == Count(2, 3)


def test_retrieval_is_judged_by_article_and_by_words():
    elsewhere = (Passed("a", "The mill stood empty.", "aaaa", 0, 5),)
    assert retrieval_recall(DISPUTE, reply(found=FOUND)) == Count(1, 2)
    assert retrieval_recall(QUESTION, reply(found=elsewhere)) == Count(1, 1)
    assert context_fact_recall(QUESTION, reply(found=elsewhere)) == Count(0, 1)
    assert context_fact_recall(QUESTION, reply(found=FOUND)) == Count(1, 1)
    quoted = Case(
        "q", "answerable", "?", (Fact("h", Pattern(any=("dozen",)), ("a",), quote="12 people were hurt"),)
    )
    assert context_fact_recall(quoted, reply(found=FOUND)) == Count(1, 1)


def test_repeated_items_and_distinct_articles_of_a_briefing():
    said = (RIGHT, Said("12 people were hurt!", (cites("b"),)), OTHER)
    assert duplicate_items(reply(*said)) == Count(1, 2)
    assert distinct_articles(reply(*said)) == 2
    assert duplicate_items(reply()) == Count(0, 0)
