"""Which model a name stands for, which file may run in this process, and what a failing model costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_gguf import write_gguf

from models.catalog import known, known_embedders, known_models, objection
from models.choose import RECEIPT, is_trusted, model_file, open_generator
from models.fake import FakeGenerator
from models.generator import LlamaGenerator, bundled_gguf
from models.gguf import read_gguf
from models.isolate import IsolatedGenerator
from models.machine import Machine, container_limit, this_machine
from models.protocols import Message
from rag.errors import CancelledError, InputError, ModelError
from rag.pipeline import Models, Tearsheet
from rag.settings import Settings

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "articles"
SMALL = Machine(memory=4_000_000_000, free=3_000_000_000, cores=2, disk=50_000_000_000, processor="", gpu="")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEARSHEET_MODELS", str(tmp_path))
    return tmp_path


def receipt(file: Path, **changed: object) -> None:
    status = file.stat()
    noted = {"sha256": known("qwen3-0.6b").sha256, "bytes": status.st_size, "modified": status.st_mtime_ns}
    file.with_name(file.name + RECEIPT).write_text(json.dumps(noted | changed))


def test_every_row_of_the_catalog_is_whole() -> None:
    rows = known_models()
    assert len(rows) >= 10
    assert [row.parameters for row in rows] == sorted(row.parameters for row in rows)
    assert all(row.licence in {"Apache-2.0", "MIT"} and row.file.endswith(".gguf") for row in rows)
    assert all(len(row.sha256) in (0, 64) and bool(row.sha256) <= bool(row.bytes) for row in rows)
    assert all(row.bundled or row.url.startswith("https://huggingface.co/") for row in rows)
    assert len(known_embedders()) >= 3


def test_the_bundled_row_is_what_the_file_says() -> None:
    row, found = known("smollm2-135m"), read_gguf(bundled_gguf())
    assert (row.file, row.bytes) == (bundled_gguf().name, found.bytes)
    assert (row.parameters, row.context) == (found.parameters, found.trained_context)
    assert row.vocabulary == found.vocabulary
    layers, heads, width = row.cache
    assert found.cache_bytes(1) == layers * heads * width * 2 * 2


def test_what_does_not_fit_says_by_how_much() -> None:
    assert objection(known("smollm2-135m"), SMALL) == ""
    assert objection(known("qwen3-4b"), SMALL) == "needs 3.2 GB of memory, 3.0 are free"
    assert objection(known("qwen3-14b"), SMALL) == "needs 9.7 GB of memory, the machine has 4.0"


def test_this_machine_has_something() -> None:
    machine = this_machine(Path("/no/such/folder"))
    assert machine.memory >= machine.free > 100_000_000
    assert machine.cores >= 1
    assert machine.disk > 0


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("4000000000\n")
    (tmp_path / "memory.current").write_text("3500000000\n")
    (tmp_path / "memory.stat").write_text("anon 900000000\nactive_file 500000000\ninactive_file 2000000000\n")
    assert container_limit(tmp_path) == (4_000_000_000, 1_000_000_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert container_limit(tmp_path) == (0, 0)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match=r"no model 'gpt-9'\. Known: smollm2-135m, .* or name a \.gguf file"):
        open_generator("gpt-9")


def test_a_model_that_was_not_fetched_says_how(folder: Path) -> None:
    for name in ("qwen3-4b", "hf:owner/repo/some.gguf"):
        with pytest.raises(InputError, match=f"not fetched yet. `tearsheet models pull {name}` does it"):
            model_file(name)
    (folder / "some.gguf").write_bytes(b"GGUF")
    assert model_file("hf:owner/repo/some.gguf") == folder / "some.gguf"
    assert model_file("") is model_file("smollm2-135m") is None


def test_only_an_untouched_file_of_the_catalog_is_trusted(folder: Path) -> None:
    file = folder / known("qwen3-0.6b").file
    file.write_bytes(b"weights")
    assert not is_trusted(file)
    receipt(file)
    assert is_trusted(file)
    receipt(file, sha256="0" * 64)
    assert not is_trusted(file)
    receipt(file)
    file.write_bytes(b"Weights")
    assert not is_trusted(file)


def test_a_file_of_ones_own_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    own = open_generator(str(bundled_gguf()), threads=1, context=512)
    assert isinstance(own, IsolatedGenerator)
    own.close()
    assert isinstance(open_generator("", threads=1, context=512), LlamaGenerator)
    with pytest.raises(ModelError, match="damaged"):
        open_generator(str(write_gguf(tmp_path / "bad.gguf", lambda parts: parts.__class__(9, 0, {}, (), 0))))


class FailingGenerator(FakeGenerator):
    """Writes a word, then fails with the error it was made with."""

    def __init__(self, error: ModelError) -> None:
        super().__init__()
        self._error = error

    def write(self, messages: list[Message], **given: object) -> Iterator[str]:
        yield "Jared"
        raise self._error


def test_a_model_that_fails_leaves_the_articles_own_words(tmp_path: Path) -> None:
    settings = Settings.load(library=tmp_path, threads=1)
    failing = Models(settings, generator=FailingGenerator(ModelError("The model died.")))
    with Tearsheet.open(settings, write=True, models=failing) as tearsheet:
        tearsheet.add([SEEDS / "kushner-joins-witkoff.md"])
        answer = tearsheet.ask("How old is Jared Kushner?")
    assert (answer.status, answer.tier, answer.model) == ("answered", "quote", "")
    assert "44" in answer.claims[0].text
    assert answer.notes[-1] == "The model died."
    stopped = Models(settings, generator=FailingGenerator(CancelledError("Stopped.")))
    with Tearsheet.open(settings, models=stopped) as tearsheet, pytest.raises(CancelledError):
        tearsheet.ask("How old is Jared Kushner?")
