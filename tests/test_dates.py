"""Dates in articles: reckoned from the day of the article, never guessed without one."""

from __future__ import annotations

import pytest

from rag.dates import dates


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("They met in Moscow on Tuesday.", "2025-12-02", "2025-12-02"),
        ("They will meet on Friday.", "2025-12-05", "2025-12-05"),
        ("It happened last Wednesday.", "2025-11-26", "2025-11-26"),
        ("He spoke on Wednesday.", "2025-12-03", "2025-12-03"),
        ("Diplomats met on Nov. 23 in Geneva.", "2025-11-23", "2025-11-23"),
        ("They talked in late October.", "2025-10", "2025-10"),
        ("It was signed on 5 May 2024.", "2024-05-05", "2024-05-05"),
        ("The plan leaked last month.", "2025-11", "2025-11"),
        ("He flew there over the weekend.", "2025-11-29", "2025-11-30"),
        ("It will be decided by January 10.", "2026-01-10", "2026-01-10"),
        ("We do not expect deliveries before the middle of April.", "2026-04", "2026-04"),
        ("It closed two years ago.", "2023", "2023"),
        ("She left government in 2021.", "2021", "2021"),
    ],
)
def test_a_date_is_reckoned_from_the_day_of_the_article(text, first, last):
    found = dates(text, published="2025-12-03T08:00:00Z")
    assert [(when.first, when.last) for when in found] == [(first, last)]


def test_without_a_day_of_its_own_a_weekday_stays_unresolved():
    (when,) = dates("They met on Tuesday.")
    assert (when.said, when.first, when.how) == ("Tuesday", "", "unresolved")


def test_an_article_without_a_date_was_written_before_the_day_named():
    (when,) = dates("They are expected to meet on Tuesday.", as_of="2025-12-03")
    assert when.first == "2025-12-02"
    assert [when.first for when in dates("He left yesterday.", as_of="2025-12-03")] == [""]


@pytest.mark.parametrize(
    "text", ["He may march on.", "The 28-point plan.", "It cost $2024.", "31 February 2024"]
)
def test_what_is_no_date_is_not_one(text):
    assert not any(when.first for when in dates(text, published="2025-12-03"))


def test_the_place_of_a_date_is_exact():
    text = "On Monday, and again on 2 December 2025, he spoke."
    assert [text[slice(*when.at)] for when in dates(text, published="2025-12-03")] == [
        "Monday",
        "2 December 2025",
    ]
