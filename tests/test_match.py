"""The matcher, by tables: what states a fact and what only looks like it."""

from __future__ import annotations

import pytest

from evals.match import (
    Amount,
    Cited,
    Pattern,
    cited_sentences,
    found,
    has_alias,
    has_amount,
    has_date,
    markers,
    numbers,
    without_markers,
)

YES, NO = True, False

ALIASES = [
    ("Iran", "Iran signed the text.", YES),
    ("Iran", "The Iranian side signed.", NO),
    ("Iran", "Iran's side signed.", YES),
    ("Iran", "Tehran, Iran.", YES),
    ("Iran", "IRAN SIGNED", YES),
    ("NATO", "joining NATO, it said", YES),
    ("NATO", "signatory states", NO),
    ("by force", "taken by force of arms", YES),
    ("by force", "a standby force", NO),
    ("by force", "by forceful talks", NO),
    ("wish list", "a Russian wish\nlist", YES),
    ("wish list", "a Russian wish  list", YES),
    ("wish list", "a Russian wish-list", NO),
    ("51-49", "It passed 51–49.", YES),
    ("51-49", "It passed 51—49.", YES),
    ("51-49", "It passed 51−49.", YES),
    ("51-49", "It passed 151-49.", NO),
    ("51-49", "It passed 51-490.", NO),
    ("51-49", "It passed 51-49.5.", NO),
    ("51-49", "It passed 51-49, then closed.", YES),
    ("2021", "in 2021.", YES),
    ("2021", "about 2021.5 points", NO),
    ("100", "1,100 people", NO),
    ("100", "100,000 people", NO),
    ("100", "100% of people", NO),
    ("100", "100 people", YES),
    ("don't", "They don’t know", YES),
    ("“very optimistic”", 'She was "very optimistic".', YES),
    ("$2 billion", "a $2 billion stake", YES),
    ("$2 billion", "a US$2 billion stake", NO),
    ("Zelensky", "Zelenskyy spoke", NO),
    ("São Paulo", "in Sa\u0303o Paulo", YES),
    ("Sao Paulo", "in São Paulo", NO),
    ("Gaza deal", "the Gaza\u00a0deal", YES),
    ("STRASSE", "in der Straße", YES),
    ("fi", "of\ufb01ce", NO),
    ("office", "of\ufb01ce", YES),
    ("Foreign Affairs", "A foreign affair", NO),
    ("real estate", "a real-estate man", NO),
    ("U.S.", "the U.S. envoy", YES),
    ("a+b", "aab", NO),
    ("dealmaker does", "a “dealmaker does” in talks", YES),
]


@pytest.mark.parametrize(("alias", "text", "expected"), ALIASES)
def test_an_alias_is_found_as_whole_tokens(alias, text, expected):
    assert has_alias(text, alias) is expected


