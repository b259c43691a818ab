"""A low-rank adapter: what was fitted on top of a model's weights (LoRA, Hu et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.nodes import Floats
from rag.errors import ModelError

Adapter = Mapping[str, tuple[Floats, Floats]]
"""For a tensor of the model, shape `(out, in)`: two factors, shapes `(out, rank)` and `(rank, in)`, whose
product is added to it."""
_LEFT, _RIGHT = "left:", "right:"


def load_adapter(path: Path) -> Adapter:
    """Return the adapter in an `.npz` file. Raises ModelError when it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = [key.removeprefix(_LEFT) for key in stored.files if key.startswith(_LEFT)]
            return {
                name: (stored[_LEFT + name].astype("<f4"), stored[_RIGHT + name].astype("<f4"))
                for name in names
            }
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"The adapter {path.name} cannot be read: {error}. Reinstall Tearsheet.") from error


def save_adapter(adapter: Adapter, path: Path) -> None:
    """Write the adapter in 16-bit floats."""
    factors: dict[str, Any] = {}
    for name, (left, right) in adapter.items():
        factors |= {_LEFT + name: left.astype("<f2"), _RIGHT + name: right.astype("<f2")}
    np.savez_compressed(path, **factors)
