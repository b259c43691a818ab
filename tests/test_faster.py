"""The copy of the bundled model that reads prompts faster, and what is kept of the beginning of prompts."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from models.beginning import MOST_KEPT, Beginning
from models.compute import identity
from models.faster import faster_copy, made_once
from models.generator import bundled_gguf, load_generator
from models.llama import Llama
from models.protocols import Message

SHOWN = (
    Message("system", "Answer the question in one sentence with the words of the text, and add nothing."),
    Message("user", "Text: The mayor, Anna Berg, 51, opened the bridge on Friday.\nQuestion: When was it?"),
    Message("assistant", "The bridge was opened on Friday."),
)
ASKED = (*SHOWN, Message("user", "Text: Jared Kushner, 44, met Putin.\nQuestion: How old is Kushner?"))


@pytest.fixture(scope="module")
def copy() -> Path:
    return faster_copy(bundled_gguf())


def written(folder: Path, monkeypatch: pytest.MonkeyPatch, beginning: tuple[Message, ...] = SHOWN) -> str:
    file = faster_copy(bundled_gguf())
    with monkeypatch.context() as patched:
        patched.setenv("TEARSHEET_CACHE", str(folder))
        generator = load_generator(file, threads=1, beginning=beginning)
        text = "".join(generator.write(ASKED, max_tokens=4))
    generator.close()
    return text


def states(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.state"))


def test_the_copy_is_made_once_and_found_again(copy: Path) -> None:
    before = copy.stat()
    assert faster_copy(bundled_gguf()) == copy != bundled_gguf()
    assert (copy.stat().st_mtime_ns, copy.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert copy.name.endswith(f"-{identity(bundled_gguf())}-Q8_0-{identity(copy)}.gguf")
    assert list(copy.parent.glob("*.part")) == []


def test_the_copy_predicts_what_the_original_predicts(copy: Path) -> None:
    ours, theirs = (Llama(file, threads=1, context=256) for file in (copy, bundled_gguf()))
    tokens = ours.tokens("The envoys met in Moscow on Tuesday and talked for five hours about", special=False)
    rows = [llama.read([tokens], None).copy() for llama in (ours, theirs)]
    assert rows[0].argmax() == rows[1].argmax()
    assert abs(rows[0] - rows[1]).max() < 2.0
    assert (rows[0] != rows[1]).any()


@pytest.mark.parametrize("harm", ["cut", "edited"])
def test_a_harmed_copy_is_made_anew(tmp_path: Path, copy: Path, harm: str) -> None:
    harmed = tmp_path / copy.name
    shutil.copyfile(copy, harmed)
    with harmed.open("r+b") as file:
        if harm == "cut":
            file.truncate(100_000_000)
        else:
            file.seek(harmed.stat().st_size - 8_000)
            file.write(b"\x7f" * 4_000)
    made = faster_copy(bundled_gguf(), folder=tmp_path)
    assert made.read_bytes() == copy.read_bytes()
    assert sorted(tmp_path.iterdir()) == [made]


def test_a_copy_that_another_has_replaced_goes_when_it_is_a_week_unused(tmp_path: Path) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(b"model")

    def make(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes() + b" copied")

    kept = tmp_path / "kept"
    last_week, yesterday, used = (
        made_once(source, what, ".copy", make, folder=kept) for what in ("first", "second", "third")
    )
    for file, days in ((last_week, 8), (yesterday, 1), (used, 8)):
        os.utime(file, (time.time() - days * 86400,) * 2)
    assert made_once(source, "third", ".copy", make, folder=kept) == used
    newest = made_once(source, "fourth", ".copy", make, folder=kept)
    assert sorted(kept.iterdir()) == sorted([yesterday, used, newest])


def test_a_copy_that_may_only_be_read_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(b"model")
    made = made_once(source, "first", ".copy", shutil.copy, folder=tmp_path / "kept")
    os.utime(made, (time.time() - 3 * 86400,) * 2)

    def refuse(*_: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    assert made_once(source, "first", ".copy", shutil.copy, folder=tmp_path / "kept") == made


def test_without_a_place_for_the_copy_the_original_is_used(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    assert faster_copy(bundled_gguf(), folder=tmp_path / "taken") == bundled_gguf()
    assert faster_copy(bundled_gguf(), folder=Path("/proc/nowhere")) == bundled_gguf()


def test_a_known_beginning_gives_the_same_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = written(tmp_path, monkeypatch, ())
    assert states(tmp_path) == []
    first = written(tmp_path, monkeypatch)
    (kept,) = states(tmp_path)
    assert [first, written(tmp_path, monkeypatch)] == [plain, plain]
    assert states(tmp_path) == [kept]


def test_a_beginning_that_was_harmed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = written(tmp_path, monkeypatch)
    (kept,) = states(tmp_path)
    whole = kept.read_bytes()
    for harmed in (b"", whole[:5_000], whole[:-1] + bytes([whole[-1] ^ 1])):
        kept.write_bytes(harmed)
        assert written(tmp_path, monkeypatch) == plain
        assert kept.read_bytes() == whole


def test_only_the_latest_beginnings_are_kept(tmp_path: Path, copy: Path) -> None:
    llama = Llama(copy, threads=1, context=256)
    for number in range(MOST_KEPT + 2):
        Beginning(SHOWN, f"key {number}", folder=tmp_path).prepare(llama, [[100 + number]])
    assert len(states(tmp_path)) == MOST_KEPT


def test_a_beginning_is_really_taken_up(tmp_path: Path, copy: Path) -> None:
    llama, other = (Llama(copy, threads=1, context=256) for _ in range(2))
    Beginning(SHOWN, "key", folder=tmp_path).prepare(llama, [[300, 301], [302]])
    # To read a single token would be cancelled.
    Beginning(SHOWN, "key", folder=tmp_path).prepare(other, [[300, 301], [302]], lambda: True)
    assert other.begins_with([[300, 301], [302]])
    right = llama.read([[300, 301], [302], [303]], None).tobytes()
    assert other.read([[300, 301], [302], [303]], None).tobytes() == right
