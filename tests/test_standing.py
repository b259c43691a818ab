"""Articles that are no reports: satire, opinion, and what was withdrawn since."""

from __future__ import annotations

import pytest

from rag.records import Article
from rag.standing import standings

REPORT = Article(
    "1" * 16, "The mayor resigned on Monday.", "Mayor resigns", "Today24", published="2026-02-08"
)


def kind(*others: Article) -> str:
    return standings([REPORT, *others])[REPORT.id].kind


@pytest.mark.parametrize(
    ("text", "title", "url", "expected"),
    [
        ("This is a satirical article. A gull rules.", "Gull rules", "", "satire"),
        ("OPINION. I was there myself.", "Four votes", "", "opinion"),
        ("I have walked to work.", "Walking", "https://paper.example/column/walking", "opinion"),
        ("The mayor resigned on Monday.", "Mayor resigns", "https://paper.example/news/mayor", "report"),
    ],
)
def test_an_article_says_what_it_is(text, title, url, expected):
    article = Article("2" * 16, text, title, "Paper", url)
    assert standings([article])[article.id].kind == expected


def test_an_outlet_withdraws_its_own_report():
    text = "On Monday we wrote that the mayor had resigned. That was wrong."
    wrong = Article("3" * 16, text, "Correction", "Today24",
                    published="2026-02-09")  # fmt: skip
    assert kind(wrong) == "withdrawn"
    assert standings([REPORT, wrong])[REPORT.id].by == wrong


def test_another_outlet_reports_that_it_was_withdrawn():
    told = Article(
        "4" * 16, "The website Today24 deleted its report on Monday.", "", "Wire", published="2026-02-10"
    )
    assert kind(told) == "withdrawn"


def test_an_earlier_correction_or_a_mere_mention_withdraws_nothing():
    earlier = Article("5" * 16, "Correction: we were wrong.", "Correction", "Today24", published="2026-01-01")
    mention = Article("6" * 16, "Today24 published a report on Monday.", "", "Wire", published="2026-02-10")
    before = Article("7" * 16, "The website Today24 deleted its report.", "", "Wire", published="2026-01-01")
    assert kind(earlier) == "report"
    assert kind(before) == "report"
    assert kind(mention) == "report"
