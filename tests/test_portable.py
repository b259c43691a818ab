"""A library moves in one file, gives its space back, and survives another embedder."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from models.fake import FakeEmbedder, FakeParser
from rag.errors import DamagedError, InputError, LibraryError
from rag.filters import Filter
from rag.library import Library, text_id
from rag.pipeline import OTHER_EMBEDDER, Models, Tearsheet
from rag.portable import export_library
from rag.schema import VERSION
from rag.settings import Settings
from rag.subscriptions import subscribe, subscriptions

FIRE = "Seven people were hurt in Dalby.", "Nine people were hurt in Dalby."


def opened(folder: Path, embedder: FakeEmbedder | None = None, *, write: bool = True) -> Tearsheet:
    settings = Settings.load(library=folder, tier="quote")
    models = Models(settings, embedder=embedder or FakeEmbedder(), parser=FakeParser())
    return Tearsheet.open(settings, write=write, models=models)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """An exported library of a revised article, another one and a feed."""
    story = tmp_path / "fire.txt"
    with opened(tmp_path / "first") as desk:
        for text in FIRE:
            story.write_text(text)
            desk.add([story])
        (tmp_path / "rain.txt").write_text("Rain fell on the hills.")
        desk.add([tmp_path / "rain.txt"])
        subscribe(desk.library.store, "https://e.org/feed", "News")
        export_library(desk.library, tmp_path / "all.tearsheet")
    return tmp_path / "all.tearsheet"


def texts(library: Library) -> list[str]:
    return sorted(article.text for article in library.articles())


def test_an_empty_library_takes_over_everything(exported: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "second") as desk:
        report = desk.import_file(exported)
        assert (report.added, texts(desk.library)) == (2, [FIRE[1], "Rain fell on the hills."])
        assert [one.article.text for one in desk.library.revisions(text_id(FIRE[1]))] == list(FIRE)
        assert [feed.title for feed in subscriptions(desk.library.store)] == ["News"]
        assert desk.library.check() == []
        assert len(desk.library.numbers()) == 2
        assert desk.import_file(exported).unchanged == 2


def test_a_library_in_use_takes_what_it_does_not_have(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Snow fell.")
    with opened(tmp_path / "second") as desk:
        desk.add([tmp_path / "own.txt", tmp_path / "rain.txt"])
        report = desk.import_file(exported)
        assert (report.added, report.unchanged) == (1, 1)
        assert texts(desk.library) == [FIRE[1], "Rain fell on the hills.", "Snow fell."]
        assert desk.library.check() == []


def test_older_texts_come_along_once_and_can_be_asked_for(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Snow fell.")
    with opened(tmp_path / "second") as desk:
        desk.add([tmp_path / "own.txt"])
        assert len(desk.library.vectors()[0]) == 1
        for _ in range(2):
            desk.import_file(exported)
            line = desk.library.revisions(text_id(FIRE[1]))
            assert [one.article.text for one in line] == list(FIRE)
        assert line[0].until <= line[1].known != ""
        assert len(desk.library.vectors()[0]) == 3
        assert [a.text for a in desk.library.articles(Filter(as_of=line[0].until[:10]))].count(FIRE[0]) <= 1
        assert desk.library.check() == []


def test_a_later_text_here_stays_with_that_of_the_file_behind_it(exported: Path, tmp_path: Path) -> None:
    later = "Ten people were hurt in Dalby."
    with opened(tmp_path / "second") as desk:
        for text in (FIRE[1], later):
            (tmp_path / "fire.txt").write_text(text)
            desk.add([tmp_path / "fire.txt"])
        desk.import_file(exported)
        line = desk.library.revisions(text_id(later))
        assert {one.article.text for one in line} == {*FIRE, later}
        assert line[-1].article.text == later
        assert texts(desk.library) == ["Rain fell on the hills.", later]
        assert desk.library.check() == []


def test_older_texts_get_vectors_of_this_embedder(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Snow fell.")
    with opened(tmp_path / "second", FakeEmbedder(dimensions=32)) as desk:
        desk.add([tmp_path / "own.txt"])
        desk.import_file(exported)
        assert len(desk.library.revisions(text_id(FIRE[1]))) == 2
        assert desk.library.check() == []


def test_vectors_of_another_embedder_are_made_anew_on_import(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Snow fell.")
    with opened(tmp_path / "second", FakeEmbedder(dimensions=32)) as desk:
        desk.add([tmp_path / "own.txt"])
        assert desk.import_file(exported).added == 2
        assert desk.library.vectors()[1].shape == (3, 32)


def damage_text(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"Rain fell on the hills.", b"Rain fell on the hulls."))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def plant(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TRIGGER t AFTER INSERT ON articles BEGIN DELETE FROM articles; END")


def age(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")


@pytest.mark.parametrize("damage", [damage_text, cut, plant, age, lambda path: path.write_text("{}" * 999)])
def test_a_damaged_or_foreign_file_changes_nothing(exported: Path, tmp_path: Path, damage) -> None:
    damage(exported)
    with opened(tmp_path / "second") as desk:
        with pytest.raises(LibraryError):
            desk.import_file(exported)
        assert (texts(desk.library), desk.library.check()) == ([], [])
        assert [path.name for path in desk.library.folder.glob("import-*")] == []


def test_an_export_overwrites_nothing_and_leaves_nothing_half_written(exported: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "first", write=False) as desk:
        with pytest.raises(InputError, match="already"):
            export_library(desk.library, exported)
        with pytest.raises((InputError, LibraryError)):
            export_library(desk.library, tmp_path / "none" / "x")
    assert sorted(path.name for path in tmp_path.iterdir() if "part" in path.name) == []


def day(desk: Tearsheet, folder: Path, number: int) -> None:
    """Add twenty articles of a day and let those of five days before go."""
    chance = np.random.default_rng(number)
    lines = [
        f'{{"text": "{" ".join(map(str, chance.integers(0, 9999, 120)))}", "date": "2026-01-{number:02}"}}\n'
        for _ in range(20)
    ]
    (folder / f"{number}.jsonl").write_text("".join(lines))
    desk.add([folder / f"{number}.jsonl"])
    for article in desk.library.articles():
        if article.published < f"2026-01-{number - 5:02}":
            desk.library.remove(article.id)


@pytest.mark.slow
def test_a_daily_flow_does_not_grow_and_compacting_gives_space_back(tmp_path: Path) -> None:
    with opened(tmp_path / "library") as desk:
        desk.library.store.db.execute("PRAGMA synchronous = OFF")
        sizes = []
        for number in range(1, 17):
            day(desk, tmp_path, number)
            desk.library.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            sizes.append((desk.library.folder / "library.db").stat().st_size)
        assert max(sizes[10:]) < 1.35 * max(sizes[6:10])
        for article in desk.library.articles():
            desk.library.remove(article.id)
        before, after = desk.compact()
        assert after < 0.25 * before
        assert desk.library.check() == []
        desk.add([tmp_path / "16.jsonl"])
        assert len(desk.library.numbers()) == desk.library.size


def test_another_embedder_finds_by_words_until_the_next_add_makes_vectors_anew(tmp_path: Path) -> None:
    (tmp_path / "rain.txt").write_text("Rain fell on the hills of Dalby in March.")
    other = FakeEmbedder(dimensions=32)
    with opened(tmp_path / "library") as desk:
        desk.add([tmp_path / "rain.txt"])
    with opened(tmp_path / "library", other, write=False) as desk:
        answer = desk.ask("When did rain fall on the hills of Dalby?")
        assert OTHER_EMBEDDER in answer.notes
        assert [name for name, _ in answer.hits[0].why] == ["lexical"]
    with opened(tmp_path / "library", other) as desk:
        assert desk.add([tmp_path / "rain.txt"]).unchanged == 1
        assert desk.library.vectors()[1].shape == (1, 32)
        assert OTHER_EMBEDDER not in desk.ask("When did rain fall on the hills of Dalby?").notes


def test_a_foreign_file_is_named(tmp_path: Path) -> None:
    with opened(tmp_path / "library") as desk, pytest.raises(InputError, match="no file"):
        desk.import_file(tmp_path / "none")
    with sqlite3.connect(tmp_path / "theirs") as db:
        db.execute("CREATE TABLE theirs (x)")
    with opened(tmp_path / "library") as desk, pytest.raises(DamagedError, match="not a Tearsheet library"):
        desk.import_file(tmp_path / "theirs")
