"""The commands that show revisions and move a library, on the real pipeline with the shipped stand-ins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webserver import serving

from models.fake import FakeEmbedder, FakeParser
from rag.cli import main
from rag.pipeline import Models, Tearsheet
from rag.revisions import Change, changes
from rag.settings import Settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def opened(settings: Settings, *, write: bool) -> Tearsheet:
        return Tearsheet.open(
            settings, write=write, models=Models(settings, embedder=FakeEmbedder(), parser=FakeParser())
        )

    def tearsheet(*words: str, library: str = "library") -> tuple[int, str, str]:
        code = main(["--library", str(tmp_path / library), *words], open_tearsheet=opened)
        return code, *capsys.readouterr()

    return tearsheet


def added(run: Run, folder: Path, *texts: str, name: str = "a.txt") -> str:
    """Add a file with one text after the other; return the id of the last."""
    for text in texts:
        (folder / name).write_text(text)
        run("add", str(folder / name))
    found: list[dict[str, Any]] = json.loads(run("list", "--json")[1])["articles"]
    return next(article["id"] for article in found if article["path"].endswith(name))


def test_show_revisions_prints_what_changed(run: Run, tmp_path: Path) -> None:
    id_ = added(run, tmp_path, "It rained. Seven were hurt.", "It rained. Nine were hurt. All live.")
    code, out, _ = run("show", id_, "--revisions")
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0
    assert lines[0].startswith("1 of 2")
    assert lines[-3:] == ["- Seven were hurt.", "+ Nine were hurt.", "+ All live."]
    listed = json.loads(run("show", id_[:6], "--revisions", "--json")[1])["revisions"]
    assert [len(one["changes"]) for one in listed] == [0, 2]
    assert listed[1]["changes"][0] == {"old": "Seven were hurt.", "new": "Nine were hurt."}
    assert (listed[0]["until"] > "2026", listed[1]["until"]) == (True, "")


def test_changes_pair_sentences_that_are_alike() -> None:
    old, new = "One stays here. Two cats sat there. Gone for good.", "One stays here. Two dogs sat there."
    assert changes(old, new) == [
        Change("Two cats sat there.", "Two dogs sat there."),
        Change("Gone for good.", ""),
    ]
    assert changes("Seven hurt in Oslo.", "Bergen's mayor resigned yesterday.") == [
        Change("Seven hurt in Oslo.", ""),
        Change("", "Bergen's mayor resigned yesterday."),
    ]
    assert changes(old, old) == []


def test_a_library_moves_in_one_file(run: Run, tmp_path: Path) -> None:
    id_ = added(run, tmp_path, "It rained.", "It rained in Oslo.")
    code, out, _ = run("export", str(tmp_path / "all"))
    assert (code, out.startswith("Wrote 1 article to ")) == (0, True)
    assert run("import", str(tmp_path / "all"), library="other")[1] == "Added 1 article.\n"
    assert run("import", str(tmp_path / "all"), library="other")[1] == "Added 0 articles, 1 unchanged.\n"
    assert "1 of 2" in run("show", id_, "--revisions", library="other")[1]
    assert run("export", str(tmp_path / "all"))[0] == 2


def test_articles_that_pass_a_filter_are_removed_together(run: Run, tmp_path: Path) -> None:
    for day in ("2026-03-01", "2026-03-02", "2026-04-01"):
        added(run, tmp_path, f"---\ndate: {day}\n---\nIt rained on {day}.", name=f"{day}.md")
    assert run("remove")[0] == 2
    assert len(json.loads(run("remove", "--before", "2026-03", "--json")[1])["removed"]) == 2
    assert len(json.loads(run("list", "--json")[1])["articles"]) == 1
    code, out, _ = run("compact")
    assert (code, out.startswith("The library file had ")) == (0, True)
    assert run("doctor")[0] == 0


def test_a_feed_is_added_listed_fetched_again_and_forgotten(run: Run) -> None:
    words = "<p>The mill of Dalby burnt down on Monday night, the police of the town said.</p>" * 4
    with serving() as site:
        site.says("/a", f"<html><body><article>{words}</article></body></html>")
        item = "<item><title>A</title><link>/a</link></item>"
        feed = site.says(
            "/feed",
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{item}</channel></rss>',
        )
        refused = run("add", "--feed", feed)
        assert (refused[0], "--allow-private" in refused[2]) == (1, True)
        assert run("add", "--feed", feed, "--allow-private")[1] == "Added 1 article.\n"
        assert run("sync", "--allow-private", "--json")[1] == (
            '{"added": 0, "revised": 0, "unchanged": 0, "unread": []}\n'
        )
        assert f"{feed} News 1 article" in run("sync", "--list")[1]
        assert len(json.loads(run("list", "--feed", "news", "--json")[1])["articles"]) == 1
        assert run("sync", "--forget", feed)[1].startswith("No feeds are known.")
        assert run("sync", "--forget", feed)[0] == 2
        assert json.loads(run("sync", "--list", "--json")[1]) == {"feeds": []}
