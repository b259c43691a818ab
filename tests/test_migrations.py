"""A library that an older Tearsheet wrote is brought up whole, with nothing lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from models.fake import FakeEmbedder
from rag.cli import main
from rag.library import Filter, Library, text_id
from rag.rows import text_hash
from rag.schema import APPLICATION, MIGRATIONS

EMBEDDER = FakeEmbedder()
OLD, NEW = "Seven people were hurt.", "Nine people were hurt."
STORY = " ".join(f"word{number} follows word{number - 1}" for number in range(60)) + "."
COPY = STORY.replace("word9 ", "another ")
SPLIT = STORY.index(" follows word28") + 1


def version_1(folder: Path) -> None:
    """Write a library as version 1 did: a revised article, a story of two passages, its copy."""
    folder.mkdir()
    db = sqlite3.connect(folder / "library.db")
    db.executescript(f"{MIGRATIONS[0]}; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 1")
    db.execute("UPDATE meta SET value = ? WHERE key = 'embedder'", (EMBEDDER.fingerprint,))
    rows = [
        (3, NEW, None, "Post", "2026-03-01", '["fire", "fire"]', [(0, len(NEW))]),
        (2, OLD, 3, "Post", "2026-03-01", "[]", []),
        (5, STORY, None, "Herald", "", "[]", [(0, SPLIT - 1), (SPLIT, len(STORY))]),
        (9, COPY, None, "Times", "", "[]", [(0, len(COPY))]),
    ]
    columns = "?1, ?2, ?3, ?4, 'T', ?5, '', '/' || ?1, '', ?6, '', '', '', ?7, ?8"
    for number, text, replaced, source, published, tags, spans in rows:
        values = (number, text_id(text), replaced, "2026-03-02T00:00:00Z", source, published, tags, text)
        db.execute(
            f"INSERT INTO articles VALUES ({columns})",
            values,
        )
        if replaced is None:
            db.execute("INSERT INTO places VALUES (?, ?, 'x')", (f"/{number}", number))
        for place, (start, stop) in enumerate(spans):
            id_, passage = number * 65536 + place, text[start:stop]
            vector = EMBEDDER.embed([passage], "document").astype("<f2")[0].tobytes()
            db.execute("INSERT INTO passages VALUES (?, ?, ?, ?)", (id_, start, stop, text_hash(passage)))
            db.execute("INSERT INTO vectors VALUES (?, ?)", (id_, vector))
            db.execute("INSERT INTO lexical (rowid, text) VALUES (?, ?)", (id_, passage))
    db.execute("UPDATE sqlite_sequence SET seq = 12 WHERE name = 'articles'")
    db.commit()
    db.close()


def test_version_1_is_brought_up_with_all_it_holds(tmp_path: Path) -> None:
    version_1(tmp_path / "library")
    with Library.open(tmp_path / "library", write=True) as library:
        assert library.check() == []
        assert [article.text for article in library.articles()] == [STORY, COPY, NEW]
        ids, matrix = library.vectors()
        found = [passage.text for passage in library.passages(ids).values()]
        assert found == [NEW, STORY[: SPLIT - 1], STORY[SPLIT:], COPY]
        assert np.abs(matrix - EMBEDDER.embed(found, "document")).max() < 1e-3
        assert [row[0] for row in library._store.rows("SELECT place FROM places")] == ["/3", "/5", "/9"]


def test_what_version_2_knows_is_made_for_articles_of_version_1(tmp_path: Path) -> None:
    version_1(tmp_path / "library")
    with Library.open(tmp_path / "library", write=True) as library:
        assert [article.source for article in library.articles(Filter(tags=("fire",)))] == ["Post"]
        story, copy, fire = library.articles()
        assert (story.origin, copy.origin, fire.origin) == (story.id, story.id, fire.id)
        assert [one.article.text for one in library.revisions(fire.id)] == [OLD, NEW]
        library._store.db.execute(f"INSERT INTO articles SELECT NULL, 'z', NULL{', char(32)' * 12}, '[]', ''")
        assert library._store.rows("SELECT max(number) FROM articles")[0][0] == 13


def test_the_doctor_brings_up_what_reading_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version_1(tmp_path / "library")
    assert main(["--library", str(tmp_path / "library"), "list"]) == 3
    assert "tearsheet doctor" in capsys.readouterr().err
    assert main(["--library", str(tmp_path / "library"), "doctor"]) == 0
    assert "Every law of the library holds." in capsys.readouterr().out
    assert main(["--library", str(tmp_path / "library"), "list"]) == 0
