"""Any claim gets a verdict against whole passages, with the sentences it rests on and the reason in words."""

import pytest

from models.embedder import load_embedder
from models.parser import load_parser
from models.protocols import Embedder, Parser
from rag.coverage import SIGNALS, Weights, signals
from rag.records import Article, Passage
from rag.verdict import Looked, Verdict, decide, verdict

TEXT = (
    "The ferry Solvei caught fire on Monday. Its fire pump did not start by itself. The crew of seven needed "
    "22 minutes to start it by hand. A woman of 61 died of her injuries in Hestnes hospital on Tuesday. The "
    "seamen's union said that eleven were needed."
)
FERRY = Passage(Article("a" * 16, TEXT, title="Fire", published="2026-01-07"), 0, len(TEXT))
EVEN = Weights(tuple(0.0 for _ in SIGNALS), bias=1.0)


@pytest.fixture(scope="module")
def parser() -> Parser:
    return load_parser()


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


@pytest.mark.parametrize(
    ("claim", "support", "reason"),
    [
        ("The crew needed 22 minutes to start it by hand.", "supported", ""),
        ("A woman of 61 died on January 6.", "supported", ""),
        ("The crew needed 32 minutes to start it by hand.", "contradicted", "22 minutes"),
        ("A woman of 61 died on January 5.", "contradicted", "Tuesday"),
        ("Eleven were needed.", "partly", "union"),
        ("Parliament debated a new tax on sugar.", "unsupported", ""),
    ],
)
def test_a_verdict_names_its_sentence_and_its_reason(
    parser: Parser, embedder: Embedder, claim: str, support: str, reason: str
) -> None:
    found = verdict(claim, [FERRY], parser, embedder)
    assert found.support == support
    assert reason in found.reason
    assert all(each.quote in TEXT and each.support == support for each in found.citations)


def test_no_passage_at_all_bears_nothing_out(parser: Parser, embedder: Embedder) -> None:
    found = verdict("The ferry burned.", [], parser, embedder)
    assert (found.support, found.citations, found.reason) == ("unsupported", (), "no passage speaks of it")


@pytest.mark.parametrize(
    ("said", "held", "words", "support"),
    [
        (Verdict("contradicted", "it says 22, not 32"), 0.9, 12, "contradicted"),
        (Verdict("contradicted", "it says 22, not 32"), 0.8, 12, "supported"),
        (Verdict("unsupported", "it does not speak of red"), 0.9, 12, "partly"),
        (Verdict("unsupported", "it does not speak of red"), 0.4, 12, "supported"),
        (Verdict("unsupported", "it does not speak of red"), 0.4, 5, "unsupported"),
    ],
)
def test_the_chance_rules_only_where_a_long_claim_copies_no_sentence(
    said: Verdict, held: float, words: int, support: str
) -> None:
    values = tuple(1.0 for _ in SIGNALS)
    assert decide(Looked(said, held, values, words), EVEN).support == support


def test_signals_tell_what_stands_in_a_few_sentences_and_what_nowhere(parser: Parser) -> None:
    (claim,) = parser.parse(["Solvei burned for 40 hours in Hamburg."])
    found = dict(zip(SIGNALS, signals(claim, TEXT.split(". "), 0.5), strict=True))
    assert found["numbers_missing"] == 1.0
    assert found["names_missing"] == 1.0
    assert found["names_near"] == 0.5
    assert found["meaning"] == 0.5
