"""What holds for every test: no network, no settings or library of the person who runs them, one thread."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import loopback
import pytest

_NOBODY = tempfile.TemporaryDirectory(prefix="tearsheet-tests-")


def pytest_configure() -> None:
    """Set what must stand before the first import of a library that reads it."""
    for name in [name for name in os.environ if name.startswith("TEARSHEET_")]:
        del os.environ[name]
    os.environ |= {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",
        "GOMP_SPINCOUNT": "1000",
        "TEARSHEET_CONFIG": str(Path(_NOBODY.name) / "none.toml"),
        "TEARSHEET_LIBRARY": str(Path(_NOBODY.name) / "library"),
        "TEARSHEET_THREADS": "1",
        "TEARSHEET_CACHE": str(Path(_NOBODY.name) / "cache"),
        "TEARSHEET_MODELS": str(Path(_NOBODY.name) / "models"),
    }
    loopback.refuse_the_network()


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Fail a test that tried to reach the network, even when it swallowed the refusal."""
    before = len(loopback.ATTEMPTS)
    yield
    tried = loopback.ATTEMPTS[before:]
    assert not tried, f"The test tried to reach the network: {tried}"
