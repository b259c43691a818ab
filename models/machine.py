"""What this machine has: memory, cores, disk and a GPU, as far as the system tells."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from models.compute import usable_cores

_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class Machine:
    """Sizes are bytes; 0 means that the system does not tell."""

    memory: int
    free: int
    """Memory that can be had without pushing anything out to disk."""
    cores: int
    disk: int
    """Free on the disk of the folder asked about."""
    processor: str
    gpu: str
    """Its name; empty when none is seen."""


def this_machine(folder: Path) -> Machine:
    """Return what there is. `folder`, or the nearest one above it that exists, tells which disk is meant."""
    told = _meminfo()
    memory, free = told.get("MemTotal", 0), told.get("MemAvailable", 0)
    limit, used = container_limit()
    if limit:
        memory = min(memory or limit, limit)
        free = min(free or limit, max(0, limit - used))
    if not memory:
        memory = _pages()
        free = memory // 2
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    return Machine(memory, free, usable_cores(), shutil.disk_usage(place).free, _processor(), _gpu())


def _meminfo() -> dict[str, int]:
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return {}
    return {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}


def container_limit(group: Path = _CGROUP) -> tuple[int, int]:
    """Return the memory this container may use and what it holds; zeros when it may use all.

    Pages of files are not counted as held: the system gives them up when memory is wanted.
    """
    for limit, used, told in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        try:
            found = int((group / limit).read_text("utf-8"))
            if found < _UNLIMITED:
                rows = (line.split() for line in (group / told).read_text("utf-8").splitlines())
                files = sum(int(row[1]) for row in rows if row[0] in ("active_file", "inactive_file"))
                return found, max(0, int((group / used).read_text("utf-8")) - files)
        except (OSError, ValueError, IndexError):
            continue
    return 0, 0


def _pages() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _gpu() -> str:
    for told in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in told.read_text("utf-8").splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "Apple GPU, which shares the memory"
    return ""
