"""The Library tab as text: everything given is accounted for, every word from outside is inert."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from webserver import serving

from models.fake import FakeEmbedder, FakeParser
from rag.fetch import Fetcher
from rag.laws import Problem
from rag.library import Counts
from rag.listing import Entry, Found, Tally
from rag.pipeline import Models, Tearsheet
from rag.settings import Settings
from ui import library_view as view
from ui.chart import chart
from ui.intake import Given, Taken, addresses
from ui.library_desk import Desk, Wish
from ui.work import State

HOSTILE = "<img src=x onerror=alert(1)> **b** [a](javascript:alert(1)) ${x} {{y}} </td></table>"
FERRY = "The ferry Solvei ran aground off Dalby on Monday. Nobody was hurt, the coast guard said.\n"
MILL = "A fire broke out at the old mill on Tuesday. Twelve people were hurt, the police said.\n"


def shown(markup: str) -> str:
    """The words that a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", " ", markup))


def inert(markup: str) -> bool:
    """Whether nothing from outside became a tag, or Markdown, or a template."""
    bare = re.sub(r"</?[a-z][a-z0-9]*( [a-z-]+(=\"[^\"]*\")?)*>", "", markup)
    return not re.search(r"<img|onerror=|\*\*|\]\(|\$\{|\{\{", bare + markup.replace("&#", ""))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = Settings(library=tmp_path / "library", tier="quote")
    models = Models(settings, embedder=FakeEmbedder(), parser=FakeParser())
    with Tearsheet.open(settings, write=True, models=models) as tearsheet:
        yield Desk(tearsheet, tmp_path, fetcher=lambda: Fetcher(allow_private=True, delay=0))


def give(desk: Desk, folder: Path, **texts: str) -> list[Taken]:
    """Upload files with these texts and return what became of each."""
    paths = []
    for name, text in texts.items():
        path = folder / name / name.replace("_", ".")
        path.parent.mkdir()
        path.write_text(text, "utf-8")
        paths.append(path)
    desk.take_files(paths)
    assert desk.work.wait(20)
    return list(desk.work.state.rows)


# Adding


def test_each_file_has_its_outcome_and_one_bad_file_stops_nothing(desk, tmp_path):
    rows = give(desk, tmp_path, ferry_txt=FERRY, empty_txt="", photo_jpg="x", mill_txt=MILL, again_txt=FERRY)
    assert [(row.name, row.outcome) for row in rows] == [
        ("ferry.txt", "added"),
        ("empty.txt", "not read"),
        ("photo.jpg", "not read"),
        ("mill.txt", "added"),
        ("again.txt", "unchanged"),
    ]
    assert rows[1].reason == "The file is empty."
    assert rows[2].reason.startswith("Files of the type .jpg are not read; known types:")
    assert desk.stand().articles == 2
    assert "Done in" in desk.result
    assert "2 added, 1 unchanged, 2 not read" in shown(desk.result)


def test_an_uploaded_file_leaves_no_trace_of_where_it_was(desk, tmp_path):
    give(desk, tmp_path, ferry_txt=FERRY)
    id_ = desk.browse(Wish(), 0).choices[0][1]
    assert not (tmp_path / "ferry_txt").exists()
    assert str(tmp_path) not in desk.open(id_).pane + desk.result + desk.stand().facts


def test_two_files_of_one_name_are_two_articles(desk, tmp_path):
    give(desk, tmp_path, index_txt=FERRY)
    give(desk, tmp_path, index_txt=MILL)
    assert desk.stand().articles == 2


def test_every_line_of_a_jsonl_is_counted_and_a_bad_one_named(desk, tmp_path):
    lines = [json.dumps({"title": "A", "text": FERRY}), "no json", json.dumps({"text": MILL})]
    rows = give(desk, tmp_path, day_jsonl="\n".join(lines))
    assert [(row.name, row.outcome) for row in rows] == [
        ("day.jsonl", "2 added"),
        ("day.jsonl, line 2", "not read"),
    ]


def test_a_file_that_was_not_uploaded_is_not_read(desk, tmp_path):
    desk.take_files(["/etc/passwd", str(tmp_path / ".." / "other.txt")])
    desk.work.wait(5)
    assert {row.reason for row in desk.work.state.rows} == {"It was not uploaded to this page."}
    assert "/etc" not in desk.result


