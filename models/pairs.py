"""Pairs of texts -> how well they go together, by a CrossEncoder: it reorders passages, or checks claims."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compute import COMPUTE, prepare_environment
from models.sentence import hub_folder
from rag.errors import InputError, ModelError

BATCH = 16
_YES = re.compile(r"entail|support|consistent|faithful|relevant|yes|true", re.I)
_NO = re.compile(r"\bnot?\b|not[_ ]|non|un|in(?=consist)|ir(?=relev)|contra", re.I)

PairModel = Any


class CrossEncoderPairs:
    """A loaded CrossEncoder. Code that comes with a model is never run."""

    def __init__(self, model: PairModel, name: str, column: int | None) -> None:
        self.name = name
        self._model = model
        self._column = column

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Return for each pair, in order, how likely it goes together, 0 to 1; long texts are cut."""
        if not pairs:
            return np.zeros(0, np.float32)
        from torch import nn

        with COMPUTE:
            raw = self._model.predict(
                list(pairs), batch_size=BATCH, show_progress_bar=False, activation_fn=nn.Identity()
            )
        scores = np.asarray(raw, np.float64).reshape(len(pairs), -1)
        if self._column is None:
            return np.asarray(1 / (1 + np.exp(-scores[:, 0])), np.float32)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers[:, self._column] / powers.sum(axis=1), np.float32)


def load_pairs(name: str, setting: str) -> CrossEncoderPairs:
    """Return the CrossEncoder in the folder `name`, or owner/model when the hub's own tool downloaded it.

    `setting` is the setting it was named in. Raises InputError when it is not here, ModelError when it
    cannot be loaded or its labels do not tell which of them means yes.
    """
    path = Path(name).expanduser()
    folder = path if path.is_dir() else hub_folder(name) if name.count("/") == 1 else None
    if folder is None:
        raise InputError(
            f"The {setting} {name!r} is not on this machine. Name a folder that holds a CrossEncoder, or"
            " owner/model after `hf download owner/model`; or take the setting out."
        )
    prepare_environment()
    try:
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
    except Exception as error:  # PyTorch, transformers and safetensors share no base for theirs
        raise ModelError(f"The {setting} in {folder} cannot be loaded: {error}. Check it.") from error
    labels = {int(place): str(label) for place, label in model.config.id2label.items()}
    return CrossEncoderPairs(model, folder.name, _column(labels, setting))


def _column(labels: dict[int, str], setting: str) -> int | None:
    """The label that means yes: by its name, or the second of two that have none; None for a single one."""
    if len(labels) == 1:
        return None
    named = [place for place, label in labels.items() if _YES.search(label) and not _NO.search(label)]
    if len(named) == 1:
        return named[0]
    if len(labels) == 2 and all(label.startswith("LABEL_") for label in labels.values()):
        return 1
    told = ", ".join(labels.values())
    raise ModelError(f"The {setting} has the labels {told}; none of them is known to mean yes. Use another.")


__all__ = ["CrossEncoderPairs", "load_pairs"]
