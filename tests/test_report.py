"""The reports: all escaped, nothing fetched, every figure with its count, every failure with its reason."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import pytest
from eval_standin import standin_run

from evals import plots
from evals.figures import Figure, macro, pooled, spread, summarise, truthfulness
from evals.gate import Quarantined, gate
from evals.junit import as_junit
from evals.metrics import Count
from evals.page import as_page
from evals.tables import as_markdown, delta, failures, figures_table, in_readme, terminal

TODAY = date(2026, 3, 5)
EVIL = "<script>alert(1)</script> <img src=x onerror=y> | [a](http://evil.example) \x1b[31m ${x} {{y}}"


@pytest.fixture
def good(tmp_path):
    return standin_run(tmp_path)


@pytest.fixture
def bad(tmp_path):
    return standin_run(tmp_path, broken="verification")


def poisoned(run):
    """The run with hostile text wherever articles and models can put some."""
    cite = {"n": 1, "article": "a", "start": 0, "end": 1, "quote": EVIL, "source": EVIL, "title": EVIL,
            "published": EVIL, "path": EVIL, "support": EVIL, "reason": EVIL}  # fmt: skip
    claim = {"text": EVIL, "by": "model", "citations": [cite]}
    side = {"value": EVIL, "citations": [cite]}
    answer = {"answer": EVIL, "claims": [claim], "sides": [side], "short": EVIL,
              "nearest": [cite], "rejected": [{"text": EVIL, "reason": EVIL}], "notes": [EVIL]}  # fmt: skip
    case = replace(
        run.cases[0], ask=EVIL, missing=(EVIL,), gold=EVIL, passed=False, label="said", cluster=EVIL,
        record={"answer": answer, "hits": [1]}, stated={EVIL: EVIL}, status="answered",
    )  # fmt: skip
    return replace(
        run, cases=(case,), head={**run.head, "model": {"name": EVIL, "fingerprint": EVIL, "tier": ""}}
    )


def test_the_terminal_shows_value_count_interval_and_null_answers(good):
    printed = "\n".join(terminal(good))
    assert "stand-in write on facts: scored 6 of 7" in printed
    row = next(line for line in printed.splitlines() if line.startswith("cited fact recall"))
    assert row.split() == ["cited", "fact", "recall", "1.000", "6/6", "[0.610,", "1.000]",
                           "0.000", "0.000", "1.000", "0.000", "1.000"]  # fmt: skip
    assert re.search(r"^briefing +n/a", printed, re.MULTILINE)
    assert "not run: 1 (this version writes no briefings yet)" in printed
    assert "seconds a case: 0.25 median, 0.25 p95" in printed


def test_a_failure_says_what_was_asked_answered_and_missing(bad):
    printed = "\n".join(failures(bad))
    assert "FAILED bridge [wording] answerable, answered as answered" in printed
    assert "answered  The new bridge will cost 4.1 million euros. [1]" in printed
    assert "missing   cost: 3,200,000 EUR (vote) [wording]" in printed
    assert "missing   said other (no article says so)" in printed


def test_a_change_is_told_as_better_or_worse(good, bad):
    assert delta("all cases", bad.figures["all cases"], good) == "-0.167 worse"
    assert delta("must not", bad.figures["must not"], good) == "+1.000 worse"
    assert delta("must not", good.figures["must not"], bad) == "-1.000 better"
    assert delta("conflict", good.figures["conflict"], bad) == "="
    assert delta("all cases", good.figures["all cases"], None) == ""


def test_the_page_is_whole_and_needs_nothing_else(good, bad):
    page = as_page([bad], gate(bad, good, today=TODAY), good)
    assert page.count('<details class="case') == 7
    assert "Gate FAILED: 5 of 6 cases passed, 1 not run, 1 worse and 0 better than the baseline." in page
    assert page.count("<svg") == 3
    assert "as shipped: 83% answered, 20% of them wrong" in page
    assert re.findall(r"""(?:src|href)=["'](?!#)""", page) == []
    assert re.findall(r"<script|javascript:|@import|url\(", page) == []


def test_nothing_in_an_answer_becomes_markup(good):
    run = poisoned(good)
    page = as_page([run])
    body = page.split("</style>")[1]
    assert "<script" not in body
    assert "<img" not in body
    assert "\x1b" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert re.findall(r'href="(?!#)', body) == []
    assert "\x1b" not in "\n".join(failures(run))


