"""A briefing: every line is the article's own words, cited, within its length, widely told first."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.embedder import load_embedder
from models.parser import load_parser
from rag.brief import brief
from rag.errors import CancelledError
from rag.read import read_file
from rag.records import Article, Brief
from rag.render import brief_words

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "articles"


class Tools:
    embedder = load_embedder()
    parser = load_parser()


def seeds() -> list[Article]:
    return [a for path in sorted(SEEDS.iterdir()) for a in read_file(path) if isinstance(a, Article)]


@pytest.fixture(scope="module")
def made() -> Brief:
    return brief("the Moscow talks", seeds(), Tools(), words=600, as_of="2025-12-03")


def claims(made: Brief):
    yield from (point.claim for section in made.sections for point in section.points)
    yield from (event.claim for event in made.timeline)


def test_the_page_has_all_its_parts(made):
    assert [part.kind for part in made.sections] == ["answer", "points", "figures", "people", "alone", "open"]
    assert made.timeline
    assert len(made.disagreements) >= 3
    assert made.headline in {article.title for article in seeds()}
    assert {use.article.id for use in made.sources} == {article.id for article in seeds()}


def test_every_line_is_made_of_the_words_of_the_passage_it_cites(made):
    for claim in claims(made):
        quote = " ".join(claim.citations[0].quote.split()).casefold()
        said = claim.text.partition(": ")[2] if claim.text.partition(": ")[0] in named(made) else claim.text
        rest = iter(quote.split())
        words = [word.strip(".,") for word in said.casefold().split()]
        assert all(any(word in other for other in rest) for word in words), claim.text


def named(made):
    return {p.label for section in made.sections if section.kind == "people" for p in section.points}


def test_the_length_is_kept_to_within_a_tenth(made):
    assert 540 <= brief_words(made) <= 600
    short = brief("the Moscow talks", seeds(), Tools(), words=120)
    assert 90 <= brief_words(short) <= 120


def test_the_first_sentence_is_what_most_origins_tell(made):
    first = made.sections[0].points[0]
    assert "Putin" in first.claim.text
    assert first.origins >= 4


def test_a_difference_shows_each_side_with_its_own_source(made):
    told = next(d for d in made.disagreements if "Pokrovsk" in d.about)
    assert sorted(side.value for side in told.sides) == ["Monday", "Sunday"]
    articles = [{citation.article.id for citation in side.citations} for side in told.sides]
    assert not articles[0] & articles[1]


def test_a_figure_is_told_once(made):
    labels = [p.label for section in made.sections if section.kind == "figures" for p in section.points]
    lines = [claim.text for claim in claims(made)] + [s.value for d in made.disagreements for s in d.sides]
    assert labels
    assert [
        label for label in labels if sum(f" {label} " in f" {line.strip('.')} " for line in lines) > 1
    ] == []


def test_copies_of_one_report_are_one_origin():
    one = seeds()[0]
    copies = [Article(id=f"{i:016}", text=one.text, title=one.title, origin=one.id) for i in range(3)]
    made = brief("the Moscow talks", [one, *copies], Tools(), words=200)
    assert {point.origins for section in made.sections for point in section.points} == {1}
    assert not made.disagreements


def test_days_of_articles_without_a_date_are_marked(made):
    reckoned = [event for event in made.timeline if event.first.startswith("2025-1")]
    assert reckoned
    assert not any(event.certain for event in reckoned)
    assert any("about" in note for note in made.notes)


def test_cancelling_stops_the_work():
    with pytest.raises(CancelledError):
        brief("the Moscow talks", seeds(), Tools(), cancelled=lambda: True)


def test_nothing_is_said_of_no_articles():
    assert brief("the Moscow talks", [], Tools()).status == "refused"


def test_friday_of_another_week_does_not_bear_out_friday():
    said = "Norfab closed its plant in Dalby on Friday after a fire in the boiler house."
    days = {"2025-12-06": "Nobody was hurt in Dalby.", "2025-12-20": "Norfab hopes to rebuild it in Dalby."}
    articles = [
        Article(f"{number:016}", f"{said} {more}", published=day)
        for number, (day, more) in enumerate(days.items())
    ]
    made = brief("Norfab", articles, Tools(), words=60)
    closed = [claim for claim in claims(made) if "Friday" in claim.text]
    assert closed
    assert all(len(claim.citations) == 1 for claim in closed)
