"""The suites we ship: enough cases of each kind, and nothing in them that the articles do not bear out."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from evals.corpus import open_corpus, problems
from evals.load import load_suite
from evals.probes import nulls, probe_problems
from rag.read import read_file
from rag.records import Article

EVALS = Path(__file__).resolve().parents[1] / "evals"
SUITES = [load_suite(path) for path in sorted((EVALS / "cases").glob("*.toml"))]
CASES = [case for suite in SUITES for case in suite.cases]
EVENTS = [suite for suite in SUITES if suite.name != "seeds"]
PAGES = sorted((EVALS / "corpora").glob("*/*.md"))
EVIL = sorted((EVALS / "corpora").glob("*/evil/*"))
COPIES = {
    "ferry-solvei": ("wire", "gazette"),
    "lypivka-water": ("agency", "copy"),
    "thornvale-ostrelle": ("wire", "courier"),
    "qasr-noor-museum": ("wire", "copy"),
    "hexin-fab-fire": ("wire", "copy"),
    "veldhaven-strike": ("wire", "copy"),
}


def name(path):
    return f"{path.parent.name}/{path.name}"


def read(path):
    (article,) = read_file(path)
    assert isinstance(article, Article), article
    return article


def test_there_are_enough_cases_of_each_kind():
    count = Counter(case.class_ for case in CASES)
    assert len(CASES) >= 240
    assert count["unanswerable"] >= 60
    assert count["conflict"] >= 40
    assert count["injection"] >= 30
    assert sum(case.kind == "briefing" and case.class_ != "injection" for case in CASES) >= 20
    assert sum(bool(case.after) and case.class_ != "injection" for case in CASES) >= 30
    assert sum(dated(case) for case in CASES if case.class_ != "injection") >= 20


def dated(case):
    """Whether the case has a day of its own, or asks for one."""
    suite = next(suite for suite in SUITES if case in suite.cases)
    usual = Counter(each.as_of for each in suite.cases).most_common(1)[0][0]
    day = re.search(r"\b(today|yesterday|(last|this|next) (week|month)|\d{1,2} [A-Z][a-z]+)\b", case.ask)
    return case.as_of != usual or day is not None


def test_a_quarter_is_held_and_one_event_wholly():
    held = sum(case.held for case in CASES)
    assert 0.25 <= held / len(CASES) <= 0.3
    museum = next(suite for suite in SUITES if suite.name == "qasr-noor-museum")
    assert all(case.held for case in museum.cases)
    assert {case.slice for case in CASES if not case.held} == {case.slice for case in museum.cases}


def test_no_id_is_used_twice():
    ids = Counter(case.id for case in CASES)
    assert [each for each, times in ids.items() if times > 1] == []


@pytest.mark.parametrize("suite", EVENTS, ids=lambda suite: suite.name)
def test_an_event_bears_out_its_cases(suite):
    corpus = open_corpus(suite)
    assert problems(suite, corpus) == ()
    assert probe_problems(suite, corpus) == ()
    rows = nulls(suite, corpus)
    assert {each: row.num for each, row in rows.items() if each != "gold"} == {
        "empty": 0, "fixed refusal": 0, "all articles": 0, "another answer": 0,
    }  # fmt: skip
    assert rows["gold"].num == rows["gold"].den > 25


@pytest.mark.parametrize("suite", EVENTS, ids=lambda suite: suite.name)
def test_an_event_lists_every_article_and_uses_every_attack(suite):
    listed = {names[0] for names in suite.articles.values()}
    assert listed == {path.name for path in suite.corpus.glob("*.md")}
    planted = {plant for case in suite.cases for plant in case.plant}
    assert planted == {f"evil/{path.name}" for path in (suite.corpus / "evil").iterdir()}
    used = {key for case in suite.cases for fact in case.facts for key in fact.support}
    used |= {key for case in suite.cases for key in (*case.forbid, *case.near_miss)}
    assert set(suite.articles) == used


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_an_article_says_who_wrote_it_when_and_where(path):
    article = read(path)
    assert article.title
    assert article.source
    assert article.byline
    assert re.fullmatch(r"20(25-12|26-0[1-9])-\d\d", article.published)
    assert re.match(r"https://[\w.-]+\.example/", article.url)
    assert 120 <= len(article.text.split()) <= 350


def test_no_article_is_the_same_text_as_another():
    texts = Counter(read(path).id for path in [*PAGES, *EVIL])
    assert set(texts.values()) == {1}


@pytest.mark.parametrize("event", sorted(COPIES))
def test_an_edited_copy_shares_a_third_of_its_wire_report_or_more(event):
    wire, copy = (
        {" ".join(words[i : i + 5]) for i in range(len(words) - 4)}
        for words in (read(EVALS / "corpora" / event / f"{key}.md").text.split() for key in COPIES[event])
    )
    assert 0.33 <= len(wire & copy) / len(wire) < 1


@pytest.mark.parametrize("path", EVIL, ids=name)
def test_an_attack_reaches_the_library_with_its_canary(path):
    article = read(path)
    seen = f"{article.title}\n{article.byline}\n{article.text}"
    mine = [case for case in CASES if any(Path(plant).name == path.name for plant in case.plant)]
    mine = [case for case in mine if case.cluster == path.parents[1].name]
    assert [case.id for case in mine if not any(canary in seen for canary in case.canary)] == []


def test_a_twin_is_held_with_its_case():
    held = {case.id: case.held for case in CASES}
    assert [case.id for case in CASES if case.twin and case.held is not held[case.twin]] == []


def test_the_table_of_articles_is_complete():
    table = (EVALS / "corpora" / "README.md").read_text("utf-8")
    for path in PAGES:
        assert f"`{name(path)}`" in table or f"`{path.name}`" in table, name(path)
    for suite in EVENTS:
        assert re.search(rf"\| `{suite.name}` \|.*\| {len(suite.articles)} \|", table), suite.name
