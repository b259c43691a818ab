"""A BERT sentence encoder as an ONNX graph whose weights stay where they are: in its safetensors file.

There is no exported file to keep, check or rebuild, and no PyTorch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.nodes import CONTRIB, FLOAT, INT32, Graph, field

Pooling = Literal["mean", "cls"]


@dataclass(frozen=True, slots=True)
class Bert:
    """The shape of an encoder, as its `config.json` gives it."""

    layers: int
    width: int
    heads: int
    epsilon: float
    pooling: Pooling


def bert_graph(weights: Path, bert: Bert, *, eight_bit: bool = False) -> bytes:
    """Return an ONNX model that writes `vectors`: 32-bit float unit rows, batch by width.

    Asked for it, it also writes `hidden`: one row for each token, batch by length by width, of any length.
    It reads `ids` (int32, batch by length), `mask` (float, the same shape, 1 for a token) and `lengths`
    (int32, batch). Raises ValueError or KeyError when the safetensors file does not hold such an encoder
    in 32-bit floats.

    With `eight_bit` the matrix products are done in whole numbers of 8 bits, see `Graph`. Such a graph takes
    texts of one length only, for without padding attention need not be told of it, and ONNX Runtime then
    never writes its table down (FlashAttention, Dao et al. 2022).
    """
    graph = _Graph(weights, eight_bit=eight_bit)
    hidden = _embedded(graph, bert)
    shape = graph.node("Shape", hidden)
    rows = graph.node("Reshape", hidden, graph.integers("rows", [-1, bert.width]))
    for i in range(bert.layers):
        rows = _layer(graph, bert, f"encoder.layer.{i}.", rows, shape)
    hidden = graph.node("Reshape", rows, shape, output="hidden")
    graph.node("LpNormalization", _pooled(graph, bert, hidden), axis=-1, p=2, output="vectors")
    return graph.model(
        inputs=(("ids", INT32, 2), ("mask", FLOAT, 2), ("lengths", INT32, 1)),
        outputs=(("vectors", FLOAT, 2), ("hidden", FLOAT, 3)),
    )


def _embedded(graph: _Graph, bert: Bert) -> str:
    zero, one, two = (graph.integers(f"at{n}", [n]) for n in range(3))
    length = graph.node("Slice", graph.node("Shape", "ids"), one, two)
    words = graph.node("Gather", graph.weight("embeddings.word_embeddings.weight"), "ids")
    places = graph.node("Slice", graph.weight("embeddings.position_embeddings.weight"), zero, length, zero)
    kind = graph.node("Gather", graph.weight("embeddings.token_type_embeddings.weight"), zero)
    summed = graph.node("Add", words, graph.node("Add", places, kind))
    return _normed(graph, bert, summed, "embeddings.LayerNorm")


def _layer(graph: _Graph, bert: Bert, prefix: str, rows: str, shape: str) -> str:
    attention = f"{prefix}attention.self."
    projected = (_linear(graph, rows, attention + name) for name in ("query", "key", "value"))
    parts = [graph.node("Reshape", part, shape) for part in projected]
    padding = () if graph.eight_bit else ("", "lengths")
    mixed = graph.node("MultiHeadAttention", *parts, *padding, domain=CONTRIB, num_heads=bert.heads)
    mixed = graph.node("Reshape", mixed, "rows")
    mixed = _linear(graph, mixed, f"{prefix}attention.output.dense")
    rows = _normed(graph, bert, graph.node("Add", mixed, rows), f"{prefix}attention.output.LayerNorm")
    inner = graph.node("Gelu", _linear(graph, rows, f"{prefix}intermediate.dense"), domain=CONTRIB)
    outer = _linear(graph, inner, f"{prefix}output.dense")
    return _normed(graph, bert, graph.node("Add", outer, rows), f"{prefix}output.LayerNorm")


def _linear(graph: _Graph, rows: str, name: str) -> str:
    if graph.eight_bit:
        product = graph.product(rows, *graph.whole_weight(f"{name}.weight"))
        return graph.node("Add", product, graph.weight(f"{name}.bias"))
    return graph.node("Gemm", rows, graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias"), transB=1)


def _normed(graph: _Graph, bert: Bert, rows: str, name: str) -> str:
    # Add and LayerNormalization apart are vectorised; ONNX Runtime's fused SkipLayerNormalization is not.
    weight, bias = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
    return graph.node("LayerNormalization", rows, weight, bias, epsilon=bert.epsilon)


def _pooled(graph: _Graph, bert: Bert, hidden: str) -> str:
    """Return the pooled rows but for their length, which normalising takes away."""
    if bert.pooling == "cls":
        return graph.node("Squeeze", graph.node("Slice", hidden, "at0", "at1", "at1"), "at1")
    mask = graph.node("Unsqueeze", "mask", graph.integers("last", [-1]))
    return graph.node("ReduceSum", graph.node("Mul", hidden, mask), "at1", keepdims=0)


class _Graph(Graph):
    """A graph that uses the weights of a safetensors file."""

    def __init__(self, weights: Path, *, eight_bit: bool) -> None:
        super().__init__()
        self.eight_bit = eight_bit
        self._weights = weights
        self._tensors, self._start = _safetensors(weights)

    def whole_weight(self, name: str) -> tuple[str, str]:
        """Refer to a tensor in whole numbers of 8 bits, turned, and to the scales of its rows."""
        self.weight(name)
        del self._constants[name]
        first, last = self._tensors[name]["data_offsets"]
        count = (last - first) // 4
        flat = np.fromfile(self._weights, "<f4", count, offset=self._start + first)
        return self.whole_matrix(name, flat.reshape(self._tensors[name]["shape"]))

    def weight(self, name: str) -> str:
        """Refer to a tensor of the safetensors file by its place there."""
        if name not in self._constants:
            tensor = self._tensors[name]
            if tensor["dtype"] != "F32":
                raise ValueError(f"{name} is {tensor['dtype']}, not F32")
            first, last = tensor["data_offsets"]
            place = {"location": self._weights.name, "offset": self._start + first, "length": last - first}
            body = b"".join(field(1, size) for size in tensor["shape"]) + field(2, FLOAT) + field(8, name)
            for key, value in place.items():
                body += field(13, field(1, key) + field(2, str(value)))
            self._constants[name] = body + field(14, 1)
        return name


def _safetensors(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """Return the table of a safetensors file and the byte its data starts at."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= size - 8:
            raise ValueError(f"{path.name} has {size} bytes and a header of {length}")
        table = json.loads(file.read(length))
    table.pop("__metadata__", None)
    end = 8 + length + max((tensor["data_offsets"][1] for tensor in table.values()), default=0)
    if end > size:
        raise ValueError(f"{path.name} should have {end} bytes and has {size}")
    return table, 8 + length
