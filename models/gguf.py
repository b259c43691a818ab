"""Reads what a GGUF file says of itself, and checks that it is whole, before llama.cpp is given it.

llama.cpp aborts the process on some damaged files. Everything here is bounded by the length of the file.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path

from rag.errors import ModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_KEYS = 65_536
MOST_TENSORS = 1_000_000
DEFAULT_ALIGNMENT = 32

EMBEDDING_KINDS = (
    "bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "neo-bert",
    "eurobert", "t5encoder", "gemma-embedding", "clip",
)  # fmt: skip
"""Architectures that turn text or pictures into vectors."""

_STRING, _ARRAY = 8, 9
_FORMS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<B",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_UINT32 = 4
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""Elements and bytes of one block of each tensor type. A newer type is checked for its offset only."""


LONGEST_VALUE = 1_000_000
"""Bytes of a text in the header that is kept; a chat template has 500 to 20,000."""
MOST_NUMBERS = 1_024
"""Numbers of an array in the header that are kept: the one we need has one for each layer."""
HALF = 2
"""Bytes of a number of the key-value memory, which is kept in 16 bits."""
LOGITS = 4
WORKSPACE = 60_000_000
"""Bytes that llama.cpp needs besides weights, key-value memory and logits."""

Value = str | int | float | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where the numbers of a tensor stand in the file: `kind` says in what form."""

    kind: int
    start: int
    bytes: int
    shape: tuple[int, ...]
    """Rows first."""


@dataclass(frozen=True, slots=True)
class Gguf:
    """What a file says of itself, as far as somebody needs it."""

    path: Path
    bytes: int
    values: dict[str, Value]
    """Texts, numbers and short arrays of numbers of the header, by key."""
    tensors: dict[str, Tensor]
    parameters: int
    vocabulary: int
    """Tokens it counts; 0 when it has no list of them."""
    embedded: int
    """Tokens its embedding table has rows for; 0 when there is no such table."""

    @property
    def architecture(self) -> str:
        return str(self.values.get("general.architecture", ""))

    @property
    def template(self) -> str:
        return str(self.values.get("tokenizer.chat_template", ""))

    @property
    def trained_context(self) -> int:
        return self._number("context_length")

    def cache_bytes(self, context: int) -> int:
        """Return the bytes of the key-value memory for `context` tokens."""
        heads = max(1, self._number("attention.head_count"))
        width = self._number("embedding_length")
        kept = self.values.get(f"{self.architecture}.attention.head_count_kv", heads)
        layers = self._number("block_count")
        total = sum(kept) if isinstance(kept, tuple) else int(kept) * layers
        each = self._number("attention.key_length", width // heads)
        other = self._number("attention.value_length", width // heads)
        return total * (each + other) * HALF * context

    def memory(self, context: int, *, batch: int) -> int:
        """Return an estimate of the bytes that running it takes."""
        logits = max(self.vocabulary, self.embedded) * LOGITS * batch
        return self.bytes + self.cache_bytes(context) + logits + WORKSPACE

    def _number(self, key: str, default: int = 0) -> int:
        found = self.values.get(f"{self.architecture}.{key}", default)
        return int(found) if isinstance(found, int | float) else default


def read_gguf(path: Path) -> Gguf:
    """Return what the file says of itself. Raises ModelError unless all its parts are there."""
    try:
        size = path.stat().st_size
        if not path.is_file() or size < len(MAGIC) + 20:
            raise ModelError(f"{str(path)!r} is no model: it has {size} bytes. Give a whole .gguf file.")
        return _read(path, size, path.stat().st_mtime_ns)
    except OSError as error:
        raise ModelError(f"The model {str(path)!r} cannot be read: {error.strerror}. Check it.") from error


@lru_cache(maxsize=8)
def _read(path: Path, size: int, modified: int) -> Gguf:
    """Read a header once for each state of its file: 50,000 tokens take a twentieth of a second."""
    del size, modified
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _Header(data, path).read()


def check_chat_model(found: Gguf) -> None:
    """Raise ModelError unless it is a language model that can be asked, with a vocabulary and a template.

    An embedding model or an adapter would be loaded by llama.cpp and abort the process when it writes.
    """
    name, kind = repr(str(found.path)), found.architecture
    advice = "Use an instruct model, e.g. one of `tearsheet models list`."
    said = str(found.values.get("general.type", "model"))
    if said != "model":
        raise ModelError(f"{name} is not a whole model but of the type {said!r}. {advice}")
    if not kind:
        raise ModelError(f"{name} does not name its architecture. {advice}")
    if kind in EMBEDDING_KINDS or f"{kind}.pooling_type" in found.values:
        raise ModelError(f"{name} is an embedding model ({kind!r}), which writes nothing. {advice}")
    if found.vocabulary == 0:
        raise ModelError(f"{name} carries no vocabulary. {advice}")
    if found.embedded and found.embedded < found.vocabulary:
        raise ModelError(
            f"{name} is damaged: it counts {found.vocabulary} tokens and knows {found.embedded}. {advice}"
        )
    if not found.template:
        raise ModelError(f"{name} carries no chat template, so prompts for it would be guesses. {advice}")


class _Header:
    """A cursor over the header of an open file; every move is checked against the file's end."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._size = len(data)
        self._path = path
        self._at = 0
        self._alignment = DEFAULT_ALIGNMENT
        self._values: dict[str, Value] = {}
        self._vocabulary = 0

    def read(self) -> Gguf:
        if self._take(4) != MAGIC:
            raise self._damaged(f"it begins with {self._data[:4]!r}, not {MAGIC!r}")
        version = self._number("<I")
        if version not in VERSIONS:
            raise self._damaged(f"its version is {version}, not one of {VERSIONS}")
        tensors, keys = self._number("<Q"), self._number("<Q")
        if tensors > MOST_TENSORS or keys > MOST_KEYS:
            raise self._damaged(f"its header counts {tensors} tensors and {keys} keys")
        for _ in range(keys):
            self._key()
        found = [self._tensor() for _ in range(tensors)]
        start = -(-self._at // self._alignment) * self._alignment
        placed: dict[str, Tensor] = {}
        for name, kind, offset, length, shape in found:
            if offset % self._alignment or start + offset + length > self._size:
                raise self._damaged(
                    f"its tensor {name!r} ends at byte {start + offset + length} of a file of {self._size}"
                )
            placed[name] = Tensor(kind, start + offset, length, tuple(reversed(shape)))
        return Gguf(
            path=self._path,
            bytes=self._size,
            values=self._values,
            tensors=placed,
            parameters=sum(prod(shape) for *_, shape in found),
            vocabulary=self._vocabulary,
            embedded=next((shape[-1] for name, *_, shape in found if name == "token_embd.weight"), 0),
        )

    def _key(self) -> None:
        name = self._string()
        kind = self._number("<I")
        if name == b"general.alignment":
            if kind != _UINT32:
                raise self._damaged("its alignment is no number")
            self._alignment = self._number("<I")
            if self._alignment == 0 or self._alignment % 8:
                raise self._damaged(f"its alignment is {self._alignment}")
        elif kind == _ARRAY:
            self._array(name.decode("utf-8", "replace"), self._number("<I"), self._number("<Q"))
        else:
            self._value(name.decode("utf-8", "replace"), kind)

    def _array(self, name: str, kind: int, count: int) -> None:
        if name == "tokenizer.ggml.tokens":
            self._vocabulary = count
        if kind in _SCALAR_BYTES:
            width = _SCALAR_BYTES[kind]
            data = self._take(width * count, copy=count <= MOST_NUMBERS)
            if data and kind not in (6, 12):
                self._values[name] = tuple(int(n) for (n,) in struct.iter_unpack(_FORMS[kind], data))
        elif kind == _STRING:
            self._strings(count)
        else:
            raise self._damaged(f"it holds an array of kind {kind}")

    def _strings(self, count: int) -> None:
        # A vocabulary has 50,000 to 300,000 of them: the one loop here that has to be fast.
        data, at, end, whole = self._data, self._at, self._size - 8, int.from_bytes
        for _ in range(count):
            if at > end:
                break
            at += 8 + whole(data[at : at + 8], "little")
        self._at = at
        self._take(0)

    def _value(self, name: str, kind: int) -> None:
        if kind == _STRING:
            self._values[name] = self._string()[:LONGEST_VALUE].decode("utf-8", "replace")
        elif kind in _SCALAR_BYTES:
            (self._values[name],) = struct.unpack(_FORMS[kind], self._take(_SCALAR_BYTES[kind]))
        else:
            raise self._damaged(f"it holds a value of kind {kind}")

    def _tensor(self) -> tuple[str, int, int, int, list[int]]:
        name = self._string().decode("utf-8", "replace")
        rank = self._number("<I")
        if not 1 <= rank <= 4:
            raise self._damaged(f"its tensor {name!r} has {rank} dimensions")
        shape = [self._number("<Q") for _ in range(rank)]
        kind = self._number("<I")
        offset = self._number("<Q")
        elements, size = _BLOCKS.get(kind, (1, 0))
        if shape[0] % elements or prod(shape) == 0:
            raise self._damaged(f"its tensor {name!r} has the shape {shape}")
        return name, kind, offset, prod(shape) // elements * size, shape

    def _string(self) -> bytes:
        return self._take(self._number("<Q"))

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _take(self, count: int, *, copy: bool = True) -> bytes:
        start = self._at
        self._at += count
        if self._at > self._size:
            raise self._damaged(f"its header runs past its {self._size} bytes")
        return self._data[start : self._at] if copy else b""

    def _damaged(self, what: str) -> ModelError:
        return ModelError(
            f"The model file {str(self._path)!r} is damaged or no GGUF file: {what}. Get it again, whole."
        )
