"""The adapter of the reader: what it adds to a model's weights, and the recipe that fits it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.fit_adapter import EPOCHS, Layers
from evals.fit_contrasts import Contrast
from models.adapter import load_adapter, save_adapter
from models.faster import eight_bit_copy
from models.generator import bundled_gguf
from models.layers import llama_graph
from models.llama import Vocabulary
from models.reader import ADAPTER, OnnxReader
from models.session import open_session
from rag.engines import FITTED
from rag.errors import ModelError
from rag.prompts import read_prompt

FERRY = "Passage: The ferry to Holm carried 90 cars and was cancelled because of high waves.\nQuestion:"
MILL = "Passage: Anna Berg bought the old mill in Dalby from the town for two crowns.\nQuestion:"
FITTED_ON = (
    Contrast(
        FERRY,
        (("Why was the ferry cancelled?", True, 1.0), ("Who cancelled the ferry?", False, 0.5)),
        "news",
    ),
    Contrast(
        MILL,
        (
            ("Who bought the mill?", True, 1.0),
            ("Who bought the town?", False, 0.5),
            ("Who built it?", False, 0.5),
        ),
        "news",
    ),
)


def test_an_adapter_comes_back_as_it_was_written(tmp_path: Path) -> None:
    left, right = np.array([[1.0], [2.0]], "<f4"), np.array([[0.5, 0.25, -1.0]], "<f4")
    save_adapter({"blk.0.attn_q.weight": (left, right)}, tmp_path / "a.npz")
    (name, (first, second)), *rest = load_adapter(tmp_path / "a.npz").items()
    assert (name, rest) == ("blk.0.attn_q.weight", [])
    assert np.array_equal(first, left)
    assert np.array_equal(second, right)


def test_a_damaged_adapter_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "adapter.npz").write_bytes(b"no factors")
    with pytest.raises(ModelError, match=r"adapter\.npz cannot be read.*Reinstall"):
        load_adapter(tmp_path / "adapter.npz")


def test_an_adapter_of_another_model_is_a_clear_error() -> None:
    wrong = {"blk.0.attn_q.weight": (np.ones((4, 1), "<f4"), np.ones((1, 4), "<f4"))}
    with pytest.raises(ModelError, match=r"fitted on another model: blk\.0\.attn_q\.weight is"):
        llama_graph(eight_bit_copy(bundled_gguf()), layers=1, context=64, adapter=wrong)


def test_what_an_adapter_holds_is_added_to_the_weights() -> None:
    copy = eight_bit_copy(bundled_gguf())
    ids = np.array(Vocabulary(copy).tokens("Who bought the mill? Answer:"), np.int32)
    length = np.array([len(ids)], np.int32)

    def state(strength: float) -> np.ndarray:
        added = (strength * np.ones((576, 1), "<f4"), np.ones((1, 576), "<f4"))
        session = open_session(
            llama_graph(copy, layers=1, context=64, adapter={"blk.0.attn_q.weight": added})
        )
        return session.run(["state"], {"ids": ids, "last": length[:, None] - 1, "length": length})[0][0]

    plain = open_session(llama_graph(copy, layers=1, context=64))
    first = plain.run(["state"], {"ids": ids, "last": length[:, None] - 1, "length": length})[0][0]
    assert np.array_equal(state(0.0), first)
    assert np.abs(state(0.1) - first).max() > 0.01


def test_the_layers_that_are_fitted_are_those_that_read() -> None:
    layers = Layers()
    theirs = layers.eval().states(FITTED_ON).detach().numpy()
    reader = OnnxReader(np.zeros(0, np.float32), 0.0, adapter=None, threads=1)
    ours = reader.states([f"{one.passage} {text}\nAnswer:" for one in FITTED_ON for text, _, _ in one.asked])
    assert len(theirs) == 5
    for mine, yours in zip(ours, theirs, strict=True):
        assert np.corrcoef(mine, yours)[0, 1] > 0.98


def test_fitting_brings_the_questions_apart() -> None:
    layers = Layers()
    layers.start(FITTED_ON)
    first, *others = [layers.learn(FITTED_ON, epoch) for epoch in (0,) * 6]
    assert EPOCHS >= 1
    assert others[-1] < first
    assert any(np.abs(left).max() > 0 for left, _ in layers.adapter().values())


@pytest.mark.parametrize(
    ("sentence", "answered", "nearly"),
    [
        (
            "Anna Berg bought the old mill in Dalby from the town for two crowns.",
            "Who bought the mill in Dalby?",
            "Who designed the mill in Dalby?",
        ),
        (
            "The company lost 40 million crowns last year, while its rival Lund made a profit of 12 million.",
            "How much did the company lose last year?",
            "How many people does the company employ?",
        ),
        (
            "The minister left for Holm on Tuesday after she had met the union.",
            "When did the minister leave for Holm?",
            "Why did the minister leave for Holm?",
        ),
    ],
)
def test_the_reader_tells_what_a_sentence_nearly_answers(sentence: str, answered: str, nearly: str) -> None:
    reader = OnnxReader.load(FITTED / "reader.npz", threads=1)
    yes, no = reader.read(
        [read_prompt(asked, "News from Dalby", "", sentence) for asked in (answered, nearly)]
    )
    assert yes > no + 0.5
    assert 0 < ADAPTER.stat().st_size < 3_000_000