def test_pages_and_feeds_are_fetched_and_a_line_that_is_no_address_is_told(desk):
    with serving() as site:
        at = site.says("/a.html", f"<html><title>Ferry</title><article><p>{FERRY * 3}</p></article></html>")
        desk.take_addresses(f"{at}\nnot an address\n{site.url}/missing.html\n", feeds=False)
        desk.work.wait(20)
    told = {row.name.rpartition("/")[2]: row.outcome for row in desk.work.state.rows}
    assert told == {"a.html": "added", "missing.html": "not read"}
    assert "An address begins with http:// or https://." in shown(desk.result)


def test_addresses_of_this_machine_and_its_network_are_refused(tmp_path):
    settings = Settings(library=tmp_path / "library", tier="quote")
    models = Models(settings, embedder=FakeEmbedder(), parser=FakeParser())
    with Tearsheet.open(settings, write=True, models=models) as tearsheet:
        desk = Desk(tearsheet, tmp_path)
        desk.take_addresses("http://127.0.0.1:9/\nhttp://localhost:9/latest", feeds=False)
        desk.work.wait(20)
    assert [row.outcome for row in desk.work.state.rows] == ["not read", "not read"]


def test_a_library_of_another_process_can_be_read_and_not_changed(desk, tmp_path):
    give(desk, tmp_path, ferry_txt=FERRY)
    settings = Settings(library=tmp_path / "library", tier="quote")
    models = Models(settings, embedder=FakeEmbedder(), parser=FakeParser())
    with Tearsheet.open(settings, models=models) as reader:
        other = Desk(reader, tmp_path)
        other.take_addresses("https://e.example/", feeds=False)
        id_ = other.browse(Wish("ferry"), 0).choices[0][1]
        assert "Another process adds to this library" in shown(other.stand().facts)
        assert "Another process adds to this library" in shown(other.result)
        assert "reading only" in shown(other.remove([id_]))
        assert not other.browse(Wish("ferry"), 0).removable
        assert other.stand().articles == 1


@pytest.mark.parametrize("lines", ["", "  \n", "ftp://a.example/", "https://", "file:///etc/passwd"])
def test_only_web_addresses_are_fetched(lines):
    assert addresses(lines, feeds=True)[0] == []


def test_a_line_given_twice_is_fetched_once():
    given, bad = addresses("https://a.example/x\n https://a.example/x \n", feeds=True)
    assert (given, bad) == ([Given("feed", "https://a.example/x")], [])


# Browsing


def test_search_filter_and_page_lead_to_the_article(desk, tmp_path):
    give(desk, tmp_path, ferry_txt=FERRY, mill_txt=MILL)
    shelf = desk.browse(Wish("coast guard"), 0)
    assert (shelf.total, shelf.first, shelf.goes_on, shelf.removable) == (1, 0, False, True)
    assert "1 of 2 articles" in shown(shelf.line)
    assert "ran aground off Dalby" in shown(desk.open(shelf.choices[0][1]).pane)
    assert desk.browse(Wish(), 40).first == 0


@pytest.mark.parametrize(
    "wish", [Wish(7, 8, None, [], {}), Wish("x" * 9999), Wish('" OR 1 --', "x", "", "", "evil")]
)
def test_odd_wishes_give_a_list(desk, tmp_path, wish):
    give(desk, tmp_path, ferry_txt=FERRY)
    assert desk.browse(wish, 0).total in (0, 1)


def test_what_is_no_date_is_said(desk):
    assert "A date is written like" in shown(desk.browse(Wish(after="last week"), 0).line)


def test_removal_asks_first_and_takes_only_what_was_meant(desk, tmp_path):
    give(desk, tmp_path, ferry_txt=FERRY, mill_txt=MILL)
    id_ = desk.browse(Wish("ferry"), 0).choices[0][1]
    told, chosen = desk.doubt([id_])
    assert ("Remove “The ferry Solvei" in shown(told), chosen) == (True, (id_,))
    assert desk.stand().articles == 2
    assert "Removed 1 article." in shown(desk.remove(chosen))
    assert desk.stand().articles == 1
    assert desk.doubt([id_])[1] == ()
    assert desk.all_of(Wish()) == []
    assert len(desk.all_of(Wish("mill"))) == 1


def test_an_article_shows_what_changed_and_who_tells_the_same(desk, tmp_path):
    page = "<html><title>Mill</title><article>{}</article></html>"
    first, then = (f"<p>{MILL * 2}</p>", f"<p>{MILL.replace('Twelve', 'Fifteen') * 2}</p>")
    with serving() as site:
        for text in (first, then):
            desk.take_addresses(site.says("/m.html", page.format(text)), feeds=False)
            desk.work.wait(20)
    give(desk, tmp_path, copy_txt=MILL.replace("Twelve", "Fifteen") * 2 + "Local news follows.")
    reading = desk.open(desk.browse(Wish("fifteen", order="oldest"), 0).choices[0][1])
    assert len(reading.copies) == 1
    assert "they count as one" in reading.pane
    assert "2 texts of it are kept" in shown(reading.pane)
    assert "<del>A fire broke out at the old mill on Tuesday&#46; Twelve" not in reading.pane
    assert "<del>Twelve people were hurt&#44; the police said&#46;</del>" in reading.pane
    assert "<ins>Fifteen people were hurt&#44; the police said&#46;</ins>" in reading.pane