def test_markdown_shows_figures_flips_and_failures_as_plain_words(good, bad):
    shown = as_markdown([bad], gate(bad, good, today=TODAY), good)
    assert "- pass to fail: `bridge`" in shown
    assert "| all cases | **0.833** | 5/6 | 0.436–0.970 | -0.167 worse |" in shown
    assert "- `bridge` **wording**: What will the new bridge cost?" in shown
    hostile = as_markdown([poisoned(good)])
    assert "<script" not in hostile.replace("\\<script", "")
    assert "[a](http" not in hostile


def test_junit_has_a_testcase_for_each_case(good, bad):
    held = {"bridge": Quarantined("known", date(2026, 3, 9))}
    root = ElementTree.fromstring(as_junit([bad], gate(bad, good, today=TODAY)))
    suite = root.find("testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7", "failures": "1", "errors": "0", "skipped": "1",
    }  # fmt: skip
    failure = suite.find("testcase[@name='bridge']/failure")
    assert "3,200,000 EUR" in failure.get("message")
    assert "asked: What will the new bridge cost?" in failure.text
    assert suite.find("properties/property[@name='all cases']").get("value") == "0.8333 (5/6)"
    excused = ElementTree.fromstring(as_junit([bad], gate(bad, good, today=TODAY, quarantine=held)))
    assert excused.find(".//testcase[@name='bridge']/skipped").get("message") == "known"


def test_junit_holds_no_character_that_xml_cannot(good):
    ElementTree.fromstring(as_junit([poisoned(good)]))


def test_two_models_are_drawn_side_by_side(good, bad):
    page = as_page(
        [good, replace(bad, head={**bad.head, "model": {"name": "other", "fingerprint": "x", "tier": ""}})]
    )
    assert "Model against model" in page
    assert "other against stand-in write, on 6 cases" in page
    assert page.count("<circle") > 4
    assert "Cases of other" in page


def test_the_readme_table_is_replaced_between_its_marks(good):
    table = figures_table(good)
    assert in_readme("a\n<!-- figures -->\nold\n<!-- /figures -->\nb", table) == (
        f"a\n<!-- figures -->\n{table}\n<!-- /figures -->\nb"
    )
    assert in_readme("no marks", table) == "no marks"


def test_figures_are_macro_pooled_or_nothing():
    counts = [Count(1, 1), Count(0, 3), Count()]
    assert (macro(counts).value, macro(counts).num, macro(counts).den) == (0.5, 1, 4)
    assert macro(counts).interval == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert (pooled(Count(1, 4)).value, macro([]).value, str(macro([]))) == (0.25, None, "n/a")
    assert spread([3.0, 1.0, 2.0, 10.0]) == (2.5, 10.0)
    assert spread([]) is None
    assert summarise([])["all cases"] == Figure()
    assert truthfulness([]) == Figure()


def test_truthfulness_counts_a_refusal_as_nothing_and_a_wrong_answer_against(good, bad):
    assert (good.figures["truthfulness"].num, good.figures["truthfulness"].den) == (5, 6)
    assert (bad.figures["truthfulness"].num, bad.figures["truthfulness"].den) == (3, 6)


def test_the_risk_curve_takes_the_confident_first():
    svg = plots.risk_coverage([(0.9, True), (0.2, False), (0.5, True)], 4, "x")
    assert "as shipped: 75% answered, 33% of them wrong" in svg
    points = re.search(r'points="([^"]+)"', svg)[1].split()
    assert [point.split(",")[1] for point in points[:2]] == ["180.0", "180.0"]
    assert plots.risk_coverage([], 0, "x").count("<polyline") == 0


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium")
def test_the_page_opens_offline_and_filters_without_a_script(good, bad, tmp_path):
    from playwright.sync_api import sync_playwright

    (tmp_path / "page.html").write_text(as_page([bad], gate(bad, good, today=TODAY), good), "utf-8")
    seen, said = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(java_script_enabled=False).new_page()
        page.on("request", lambda request: seen.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto((tmp_path / "page.html").as_uri())
        shown = page.locator("details.case:visible")
        assert shown.count() == 7
        page.get_by_text("failed 2", exact=True).click()
        assert shown.count() == 2
        shown.first.locator("summary").click()
        page.locator("a.mark:visible").first.click()
        assert page.locator("article:target").count() == 1
        browser.close()
    assert said == []
    assert len(seen) == 1
