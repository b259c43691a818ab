"""The Evals tab as text: figures with intervals, two runs together, a case and its evidence, a real run."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from eval_standin import standin_run, suite_files
from test_report import poisoned

from evals.compare import compare
from evals.figures import Figure
from evals.runfile import write_run
from rag.settings import Settings
from ui import evals_view as view
from ui.evals_desk import Evals, measuring, plan_of, suite_choices
from ui.measuring import Earned, Plan, earned_tiers, judged, note_earned, run_name
from ui.work import State


def shown(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", markup)))


@pytest.fixture
def good(tmp_path: Path):
    return standin_run(tmp_path)


@pytest.fixture
def bad(tmp_path: Path):
    return standin_run(tmp_path, broken="verification")


@pytest.fixture
def desk(tmp_path: Path, good, bad) -> Evals:
    settings = Settings(library=tmp_path / "library")
    write_run(good, settings.library / "evals" / "20260305-120000_dalby_good" / "run.json")
    older = settings.library / "evals" / "20260304-120000_dalby_bad" / "run.json"
    write_run(bad, older)
    os.utime(older, (1, 1))
    return Evals(settings, folders=(settings.library / "evals",))


def test_saved_runs_are_listed_the_last_first(desk):
    assert [label for label, _ in desk.saved()] == [
        "05 Mar 2026, 12:00 · dalby · good",
        "04 Mar 2026, 12:00 · dalby · bad",
    ]


def test_a_run_shows_what_passed_each_rate_with_its_interval_and_failed_cases_first(desk, bad):
    (_, _), (_, older) = desk.saved()
    found = desk.look(older)
    assert len(bad.cases) == 7  # of which one is a briefing, which the stand-in does not write
    assert "5 of 6 cases passed" in shown(found.figures)
    assert re.search(r"95 % interval 0\.\d{3} to [01]\.\d{3}", html.unescape(found.figures))
    assert found.cases[0][0].startswith("✗")
    assert found.cases[-1][0].startswith("✓")


def test_two_runs_are_held_together_with_the_chance_of_error(desk, good, bad):
    (_, newer), (_, older) = desk.saved()
    told = shown(desk.look(newer, older).figures)
    found = compare(bad, good)
    assert f"{len(found.gained)} gained, {len(found.lost)} lost (McNemar p = {found.p_pass:.3f})" in told
    assert found.gained
    assert all(name in told for name in found.gained)


def test_a_failed_case_stands_beside_its_evidence(desk, bad):
    (_, _), (_, older) = desk.saved()
    failed = next(
        case for case in bad.cases if not case.passed and case.record.get("answer", {}).get("claims")
    )
    told = desk.case(older, failed.id)
    assert failed.ask in shown(told)
    assert all(line in shown(told) for line in failed.missing)
    assert 'href="#case-1"' in told
    assert 'id="case-1"' in told


@pytest.mark.parametrize("name", ["../../etc", "", None, 7, "0/../evals", "9/none"])
def test_a_name_of_no_run_is_a_sentence(desk, name):
    assert "There is no such run any more." in shown(desk.look(name).figures)
    assert "There is no such run any more." in shown(desk.case(name, "bridge"))


def test_hostile_words_of_articles_and_models_stay_words(good):
    evil = poisoned(good)
    for markup in (view.run_page(evil), view.case_page(evil.cases[0])):
        tags = set(re.findall(r"<([a-z0-9]+)", markup))
        assert tags <= {
            *(
                "div",
                "p",
                "h2",
                "h3",
                "table",
                "caption",
                "thead",
                "tbody",
                "tr",
                "th",
                "td",
                "span",
                "ul",
                "li",
            ),
            *("article", "bdi", "a", "i", "details", "summary"),
        }
        assert not re.search(r"\]\(|\$\{|\{\{|\*\*", markup)
        assert "<script>alert(1)</script>" in html.unescape(re.sub(r"<[^>]*>", "", markup))


def test_a_bar_is_as_long_as_the_rate_and_its_line_as_the_interval():
    drawn = view.bar(Figure(0.75, 3, 4, (0.3, 0.95)))
    assert 'style="width:75.0%"' in drawn
    assert 'style="left:30.0%;width:65.0%"' in drawn
    assert view.bar(Figure()) == ""
    assert 'style="width:0.0%"' in view.bar(Figure(-0.5, -1, 2, (-0.9, 0.4)))


def test_progress_says_how_far_and_how_it_ended():
    running = State(now="write, 15 of 60 cases: bridge", running=True, total=1)
    assert "width:25.0%" in view.progress(running)
    assert "1 run kept, in 12 s." in shown(view.progress(State(rows=("a",), seconds=12.0)))
    assert "Stopped." in shown(view.progress(State(stopped=True)))
    assert view.progress(State()) == ""


@pytest.mark.parametrize(
    ("suite", "tier"), [("../x.toml", "quote"), ("seeds", "best"), (None, None), ("seeds", ["quote"])]
)
def test_only_shipped_suites_and_known_tiers_are_run(desk, suite, tier):
    assert "There is no" in shown(desk.start(suite, tier))
    assert not desk.work.state.running


def test_the_tier_earned_is_the_highest_without_objection_and_is_remembered(tmp_path, good, bad):
    assert judged([good, bad]).why[0].startswith(f"{bad.head['model']['tier']}: ")
    earned = Earned("write", 57, 60, ("write: earned", "compose: passes 50"), "2026-03-05")
    note_earned(tmp_path, "qwen3-4b", earned)
    note_earned(tmp_path, "", Earned("quote", 1, 2, (), ""))
    assert earned_tiers(tmp_path)["qwen3-4b"] == earned
    (tmp_path / "tiers.json").write_text("[")
    assert earned_tiers(tmp_path) == {}


def test_a_run_is_named_by_when_what_and_which():
    at = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
    assert run_name(("card",), "a/b model_x write", at) == "20260305-120000_card_a-b-model-x-write"
    assert (
        view.run_label(Path("x") / run_name(("card",), "m", at) / "run.json")
        == "05 Mar 2026, 12:00 · card · m"
    )
    assert view.run_label(Path("mine/run.json")) == "mine"


def test_each_tier_is_asked_when_the_tier_is_to_be_told(tmp_path):
    plan = plan_of(Settings(library=tmp_path, model="m", threads=2), "card", "each")
    assert (plan.tiers, plan.judges, plan.model, plan.threads) == (
        ("quote", "write", "compose"),
        True,
        "m",
        2,
    )
    assert ("Card: 60 questions of all suites", "card") in suite_choices()


def test_a_suite_is_run_in_a_process_of_its_own_and_kept(tmp_path):
    facts = suite_files(tmp_path)
    work = measuring()
    work.start([Plan((str(facts),), ("quote",), str(tmp_path / "runs"))])
    assert work.wait(90)
    assert (work.state.problem, len(work.state.rows)) == ("", 1)
    desk = Evals(Settings(library=tmp_path), folders=[tmp_path / "runs"])
    assert "cases passed" in shown(desk.look(desk.saved()[0][1]).figures)


def test_a_suite_that_cannot_be_used_is_told(tmp_path):
    work = measuring()
    work.start([Plan((str(tmp_path / "none.toml"),), ("quote",), str(tmp_path))])
    assert work.wait(60)
    assert work.state.problem
    assert str(tmp_path) not in work.state.problem


def test_stopping_ends_the_process(tmp_path):
    facts = suite_files(tmp_path)
    work = measuring()
    work.start([Plan((str(facts),), ("quote",), str(tmp_path / "runs"))])
    time.sleep(0.3)
    began = time.monotonic()
    work.stop()
    assert work.wait(10)
    assert time.monotonic() - began < 3
    assert (work.state.stopped, work.state.problem, list(tmp_path.glob("runs/*"))) == (True, "", [])


def test_the_process_ends_when_nobody_reads_it_any_more(tmp_path):
    plan = json.dumps({"suites": ["seeds"], "tiers": ["quote"], "folder": str(tmp_path)})
    command = [sys.executable, "-m", "ui.measuring", plan]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.wait(60) != 0
    assert list(tmp_path.iterdir()) == []
