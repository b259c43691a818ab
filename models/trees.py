"""Gradient-boosted regression trees, evaluated with numpy alone; fitted elsewhere (`evals/fit.py`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError


class Trees:
    """A fitted ensemble: the prediction is `base` plus one leaf value per tree.

    Nodes of all trees stand in one table; `roots` are the rows at which the trees begin. A leaf is its
    own child.
    """

    def __init__(self, arrays: dict[str, NDArray[np.float64]]) -> None:
        self.roots = arrays["roots"].astype(np.int32)
        self.feature = arrays["feature"].astype(np.int32)
        self.threshold = arrays["threshold"].astype(np.float32)
        self.children = np.stack([arrays["left"], arrays["right"]]).astype(np.int32)
        self.value = arrays["value"].astype(np.float32)
        self.base = float(arrays["base"])
        self.depth = int(arrays["depth"])

    @classmethod
    def load(cls, path: Path) -> Trees:
        """Return the ensemble in an `.npz` file. Raises ModelError when it is damaged or missing."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls({name: stored[name] for name in stored.files})
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"The fitted weights {path.name} cannot be read: {error}. Reinstall Tearsheet."
            ) from error

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one prediction per row; `rows` has shape `(n, features)`."""
        at = np.repeat(self.roots[:, None], len(rows), axis=1)
        every = np.arange(len(rows))[None, :]
        for _ in range(self.depth):
            right = rows[every, self.feature[at]] > self.threshold[at]
            at = self.children[right.astype(np.int8), at]
        return np.asarray(self.base + self.value[at].sum(axis=0), np.float32)
