"""The library keeps what is committed, finds the newest, forgets what is removed, and says what is wrong."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from models.fake import FakeEmbedder
from rag import schema
from rag.chunk import chunk
from rag.errors import DamagedError, InputError, LibraryError, LockedError, NotFoundError
from rag.library import ALL, Filter, Library, Outcome, text_id
from rag.records import Article
from rag.schema import VERSION

EMBEDDER = FakeEmbedder()


def article(text: str, path: str = "", **more: object) -> Article:
    return Article(id=text_id(text), text=text, path=path, **more)  # type: ignore[arg-type]


def add(library: Library, text: str, path: str = "", **more: object) -> Outcome:
    one = article(text, path, **more)
    passages = chunk(one, count_tokens=EMBEDDER.count_tokens, limit=EMBEDDER.window, words=8)
    return library.add(one, passages, EMBEDDER.embed([p.text for p in passages], "document"))


def texts(library: Library, *terms: str, where: Filter = ALL) -> list[str]:
    return [p.text for p in library.passages(id_ for id_, _ in library.lexical(terms, 10, where)).values()]


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / "library", write=True) as opened:
        yield opened


# ── Adding ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_article_comes_back_as_it_went_in(library: Library) -> None:
    given = {
        "title": "Rain",
        "source": "Post",
        "published": "2025-12-02",
        "updated": "2025-12-03",
        "url": "https://e.org",
    }
    more = {"byline": "A. B.", "fetched": "2025-12-04T00:00:00+00:00", "origin": "o", "tags": ("x", "é, y")}
    assert add(library, "Rain fell in Oslo.", "/a.txt", **given, **more) == "added"
    assert library.articles() == [article("Rain fell in Oslo.", "/a.txt", **given, **more)]


def test_passages_and_their_vectors_come_back(library: Library) -> None:
    add(library, "Rain fell on the city of Oslo. Snow fell on the hills around Bergen.")
    ids, matrix = library.vectors()
    found = library.passages(reversed(ids.tolist()))
    assert [p.text for p in found.values()] == [
        "Snow fell on the hills around Bergen.",
        "Rain fell on the city of Oslo.",
    ]
    expected = EMBEDDER.embed([found[int(id_)].text for id_ in ids], "document")
    assert matrix.dtype == np.float32
    assert np.abs(matrix - expected).max() < 1e-3


def test_the_same_text_twice_is_one_article(library: Library) -> None:
    assert add(library, "Rain fell.", "/a.txt") == "added"
    generation = library.generation
    assert add(library, "Rain fell.", "/a.txt") == "unchanged"
    assert add(library, "Rain fell.", "/copy.txt") == "unchanged"
    assert (library.counts().articles, library.generation) == (1, generation)


def test_holds_is_true_exactly_when_adding_changes_nothing(library: Library) -> None:
    add(library, "Rain fell.", "/a.txt", title="Rain")
    assert library.holds(article("Rain fell.", "/a.txt", title="Rain", fetched="2026-01-01"))
    assert not library.holds(article("Rain fell hard.", "/a.txt", title="Rain"))
    assert not library.holds(article("Rain fell.", "/b.txt", title="Rain"))
    assert not library.holds(article("Rain fell.", "/a.txt", title="Rain in Oslo"))


def test_a_changed_file_is_a_revision_and_the_old_text_is_not_found(library: Library) -> None:
    add(library, "Seven people were hurt.", "/a.txt")
    assert add(library, "Nine people were hurt.", "/a.txt") == "revised"
    assert texts(library, "people", "seven") == ["Nine people were hurt."]
    assert [a.text for a in library.articles()] == ["Nine people were hurt."]
    assert len(library.vectors()[0]) == 1
    assert library.size == 1
    assert library.article(text_id("Seven people were hurt.")).text == "Seven people were hurt."
    assert library.check() == []


def test_an_url_names_a_place_when_there_is_no_path(library: Library) -> None:
    add(library, "Seven people were hurt.", url="https://example.org/a")
    assert add(library, "Nine people were hurt.", url="https://example.org/a") == "revised"


def test_going_back_to_the_old_text_finds_it_again(library: Library) -> None:
    for text in ("One cat.", "Two cats.", "One cat.", "Three cats.", "One cat."):
        add(library, text, "/a.txt")
    assert texts(library, "cat", "cats") == ["One cat."]
    assert library.check() == []
    library.remove(text_id("One cat."))
    assert library._store.rows("SELECT count(*) FROM articles")[0][0] == 0


def test_a_text_that_stands_elsewhere_too_stays_found(library: Library) -> None:
    add(library, "One cat.", "/a.txt")
    add(library, "One cat.", "/b.txt")
    assert add(library, "Two cats.", "/a.txt") == "added"
    assert sorted(texts(library, "cat")) == ["One cat.", "Two cats."]
    assert add(library, "Two cats.", "/b.txt") == "revised"
    assert texts(library, "cat") == ["Two cats."]


def test_corrected_details_replace_the_old_ones(library: Library) -> None:
    add(library, "Rain fell.", "/a.txt", published="2025-12-01")
    assert add(library, "Rain fell.", "/a.txt", published="2025-12-02", tags=("weather",)) == "revised"
    (only,) = library.articles()
    assert (only.published, only.tags) == ("2025-12-02", ("weather",))
    assert texts(library, "rain", where=Filter(after="2025-12-02")) == ["Rain fell."]


def test_a_copy_elsewhere_does_not_change_the_details(library: Library) -> None:
    add(library, "Rain fell.", "/a.txt", source="Post")
    for source in ("Herald", "Herald Online"):
        assert add(library, "Rain fell.", "/b.txt", source=source) == "unchanged"
    assert library.articles()[0].source == "Post"
    assert library.holds(article("Rain fell.", "/b.txt", source="Herald Online"))


@pytest.mark.parametrize(
    ("text", "cut"),
    [("Rain\0fell.", slice(None)), ("Rain fell.", slice(0, 0))],
    ids=["NUL", "no passages"],
)
def test_what_cannot_be_kept_is_refused_whole(library: Library, text: str, cut: slice) -> None:
    one = article(text)
    passages = chunk(one, count_tokens=len, limit=254)[cut]
    with pytest.raises(InputError):
        library.add(one, passages, EMBEDDER.embed([p.text for p in passages], "document"))
    assert library.counts().articles == 0


def test_a_failure_half_way_leaves_nothing(library: Library) -> None:
    one = article("Rain fell. Snow fell.")
    passages = chunk(one, count_tokens=len, limit=12)
    with pytest.raises(ValueError, match="vectors for 2 passages"):
        library.add(one, passages, np.full((2, 64), np.nan, np.float32))
    library._store.db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON vectors BEGIN SELECT raise(ABORT, 'no'); END"
    )
    with pytest.raises(LibraryError):
        library.add(one, passages, EMBEDDER.embed(["a", "b"], "document"))
    library._store.db.execute("DROP TRIGGER full")
    assert (library.counts().articles, library.size, library.check()) == (0, 0, [])


# ── Finding and removing ─────────────────────────────────────────────────────────────────────────────


def test_an_article_answers_to_the_beginning_of_its_id(library: Library) -> None:
    add(library, "Rain fell.")
    id_ = text_id("Rain fell.")
    assert library.article(id_[:5].upper()).id == id_
    for wrong in ("", "zzz", id_ + "0", "' OR 1 --"):
        with pytest.raises(NotFoundError, match="tearsheet list"):
            library.article(wrong)


def test_an_ambiguous_beginning_is_refused(library: Library) -> None:
    for number in range(17):
        add(library, f"Number {number}.")
    first = [a.id[0] for a in library.articles()]
    twice = next(letter for letter in first if first.count(letter) > 1)
    with pytest.raises(NotFoundError, match=f"ids begin with '{twice}'"):
        library.article(twice)


def test_removing_removes_everywhere(library: Library) -> None:
    add(library, "Seven people were hurt.", "/a.txt")
    add(library, "Nine people were hurt.", "/a.txt")
    add(library, "Rain fell.", "/b.txt")
    assert library.remove(text_id("Nine people were hurt.")[:8]).text == "Nine people were hurt."
    assert texts(library, "people", "hurt") == []
    tables = ("articles", "places", "passages", "vectors", "lexical_docsize")
    assert [library._store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables] == [1] * 5
    assert (library.size, len(library.numbers())) == (1, 1)
    assert library.check() == []
    assert add(library, "Nine people were hurt.", "/a.txt") == "added"


FILTERS = [
    (Filter(sources=("post",)), "ab"),
    (Filter(sources=("Post", "Herald")), "abc"),
    (Filter(after="2025-12-02"), "bc"),
    (Filter(before="2025-12-02"), "ab"),
    (Filter(before="2025-11"), "a"),
    (Filter(after="2025-12", before="2025-12-02"), "b"),
    (Filter(after="2024", before="2025"), "abc"),
    (Filter(tags=("sport", "war")), "bc"),
    (Filter(articles=(text_id("Rain d."), text_id("Rain a."))), "ad"),
    (Filter(sources=("Post",), tags=("war",)), "b"),
    (Filter(sources=("' OR 1 --",)), ""),
    (ALL, "abcd"),
]


@pytest.mark.parametrize(("where", "expected"), FILTERS)
def test_filters_are_exact_in_every_reading(library: Library, where: Filter, expected: str) -> None:
    add(library, "Rain a.", source="Post", published="2025-11-30T23:00:00+01:00")
    add(library, "Rain b.", source="POST", published="2025-12-02T10:00:00Z", tags=("war", "rain"))
    add(library, "Rain c.", source="Herald", published="2025-12-03", tags=("sport",))
    add(library, "Rain d.")
    rows = library.rows()
    kept = library.passages(rows.ids[rows.of(library.passing(where))]).values()
    names = {"".join(sorted(text[5] for text in found)) for found in (
        [a.text for a in library.articles(where)], texts(library, "rain", where=where), [p.text for p in kept]
    )}  # fmt: skip
    assert names == {expected}


@pytest.mark.parametrize("date", ["yesterday", "2025-1-1", "02.12.2025", "2025-12-02 x"])
def test_a_date_that_is_none_is_refused(date: str) -> None:
    with pytest.raises(InputError, match="2025-12-31"):
        Filter(after=date)


def test_lexical_ranks_by_rare_words_and_word_stems(library: Library) -> None:
    add(library, "The minister spoke of prices.")
    add(library, "The minister resigned.")
    add(library, "The minister spoke.")
    assert texts(library, "minister", "resigns")[0] == "The minister resigned."
    assert texts(library, "Café") == []


@pytest.mark.parametrize(
    "term", ['"', 'a" OR "b', "NEAR(a b)", "a*", "^a", "-a", "text:a", "", "\0", "(", "%", "漢字"]
)
def test_no_term_is_query_syntax(library: Library, term: str) -> None:
    add(library, "Rain fell on the bold.")
    assert texts(library, term) == []
    assert library.frequency(term, most=5) == 0


def test_frequency_counts_no_further_than_asked(library: Library) -> None:
    for number in range(5):
        add(library, f"Rain fell {number} times.")
    assert [library.frequency("rains", most=most) for most in (3, 9)] == [3, 5]


def test_known_vectors_are_those_of_texts_already_kept(library: Library) -> None:
    add(library, "Rain fell.")
    known = library.known_vectors(["Rain fell.", "Snow fell."])
    assert list(known) == ["Rain fell."]
    assert np.abs(known["Rain fell."] - EMBEDDER.embed(["Rain fell."], "document")[0]).max() < 1e-3


def test_every_change_of_what_is_found_raises_the_generation(library: Library) -> None:
    seen = [library.generation]
    for step in (
        lambda: add(library, "One cat.", "/a.txt"),
        lambda: add(library, "Two cats.", "/a.txt"),
        lambda: library.remove(text_id("Two cats.")),
        lambda: library.rebuild(lambda batch: EMBEDDER.embed(batch, "document"), "other"),
    ):
        step()
        seen.append(library.generation)
    assert seen == sorted(set(seen))


# ── The embedder ─────────────────────────────────────────────────────────────────────────────────────


def test_another_embedder_is_refused_until_the_vectors_are_rebuilt(library: Library) -> None:
    library.match_embedder("empty")
    library.match_embedder("a")
    add(library, "Rain fell. Snow fell on the hills around the city of Bergen.")
    with pytest.raises(LibraryError, match="doctor --rebuild"):
        library.match_embedder("b")
    other = FakeEmbedder(dimensions=32)
    library.rebuild(lambda batch: other.embed(batch, "document"), "b")
    library.match_embedder("b")
    assert library.vectors()[1].shape == (2, 32)
    assert library.check() == []


def test_vectors_of_another_length_are_refused(library: Library) -> None:
    add(library, "Rain fell.")
    one = article("Snow fell.")
    with pytest.raises(LibraryError, match="64 numbers, the new ones 3"):
        library.add(one, chunk(one, count_tokens=len, limit=254), np.ones((1, 3), np.float32))
    library._store.db.execute("UPDATE vectors SET vectors = x'0000'")
    with pytest.raises(DamagedError, match="doctor --rebuild"):
        library.vectors()


def test_a_rebuild_that_was_stopped_goes_on_and_the_old_vectors_serve_until_then(library: Library) -> None:
    for number in range(600):
        add(library, f"Rain number {number}.")
    before = library.vectors()[1].copy()
    embedded: list[int] = []

    def embed(batch):
        if sum(embedded) == 512 and len(embedded) == 2:
            embedded.append(0)
            raise KeyboardInterrupt
        embedded.append(len(batch))
        return -EMBEDDER.embed(batch, "document")

    with pytest.raises(KeyboardInterrupt):
        library.rebuild(embed, "negative")
    assert (library.vectors()[1] == before).all()
    library.rebuild(embed, "negative")
    assert (library.vectors()[1] == -before).all()
    assert embedded == [256, 256, 0, 88]


# ── Laws ─────────────────────────────────────────────────────────────────────────────────────────────

DAMAGE = {
    "The id of an article is the hash of its text.": "UPDATE articles SET id = 'x' WHERE number = 1",
    "A passage is the text between its offsets.": "UPDATE passages SET start = start + 1",
    "Passages lie inside their article, in order, without overlap.": "UPDATE passages SET stop = 999",
    "Passages leave out nothing but space.": "DELETE FROM passages WHERE start = 0",
    "An article has passages.": "DELETE FROM passages",
    "Every passage belongs to an article.": "INSERT INTO passages VALUES (999999, 0, 1, x'00')",
    "Every place belongs to an article.": "PRAGMA foreign_keys = OFF; DELETE FROM articles",
    "Every passage has its vector.": "DELETE FROM vectors",
    "Every vector has its passage.": "INSERT INTO vectors SELECT article + 9, vectors FROM vectors",
    "All vectors have the same length.": "UPDATE vectors SET vectors = x'0000'",
    "Every vector has length 1.": "UPDATE vectors SET vectors = zeroblob(length(vectors))",
    "Every passage has its lexical entry.": "INSERT INTO lexical (lexical) VALUES ('delete-all')",
    "Every lexical entry has its passage.": "INSERT INTO lexical (rowid, text) VALUES (5, 'x')",
    "The lexical index is whole.": "UPDATE lexical_data SET block = x'00010203' WHERE id > 10",
    "A replaced article has a newer revision.": "UPDATE articles SET replaced_by = 77",
    "An article has an end if and only if it was replaced.": "UPDATE articles SET until = '2026'",
    "Every article is grouped with its near-copies.": "UPDATE articles SET origin = ''",
    "The number of passages is noted.": "UPDATE meta SET value = 9 WHERE key = 'passages'",
    "Filters know the tags of every article.": "INSERT INTO labels VALUES ('x', 1)",
}


@pytest.mark.parametrize("law", DAMAGE)
def test_the_doctor_sees_each_law_broken(library: Library, law: str) -> None:
    add(library, "Rain fell on the city of Oslo. Snow fell on the hills around Bergen.", "/a.txt")
    assert library.check() == []
    library._store.db.executescript(DAMAGE[law])
    assert law in {problem.law for problem in library.check()}


DERIVED = (
    "DELETE FROM vectors",
    "UPDATE vectors SET vectors = zeroblob(256)",
    "INSERT INTO vectors SELECT article + 9, vectors FROM vectors LIMIT 1",
    "UPDATE meta SET value = 9 WHERE key = 'passages'",
    "DELETE FROM labels",
    "INSERT INTO lexical (lexical) VALUES ('delete-all')",
    "INSERT INTO passages VALUES (999999, 0, 1, x'00')",
)


@pytest.mark.parametrize("damage", DERIVED)
def test_a_rebuild_cures_what_is_derived(library: Library, damage: str) -> None:
    add(library, "Rain fell on the city of Oslo. Snow fell on the hills around Bergen.", "/a.txt")
    library._store.db.execute(damage)
    library.rebuild(lambda batch: EMBEDDER.embed(batch, "document"), EMBEDDER.fingerprint)
    assert library.check() == []
    assert texts(library, "rain") == ["Rain fell on the city of Oslo."]


# ── One writer, many readers ─────────────────────────────────────────────────────────────────────────


def test_a_second_writer_is_told_at_once_who_the_first_is(library: Library) -> None:
    started = time.monotonic()
    with pytest.raises(LockedError, match=f"Process {os.getpid()} "):
        Library.open(library.folder, write=True)
    assert time.monotonic() - started < 1


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, os; from rag.library import Library\n"
        "library = Library.open(pathlib.Path(sys.argv[1]), write=True)\n"
        "print(os.getpid(), flush=True); input()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert int(owner.stdout.readline()) == owner.pid
    with pytest.raises(LockedError, match=f"Process {owner.pid} "):
        Library.open(tmp_path, write=True)
    owner.kill()
    owner.communicate()
    Library.open(tmp_path, write=True).close()


def test_a_reader_sees_each_commit_and_never_waits(library: Library) -> None:
    add(library, "Rain fell.")
    with Library.open(library.folder) as reader:
        with library._store.writing() as db:
            db.execute("DELETE FROM articles")
            assert [a.text for a in reader.articles()] == ["Rain fell."]
            db.execute("ROLLBACK")
            db.execute("BEGIN")
        generation = reader.generation
        add(library, "Snow fell.")
        assert texts(reader, "snow") == ["Snow fell."]
        assert len(reader.vectors()[0]) == 2
        assert reader.generation == generation + 1
        with pytest.raises(LibraryError, match="reading only"):
            add(reader, "Hail fell.")


def test_reading_changes_and_creates_nothing(tmp_path: Path) -> None:
    with Library.open(tmp_path, write=True) as library:
        add(library, "Rain fell.")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".db-shm"}
    names = sorted(path.name for path in tmp_path.iterdir())
    with Library.open(tmp_path) as reader:
        assert texts(reader, "rain") == ["Rain fell."]
        assert reader.check() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_where_there_is_no_library_reading_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="tearsheet add"):
        Library.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def opened_by_nobody(folder: Path) -> subprocess.CompletedProcess[str]:
    """Open a library for reading, then for writing, as a user to whom nothing belongs."""
    script = (
        "import os, sys, pathlib, filelock, rag.library as l; path = pathlib.Path(sys.argv[1])\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print([a.text for a in l.Library.open(path).articles()])\n"
        "try: l.Library.open(path, write=True)\n"
        "except l.LibraryError as error: print(error)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become another user")
def test_a_library_that_may_not_be_written_to_can_be_read(tmp_path: Path) -> None:
    with Library.open(tmp_path, write=True) as library:
        add(library, "Rain fell.")
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and "pytest" in str(path):
            path.chmod(path.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    done = opened_by_nobody(tmp_path)
    assert done.stdout.startswith("['Rain fell.']\n"), done.stderr
    assert "may be written to" in done.stdout


def test_threads_share_a_library(library: Library) -> None:
    failures: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for number in range(15):
                add(library, f"Rain {name} fell {number} times.", f"/{name}-{number}")
                ids, matrix = library.vectors()
                assert len(ids) == len(matrix)
                texts(library, "rain")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (library.counts().articles, library.check()) == (60, [])


# ── Versions and damage ──────────────────────────────────────────────────────────────────────────────


def test_a_full_disk_is_said_and_what_was_added_stays(library: Library) -> None:
    add(library, "Rain fell.")
    pages = library._store.rows("PRAGMA page_count")[0][0]
    library._store.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryError, match="Free some disk space"):
        add(library, "Snow fell on the hills around the city of Bergen. " * 999)
    library._store.db.execute("PRAGMA max_page_count = 1000000")
    assert [a.text for a in library.articles()] == ["Rain fell."]
    assert library.check() == []
    assert add(library, "Hail fell. " * 500) == "added"


def test_a_newer_library_is_refused_and_left_alone(tmp_path: Path) -> None:
    Library.open(tmp_path, write=True).close()
    with sqlite3.connect(tmp_path / "library.db") as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    for write in (True, False):
        with pytest.raises(LibraryError, match=f"version {VERSION + 1}.*newer Tearsheet"):
            Library.open(tmp_path, write=write)


def test_an_older_library_is_brought_up_when_opened_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(tmp_path, write=True) as library:
        add(library, "Rain fell.")
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*schema.MIGRATIONS, "ALTER TABLE articles ADD COLUMN feed TEXT")
    )
    monkeypatch.setattr(schema, "VERSION", VERSION + 1)
    with pytest.raises(LibraryError, match="tearsheet doctor"):
        Library.open(tmp_path)
    Library.open(tmp_path, write=True).close()
    with Library.open(tmp_path) as library:
        assert texts(library, "rain") == ["Rain fell."]
        assert library._store.rows("SELECT feed FROM articles")[0][0] is None


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.open(tmp_path, write=True) as library:
        add(library, "Rain fell.")
    broken = "DELETE FROM articles; CREATE TABLE passages (x)"
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        patched.setattr(schema, "VERSION", VERSION + 1)
        with pytest.raises(LibraryError):
            Library.open(tmp_path, write=True)
    with Library.open(tmp_path, write=True) as library:
        assert (texts(library, "rain"), library.check()) == (["Rain fell."], [])


def test_a_file_that_is_no_library_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "library.db").write_bytes(b"some other file, long enough to be looked at " * 50)
    before = (tmp_path / "library.db").read_bytes()
    for write in (True, False):
        with pytest.raises(DamagedError):
            Library.open(tmp_path, write=write)
    assert (tmp_path / "library.db").read_bytes() == before


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "library.db") as db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(DamagedError, match="not a Tearsheet library"):
        Library.open(tmp_path, write=True)


def test_a_damaged_file_gives_a_clear_error_or_a_problem(tmp_path: Path) -> None:
    with Library.open(tmp_path, write=True) as library:
        for number in range(200):
            add(library, f"Rain number {number} fell on the city.")
    path = tmp_path / "library.db"
    whole = path.read_bytes()
    for where in range(4096, len(whole) - 4096, len(whole) // 12):
        path.write_bytes(whole[:where] + random.Random(where).randbytes(4096) + whole[where + 4096 :])
        assert _found_wrong(tmp_path)


def _found_wrong(folder: Path) -> str:
    """Return what the library says is wrong with it, on opening or when asked."""
    try:
        with Library.open(folder, write=True) as library:
            return library.check()[0].found
    except LibraryError as error:
        return str(error)


ADDING = """
import sys, pathlib
import numpy as np
from rag.library import Library, text_id
from rag.records import Article, Passage
with Library.open(pathlib.Path(sys.argv[1]), write=True) as library:
    for number in range(100_000):
        text = f"Story {number // 2} of the day, told {number % 2} times. " * 6
        article = Article(id=text_id(text), text=text, path=f"/{number // 2}.txt")
        passages = [Passage(article, start, start + 6) for start in range(0, len(text), 6)]
        passages[-1] = Passage(article, passages[-1].start, len(text))
        library.add(article, passages, np.full((len(passages), 384), 384**-0.5))
        print(number, flush=True)
