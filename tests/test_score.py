"""Passing, failing and where a failed case was lost."""

from __future__ import annotations

import pytest

from evals.cases import Ban, Case, Corpus, Fact
from evals.match import Pattern
from evals.reply import Passed, Quoted, Reply, Said, reply_from_json, reply_from_text
from evals.score import score
from rag.records import Article

FIRE = "Police said 12 people were hurt. The fire began at night."
CORPUS = Corpus({"a": Article(id="aaaa", text=FIRE), "b": Article(id="bbbb", text="It rained in Dalby.")})
FACT = Fact("hurt", Pattern(any=("12 people",)), ("a",))
CASE = Case("fire", "answerable", "How many were hurt?", (FACT,))
QUOTE = Quoted("a", "aaaa", 0, 32, FIRE[:32], 1)
NIGHT = Quoted("a", "aaaa", 33, 57, FIRE[33:57], 1)
FOUND = (Passed("a", FIRE, "aaaa", 0, 57),)
SAID = Said("12 people were hurt.", (QUOTE,))


def label(case, reply):
    scored = score(case, reply, CORPUS)
    assert scored.passed is (scored.label is None)
    return scored.label


def answered(*said, found=FOUND, status="answered"):
    return Reply(status, "", said, found=found)


RAIN = Said("It rained.", (NIGHT,))
LOST = [
    ("passes", answered(SAID), None),
    ("a part is enough", answered(SAID, status="partial"), None),
    ("not found", answered(RAIN, found=(Passed("b", "It rained"),)), "retrieval"),
    ("found elsewhere only", answered(RAIN, found=(Passed("b", FIRE),)), "retrieval"),
    ("refused without finding", answered(status="refused", found=()), "retrieval"),
    ("refused what was found", answered(status="refused"), "threshold"),
    ("found, not quoted", answered(Said("At night.", (NIGHT,))), "evidence"),
    ("said without citing", answered(Said("12 people.", ())), "evidence"),
    ("quoted, not said", answered(Said("Some were hurt.", (QUOTE,))), "wording"),
    ("much too long", answered(Said("12 people " + "and " * 200, (QUOTE,))), "shape"),
]


@pytest.mark.parametrize(("reply", "expected"), [pytest.param(*row[1:], id=row[0]) for row in LOST])
def test_a_failed_case_says_where_it_was_lost(reply, expected):
    assert label(CASE, reply) == expected


def test_an_unanswerable_case_passes_by_refusing():
    case = Case("age", "unanswerable", "How old is she?", reason="absent")
    assert label(case, Reply("refused", "", ())) is None
    assert label(case, Reply("answered", "", (SAID,))) == "threshold"


def test_a_disagreement_told_but_not_called_one_is_a_wrong_verdict():
    rain = Fact("rain", Pattern(any=("rained",)), ("b",))
    case = Case("toll", "conflict", "What happened?", (FACT, rain))
    both = (SAID, Said("It rained.", (Quoted("b", "bbbb", 0, 9, "It rained", 2),)))
    assert label(case, Reply("conflict", "", both)) is None
    assert label(case, Reply("answered", "", both)) == "verdict"


def test_what_must_not_be_said_or_cited_fails_the_case():
    ban = Ban("toll", Pattern(any=("13 people",)), "an earlier count")
    banned = Case("fire", "answerable", "How many?", (FACT,), bans=(ban,))
    scored = score(banned, Reply("answered", "", (SAID, Said("Or 13 people.", ()))), CORPUS)
    assert (scored.label, scored.missing) == ("said", ("said toll (an earlier count)",))
    forbidden = Case("fire", "answerable", "How many?", (FACT,), forbid=("a",))
    assert score(forbidden, Reply("answered", "", (SAID,)), CORPUS).missing == (
        "cited a, which this case forbids",
    )


def test_a_missing_fact_is_described_for_the_reader():
    assert score(CASE, Reply("refused", "", ()), CORPUS).missing == ("hurt: 12 people (a) [retrieval]",)


CITATION = {"n": 1, "article": "aaaa", "start": 0, "end": 32, "quote": FIRE[:32], "path": "/x/fire.txt"}
RECORD = {
    "answer": {
        "question": "How many were hurt?", "status": "answered", "answer": "12 people were hurt. [1]",
        "claims": [{"text": "12 people were hurt.", "by": "model", "citations": [CITATION]}],
        "sides": [], "nearest": [], "rejected": [{"text": "So many.", "reason": "not in the evidence"}],
    },
    "hits": [{"article": "aaaa", "start": 0, "end": 57}],
    "seconds": 0.5,
}  # fmt: skip


def test_the_json_contract_becomes_a_reply():
    reply = reply_from_json(RECORD, CORPUS)
    assert reply.said == (Said("12 people were hurt.", (QUOTE,), "model"),)
    assert (reply.status, reply.rejected, reply.seconds, reply.found) == (
        "answered",
        ("So many.",),
        0.5,
        FOUND,
    )
    assert score(CASE, reply, CORPUS).passed


def test_a_citation_of_an_unknown_article_supports_nothing():
    stranger = {**CITATION, "article": "dddd"}
    claims = [{"text": "12 people were hurt.", "by": "model", "citations": [stranger]}]
    reply = reply_from_json({**RECORD, "answer": {**RECORD["answer"], "claims": claims}}, CORPUS)
    assert reply.said[0].keys == frozenset()
    assert not score(CASE, reply, CORPUS).passed


def test_a_probe_cites_by_key():
    reply = reply_from_text("12 people were hurt. [a] It rained [b].", CASE, CORPUS)
    assert [(said.text, sorted(said.keys)) for said in reply.said] == [
        ("12 people were hurt.", ["a"]),
        ("It rained .", ["b"]),
    ]
    assert reply_from_text("", CASE, CORPUS).status == "refused"