AMOUNTS = [
    # grouping, decimals, sign
    (Amount(600000), "600,000 troops", YES),
    (Amount(600000), "600000 troops", YES),
    (Amount(600000), "600 000 troops", YES),
    (Amount(612345), "612\u202f345 troops", YES),
    (Amount(600000), "600'000 troops", YES),
    (Amount(60000), "60,0000 troops", NO),
    (Amount(600), "600,000 troops", NO),
    (Amount(711), "clause 11", NO),
    (Amount(11), "clause 711", NO),
    (Amount(3.5), "3.5 points", YES),
    (Amount(35), "3.5 points", NO),
    (Amount(3.5), "35 points", NO),
    (Amount(5), "-5 degrees", NO),
    (Amount(-5), "-5 degrees", YES),
    (Amount(-5), "−5 degrees", YES),
    (Amount(-5), "minus 5 degrees", YES),
    (Amount(-5), "minus five degrees", YES),
    (Amount(49), "It passed 51-49.", YES),
    (Amount(-49), "It passed 51-49.", NO),
    (Amount(15), "10–15 people", YES),
    (Amount(42), "The answer is 42!", YES),
    (Amount(42), "(42)", YES),
    (Amount(3), "3½ years", NO),
    (Amount(3.5), "3½ years", YES),
    (Amount(0.5), "½ a litre", YES),
    # magnitude
    (Amount(3.2e9), "3.2bn", YES),
    (Amount(3.2e9), "3.2 billion", YES),
    (Amount(3.2e9), "3.2-billion", YES),
    (Amount(3.2e9), "3,200 million", YES),
    (Amount(3.2e9), "3.2 million", NO),
    (Amount(3.2), "3.2 billion", NO),
    (Amount(6e5), "600k", YES),
    (Amount(6e5), "0.6m", YES),
    (Amount(6e5), "600 thousand", YES),
    (Amount(6e5), "600 kilos", NO),
    (Amount(5e6), "5m", YES),
    (Amount(5e6), "5 m", NO),
    (Amount(5e6), "5 men", NO),
    (Amount(2.5e6), "two and a half million", YES),
    (Amount(2.5), "2 and a half years", YES),
    (Amount(1e5), "hundreds of thousands", NO),
    # words
    (Amount(12), "twelve people", YES),
    (Amount(12), "Twelve people", YES),
    (Amount(12), "a dozen people", YES),
    (Amount(24), "two dozen people", YES),
    (Amount(21), "twenty-one people", YES),
    (Amount(21), "twenty one people", YES),
    (Amount(20), "twenty-one people", NO),
    (Amount(1), "twenty-one people", NO),
    (Amount(105), "one hundred and five people", YES),
    (Amount(105), "a hundred and five people", YES),
    (Amount(6e5), "six hundred thousand", YES),
    (Amount(5e5), "half a million", YES),
    (Amount(1e6), "a million", YES),
    (Amount(2025), "two thousand and twenty-five", YES),
    (Amount(0), "zero deaths", YES),
    (Amount(16), "sixteen deaths", YES),
    (Amount(6), "sixteen deaths", NO),
    (Amount(6), "the sixth death", NO),
    (Amount(2), "two-thirds of people", NO),
    (Amount(5), "five and six", YES),
    (Amount(11), "five and six", NO),
    (Amount(4), "fourteen", NO),
    (Amount(10), "tender", NO),
    (Amount(1), "someone came", NO),
    # percent and currency are another class than bare numbers
    (Amount(20, "%"), "nearly 20%", YES),
    (Amount(20, "%"), "nearly 20 percent", YES),
    (Amount(20, "%"), "nearly 20 per cent", YES),
    (Amount(20, "%"), "twenty percent", YES),
    (Amount(20, "%"), "20 points", NO),
    (Amount(20), "20%", NO),
    (Amount(20, "%"), "20 percentage points", NO),
    (Amount(20, "pp"), "20 percentage points", YES),
    (Amount(2e9, "USD"), "$2 billion", YES),
    (Amount(2e9, "USD"), "$2bn", YES),
    (Amount(2e9, "USD"), "US$2 billion", YES),
    (Amount(2e9, "USD"), "US$ 2 billion", YES),
    (Amount(2e9, "USD"), "2 billion dollars", YES),
    (Amount(2e9, "USD"), "two billion US dollars", YES),
    (Amount(2e9, "USD"), "USD 2 billion", YES),
    (Amount(2e9, "USD"), "2 billion USD", YES),
    (Amount(2e9, "USD"), "a two-billion-dollar stake", YES),
    (Amount(2e9, "USD"), "€2 billion", NO),
    (Amount(2e9, "USD"), "A$2 billion", NO),
    (Amount(2e9, "USD"), "2 billion", NO),
    (Amount(2e9), "$2 billion", NO),
    (Amount(2e9, "EUR"), "2bn euros", YES),
    (Amount(7, "GBP"), "£7", YES),
    (Amount(-7, "GBP"), "-£7", YES),
    (Amount(-7, "USD"), "$-7", YES),
    (Amount(90, "RUB"), "90 roubles", YES),
    # the noun counted
    (Amount(5, "hour"), "five hours", YES),
    (Amount(5, "hour"), "a five-hour session", YES),
    (Amount(5, "hours"), "5 hours", YES),
    (Amount(5, "hour"), "five days", NO),
    (Amount(24, "hour"), "four hours", NO),
    (Amount(4, "hour"), "twenty-four hours", NO),
    (Amount(28, "point"), "a 28-point plan", YES),
    (Amount(28, "point"), "28% of points", NO),
    (Amount(5, "stake"), "a $5 stake", NO),
    (Amount(5, "km"), "5km away", YES),
    (Amount(5000), "5km away", NO),
    # no quantities at all
    (Amount(16), "an F-16 jet", NO),
    (Amount(19), "COVID-19", NO),
    (Amount(7), "the G7", NO),
    (Amount(10), "at 10:30", NO),
    (Amount(21), "the 21st time", NO),
    (Amount(12), "on 2025-12-02", NO),
    (Amount(28), "the plan—28 points—leaked", YES),
    (Amount(2021), "since mid-2021", YES),
    # tolerance only when written
    (Amount(3.2e9, "USD", rel=0.02), "$3.25bn", YES),
    (Amount(3.2e9, "USD", rel=0.02), "$3.3bn", NO),
    (Amount(100, abs=5), "about 104", YES),
    (Amount(100, abs=5), "about 106", NO),
    (Amount(100), "about 101", NO),
]


@pytest.mark.parametrize(("amount", "text", "expected"), AMOUNTS)
def test_a_number_is_found_by_value_and_unit(amount, text, expected):
    assert has_amount(text, amount) is expected


