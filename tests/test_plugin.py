"""The pytest plugin: fact files as tests, in a newsroom's own repository."""

from __future__ import annotations

import pytest
from eval_standin import asked, suite_files

from evals.runfile import write_answers

pytest_plugins = ["pytester"]


@pytest.fixture
def newsroom(pytester):
    """A folder with a fact file; run pytest there on saved answers, of a good or a broken product."""
    suite_files(pytester.path)

    def run(*arguments, broken=""):
        write_answers(asked(pytester.path, broken=broken)[1], pytester.path / "answers.jsonl")
        return pytester.runpytest_inprocess(*arguments)

    return run


SAVED = ("--tearsheet", "--tearsheet-answers", "answers.jsonl", "-v")


def test_each_case_is_a_test(newsroom):
    result = newsroom(*SAVED)
    result.assert_outcomes(passed=6, skipped=1)
    result.stdout.fnmatch_lines(["facts.toml::bridge PASSED*", "facts.toml::vote-poisoned PASSED*"])


def test_a_failed_case_says_what_was_asked_answered_and_missing(newsroom):
    result = newsroom(*SAVED, broken="verification")
    result.assert_outcomes(passed=5, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "bridge [[]wording[]]",
            "asked     What will the new bridge cost?",
            "answered  The new bridge will cost 4.1 million euros. [[]1[]]",
            "missing   cost: 3,200,000 EUR (vote) [[]wording[]]",
        ]
    )


def test_a_case_is_chosen_by_name_and_by_class(newsroom):
    newsroom(*SAVED, "-k", "bridge").assert_outcomes(passed=1, deselected=6)
    newsroom(*SAVED, "--strict-markers", "-m", "injection").assert_outcomes(passed=1, deselected=6)


def test_nothing_is_collected_unless_asked_for(newsroom):
    newsroom("-v").assert_outcomes()
    assert "Tearsheet case" not in newsroom("--markers").stdout.str()
    assert "Tearsheet case" in newsroom("--markers", "--tearsheet").stdout.str()


def test_the_installed_package_brings_the_plugin_and_imports_nothing_of_the_product(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_quiet(pytestconfig):
            assert pytestconfig.pluginmanager.get_plugin("tearsheet").__name__ == "evals.plugin"
            assert not [name for name in sys.modules if name.startswith(("rag", "models"))]
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_dishonest_suite_is_an_error_that_says_why(newsroom, pytester):
    path = pytester.path / "facts.toml"
    path.write_text(path.read_text("utf-8").replace('any = ["51-49"]', 'any = ["52-48"]'), "utf-8")
    result = newsroom(*SAVED, broken="verification")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*vote.md does not state 'tally'*"])


def test_other_toml_files_are_left_alone(newsroom, pytester):
    (pytester.path / "pyproject.toml").write_text("[tool.x]\ny = 1\n", "utf-8")
    newsroom(*SAVED).assert_outcomes(passed=6, skipped=1)


def test_a_broken_file_is_named_with_its_line(newsroom, pytester):
    (pytester.path / "more.toml").write_text("schema = 1\n[[case]]\nid = \n", "utf-8")
    result = newsroom(*SAVED)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*more.toml cannot be read: *line 3*"])
