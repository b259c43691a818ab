"""What evidence must tell to answer: relations that cannot be paraphrased away, and whose words on whom."""

import pytest

from models.embedder import load_embedder
from models.parser import load_parser
from models.trees import Trees
from rag.confidence import veto
from rag.engines import FITTED
from rag.question import read_question
from rag.records import Article, Hit, Passage
from rag.select import select

LEDE = "On Monday the mayor's press secretary, Anna Berg, spoke of the new mill. "


def objection(question: str, text: str, sentence: str = "") -> str:
    """What the best evidence lacks, or that of a sentence."""
    parser, embedder = load_parser(), load_embedder()
    article = Article("a", text, title="Dalby", source="Dalby Post")
    asked = read_question(question, parser)
    hits = [Hit(Passage(article, 0, len(text)), 1.0)]
    evidence = select(asked, hits, embedder, parser, Trees.load(FITTED / "evidence.npz"))
    return veto(asked, next(found for found in evidence if sentence in found.sentence.text))


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Who is Anna Berg married to?", LEDE, "nothing is said of “married”"),
        ("Who is Anna Berg married to?", LEDE + "She and her husband, Carl Holm, live in Dalby.", ""),
        ("In what year was Anna Berg born?", LEDE + "She came in 1998.", "nothing is said of “born”"),
        ("In what year was the mill founded?", LEDE + "It burnt in 1907.", "nothing is said of “founded”"),
        ("In what year was the mill founded?", LEDE + "The mill was set up in 1907.", ""),
        ("When did Anna Berg become press secretary?", LEDE, "nothing is said of “become”"),
        ("Did Anna Berg succeed in selling the mill?", LEDE, ""),
        ("Who was charged with theft?", LEDE + "A theft was alleged.", "nothing is said of “charged with”"),
        ("What is the secretary called?", "The mayor and her secretary met.", "no name is given"),
        ("Who leaked the letter?", "The leak of the letter alarmed Holm.", "who leaked it is not said"),
        ("Who mediated the truce?", "Leading the mediation of the truce, Holm was tired.", ""),
        ("Who leaked the letter?", "Holm’s leak of the letter alarmed her.", ""),
        ("Who leaked the letter?", "The Post showed a letter leaked to it.", "who leaked it is not said"),
        ("Who is the spokesman of the town?", "Carl Holm is its envoy.", "nothing is said of “spokesman”"),
        ("How old is Carl Holm, the founder of Ax?", "Carl Holm, 44, left Ax.", ""),
        ("How many civilians died?", "Of the soldiers 400 died.", "nothing is said of “civilians”"),
        ("Who is the spokesman of the town?", "Carl Holm is press secretary of the town.", ""),
        ("How old is he?", "Carl Holm, 44, was there.", "whose age is asked for is not said"),
        ("How old is Carl Holm?", "Carl Holm, 44, was there.", ""),
        ("How old is the mayor?", "The mayor, 44, was there.", ""),
        ("Who leaked the letter?", "Anna Berg spoke of the leaked letter.", "who leaked it is not said"),
        ("Who leaked the letter?", "The letter was leaked on Monday.", "who leaked it is not said"),
        ("Who passed the tape of the call on?", "The Post has a leaked call.", "who passed it is not said"),
        ("Who leaked the draft?", "The draft that leaked in May is wrong.", "who leaked it is not said"),
        ("Who recorded the call?", "The Post has a leaked call.", "nothing is said of “recorded”"),
        ("Who passed the bridge?", "They passed the bridge.", ""),
        ("Who signed the deal?", "Berg wrote the deal, a significant one.", "nothing is said of “signed”"),
        ("Who signed the deal?", "Berg wrote and signed the deal.", ""),
        ("Who leaked the letter?", "The letter was leaked by Carl Holm.", ""),
        ("Who leaked the letter?", "Carl Holm leaked the letter on Monday.", ""),
        ("What position does Carl Holm hold?", LEDE + "Carl Holm was there.", "what they are is not said"),
        ("What position does Anna Berg hold?", LEDE, ""),
    ],
)  # fmt: skip
def test_a_relation_must_be_told(question: str, text: str, expected: str) -> None:
    assert objection(question, text) == expected


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (
            "What is the name of the mayor's translator?",
            "With the mayor came her envoy Carl Holm and a translator.",
            "no name is given",
        ),
        (
            "What is the name of the mayor's translator?",
            "The mayor had with her Anna Berg, her aide, her envoy, Carl Holm, and a translator.",
            "no name is given",
        ),
        (
            "What is the name of the mayor's translator?",
            "A translator! said Anna Berg, Who needs one?",
            "no name is given",
        ),
        ("What is the name of the mayor's translator?", "The mayor's translator, Carl Holm, left.", ""),
        ("What is the name of the mayor's translator?", "The mayor's translator is called Carl Holm.", ""),
        (
            "What is the name of the man who drove into the mill?",
            "A man of 29 drove into the mill in Dalby.",
            "no name is given",
        ),
        ("What is the mayor's paper called?", "The mayor's paper appears on Fridays.", "no name is given"),
        ("What is the mayor's newsletter called?", "The mayor's newsletter “Dalby weekly” sells.", ""),
        ("What is the mayor's newsletter called?", "The mayor writes a newsletter, Dalby Weekly.", ""),
    ],
)  # fmt: skip
def test_a_name_asked_for_is_that_of_the_one_asked_about(question: str, text: str, expected: str) -> None:
    assert objection(question, text) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Anna Berg said that the mill was “a ruin”.", "Carl Holm is not what they speak about"),
        ("Anna Berg said that Holm was “a traitor”.", ""),
        ("Anna Berg said that he was “a traitor”.", ""),
        ("Carl Holm said that the mill was “a ruin”.", "no words of Anna Berg are given"),
        ("Anna Berg came to meet Carl Holm at the mill.", "no words of Anna Berg are given"),
    ],
)
def test_words_asked_for_are_the_speakers_and_on_the_one_named(said: str, expected: str) -> None:
    text = f"{said} The council meets again on Friday. Anna Berg and Carl Holm will be there."
    assert objection("What did Anna Berg say about Carl Holm?", text, said) == expected


