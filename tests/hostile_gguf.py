"""Makes broken and hostile model files: the bundled one with parts of its header replaced."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from models.generator import bundled_gguf
from models.gguf import _Header

UINT32, FLOAT, STRING, ARRAY = 4, 6, 8, 9


@dataclass(frozen=True)
class Parts:
    """A header taken apart; `weights` is where the tensors begin in the bundled file."""

    version: int
    tensors: int
    keys: dict[str, bytes]
    infos: tuple[bytes, ...]
    weights: int


@cache
def bundled_parts() -> Parts:
    path = bundled_gguf()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        header = _Header(data, path)
        header._take(4)
        version, tensors, count = header._number("<I"), header._number("<Q"), header._number("<Q")
        keys, infos = {}, []
        for _ in range(count):
            start = header._at
            header._key()
            length = int.from_bytes(data[start : start + 8], "little")
            keys[data[start + 8 : start + 8 + length].decode()] = data[start : header._at]
        for _ in range(tensors):
            start = header._at
            header._tensor()
            infos.append(data[start : header._at])
        return Parts(version, tensors, keys, tuple(infos), -(-header._at // 32) * 32)


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def number(key: str, value: int) -> bytes:
    return text(key) + struct.pack("<II", UINT32, value & 0xFFFFFFFF)


def words(key: str, value: str | bytes) -> bytes:
    return text(key) + struct.pack("<I", STRING) + text(value)


def listed(key: str, values: list[bytes]) -> bytes:
    return text(key) + struct.pack("<IIQ", ARRAY, STRING, len(values)) + b"".join(map(text, values))


def with_keys(**changed: bytes | None) -> Callable[[Parts], Parts]:
    """Return an edit that replaces keys (`_` for `.`, `__` for `_`), or takes them out."""

    def edit(parts: Parts) -> Parts:
        keys = dict(parts.keys)
        for name, value in changed.items():
            key = name.replace("__", "\0").replace("_", ".").replace("\0", "_")
            keys.pop(key, None)
            if value is not None:
                keys[key] = value
        return replace(parts, keys=keys)

    return edit


def write_gguf(
    target: Path, edit: Callable[[Parts], Parts] = lambda parts: parts, *, real: bool = False, nan: int = 0
) -> Path:
    """Write the bundled model with an edited header; its weights are holes unless `real`."""
    parts = edit(bundled_parts())
    header = b"GGUF" + struct.pack("<IQQ", parts.version, parts.tensors, len(parts.keys))
    header += b"".join(parts.keys.values()) + b"".join(parts.infos)
    header += b"\0" * (-len(header) % 32)
    size = bundled_gguf().stat().st_size - parts.weights
    with target.open("wb") as file:
        file.write(header)
        if real:
            with bundled_gguf().open("rb") as whole:
                whole.seek(parts.weights)
                file.write(whole.read())
        if nan:
            file.seek(-nan, os.SEEK_END)
            file.write(b"\x00\x00\xc0\x7f" * (nan // 4))
        file.truncate(len(header) + size)
    return target
