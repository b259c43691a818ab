"""Checks that a GGUF file is whole before llama.cpp, which can abort the process, is given it."""

from __future__ import annotations

import mmap
import struct
from math import prod
from pathlib import Path

from rag.errors import ModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_KEYS = 65_536
MOST_TENSORS = 1_000_000
DEFAULT_ALIGNMENT = 32

_STRING, _ARRAY = 8, 9
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


def check_gguf(path: Path) -> None:
    """Raise ModelError, saying what is wrong, unless `path` is a GGUF file with all its parts inside it."""
    try:
        size = path.stat().st_size
        if not path.is_file() or size < len(MAGIC) + 20:
            raise ModelError(f"{str(path)!r} is no model: it has {size} bytes. Give a whole .gguf file.")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _Header(data, path).check()
    except OSError as error:
        raise ModelError(f"The model {str(path)!r} cannot be read: {error.strerror}. Check it.") from error


class _Header:
    """A cursor over the header of an open file; every move is checked against the file's end."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._size = len(data)
        self._path = path
        self._at = 0
        self._alignment = DEFAULT_ALIGNMENT

    def check(self) -> None:
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
        for name, offset, length in found:
            if offset % self._alignment or start + offset + length > self._size:
                raise self._damaged(
                    f"its tensor {name!r} ends at byte {start + offset + length} of a file of {self._size}"
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
            self._array(self._number("<I"), self._number("<Q"))
        else:
            self._skip(kind)

    def _array(self, kind: int, count: int) -> None:
        if kind in _SCALAR_BYTES:
            self._take(_SCALAR_BYTES[kind] * count, copy=False)
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

    def _skip(self, kind: int) -> None:
        if kind == _STRING:
            self._string()
        elif kind in _SCALAR_BYTES:
            self._take(_SCALAR_BYTES[kind])
        else:
            raise self._damaged(f"it holds a value of kind {kind}")

    def _tensor(self) -> tuple[str, int, int]:
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
        return name, offset, prod(shape) // elements * size

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
