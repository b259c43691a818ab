"""A sentence of ours passes only when the passage it cites says so; else the reason is given in words."""

import re

import pytest

from models.parser import load_parser
from models.protocols import Parser
from rag.verify import check, well_formed

MET = "Steve Witkoff and Jared Kushner, who is Trump's son-in-law, met Putin in Moscow on Tuesday."
PLAN = "It would cap the size of the army at 600,000 troops and use $100 billion in frozen Russian assets."
LIEU = "Ted Lieu, a Democrat, branded the envoy “an actual traitor”, adding: “Witkoff works for us.”"
FUND = (
    "Putin was joined by Yuri Ushakov, his aide, and Kirill Dmitriev, the head of the sovereign wealth fund."
)
DRAFT = "The draft, allegedly written by Mr. Witkoff, would force Ukraine to concede regions to Russia."
SAID = "Rubio told reporters that the negotiators had made progress in Geneva."
DENIED = "Rubio will not accompany the delegation to Moscow."


@pytest.fixture(scope="module")
def parser() -> Parser:
    return load_parser()


@pytest.mark.parametrize(
    ("passage", "claim"),
    [
        (MET, "Jared Kushner met Putin in Moscow."),
        (MET, "Witkoff and Kushner met Putin in Moscow on Tuesday."),
        (MET, "Kushner is Trump's son-in-law."),
        (PLAN, "It would cap the army at 600,000 troops."),
        (LIEU, "Ted Lieu is a Democrat."),
        (FUND, "Kirill Dmitriev is the head of the sovereign wealth fund."),
        (SAID, "Rubio told reporters that the negotiators had made progress."),
        (DENIED, "Rubio will not accompany the delegation."),
    ],
)
def test_what_the_passage_says_is_supported(parser: Parser, passage: str, claim: str) -> None:
    cited, said = parser.parse([passage, claim])
    assert check(said, [cited]).reason == ""


@pytest.mark.parametrize(
    ("passage", "claim", "support", "reason"),
    [
        (MET, "Witkoff and Zelenskyy met Putin in Moscow.", "unsupported", "Zelenskyy is not named"),
        (MET, "Witkoff is Trump's son-in-law.", "contradicted", "said of another than Witkoff"),
        (MET, "Putin met Witkoff in Moscow.", "contradicted", "has another doing"),
        (MET, "Witkoff and Kushner met Putin on Sunday.", "contradicted", "says Tuesday, not Sunday"),
        (PLAN, "It would cap the army at 800,000 troops.", "contradicted", "600,000, not 800,000"),
        (
            PLAN,
            "It would use 100 billion in frozen assets.",
            "contradicted",
            r"\$100 billion, not 100 billion",
        ),
        (PLAN, "It would not use frozen assets.", "contradicted", "does not deny"),
        (LIEU, "Witkoff is a Democrat.", "contradicted", "said of another than Witkoff"),
        (FUND, "Ushakov is the head of the sovereign wealth fund.", "contradicted", "said of another"),
        (DRAFT, "The draft was written by Witkoff.", "partly", "only says “allegedly”"),
        (SAID, "The negotiators made progress in Geneva.", "partly", "it is what Rubio says"),
        (DENIED, "Rubio will accompany the delegation.", "contradicted", "denies this"),
        (MET, "Kushner bought a hotel in Moscow.", "unsupported", "does not speak of"),
    ],
)
def test_what_it_does_not_say_is_caught_with_a_reason(
    parser: Parser, passage: str, claim: str, support: str, reason: str
) -> None:
    cited, said = parser.parse([passage, claim])
    verdict = check(said, [cited])
    assert verdict.support == support
    assert re.search(reason, verdict.reason)


FERRY = "At least 46 people have fallen ill in Verkhnia Lypivka, the health department said on Tuesday."
VOTES = "Marrow-Achebe, a former headmistress, received 21,407 votes."
OFFER = "Hexin may sell its plant for six million dollars, Zhao Wenqing said."


