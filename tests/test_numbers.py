"""Numbers in text are values with units, however they are written."""

import pytest

from rag.numbers import quantities


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("$3.2bn", 3.2e9, "USD"),
        ("3.2 billion dollars", 3.2e9, "USD"),
        ("US$100 billion", 1e11, "USD"),
        ("€1,250.50", 1250.5, "EUR"),
        ("nearly 20%", 20.0, "%"),
        ("20 per cent", 20.0, "%"),
        ("600,000 troops", 600000.0, ""),
        ("four-hour talks", 4.0, ""),
        ("twenty-two people", 22.0, ""),
        ("two hundred and six", 206.0, ""),
        ("a 28-point plan", 28.0, ""),
        ("minus: -5 degrees", -5.0, ""),
        ("Nov. 23", 23.0, ""),
    ],
)
def test_a_number_is_read_as_value_and_unit(text: str, value: float, unit: str) -> None:
    (found,) = quantities(text)
    assert (found.value, found.unit) == (value, unit)
    assert found.text in text


@pytest.mark.parametrize("text", ["one man", "half of them", "hundreds of thousands", "no figure", "COVID"])
def test_vague_words_are_no_numbers(text: str) -> None:
    assert quantities(text) == ()


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("$2 billion", "2bn dollars", True),
        ("$2 billion", "2 billion", False),
        ("20%", "20", False),
        ("600,000", "600000", True),
        ("12", "1.2", False),
        ("five", "5", True),
    ],
)
def test_only_the_same_amount_of_the_same_unit_is_the_same(left: str, right: str, same: bool) -> None:
    assert quantities(left)[0].same(quantities(right)[0]) is same
