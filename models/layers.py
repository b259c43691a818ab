"""The first layers of a Llama model as an ONNX graph in whole numbers, to read texts with.

llama.cpp is made for writing, a token at a time. Reading a text of 125 tokens with 20 layers takes ONNX
Runtime a fifth of its time, with products of 8-bit numbers over the whole text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.adapter import Adapter
from models.gguf import Gguf, read_gguf
from models.nodes import CONTRIB, FLOAT, INT8, INT32, LEVELS, Floats, Graph, in_whole_numbers
from rag.errors import ModelError

_F32, _Q8_0 = 0, 8
_BLOCK = 32
_SPREAD = 64
"""Side of the Hadamard matrix, a power of two that divides every width here."""


def llama_graph(
    source: Path, *, layers: int, context: int, levels: int = LEVELS, adapter: Adapter | None = None
) -> bytes:
    """Return an ONNX model that writes `state`, one row by the model's width: what it
    makes of the last token.

    It reads `ids` (int32, the tokens, at most `context`), `last` (int32, their number less one, shape
    `(1, 1)`) and `length` (int32, their number, shape `(1,)`). `source` is a Llama in Q8_0; with fewer
    `levels` than 127 the weights are coarser. What `adapter` holds is added to them.

    A few of a language model's hidden values are a hundred times as large as the others, and whole numbers
    cannot hold both. So the hidden state is turned by an orthogonal matrix, which spreads them over all, and
    turned back in the weights, at no cost (QuaRot, Ashkboos et al. 2024). Raises ModelError when the file
    holds something else.
    """
    return _Layers(read_gguf(source), layers, context, levels, adapter or {}).model_bytes()


class _Layers:
    def __init__(self, found: Gguf, layers: int, context: int, levels: int, adapter: Adapter) -> None:
        if found.architecture != "llama":
            raise ModelError(f"{found.path.name} is of the kind {found.architecture!r}, not 'llama'.")
        self._found, self._adapter = found, adapter
        self._layers, self._context, self._levels = layers, context, levels
        self._heads = self._whole("attention.head_count")
        self._groups = self._whole("attention.head_count_kv")
        self._width = self._whole("embedding_length")
        self._each = self._width // self._heads
        self._epsilon = self._number("attention.layer_norm_rms_epsilon")
        self._turn = _turning(self._width)
        self._graph = Graph()

    def model_bytes(self) -> bytes:
        graph, wide = self._graph, self._width
        graph.integers("flat", [-1, wide])
        # All groups of heads side by side: queries, keys, values.
        graph.integers("one text", [1, -1, wide + 2 * self._groups * self._each])
        graph.constant("ones", FLOAT, np.ones(wide, "<f4"))
        graph.constant("nothing", FLOAT, np.zeros((1, self._groups, 0, self._each), "<f4"))
        angles = np.arange(self._context)[:, None] / self._number("rope.freq_base") ** (
            np.arange(0, self._each, 2) / self._each
        )
        graph.constant("cosines", FLOAT, np.cos(angles).astype("<f4"))
        graph.constant("sines", FLOAT, np.sin(angles).astype("<f4"))
        rows = self._embedded()
        for i in range(self._layers):
            rows = self._layer(f"blk.{i}.", rows)
        ends = [graph.integers(name, [at]) for name, at in (("from", -1), ("to", 2**31 - 1), ("axis", 0))]
        back = self._turn.T * self._weight("output_norm.weight")
        last = self._normed(graph.node("Slice", rows, *ends))
        graph.node("MatMul", last, graph.constant("back", FLOAT, back.astype("<f4")), output="state")
        return graph.model(
            inputs=(("ids", INT32, 1), ("last", INT32, 2), ("length", INT32, 1)),
            outputs=(("state", FLOAT, 2),),
        )

    def _embedded(self) -> str:
        graph = self._graph
        whole, scales = in_whole_numbers(self._weight("token_embd.weight") @ self._turn)
        rows = graph.node("Gather", graph.constant("tokens", INT8, whole), "ids")
        sizes = graph.node("Gather", graph.constant("token scales", FLOAT, scales[:, None]), "ids")
        return graph.node("Mul", graph.node("Cast", rows, to=FLOAT), sizes)

    def _layer(self, prefix: str, rows: str) -> str:
        graph, weight = self._graph, self._weight
        before = weight(f"{prefix}attn_norm.weight")
        parts = [weight(f"{prefix}attn_{part}.weight") for part in "qkv"]
        read = self._product(
            self._normed(rows), f"{prefix}qkv", (np.concatenate(parts) * before) @ self._turn
        )
        mixed = graph.node(
            "GroupQueryAttention",
            graph.node("Reshape", read, "one text"),
            *("", "", "nothing", "nothing", "last", "length", "cosines", "sines"),
            domain=CONTRIB,
            unread=2,
            num_heads=self._heads,
            kv_num_heads=self._groups,
            do_rotary=1,
            rotary_interleaved=1,
        )
        mixed = graph.node("Reshape", mixed, "flat")
        out = self._turn.T @ weight(f"{prefix}attn_output.weight")
        rows = graph.node("Add", rows, self._product(mixed, f"{prefix}out", out))
        before = weight(f"{prefix}ffn_norm.weight")
        normed = self._normed(rows)
        gate, up = (
            self._product(normed, prefix + part, (weight(f"{prefix}ffn_{part}.weight") * before) @ self._turn)
            for part in ("gate", "up")
        )
        inner = graph.node("Mul", graph.node("QuickGelu", gate, domain=CONTRIB, alpha=1.0), up)
        down = self._turn.T @ weight(f"{prefix}ffn_down.weight")
        return graph.node("Add", rows, self._product(inner, f"{prefix}down", down))

    def _normed(self, rows: str) -> str:
        """The weights of a norm are in those that follow it, for turning comes in between."""
        return self._graph.node("SimplifiedLayerNormalization", rows, "ones", axis=-1, epsilon=self._epsilon)

    def _product(self, rows: str, name: str, weight: NDArray[Any]) -> str:
        return self._graph.product(rows, *self._graph.whole_matrix(name, weight, levels=self._levels))

    def _weight(self, name: str) -> Floats:
        rows = rows_of(self._found, name)
        if name not in self._adapter:
            return rows
        left, right = self._adapter[name]
        if (len(left), right.shape[-1]) != rows.shape:
            raise ModelError(f"The adapter was fitted on another model: {name} is {rows.shape}.")
        return rows + left @ right

    def _number(self, key: str) -> float:
        found = self._found.values.get(f"llama.{key}")
        if not isinstance(found, int | float):
            raise ModelError(f"{self._found.path.name} does not say its {key}.")
        return float(found)

    def _whole(self, key: str) -> int:
        return int(self._number(key))


def rows_of(found: Gguf, name: str) -> Floats:
    """Return a tensor of the file, rows first. Raises ModelError when it is in neither Q8_0 nor floats."""
    tensor = found.tensors.get(name)
    if tensor is None or tensor.kind not in {_F32, _Q8_0}:
        raise ModelError(f"{found.path.name} has no tensor {name!r} in 8 bits or floats.")
    raw = np.fromfile(found.path, np.uint8, tensor.bytes, offset=tensor.start)
    if tensor.kind == _F32:
        return raw.view("<f4").reshape(tensor.shape)
    blocks = raw.reshape(-1, 2 + _BLOCK)
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    return (np.ascontiguousarray(blocks[:, 2:]).view(np.int8) * scales).reshape(tensor.shape)


def _turning(width: int) -> Floats:
    """Return an orthogonal matrix that spreads each value over all `width`, the same at every call."""
    hadamard = np.ones((1, 1))
    while len(hadamard) < _SPREAD:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    random = np.random.default_rng(0).normal(size=(width // _SPREAD, width // _SPREAD))
    turned, _ = np.linalg.qr(random)
    return np.kron(turned, hadamard / np.sqrt(_SPREAD)).astype(np.float32)
