"""Key points and events: a sentence that leans on the one before it is told behind it or not at all."""

from __future__ import annotations

import pytest

from models.embedder import load_embedder
from models.parser import load_parser
from rag.lines import Writer
from rag.points import Chooser, Pool
from rag.records import Article
from rag.statements import gather_statements
from rag.telling import Telling

EMBEDDER, PARSER = load_embedder(), load_parser()


def told(
    text: str, *, topic: str = "the fire aboard the Solvei", words: int = 60, whole: bool = True
) -> list[str]:
    article = Article("a" * 16, text)
    pool = Pool(gather_statements(topic, [article], EMBEDDER, PARSER))
    telling = Telling(pool.statements, (), Writer(pool, Chooser(pool), PARSER, words), dates=False)
    telling.tell(words)
    for point in telling.points:
        assert not whole or " ".join(point.claim.citations[0].quote.split()) == point.claim.text
    return sorted(telling.lines)


DIED = "A woman of 61 died of her injuries in Hestnes hospital on Monday."
BOTH = f"{DIED} That brings the number of dead to six."


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            f"{DIED} That brings the number of dead to six.",
            [f"{DIED} That brings the number of dead to six."],
        ),
        (
            "Captain Ola Berg left the Solvei last. He had called the coast guard at 19:04.",
            ["Captain Ola Berg left the Solvei last. He had called the coast guard at 19:04."],
        ),
        (
            "Captain Ola Berg met Nils Lund aboard the Solvei. He had called the coast guard at 19:04.",
            ["Captain Ola Berg met Nils Lund aboard the Solvei."],
        ),
    ],
)
def test_what_leans_stands_behind_what_it_leans_on_where_that_is_plain(text, lines):
    assert told(text) == lines


def test_what_opens_with_what_came_before_or_only_announces_is_not_told_alone():
    text = "Under it, Norland gives up the port of Tarnvik. The Solvei leaves the town with three questions:"
    assert told(text) == []


def test_a_dateline_stays_out_of_shorter_forms_too():
    text = (
        "TARNVIK, Jan 2 (NordPress) – Five people died on the Solvei, after divers had recovered two bodies."
    )
    assert told(text, words=8, whole=False) == ["Five people died on the Solvei."]


def test_the_words_are_not_exceeded():
    assert told(BOTH, words=15) == [DIED]


def test_a_topic_that_asks_prefers_what_it_asks_for():
    text = (
        "The Solvei left Tarnvik on Friday with 94 people. The harbour was closed for a day in May. "
        "Tarnvik has a church from 1750 and a school. Tarnvik lies on the coast of Norland. "
        "The Solvei was built in 1989 in Tarnvik. The mayor of Tarnvik opened a bridge in May. "
        "The union of Tarnvik expects that jobs go. A band played in Tarnvik for two hours. Snow fell."
    )
    asked = "The union of Tarnvik expects that jobs go."
    assert asked in told(text, topic="what does it mean for jobs in Tarnvik?", words=20)
    assert asked not in told(text, topic="Tarnvik", words=20)


@pytest.mark.parametrize(
    "undone",
    [
        "On Friday we quoted Ola Berg, who runs the Solvei, as saying that Norland is cold.",
        "Ola Berg of the Solvei said on Friday that Norland is cold. He did not say this.",
    ],
)
def test_what_an_article_takes_back_is_not_told(undone):
    kept = "Ola Berg of the Solvei spoke of the weather in Tarnvik on Sunday."
    assert not any("cold" in line and "did not" not in line for line in told(f"{kept} {undone}"))