def test_a_government_speaks_for_its_country() -> None:
    said = "The US said that Carl Holm was “a traitor”."
    assert objection("What did Washington say about Carl Holm?", said) == ""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What was the average 15-year rate in Dalby?", "15 is not given"),
        ("What was the average 30-year rate in Dalby?", ""),
        ("What was the average 30-year rate in Dalby on August 4, 2022?", ""),
        ("What was the average rate on the 1,200 loans?", ""),
        ("What was the average rate in Dalby on 4 August at 10:30?", ""),
        ("What was the average rate on loans of 3 billion in Dalby?", "3 billion is not given"),
        ("What was the average rate on loans of 2 million in Dalby?", ""),
    ],
)
def test_a_number_of_the_question_is_given(question: str, expected: str) -> None:
    text = "The average 30-year rate in Dalby was 6.92% last week on 1,200 loans, 2 million in all."
    assert objection(question, text) == expected


ARMY = "The plan would have Holm give up land and keep its army to 600 troops."
FORCES = (
    "The plan favours Russia and would have Ukraine give up land and keep its armed forces to 600 troops."
)
FIRM = "His ties helped, among them 2 million dollars from the bank for his firm."


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("To how many troops would the plan limit Falk's army?", f"Falk rules. {ARMY}", ""),
        (
            "To how many troops would the plan limit Falk's army?",
            f"Falk rules. The sun shone. It was Monday. {ARMY}",
            "it is not said of “Falk”",
        ),
        (
            "How much did the bank put into Lund's firm?",
            f"Lund and Berg came. It rained. Berg has friends. {FIRM}",
            "it is not said of “Lund”",
        ),
        ("How much did the bank put into Berg's firm?", f"Lund came. Berg has friends. {FIRM}", ""),
        (
            "How old is Ida Lund?",
            "Berg, 44, who is married to Ida Lund, spoke in Dalby.",
            "it is not said of “Ida Lund”",
        ),
        ("To how many troops would the plan limit Ukraine's army?", FORCES, ""),
        ("To how many troops would the plan limit the Russian army?", FORCES, "it is not said of “Russian”"),
        (
            "Which minister do Trump's envoys overshadow?",
            "Trump rules. American envoys overshadow the minister.",
            "",
        ),
        ("How much did Riyadh's fund pay?", "The Saudi fund paid 2 million dollars.", ""),
        ("How much did Oslo's fund pay?", "The Saudi fund paid 2 million dollars.", "Oslo is not mentioned"),
        (
            "How many troops does the Falkish army have?",
            "Falkish money goes to Holm. Holm’s army has 600 troops.",
            "it is not said of “Falkish”",
        ),
        (
            "What did Lund's secretary say?",
            "Lund came. Berg’s secretary said that it rained in 44 towns.",
            "it is not said of “Lund”",
        ),
        ("How old is Anna Berg?", "Berg, 44, who is married to Ida Lund, spoke in Dalby.", ""),
        (
            "How old is Berg's wife?",
            "Berg, 44, who is married to Ida Lund, spoke in Dalby.",
            "it is not said of “Berg”",
        ),
        ("How old is Ida Lund's wife?", "Berg, 44, who is married to Ida Lund, spoke in Dalby.", ""),
    ],
)
def test_a_number_of_somebody_else_is_no_answer(question: str, text: str, expected: str) -> None:
    known = (ARMY, FIRM, "44", "600 troops", "envoys", "fund")
    sentence = next(part for part in known if part in text)
    assert objection(question, text, sentence) == expected


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Why did Berg not go?", "Berg will not go to Dalby, leaving it to Holm.", "no reason is given"),
        ("Why has there been no summit?", "They had agreed to hold a summit in Dalby.", "no reason is given"),
        ("Why did Berg not go?", "Berg did not go because she was ill.", ""),
        ("Why does the lamp go dark?", "The lamp stays dark to not disturb the birds.", ""),
        ("Why do they strike?", "They have stepped up their strikes on Dalby to put strain on it.", ""),
        ("Why is Dalby important?", "They took Dalby, a hub of great weight.", ""),
        ("Why does Dalby matter?", "They took Dalby, a hub of great weight.", ""),
        ("Why was Berg not in Dalby?", "Berg is not in Dalby.", "no reason is given"),
    ],
)
def test_a_fact_is_no_reason_for_itself(question: str, text: str, expected: str) -> None:
    assert objection(question, text) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many troops does Holm have?", "only a limit is given"),
        ("How many troops would Holm have?", ""),
        ("To how many troops is Holm held by the plan?", ""),
    ],
)
def test_a_limit_does_not_say_how_many_there_are(question: str, expected: str) -> None:
    text = "The deal would limit the army of Holm to 600 troops."
    assert objection(question, text) == expected
