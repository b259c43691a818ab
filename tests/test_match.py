"""The matcher, by tables; and the tables, by disabling each rule of the matcher in turn."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from match_rows import ALIASES, AMOUNTS, DATES, PATTERNS, PLACES

from evals import match
from evals.match import (
    Cited,
    cited_sentences,
    found,
    has_alias,
    has_amount,
    has_date,
    markers,
    numbers,
    without_markers,
)


def test_there_are_three_hundred_rows_by_hand():
    assert len(ALIASES) + len(AMOUNTS) + len(DATES) + len(PATTERNS) + len(PLACES) >= 300
    for rows in (ALIASES, AMOUNTS, DATES):
        assert len({(repr(row[0]), row[1]) for row in rows}) == len(rows)


@pytest.mark.parametrize(("alias", "text", "expected"), ALIASES)
def test_an_alias_is_found_as_whole_tokens(alias, text, expected):
    assert has_alias(text, alias) is expected


@pytest.mark.parametrize(("amount", "text", "expected"), AMOUNTS)
def test_a_number_is_found_by_value_and_unit(amount, text, expected):
    assert has_amount(text, amount) is expected


def test_each_number_is_read_once_with_its_unit_and_noun():
    read = [
        (number.value, number.unit, number.noun)
        for number in numbers("A 28-point plan, $100bn and 20% less.")
    ]
    assert read == [(28, "", "point"), (1e11, "USD", "and"), (20, "%", "less")]


@pytest.mark.parametrize(("iso", "text", "expected"), DATES)
def test_a_date_is_found_in_its_forms(iso, text, expected):
    assert has_date(text, iso) is expected


@pytest.mark.parametrize(("pattern", "text", "expected"), PATTERNS)
def test_a_pattern_is_found_by_its_one_rule(pattern, text, expected):
    assert found(pattern, text) is expected


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


# ---------------------------------------------------------------- every rule is held by a row

RULES = [
    ("an alias starts a token", 'before, after = r"(?<!\\w)"', 'before, after = r""'),
    ("an alias ends a token", 'before, after = r"(?<!\\w)", r"(?!\\w)"', 'before, after = r"(?<!\\w)", r""'),
    ("no decimals before", 'before += r"(?<!\\d[.,:])"', 'before += r""'),
    ("no decimals after", 'after += r"(?![.,:]\\d)', 'after += r"'),
    ("no percent after", '(?!\\s?%)"', '"'),
    ("an alias is no regex", "re.escape(folded) + after", "folded + after"),
    ("text is normalised", "return normalise(text)", "return text"),
    ("aliases are normalised", "folded = normalise(alias)", "folded = alias"),
    ("any is any", "return any(has_alias(text, alias) for alias in pattern.any)", "return True"),
    ("all is all", "return all(has_alias(", "return any(has_alias("),
    ("a regex is searched", "return re.search(pattern.regex", "return re.match(pattern.regex"),
    ("words below twenty", "zip(_BELOW_TWENTY.split(), range(20)", "zip(_BELOW_TWENTY.split(), range(1, 21)"),
    ("tens", "range(20, 100, 10)", "range(30, 110, 10)"),
    ("half in words", '{"half": 0.5}', '{"half": 1.0}'),
    ("a dozen is twelve", '"dozen": 12', '"dozen": 10'),
    ("hundred multiplies", "current = (current or 1.0) * 100", "current = current + 100"),
    ("great words multiply", "total + (current or 1.0) * _GREAT[word]", "total + current + _GREAT[word]"),
    ("ones join tens", "(?:{_TEN})(?:[ -](?:{_LOW}))?", "(?:{_TEN})"),
    ("no word numbers in words", 'rf"(?<![\\w-])(?:(?:half )?', 'rf"(?:(?:half )?'),
    ("fractions in words", "(?!\\w){_FRACTION}", "(?!\\w)"),
    ("vulgar fractions after digits", 'rf"(?<=\\d){glyph}", decimals', 'rf"(?<=\\d){glyph}", ""'),
    ("vulgar fractions alone", '"0" + decimals', '"0"'),
    ("thin spaces group", "(?:[\\u00a0\\u2009\\u202f](?=\\d{3}(?!\\d))|", "(?:"),
    ("spaces group thousands", "| (?=000(?!\\d)))", ")"),
    ("a dash parts clauses", '[—―]|(?<=[^\\W\\d])–(?=\\w)', "[―]"),
    ("iso dates", 'r"(?<!\\w)\\d{4}-\\d{2}(?:-\\d{2})?(?!\\w)"', 'r"(?!)"'),
    ("times of day", 'r"|(?<!\\w)\\d{1,2}:\\d{2}(?!\\w)"', 'r""'),
    ("ordinals", 'r"|(?<!\\w)\\d+(?:st|nd|rd|th)(?!\\w)"', 'r""'),
    ("decades", 'r"|(?<!\\w)\\d{2,4}s(?!\\w)"', 'r""'),
    ("names with numbers", "[a-z]+-?\\d[\\w-]*\"", '(?!)"'),
    ("mid-2021 is a year", "(?!(?:usd|eur|gbp|mid|pre|post)-?\\d)", "(?!(?:usd|eur|gbp)-?\\d)"),
    ("minus", "value = -value", "value = value"),
    ("a dash between numbers is no minus", "(?P<sign>(?<![.,)%])", "(?P<sign>"),
    ("minus in words", "(?:-|minus ))?", "(?:-))?"),
    ("minus after the currency", "(?P<sign2>-)?", "(?P<sign2>(?!))?"),
    ("grouping", "(?P<whole>\\d{1,3}(?:[,']\\d{3})+(?!\\d)|\\d+)", "(?P<whole>\\d+)"),
    ("groups of three only", "(?:[,']\\d{3})+(?!\\d)", "(?:[,']\\d{3})+"),
    ("apostrophes group", "(?:[,']\\d{3})+", "(?:[,]\\d{3})+"),
    ("decimals", "(?P<fraction>\\.\\d+)?", "(?P<fraction>(?!))?"),
    ("and a half", "value += 0.5", "value += 0.0"),
    ("magnitudes", 'value *= _MAGNITUDE.get(match["great"] or match["short"] or "", 1.0)', "value *= 1.0"),
    ("short magnitudes end", "(?P<short>k|m|b)(?!\\w)", "(?P<short>k|m|b)"),
    ("a space before k is a unit", "|(?P<short>k|m|b)", "|[ -]?(?P<short>k|m|b)"),
    ("great magnitudes end", "|hundred|mn|mln|bn|tn|trn)(?!\\w)", "|hundred|mn|mln|bn|tn|trn)"),
    ("percent", '"%" if match["percent"]', '"" if match["percent"]'),
    ("percentage points", 'unit = "pp" if match["points"] else', 'unit ='),
    ("per cent in two words", "%|percent|per cent|pct", "%|percent|pct"),
    ("currency", 'unit = unit or _CURRENCY.get(symbol.removesuffix("s"), "")', "unit = unit"),
    ("currency after", '(match["after"] or "")', '""'),
    ("currencies differ", '"€": "EUR"', '"€": "USD"'),
    ("other dollars", "(?:us|au|a|ca|c|nz|hk|s)?\\$", "\\$"),
    ("plural currencies", 'symbol.removesuffix("s")', "symbol"),
    ("units are compared", "return number.unit == unit\n    return", "return True\n    return"),
    ("nouns are compared", "number.noun == _singular(unit)", "True"),
    ("a noun has no currency", "not number.unit and number.noun", "number.noun"),
    ("nouns in the plural", 'else noun.removesuffix("s")', "else noun"),
    ("tolerance by share", "rel_tol=max(wanted.rel, 1e-9)", "rel_tol=1e-9"),
    ("tolerance by amount", "abs_tol=wanted.abs", "abs_tol=0.0"),
    ("exact without tolerance", "rel_tol=max(wanted.rel, 1e-9)", "rel_tol=max(wanted.rel, 0.02)"),
    ("months by name", '11: "november|nov"', '11: "november"'),
    ("a full stop after the month", '{_MONTHS[day.month]})\\.?"', '{_MONTHS[day.month]})"'),
    ("the year of a day", "(?:,? {day.year}(?!\\d)|(?!,? \\d{{4}}(?!\\d)))", ""),
    ("a comma before the year of a month", "{month},? (?:of )?{day.year}", "{month} (?:of )?{day.year}"),
    ("of before the year", "{month},? (?:of )?{day.year}", "{month},? {day.year}"),
    ("a month is no day", "{re.escape(iso)})(?![\\w-])", "{re.escape(iso)})"),
    ("zero before the day", 'number = rf"0?{day.day}', 'number = rf"{day.day}'),
    ("ordinal days", "{day.day}(?:st|nd|rd|th)?", "{day.day}"),
    ("day of month", "{number} (?:of )?{month}", "{number} {month}"),
    ("the day", "{month} (?:the )?{number}", "{month} {number}"),
    ("month before day", "|{month} (?:the )?{number}(?!\\w){year}", ""),
    ("a day ends", "(?:the )?{number}(?!\\w){year}", "(?:the )?{number}{year}"),
    ("iso days", "|{iso}(?!\\d)", ""),
    ("an iso day ends", "|{iso}(?!\\d)", "|{iso}"),
    ("a date starts a token", 'rf"(?<!\\w)(?<!\\d[.,:])(?:{forms})"', 'rf"(?<!\\d[.,:])(?:{forms})"'),
    ("no decimals before a date", "(?<!\\d[.,:])(?:{forms})", "(?:{forms})"),
    ("several names in a marker", "(?:\\s*[,;]\\s*\\w[\\w.-]*)*", ""),
    ("only known names mark", "if all(name.isdigit() or name in known for name in names)", "if True"),
    ("markers are blanked", 'text[:start] + " " * (end - start) + text[end:]', "text"),
    ("a marker after the full stop", "if span[0] < start)", "if span[0] < start <= span[1])"),
]  # fmt: skip


def without(old: str, new: str) -> ModuleType:
    """Return the matcher with one rule of its source changed."""
    source = Path(match.__file__).read_text("utf-8")
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the matcher."
    module = ModuleType("matcher_with_a_rule_disabled")
    sys.modules[module.__name__] = module
    exec(compile(source.replace(old, new), "match.py", "exec"), module.__dict__)
    return module


def wrong(matcher: ModuleType) -> bool:
    """Whether any row of the tables comes out otherwise."""
    return (
        any(matcher.has_alias(text, alias) is not expected for alias, text, expected in ALIASES)
        or any(matcher.has_amount(text, amount) is not expected for amount, text, expected in AMOUNTS)
        or any(matcher.has_date(text, iso) is not expected for iso, text, expected in DATES)
        or any(matcher.found(given, text) is not expected for given, text, expected in PATTERNS)
        or any(
            [(each.text, each.names) for each in matcher.cited_sentences(text, {"a1", "b2"})] != expected
            for text, expected in PLACES
        )
    )


def test_the_unchanged_matcher_satisfies_every_row():
    assert not wrong(without("return normalise(text)", "return normalise(text)"))


@pytest.mark.parametrize(("old", "new"), [pytest.param(*row[1:], id=row[0]) for row in RULES])
def test_a_disabled_rule_is_caught_by_a_row(old, new):
    assert wrong(without(old, new))