def test_hostile_words_stay_words():
    entry = Entry("a" * 16, HOSTILE, HOSTILE, HOSTILE, "", 0, 0)
    assert "<img" in view.label(entry)  # a choice is plain text for the browser
    state = State(rows=(Taken(HOSTILE, HOSTILE, HOSTILE),), now=HOSTILE, problem=HOSTILE)
    parts = [
        view.added(state),
        view.progress(State(running=True, total=1, now=HOSTILE), "Adding"),
        view.removal(HOSTILE, 1),
        view.problem(HOSTILE),
        view.health([Problem(HOSTILE, HOSTILE, HOSTILE)]),
        chart([Tally("2026-03-02", HOSTILE, 3), Tally(HOSTILE, HOSTILE, 1)]),
    ]
    assert [part for part in parts if not inert(part)] == []


def test_the_line_over_the_list_says_what_passes():
    found = Found((Entry("a", "T", "S", "", "", 0, 0),) * 20, 75)
    assert "75 of 900 articles, 21 to 40 shown" in shown(
        view.found_line(found, 20, narrowed=True, articles=900)
    )
    assert "The library is empty." in shown(view.found_line(Found((), 0), 0, narrowed=False, articles=0))
    assert "No article passes." in shown(view.found_line(Found((), 0), 0, narrowed=True, articles=5))


def test_a_label_says_outlet_day_copies_and_title():
    entry = Entry("a", "Mill  burns", "Radio", "2026-03-03T08:00", "", copies=2, revised=1)
    assert view.label(entry) == "Radio · 3 March 2026 · 3 copies · revised\nMill burns"
    assert view.label(Entry("a", "", "", "", "", 0, 0)) == "No outlet stated · no date\nUntitled"


def test_facts_and_progress_are_said_in_words():
    told = shown(view.facts(Counts(1, 2_000, 5_300_000), 1, 0, writable=True))
    assert re.sub(r"\s+", " ", told).strip() == "1 article 1 outlet 2,000 passages 5.3 MB on disk"
    assert "Adding 3 of 9" in shown(view.progress(State(done=2, total=9, running=True), "Adding"))
    assert "width:22.2%" in view.progress(State(done=2, total=9, running=True), "Adding")


def test_results_put_what_was_not_read_first():
    state = State(
        rows=(Taken("a.txt", "added"), Taken("b.pdf", "not read", "It is locked.")), done=2, total=2
    )
    told = shown(view.added(state))
    assert told.index("b.pdf") < told.index("a.txt")
    assert "1 added, 1 not read" in told


# The chart


def test_the_chart_has_a_column_a_day_and_its_figures():
    drawn = chart([Tally("2026-03-01", "Post", 4), Tally("2026-03-03", "Radio", 1), Tally("", "Post", 2)])
    assert drawn.count('class="ts-day"') == 3
    assert "Articles per day and outlet" in drawn
    assert "1 March 2026: 4 articles (Post 4)" in shown(drawn) + html.unescape(drawn)
    assert "2 articles without a date not drawn." in shown(drawn)
    assert 'style="height:100.00%"' in drawn


@pytest.mark.parametrize(
    ("days", "unit", "columns"),
    [
        (("2026-01-01", "2026-01-31"), "day", 31),
        (("2025-11-15", "2026-03-01"), "month", 5),
        (("2026-03", "2026-03-02"), "month", 1),
        (("1999-01-01", "2026-01-01"), "year", 2),
        (("2026", "2026-05-01"), "year", 1),
        (("0001-01-01", "9999-12-31"), "year", 2),
    ],
)
def test_a_long_time_is_drawn_by_month_or_year(days, unit, columns):
    drawn = chart([Tally(day, "Post", 1) for day in days])
    assert f"Articles per {unit} and outlet" in drawn
    assert drawn.count('class="ts-day"') == columns


def test_outlets_beyond_the_colours_are_drawn_as_others():
    drawn = chart([Tally("2026-03-01", f"Outlet {n}", 10 - n) for n in range(8)])
    assert "Other outlets" in drawn
    assert drawn.count("ts-key") == 6


def test_a_chart_of_nothing_is_nothing():
    assert chart([]) == ""