@pytest.mark.parametrize(
    ("passage", "claim"),
    [
        (FERRY, "The health department said on 3 March 2026 that more than 40 people have fallen ill."),
        (FERRY, "According to the health department, at least 46 people have fallen ill."),
        (VOTES, "Marrow-Achebe received about 21,400 votes."),
        ("Kushner, 44, holds no office.", "Kushner is 44 years old."),
        ("The firm bought two planes.", "Two aircraft were purchased by the company."),
        (OFFER, "Zhao Wenqing said that Hexin may sell its plant for $6m."),
        ("Zelensky flew from Kyiv to the United States.", "Zelenskyy flew from Kiev to the U.S."),
        ("The board hired Ms. Li on Jan. 5.", "On 5 January, Ms. Li was hired by the board."),
    ],
)
def test_the_same_in_another_way_is_supported(parser: Parser, passage: str, claim: str) -> None:
    cited, said = parser.parse([passage, claim])
    assert check(said, [cited], published="2026-03-04").reason == ""


@pytest.mark.parametrize(
    ("passage", "claim", "reason"),
    [
        (
            FERRY,
            "The health department said on 4 March that 46 people have fallen ill.",
            "Tuesday, not 4 March",
        ),
        (FERRY, "The health department said that at most 46 people have fallen ill.", "says At least 46"),
        (FERRY, "At least 46 people have fallen ill.", "it is what the health department says"),
        (FERRY, "At least 46 people have fallen ill, the mayor said.", "does not speak of “mayor”"),
        (VOTES, "Marrow-Achebe received about 24,000 votes.", "says 21,407, not about 24,000"),
        (
            OFFER,
            "Zhao Wenqing said that Hexin will sell its plant for six million dollars.",
            "only says “may sell”",
        ),
        (
            OFFER,
            "Hexin may sell its plant for six billion dollars, Zhao Wenqing said.",
            "six million dollars",
        ),
        ("The shares of Hexin fell by 9%.", "The shares of Hexin rose by 9%.", "says “fall”, not “rise”"),
        ("The talks took four days.", "The talks took four hours.", "says four days, not four hours"),
        ("It has 2,300 drivers, and 1,900 members.", "It has 1,900 drivers.", "says 2,300 driver"),
        ("Kushner, 44, holds no office.", "Kushner has held no office for 44.", "44 is an age"),
        ("The leaked call with Yury Ushakov was long.", "Yury Ushakov was the leaked call.", "does not call"),
    ],
)
def test_one_changed_fact_is_caught(parser: Parser, passage: str, claim: str, reason: str) -> None:
    cited, said = parser.parse([passage, claim])
    found = check(said, [cited], published="2026-03-04")
    assert found.support != "supported"
    assert re.search(reason, found.reason)


def test_a_name_from_before_does_not_stand_where_the_passage_names_another(parser: Parser) -> None:
    cited, said = parser.parse(
        ["Rubio told reporters that it went well.", "Witkoff told reporters it went well."]
    )
    assert check(said, [cited], context="Witkoff was there.").support == "contradicted"


def test_a_name_of_the_question_alone_is_no_evidence(parser: Parser) -> None:
    passage = "The Saudi fund invested $2 billion in his firm."
    cited, said, asked = parser.parse(
        [passage, "Qatar invested $2 billion in his firm.", "How much did Qatar invest in his firm?"]
    )
    assert check(said, [cited], asked).reason == "Qatar is not named in the passage"


def test_what_stands_before_may_lend_a_name(parser: Parser) -> None:
    cited, said = parser.parse(
        ["The president was in France on Monday.", "Zelensky was in France on Monday."]
    )
    assert check(said, [cited]).support == "unsupported"
    assert check(said, [cited], context="Zelensky said the proposal looks better.").support == "supported"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Ruthless and ruthless.", "no whole sentence"),
        ("The plan was the plan of the plan by the plan.", "repeats"),
        ("Witkoff met Putin in Moscow on", "does not end"),
        ("Who met Putin?", "does not end like a statement"),
        ("In Moscow.", "2 words"),
        ("", "does not begin"),
        ("He called it “a deal.", "quotation marks"),
        ("Kushner and Sergei Gorkov has a history of meetings in New York.", "does not go with its subject"),
        ("Berg and Holm was seen in Oslo on Monday.", "does not go with its subject"),
    ],
)
def test_a_broken_sentence_is_refused(parser: Parser, text: str, wrong: str) -> None:
    assert wrong in well_formed(parser.parse([text])[0])


def test_a_whole_sentence_is_well_formed(parser: Parser) -> None:
    assert well_formed(parser.parse(["Jared Kushner is 44 years old."])[0]) == ""
    assert well_formed(parser.parse(["Berg and Holm have met, and it was raining."])[0]) == ""
    assert well_formed(parser.parse(["Kushner has met Berg and Holm in Oslo."])[0]) == ""