"""


def test_kill_at_any_moment_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    chance = random.Random(7)
    writer = None
    for round_ in range(20):
        folder = tmp_path / str(round_ % 4)
        writer = subprocess.Popen(
            [sys.executable, "-c", ADDING, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        last = int(writer.stdout.readline())
        deadline = time.monotonic() + chance.uniform(0, 0.3)
        while time.monotonic() < deadline:
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate()[0].split()
        last = int(rest[-1]) if rest else last
        with Library.open(folder) as reader:
            assert reader.check() == []
            found = {int(a.text.split()[1]): a.text for a in reader.articles()}
        assert set(range(last // 2 + 1)) <= set(found)
        assert f"told {last % 2} times" in found[last // 2] or "told 1 times" in found[last // 2]
    shutil.rmtree(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become another user")
def test_a_file_that_may_only_be_read_is_read_and_refused_for_writing(tmp_path: Path) -> None:
    with Library.open(tmp_path, write=True) as library:
        add(library, "Rain fell.")
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and "pytest" in str(path):
            path.chmod(path.stat().st_mode | stat.S_IRWXO)
    for path in tmp_path.iterdir():
        path.chmod(0o666)
    (tmp_path / "library.db").chmod(0o444)
    done = opened_by_nobody(tmp_path)
    assert done.stdout.startswith("['Rain fell.']\n"), done.stderr
    assert "may not be written to" in done.stdout
