"""A copy of the bundled model that the processor reads prompts with twice as fast, made once in the cache.

The bundled file holds 4-bit weights with an offset (Q4_1), for which llama.cpp has no fast kernel. The same
numbers as 8-bit weights (Q8_0) are half as large again and are read at 200 tokens a second instead of 94
on one core, and the next token is the same 95 times in 100; see docs/decisions.
"""

from __future__ import annotations

import glob
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from models.compute import COMPUTE, identity
from models.gguf import read_gguf
from models.llama import quantise
from models.places import cache_folder
from rag.errors import ModelError

Make = Callable[[Path, Path], None]
"""Writes the copy of the first file to the second. May raise ModelError."""

FORM = "Q8_0"
ROOM = 4
"""Free disk needed, as a multiple of the size of the source: making a copy may not fill the disk."""

ABANDONED = 3600.0
"""Seconds after which an unfinished copy belongs to a process that was killed."""
NOTED, UNUSED = 86400.0, 7 * 86400.0
"""Seconds after which it is noted that a copy is used, and after which one that another has replaced goes."""

_log = logging.getLogger(__name__)


def faster_copy(source: Path, *, folder: Path | None = None) -> Path:
    """Return the copy of `source` in `folder` (by default the cache), making it when there is none.

    Returns `source` itself, and says why in the log, when the disk or llama.cpp refuses.
    """
    try:
        return eight_bit_copy(source, folder=folder)
    except ModelError as error:
        _log.info("%s is used as it is, which reads prompts at half the speed: %s", source.name, error)
        return source


def made_once(source: Path, what: str, ending: str, make: Make, *, folder: Path | None = None) -> Path:
    """Return the file that `make` writes from `source`; made when there is none in `folder`, the cache.

    The name of a copy holds the identities of its source and of itself, so a stale or damaged one is never
    used. Raises ModelError when the disk or `make` refuses.
    """
    kept = folder or cache_folder() / "models"
    begins = f"{source.stem}-{identity(source)}-{what}-"
    try:
        for known in _found(kept, begins, ending):
            if known.name == f"{begins}{identity(known)}{ending}":
                if _age(known) > NOTED:
                    # A cache that only others may write to is as good.
                    with suppress(OSError):
                        os.utime(known)
                return known
            known.unlink(missing_ok=True)
        return _write(source, kept, begins, ending, make)
    except OSError as error:
        raise ModelError(f"A copy of {source.name} cannot be written to {kept}: {error}.") from error


def eight_bit_copy(source: Path, *, folder: Path | None = None) -> Path:
    """Return the copy of `source`; raises ModelError where `faster_copy` does without."""
    return made_once(source, FORM, ".gguf", _quantised, folder=folder)


def _quantised(source: Path, target: Path) -> None:
    with COMPUTE:
        quantise(source, target, FORM)
    read_gguf(target)


def _found(folder: Path, begins: str, ending: str) -> list[Path]:
    return sorted(folder.glob(f"{glob.escape(begins)}*{ending}"))


def _write(source: Path, folder: Path, begins: str, ending: str, make: Make) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    room, needed = shutil.disk_usage(folder).free, ROOM * source.stat().st_size
    if room < needed:
        raise ModelError(f"{folder} has {room:,} bytes free and a copy wants {needed:,}. Free some.")
    for left in _found(folder, source.stem, ".part"):
        if _age(left) > ABANDONED:
            left.unlink(missing_ok=True)
    number, name = tempfile.mkstemp(prefix=begins, suffix=".part", dir=folder)
    os.close(number)
    part = Path(name)
    try:
        make(source, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        whole = folder / f"{begins}{identity(part)}{ending}"
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)
    with suppress(OSError):
        for other in _found(folder, f"{source.stem}-{identity(source)}-", ending):
            if other != whole and _age(other) > UNUSED:
                other.unlink(missing_ok=True)
    return whole


def _age(file: Path) -> float:
    """Seconds since a file was written, or noted as used."""
    return time.time() - file.stat().st_mtime
