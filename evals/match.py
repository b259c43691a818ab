"""Says whether a text states a fact: aliases, numbers, dates, and which citations a sentence carries."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from rag.text import normalise, sentences

Span = tuple[int, int]


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return `text` as it is compared: one case, plain quotes and dashes, single spaces."""
    return normalise(text)


# ---------------------------------------------------------------- what to look for


@dataclass(frozen=True, slots=True)
class Amount:
    """A number to look for."""

    value: float = field(metadata={"says": "the number itself: 3.2e9 for 3.2 billion"})
    unit: str = field(
        default="", metadata={"says": '"", "%", "pp", a currency code ("USD") or the noun counted ("hour")'}
    )
    abs: float = field(default=0.0, metadata={"says": "how far off it may be"})
    rel: float = field(default=0.0, metadata={"says": "how far off it may be, as a share: 0.02 is 2 %"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way of recognising a fact; exactly one field is set."""

    any: tuple[str, ...] = field(
        default=(), metadata={"says": "texts of which one must occur, as whole words"}
    )
    all: tuple[str, ...] = field(
        default=(), metadata={"says": "texts that must all occur in one sentence, in any order"}
    )
    regex: str = field(
        default="", metadata={"says": "a regular expression, searched in the text in lower case"}
    )
    number: Amount | None = field(default=None, metadata={"says": "a number, found by value and unit"})
    date: str = field(default="", metadata={"says": "a day (2025-11-23) or month (2025-11)"})


def found(pattern: Pattern, text: str) -> bool:
    """Whether `text`, from which citation markers are already gone, states what `pattern` looks for."""
    if pattern.any:
        return any(has_alias(text, alias) for alias in pattern.any)
    if pattern.all:
        return all(has_alias(text, alias) for alias in pattern.all)
    if pattern.regex:
        return re.search(pattern.regex, plain(text), re.IGNORECASE) is not None
    if pattern.number is not None:
        return has_amount(text, pattern.number)
    return bool(pattern.date) and has_date(text, pattern.date)


# ---------------------------------------------------------------- aliases


def has_alias(text: str, alias: str) -> bool:
    """Whether `alias` occurs in `text` as whole tokens, whatever the case, spacing, dashes and quotes."""
    return _alias(alias).search(plain(text)) is not None


@lru_cache(maxsize=4096)
def _alias(alias: str) -> re.Pattern[str]:
    folded = normalise(alias)
    before, after = r"(?<!\w)", r"(?!\w)"
    if folded[:1].isdigit():
        before += r"(?<!\d[.,:])"
    if folded[-1:].isdigit():
        after += r"(?![.,:]\d)(?!\s?%)"
    return re.compile(before + re.escape(folded) + after)


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True, slots=True)
class Number:
    """A number read in a text."""

    value: float
    unit: str = ""
    """"%", "pp", a currency code, or empty."""
    noun: str = ""
    """The next word, in the singular: "point" in "28-point plan"."""


_BELOW_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELT: dict[str, float] = (
    {"half": 0.5}
    | dict(zip(_BELOW_TWENTY.split(), range(20), strict=True))
    | dict(zip(_TENS.split(), range(20, 100, 10), strict=True))
)
_GREAT: dict[str, float] = {"dozen": 12, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SHORT: dict[str, float] = {
    "k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "b": 1e9, "bn": 1e9, "tn": 1e12, "trn": 1e12
}  # fmt: skip
_MAGNITUDE = _GREAT | _SHORT | {"hundred": 100.0}
_CURRENCY = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "us dollar": "USD",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "£": "GBP", "gbp": "GBP", "pounds sterling": "GBP",
    "¥": "JPY", "yen": "JPY",
    "₽": "RUB", "rouble": "RUB", "ruble": "RUB", "₴": "UAH", "hryvnia": "UAH",
    "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD",
}  # fmt: skip

_LOW, _TEN, _BIG = ("|".join(words) for words in (_BELOW_TWENTY.split(), _TENS.split(), _GREAT))
_UNDER_100 = rf"(?:(?:{_TEN})(?:[ -](?:{_LOW}))?|{_LOW})"
_UNDER_1000 = rf"(?:(?:{_UNDER_100}|an?)[ -]hundred(?:[ -](?:and )?{_UNDER_100})?|{_UNDER_100})"
_FRACTION = r"(?!-(?:half|halves|(?:third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth)s?|first)\b)"
_SPELLING = re.compile(
    rf"(?<![\w-])(?:(?:half )?an? (?:{_BIG})"
    rf"|{_UNDER_1000}(?:[ -](?:{_BIG})(?:[ -](?:and )?{_UNDER_1000})?)*)(?!\w){_FRACTION}"
)
_VULGAR = {"½": ".5", "¼": ".25", "¾": ".75"}
_NOT_A_QUANTITY = re.compile(
    r"(?<!\w)\d{4}-\d{2}(?:-\d{2})?(?!\w)"  # an ISO date
    r"|(?<!\w)\d{1,2}:\d{2}(?!\w)"  # a time of day
    r"|(?<!\w)\d+(?:st|nd|rd|th)(?!\w)"  # an ordinal
    r"|(?<!\w)\d{2,4}s(?!\w)"  # a decade
    r"|(?<![\w$€£¥₽₴])(?!(?:usd|eur|gbp|mid|pre|post)-?\d)[a-z]+-?\d[\w-]*"  # a name: f-16, g7, covid-19
)
_NUMBER = re.compile(
    r"(?<!\w)(?P<sign>(?<![.,)%])(?:-|minus ))?"
    r"(?:(?P<before>(?:(?:us|au|a|ca|c|nz|hk|s)?\$|[€£¥₽₴]|usd|eur|gbp) ?)(?P<sign2>-)?)?"
    r"(?P<whole>\d{1,3}(?:[,']\d{3})+(?!\d)|\d+)(?P<fraction>\.\d+)?(?P<half> and a half)?"
    rf"(?:[ -]?(?P<great>{_BIG}|hundred|mn|mln|bn|tn|trn)(?!\w)|(?P<short>k|m|b)(?!\w))?"
    r"(?:[ -]?(?P<points>percent(?:age)? points?|pp)(?!\w)|[ -]?(?P<percent>%|percent|per cent|pct)(?!\w)"
    r"|[ -](?P<after>(?:us )?dollars?|usd|euros?|eur|pounds sterling|gbp|yen|rou?bles?|hryvnias?)(?!\w))?"
    r"(?:[ -]?(?P<noun>[^\W\d_]+))?"
)


def numbers(text: str) -> tuple[Number, ...]:
    """Return the quantities in `text`, in order, be they in digits or in words.

    Times, ISO dates, ordinals and names such as F-16 are no quantities.
    """
    return _numbers(text)


@lru_cache(maxsize=4096)
def _numbers(text: str) -> tuple[Number, ...]:
    spelt_out = _SPELLING.sub(_in_digits, _prepared(text))
    readable = _NOT_A_QUANTITY.sub(lambda match: "#" * len(match[0]), spelt_out)
    return tuple(_number(match) for match in _NUMBER.finditer(readable))


def _prepared(text: str) -> str:
    """Normalise `text`, but first part what a dash between clauses joins and join what a thin space parts."""
    for glyph, decimals in _VULGAR.items():
        text = re.sub(rf"(?<=\d){glyph}", decimals, text).replace(glyph, "0" + decimals)
    text = re.sub(r"(?<=\d)(?:[\u00a0\u2009\u202f](?=\d{3}(?!\d))| (?=000(?!\d)))", "", text)
    return normalise(re.sub(r"[—―]|(?<=[^\W\d])–(?=\w)", " - ", text))


def _in_digits(match: re.Match[str]) -> str:
    total = current = 0.0
    for word in re.findall(r"[a-z]+", match[0]):
        if word in _GREAT:
            total, current = total + (current or 1.0) * _GREAT[word], 0.0
        elif word == "hundred":
            current = (current or 1.0) * 100
        else:
            current += _SPELT.get(word, 0.0)
    return f"{total + current:f}".rstrip("0").rstrip(".")


def _number(match: re.Match[str]) -> Number:
    value = float(re.sub("[,']", "", match["whole"]) + (match["fraction"] or ""))
    value += 0.5 if match["half"] else 0.0
    value *= _MAGNITUDE.get(match["great"] or match["short"] or "", 1.0)
    if match["sign"] or match["sign2"]:
        value = -value
    unit = "pp" if match["points"] else "%" if match["percent"] else ""
    symbol = (match["before"] or (match["after"] or "")).strip()
    unit = unit or _CURRENCY.get(symbol.removesuffix("s"), "")
    return Number(value, unit, _singular(match["noun"] or ""))


def _singular(noun: str) -> str:
    return noun if noun.endswith("ss") else noun.removesuffix("s")


def has_amount(text: str, wanted: Amount) -> bool:
    """Whether `text` gives the number `wanted` in its unit, within its tolerance (exact when it has none)."""
    return any(_same_unit(number, wanted.unit) and _close(number.value, wanted) for number in numbers(text))


def _close(value: float, wanted: Amount) -> bool:
    return math.isclose(value, wanted.value, rel_tol=max(wanted.rel, 1e-9), abs_tol=wanted.abs)


def _same_unit(number: Number, unit: str) -> bool:
    if not unit or unit in {"%", "pp"} or unit.isupper():
        return number.unit == unit
    return not number.unit and number.noun == _singular(unit)


def grounded(number: Number, text: str) -> bool:
    """Whether `text` gives the same number in the same unit."""
    return any(
        other.unit == number.unit and math.isclose(other.value, number.value, rel_tol=1e-9)
        for other in numbers(text)
    )


# ---------------------------------------------------------------- dates

_MONTHS = {
    1: "january|jan", 2: "february|feb", 3: "march|mar", 4: "april|apr", 5: "may", 6: "june|jun",
    7: "july|jul", 8: "august|aug", 9: "september|sept|sep", 10: "october|oct", 11: "november|nov",
    12: "december|dec",
}  # fmt: skip


def has_date(text: str, iso: str) -> bool:
    """Whether `text` names the day or month `iso`; when it gives a year with the day, the year must agree."""
    return _date(iso).search(plain(text)) is not None


@lru_cache(maxsize=1024)
def _date(iso: str) -> re.Pattern[str]:
    """Return the pattern of the forms of an ISO day or month; raises ValueError when it is neither."""
    day = date.fromisoformat(iso if len(iso) > len("2025-11") else iso + "-01")
    month = rf"(?:{_MONTHS[day.month]})\.?"
    year = rf"(?:,? {day.year}(?!\d)|(?!,? \d{{4}}(?!\d)))"
    if len(iso) == len("2025-11"):
        return re.compile(rf"(?<!\w)(?:{month},? (?:of )?{day.year}|{re.escape(iso)})(?![\w-])")
    number = rf"0?{day.day}(?:st|nd|rd|th)?"
    forms = rf"{number} (?:of )?{month}(?!\w){year}|{month} (?:the )?{number}(?!\w){year}|{iso}(?!\d)"
    return re.compile(rf"(?<!\w)(?<!\d[.,:])(?:{forms})")


# ---------------------------------------------------------------- citations

_MARKER = re.compile(r"\[\s*(\w[\w.-]*(?:\s*[,;]\s*\w[\w.-]*)*)\s*\]")


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence without its markers, and the names in the markers that belong to it."""

    text: str
    names: tuple[str, ...]


def markers(text: str, known: Collection[str] = ()) -> tuple[tuple[Span, tuple[str, ...]], ...]:
    """Return each citation marker of `text`: its span, and the names in it, all numbers or `known`."""
    found_markers = []
    for match in _MARKER.finditer(text):
        names = tuple(re.split(r"\s*[,;]\s*", match[1]))
        if all(name.isdigit() or name in known for name in names):
            found_markers.append((match.span(), names))
    return tuple(found_markers)


def without_markers(text: str, known: Collection[str] = ()) -> str:
    """Return `text` with every marker blanked out, so that offsets stay."""
    for (start, end), _ in markers(text, known):
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def cited_sentences(text: str, known: Collection[str] = ()) -> tuple[Cited, ...]:
    """Split an answer into sentences with their citations.

    A marker belongs to the sentence it stands in or ends, also when it follows the full stop.
    """
    clean = without_markers(text, known)
    spans = sentences(clean)
    names: list[list[str]] = [[] for _ in spans]
    for (start, _), cited in markers(text, known):
        owner = max((index for index, span in enumerate(spans) if span[0] < start), default=0)
        if names:
            names[owner].extend(cited)
    return tuple(
        Cited(" ".join(clean[start:end].split()), tuple(cited))
        for (start, end), cited in zip(spans, names, strict=True)
    )
