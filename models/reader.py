"""Says whether a sentence answers a question, by what the bundled language model makes of both.

A small model that is asked whether a passage answers says yes to everything, but its middle layers know
more than it says (Azaria and Mitchell 2023): a linear function of the state after "Answer:" tells sentences
that answer from those that do not. The last layers, which prepare the next word, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.compute import COMPUTE, prepare_environment, thread_count
from models.faster import copy_of
from models.generator import bundled_gguf
from models.llama import Llama
from rag.errors import ModelError

LAYERS = 20
"""Of 30. Measured at 6 to 30: what the state tells grows up to 20 and falls after 26."""
CONTEXT = 512


class LlamaReader:
    """The first layers of the bundled model and a fitted linear function of their last state."""

    def __init__(self, weights: NDArray[np.float32], bias: float, *, threads: int = 0) -> None:
        prepare_environment()
        copy = copy_of(bundled_gguf(), layers=LAYERS)
        self._llama = Llama(copy, threads=thread_count(threads), context=CONTEXT, hidden=True)
        self._weights, self._bias = weights, bias
        self._closed = False

    @classmethod
    def load(cls, path: Path, *, threads: int = 0) -> LlamaReader:
        """Return the reader with the weights in an `.npz` file. Raises ModelError when it cannot be had."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                weights, bias = stored["weights"].astype(np.float32), float(stored["bias"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"The fitted weights {path.name} cannot be read: {error}. Reinstall Tearsheet."
            ) from error
        return cls(weights, bias, threads=threads)

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the log-odds that each text, a passage with its question, holds the answer."""
        return np.asarray(self.states(texts) @ self._weights + self._bias, np.float32)

    def states(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the states after `texts`, shape `(n, width)`."""
        with COMPUTE:
            if self._closed:
                raise ModelError("The reader was closed. Open the library again.")
            found = [self._llama.hidden_state(self._llama.tokens(text, special=False)) for text in texts]
        return np.array(found, np.float32).reshape(len(found), self._llama.width)

    def close(self) -> None:
        """Free the weights, after what is being read; reading on raises ModelError."""
        with COMPUTE:
            self._closed = True
            self._llama.free()
