"""What all models share: one compute lock, a thread count that suits the machine, the identity of a file."""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from importlib.util import find_spec
from pathlib import Path

from rag.errors import ModelError

COMPUTE = threading.Lock()
"""Held by the model at work, so that two of them never fight over the cores. Never held across a yield."""

ARENAS, LARGE = 2, 1 << 17
"""Heaps of the C library, and the bytes from which a block is mapped by itself and goes back when freed."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Numbers of settings in glibc's malloc.h."""

SAMPLES = 64
SAMPLE_BYTES = 16_384


def prepare_environment() -> None:
    """Set what native libraries read when loaded; call before importing one. The user's values win."""
    # Spinning at barriers makes GNU OpenMP collapse on a busy machine; a short spin costs nothing when idle.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")


def give_back_freed_memory() -> None:
    """Have the C library hand freed blocks back to the system, for a process that serves for days.

    Left alone, glibc keeps an arena for every thread and the holes in it: a server grew by half a megabyte a
    question. No effect where the C library is another one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for setting, value in ((_ARENA_MAX, ARENAS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, LARGE)):
        mallopt(setting, value)


def usable_cores() -> int:
    """Return how many physical cores this process may run on."""
    try:
        logical = os.sched_getaffinity(0)
    except AttributeError:
        return os.cpu_count() or 1
    topology = Path("/sys/devices/system/cpu")
    try:
        return len({(topology / f"cpu{n}/topology/thread_siblings_list").read_text() for n in logical})
    except OSError:
        return len(logical)


def thread_count(asked: int) -> int:
    """Return `asked`, or for 0 all physical cores but one (at least one): the choice that never collapses."""
    if asked < 0:
        raise ModelError(f"The number of threads must be 0 (choose) or more; found {asked!r}.")
    return asked or max(1, usable_cores() - 1)


def package_folder(name: str) -> Path:
    """Return the folder of an installed package without importing it; ModelError when it is not installed."""
    spec = find_spec(name)
    if spec is None or not spec.origin:
        raise ModelError(f"The package {name!r}, with a bundled model is missing. Reinstall Tearsheet.")
    return Path(spec.origin).parent


def identity(path: Path) -> str:
    """Return 16 hex digits that tell weights files apart: their size and evenly spread samples of bytes.

    Reading all of a 5 GB file would cost more than loading it; another training changes every sample.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for step in range(SAMPLES):
            file.seek(max(0, size - SAMPLE_BYTES) * step // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:16]
