"""The pages say what the program does: file map, settings, commands, exit codes, sources, links."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from rag import cli, errors
from rag.read import SUFFIXES
from rag.settings import Settings, default_library

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("evals/*.md")])
FOLDERS = ("rag", "models", "ui", "evals")
MARKS = ("<!-- files -->\n", "<!-- /files -->")


def text(path: Path = README) -> str:
    return path.read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table rows of a section of the README, cells without backticks and bold."""
    section = text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[re.sub(r"[`*]", "", cell).strip() for cell in line.strip("|").split("|")] for line in lines]


def file_map() -> str:
    """A line for each file: its name and the first line of its docstring."""
    listed = []
    for folder in FOLDERS:
        paths = sorted((PROJECT / folder).rglob("*.py"), key=lambda path: (path.name != "__init__.py", path))
        said = {path: ast.get_docstring(ast.parse(text(path))).split("\n")[0] for path in paths}
        names = {path: path.relative_to(PROJECT / folder).as_posix() for path in paths}
        width = max(map(len, names.values()))
        listed += [f"{folder + '/':<{width + 2}}  {said[paths[0]]}"]
        listed += [f"  {names[path]:<{width}}  {said[path]}" for path in paths[1:]]
    return "```\n" + "\n".join(listed) + "\n```\n"


def test_the_file_map_repeats_what_each_file_says_of_itself():
    """`UPDATE_DOCS=1 python -m pytest tests/test_docs.py` writes it anew."""
    before, rest = text().split(MARKS[0])
    held, after = rest.split(MARKS[1])
    if os.environ.get("UPDATE_DOCS"):
        README.write_text(before + MARKS[0] + file_map() + MARKS[1] + after, "utf-8")
        held = file_map()
    assert held == file_map(), "Run `UPDATE_DOCS=1 python -m pytest tests/test_docs.py`."


def test_the_settings_table_has_every_setting_with_its_default():
    listed = {row[0]: row[1:4] for row in rows("Settings")[1:]}
    assert set(listed) == {field.name for field in fields(Settings)}
    for field in fields(Settings):
        variable, _, default = listed[field.name]
        assert variable == f"TEARSHEET_{field.name.upper()}"
        if field.default is not MISSING:
            assert default == repr(field.default).replace("'", '"')
    assert default_library().parts[-2:] == ("tearsheet", "library")


def test_settings_are_told_with_the_argument_that_sets_them():
    known = {row[0]: row[2] for row in rows("Settings")[1:] if row[2]}
    assert known == {name: f"--{name}" for name in ("library", "model", "tier", "passages")}


@pytest.mark.parametrize("command", [command.name for command in cli.COMMANDS])
def test_each_command_is_documented(command):
    assert any(re.match(rf"tearsheet {command}\b", row[0]) for row in rows("Commands"))


def test_no_command_is_documented_that_is_not_there():
    documented = {row[0].split()[1] for row in rows("Commands") if row[0].startswith("tearsheet ")}
    assert documented == {command.name for command in cli.COMMANDS}


def test_each_exit_code_is_documented():
    known = {cli.DONE, cli.SOME_FAILED, cli.DEFECT, cli.INTERRUPTED}
    known |= {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)}
    assert {int(row[0]) for row in rows("Commands") if row[0].isdigit()} == known


def test_each_type_of_file_is_documented():
    documented = {suffix for row in rows("Articles") for suffix in re.findall(r"\.\w+", row[0])}
    assert documented == set(SUFFIXES)


def test_each_seed_has_a_source():
    seeds = {path.name for path in (PROJECT / "seeds" / "articles").iterdir()}
    told = re.findall(r"^\| `([\w-]+\.md)` \|", text(PROJECT / "seeds" / "SOURCES.md"), re.MULTILINE)
    assert sorted(told) == sorted(seeds)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text(page)):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name} links to {link}, which is not there."


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z]+)", README.read_text("utf-8")))
def test_each_make_target_that_is_told_exists(target):
    assert re.search(rf"^{target}:", text(PROJECT / "Makefile"), re.MULTILINE)


def test_decisions_are_numbered_in_order_and_say_what_would_change_them():
    paths = sorted((PROJECT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in paths] == [f"{n:04}" for n in range(1, len(paths) + 1)]
    for path in paths:
        assert re.findall(r"^## (.+)", text(path), re.MULTILINE) == [
            "Situation",
            "Choice",
            "What was measured",
            "What would change our mind",
        ], path.name
