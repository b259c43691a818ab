"""The models we know by name: their files, what they need, and whether this machine can hold them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.gguf import HALF, LOGITS, WORKSPACE
from models.machine import Machine
from models.places import models_folder
from rag.errors import InputError

TABLE = Path(__file__).with_name("catalog.toml")
CONTEXT = 2048
"""Tokens that are reckoned with, and loaded, unless more are asked for."""
BATCH = 512
SPARE = 0.8
"""Share of the free memory a model may take."""
HUB = "https://huggingface.co"
GB = 1e9


@dataclass(frozen=True, slots=True)
class Known:
    """A row of the catalog: a language model that may be fetched, or came with the installation."""

    name: str
    file: str
    parameters: int
    vocabulary: int
    """Tokens it knows."""
    context: int
    """Tokens it was trained for."""
    cache: tuple[int, int, int]
    """Layers, key-value heads, width of a head."""
    licence: str
    prompt: str
    languages: str
    repo: str = ""
    revision: str = "main"
    bytes: int = 0
    """0 when the publisher's figure is not known here."""
    sha256: str = ""
    bundled: bool = False

    @property
    def path(self) -> Path:
        """Where it stands once it was fetched."""
        return models_folder() / self.file

    @property
    def url(self) -> str:
        return f"{HUB}/{self.repo}/resolve/{self.revision}/{self.file}" if self.repo else ""

    @property
    def size(self) -> int:
        """Bytes of the file, guessed at one for each parameter when unknown."""
        return self.bytes or self.parameters * 17 // 16

    def memory(self, context: int = CONTEXT) -> int:
        """Return about how many bytes running it takes: weights, key-value memory, logits, workspace."""
        layers, heads, width = self.cache
        kept = layers * heads * width * 2 * HALF * min(context, self.context)
        return self.size + kept + self.vocabulary * LOGITS * BATCH + WORKSPACE


@dataclass(frozen=True, slots=True)
class KnownEmbedder:
    """A row of the catalog: a sentence-transformers model."""

    name: str
    repo: str
    parameters: int
    dimensions: int
    window: int
    """Tokens of a text it reads."""
    prompts: str
    licence: str
    languages: str
    bundled: bool = False


@cache
def known_models() -> tuple[Known, ...]:
    """Return the language models, smallest first."""
    return tuple(Known(**(row | {"cache": tuple(row["cache"])})) for row in _table()["model"])


@cache
def known_embedders() -> tuple[KnownEmbedder, ...]:
    return tuple(KnownEmbedder(**row) for row in _table()["embedder"])


def known(name: str) -> Known:
    """Return the model of that name. Raises InputError, naming all, when there is none."""
    for row in known_models():
        if row.name == name.casefold():
            return row
    names = ", ".join(row.name for row in known_models())
    raise InputError(
        f"There is no model {name!r}. Known: {names}; or name a .gguf file or hf:owner/repo/file."
    )


def objection(row: Known, machine: Machine, *, context: int = CONTEXT) -> str:
    """Return why `row` does not fit this machine; empty when it does."""
    needed = row.memory(context)
    if machine.memory and needed > machine.memory:
        return f"needs {needed / GB:.1f} GB of memory, the machine has {machine.memory / GB:.1f}"
    if machine.free and needed > machine.free * SPARE:
        return f"needs {needed / GB:.1f} GB of memory, {machine.free / GB:.1f} are free"
    if not row.bundled and not row.path.is_file() and row.size > machine.disk:
        return f"needs {row.size / GB:.1f} GB of disk, {machine.disk / GB:.1f} are free"
    return ""


@dataclass(frozen=True, slots=True)
class Speed:
    """What this machine does with a model, measured with the bundled one and scaled by size."""

    prompt: float
    """Tokens read a second."""
    reply: float
    """Tokens written a second."""

    def of(self, row: Known, measured: Known, bytes_measured: int) -> Speed:
        """Return what to expect of `row`: reading is bound by arithmetic, writing by reading the weights."""
        return Speed(
            self.prompt * measured.parameters / row.parameters, self.reply * bytes_measured / row.size
        )

    def seconds(self, *, read: int = 80, write: int = 20) -> float:
        """Return the time of one answer of the write tier."""
        return read / self.prompt + write / self.reply


def _table() -> dict[str, list[dict[str, Any]]]:
    with TABLE.open("rb") as file:
        return tomllib.load(file)
