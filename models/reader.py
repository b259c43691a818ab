"""Says whether a sentence answers a question, by what the bundled language model makes of both.

A small model that is asked whether a passage answers says yes to everything, but its middle layers know
more than it says (Azaria and Mitchell 2023): a linear function of the state after "Answer:" tells sentences
that answer from those that do not. The last layers, which prepare the next word, are left out. A low-rank
adapter, fitted on questions that a sentence answers and such as it nearly answers (`evals/fit_adapter.py`),
is added to the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.adapter import Adapter, load_adapter
from models.compute import COMPUTE, identity, thread_count
from models.faster import eight_bit_copy, made_once
from models.generator import bundled_gguf
from models.layers import llama_graph
from models.llama import Vocabulary
from models.nodes import LEVELS
from models.session import Session, has_dot_products, open_session
from rag.errors import ModelError

LAYERS = 20
"""Of 30. Measured at 6 to 30: what the state tells grows up to 20 and falls after 26."""
CONTEXT = 512
ADAPTER = Path(__file__).with_name("adapter.npz")
COARSER = 63
"""Levels of the weights where sums of products go through 16 bits: more would run over."""


class OnnxReader:
    """The first layers of the bundled model and a fitted linear function of their last state."""

    def __init__(
        self, weights: NDArray[np.float32], bias: float, *, adapter: Path | None = ADAPTER, threads: int = 0
    ) -> None:
        copy = eight_bit_copy(bundled_gguf())
        levels = LEVELS if has_dot_products() else COARSER
        fitted = load_adapter(adapter) if adapter else {}
        what = (
            f"{LAYERS}layers-{levels}" if adapter is None else f"{LAYERS}adapted-{levels}-{identity(adapter)}"
        )
        graph = made_once(copy, what, ".onnx", partial(_write, levels=levels, adapter=fitted))
        self._vocabulary = Vocabulary(copy)
        try:
            self._session: Session | None = open_session(graph)
        except RuntimeError as error:
            raise ModelError(f"{graph.name} cannot be run: {error}. Delete it; it is made anew.") from error
        self._pool = ThreadPoolExecutor(thread_count(threads), thread_name_prefix="reader")
        self._weights, self._bias = weights, bias

    @classmethod
    def load(cls, path: Path, *, threads: int = 0) -> OnnxReader:
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
            session = self._session
            if session is None:
                raise ModelError("The reader was closed. Open the library again.")
            found = list(self._pool.map(partial(self._state, session), texts))
        return np.array(found, np.float32).reshape(len(found), -1 if found else len(self._weights))

    def close(self) -> None:
        """Free the weights, after what is being read; reading on raises ModelError."""
        with COMPUTE:
            self._session = None
            self._vocabulary.free()
            self._pool.shutdown()

    def _state(self, session: Session, text: str) -> NDArray[np.float32]:
        ids = np.array(self._vocabulary.tokens(text)[-CONTEXT:], np.int32)
        length = np.array([len(ids)], np.int32)
        feeds = {"ids": ids, "last": length[:, None] - 1, "length": length}
        state: NDArray[np.float32] = session.run(["state"], feeds)[0][0]
        return state


def _write(source: Path, target: Path, *, levels: int, adapter: Adapter) -> None:
    graph = llama_graph(source, layers=LAYERS, context=CONTEXT, levels=levels, adapter=adapter)
    target.write_bytes(graph)
