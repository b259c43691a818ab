"""The layers of the bundled model as an ONNX graph: the same model as in llama.cpp, nearly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.faster import eight_bit_copy
from models.generator import bundled_gguf
from models.gguf import read_gguf
from models.layers import llama_graph, rows_of
from models.llama import Llama, Vocabulary
from models.session import open_session
from rag.errors import ModelError

TEXTS = (
    "The capital of France is",
    "The envoys met in Moscow on Tuesday and talked for five",
    "Passage: The ferry was cancelled because of waves.\nQuestion: Why was the ferry cancelled?\nAnswer:",
)


@pytest.fixture(scope="module")
def copy() -> Path:
    return eight_bit_copy(bundled_gguf())


def states(copy: Path, *, layers: int, levels: int) -> np.ndarray:
    session, vocabulary = (
        open_session(llama_graph(copy, layers=layers, context=64, levels=levels)),
        Vocabulary(copy),
    )
    rows = []
    for text in TEXTS:
        ids = np.array(vocabulary.tokens(text), np.int32)
        length = np.array([len(ids)], np.int32)
        rows.append(session.run(["state"], {"ids": ids, "last": length[:, None] - 1, "length": length})[0][0])
    return np.array(rows)


def test_all_layers_together_predict_what_llama_cpp_predicts(copy: Path) -> None:
    llama = Llama(copy, threads=1, context=64)
    logits = states(copy, layers=30, levels=127) @ rows_of(read_gguf(copy), "token_embd.weight").T
    for text, ours in zip(TEXTS, logits, strict=True):
        theirs = llama.read([llama.tokens(text, special=False)], None)
        assert ours.argmax() == theirs.argmax()
        assert np.corrcoef(ours, theirs)[0, 1] > 0.98


def test_coarser_weights_make_nearly_the_same_of_a_text(copy: Path) -> None:
    fine, coarse = (states(copy, layers=4, levels=levels) for levels in (127, 63))
    cosines = (fine * coarse).sum(axis=1) / np.linalg.norm(fine, axis=1) / np.linalg.norm(coarse, axis=1)
    assert 0.99 < cosines.min() < 0.99999


def test_weights_in_another_form_are_a_clear_error() -> None:
    with pytest.raises(ModelError, match=r"has no tensor 'blk\.0\.attn_q\.weight' in 8 bits"):
        llama_graph(bundled_gguf(), layers=1, context=64)
