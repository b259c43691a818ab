"""Memory that was freed goes back to the system."""

import subprocess
import sys

import pytest

HOLES = """
import sys
from pathlib import Path
from models.compute import give_back_freed_memory

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) // 1000

if sys.argv[1] == "yes":
    give_back_freed_memory()
for _ in range(3):  # glibc learns from the first blocks that are freed to keep such blocks on its heap.
    del [bytearray(400_000) for _ in range(10)][:]
before, between, blocks = resident(), [], []
for _ in range(500):
    blocks.append(bytearray(200_000))
    between.append(bytearray(2_000))
del blocks
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
@pytest.mark.parametrize(("called", "least", "most"), [("yes", -50, 10), ("no", 50, 150)])
def test_freed_blocks_go_back_to_the_system(called, least, most):
    done = subprocess.run([sys.executable, "-c", HOLES, called], capture_output=True, text=True, check=True)
    assert least <= int(done.stdout) <= most, done.stdout