def test_each_number_is_read_once_with_its_unit_and_noun():
    read = [
        (number.value, number.unit, number.noun)
        for number in numbers("A 28-point plan, $100bn and 20% less.")
    ]
    assert read == [(28, "", "point"), (1e11, "USD", "and"), (20, "%", "less")]


DATES = [
    ("2025-11-23", "on Nov. 23 to talk", YES),
    ("2025-11-23", "on November 23, 2025, they", YES),
    ("2025-11-23", "on 23 November", YES),
    ("2025-11-23", "on 23 Nov 2025", YES),
    ("2025-11-23", "on the 23rd of November", YES),
    ("2025-11-23", "on November 23rd", YES),
    ("2025-11-23", "on 2025-11-23", YES),
    ("2025-11-23", "NOVEMBER 23", YES),
    ("2025-11-23", "at 2025-11-23T10:00", YES),
    ("2025-11-23", "number 2025-11-231", NO),
    ("2025-11-23", "on Nov. 23, 2024", NO),
    ("2025-11-23", "on 23 November 2024", NO),
    ("2025-11-23", "on Nov. 2", NO),
    ("2025-11-02", "on Nov. 23", NO),
    ("2025-11-02", "on 2 Nov.", YES),
    ("2025-11-02", "on 02 November", YES),
    ("2025-11-02", "on 12 November", NO),
    ("2025-11-02", "version 1.2 November", NO),
    ("2025-11-23", "on Dec. 23", NO),
    ("2025-11-23", "in November", NO),
    ("2025-11-23", "23 novels", NO),
    ("2025-05-01", "on 1 May", YES),
    ("2025-05-01", "on 1 Mayor", NO),
    ("2025-09-09", "on Sept. 9", YES),
    ("2025-09-09", "on Sep 9", YES),
    ("2025-03-03", "on 3 March, 15 people came", YES),
    ("2025-12", "in December 2025", YES),
    ("2025-12", "in Dec. 2025", YES),
    ("2025-12", "since 2025-12", YES),
    ("2025-12", "on 2025-12-02", NO),
    ("2025-12", "in December 2024", NO),
]


@pytest.mark.parametrize(("iso", "text", "expected"), DATES)
def test_a_date_is_found_in_its_forms(iso, text, expected):
    assert has_date(text, iso) is expected


PATTERNS = [
    (Pattern(any=("Miami", "Florida")), "in Florida", YES),
    (Pattern(any=("Miami", "Florida")), "in Geneva", NO),
    (Pattern(all=("Luhansk", "Donetsk")), "Donetsk and Luhansk", YES),
    (Pattern(all=("Luhansk", "Donetsk")), "Donetsk", NO),
    (Pattern(regex=r"\bon x\b"), "She wrote on X.", YES),
    (Pattern(regex=r"\bon x\b"), "She wrote on Xerxes.", NO),
    (Pattern(number=Amount(44)), "He is 44.", YES),
    (Pattern(date="2025-11-27"), "by Nov. 27", YES),
    (Pattern(), "anything", NO),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), PATTERNS)
def test_a_pattern_is_found_by_its_one_rule(pattern, text, expected):
    assert found(pattern, text) is expected


PLACES = [
    ("He won [a1].", [("He won .", ("a1",))]),
    ("He won. [a1]", [("He won.", ("a1",))]),
    ("He won.[a1] She lost.[b2]", [("He won.", ("a1",)), ("She lost.", ("b2",))]),
    ("He won. [a1] She lost.", [("He won.", ("a1",)), ("She lost.", ())]),
    ("He won. She lost [b2].", [("He won.", ()), ("She lost .", ("b2",))]),
    ("It passed [a1] at a cost of $3 [b2].", [("It passed at a cost of $3 .", ("a1", "b2"))]),
    ("He won [1][2].", [("He won .", ("1", "2"))]),
    ("He won [1, 2].", [("He won .", ("1", "2"))]),
    ("[a1] He won.", [("He won.", ("a1",))]),
    ("- He won [a1]\n- She lost [b2]", [("- He won", ("a1",)), ("- She lost", ("b2",))]),
    ("He won [sic].", [("He won [sic].", ())]),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_a_citation_belongs_to_the_sentence_it_ends(text, expected):
    assert cited_sentences(text, {"a1", "b2"}) == tuple(
        Cited(sentence, names) for sentence, names in expected
    )


def test_markers_leave_offsets_where_they_were():
    text = "It passed 51 [1] to 49 [a1]."
    assert without_markers(text, {"a1"}) == "It passed 51     to 49     ."
    assert [text[start:end] for (start, end), _ in markers(text, {"a1"})] == ["[1]", "[a1]"]


def test_the_number_of_a_citation_is_no_number_of_the_answer():
    assert [number.value for number in numbers(without_markers("He is 44 [7]."))] == [44]
