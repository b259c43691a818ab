"""Numbers in text as values with units, so that `$3.2bn` and `3.2 billion dollars` are one thing."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = {
    word: 10 * i
    for i, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
    )
}
_SMALL = {word: i for i, word in enumerate(_UNITS)} | _TENS | {"dozen": 12, "half": 0.5}
_LARGE = {
    "hundred": 100, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9,
    "b": 1e9, "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
_MONEY = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "dollar": "USD", "euro": "EUR", "pound": "GBP",
    "usd": "USD", "eur": "EUR", "gbp": "GBP", "yuan": "CNY", "rouble": "RUB", "ruble": "RUB", "kronor": "SEK",
    "krona": "SEK",
}  # fmt: skip
_WORDS = "|".join(sorted((*_SMALL, "hundred"), key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.])[-−])?(?P<money>US\$|[$€£¥])?\s?"
    rf"(?P<digits>(?<![\w.])\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|(?<![\w.,])\d+(?:\.\d+)?)"
    rf"(?P<large>\s?(?:hundred|thousand|million|billion|trillion|bn|mn|tn|m|k|b)\b)?"
    rf"(?P<ordinal>st|nd|rd|th)?(?P<percent>\s?(?:%|per ?cent\b|percent\b|percentage points?\b))?"
    rf"(?:[\s-](?P<unit>dollars?|euros?|pounds?|roubles?|rubles?|yuan|krona|kronor)\b)?"
    rf"|\b(?P<words>(?:{_WORDS})(?:[\s-](?:and\s)?(?:{_WORDS}|thousand|million|billion|trillion))*)\b"
    rf"(?P<percent2>\s?(?:%|per ?cent\b|percent\b))?"
    rf"(?:[\s-](?P<unit2>dollars?|euros?|pounds?|roubles?|rubles?|yuan|krona|kronor)\b)?",
    re.I,
)
_VAGUE = frozenset({"one", "half", "dozen"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as read: `value` in plain units, `unit` a currency, `%`, or empty."""

    text: str
    start: int
    end: int
    value: float
    unit: str

    def same(self, other: Quantity) -> bool:
        """Whether both are the same amount of the same unit."""
        close = abs(self.value - other.value) <= 1e-9 * max(1.0, abs(self.value))
        return close and self.unit == other.unit


def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the numbers in `text`, in order. A lone "one" or "half" is a word, not a number."""
    found: list[Quantity] = []
    for match in _NUMBER.finditer(text):
        spelled = match["words"]
        if spelled is not None:
            if spelled.casefold() in _VAGUE:
                continue
            value = _spelled(spelled)
            money = (match["unit2"] or "").casefold().rstrip("s")
            unit = "%" if match["percent2"] else _MONEY.get(money, "")
        else:
            value = float(match["digits"].replace(",", ""))
            large = (match["large"] or "").strip().casefold()
            value *= _LARGE.get(large, 1)
            if match["sign"] and not (match.start() and text[match.start() - 1].isalnum()):
                value = -value
            money = (match["money"] or match["unit"] or "").casefold().removeprefix("us").rstrip("s")
            unit = "%" if match["percent"] else _MONEY.get(money, "")
        found.append(Quantity(match.group().strip(), match.start(), match.end(), value, unit))
    return tuple(found)


def _spelled(text: str) -> float:
    total = current = 0.0
    for word in re.split(r"[\s-]+", text.casefold()):
        if word in _SMALL:
            current = current * _SMALL[word] if word == "dozen" and current else current + _SMALL[word]
        elif word in _LARGE:
            current = (current or 1) * _LARGE[word]
            if _LARGE[word] >= 1000:
                total, current = total + current, 0.0
    return total + current
