"""A BERT sentence encoder as an ONNX graph whose weights stay where they are: in its safetensors file.

Writing the graph takes milliseconds, so there is no exported file to keep, check or rebuild, and no
PyTorch. The message layouts are those of onnx.proto; the numbers beside them are its field numbers.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

Pooling = Literal["mean", "cls"]

_FLOAT, _UINT8, _INT8, _INT32, _INT64 = 1, 2, 3, 6, 7
_AS_FLOAT, _AS_INT, _AS_INTS = 1, 2, 7
_CONTRIB = "com.microsoft"
_IR, _OPSET = 8, 17
_CODES = {int: (3, _AS_INT), float: (2, _AS_FLOAT), tuple: (8, _AS_INTS)}
Attribute = float | tuple[int, ...]


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

    With `eight_bit` the matrix products are done in whole numbers of 8 bits: each row of the weights has a
    scale of its own, and each token one that is found as it passes, so that a large value in one token
    leaves the others as exact as they were (LLM.int8(), Dettmers et al. 2022, without the outlier columns).
    Such a graph takes texts of one length only, for without padding attention need not be told of it, and
    ONNX Runtime then never writes its table down (FlashAttention, Dao et al. 2022).
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
        inputs=(("ids", _INT32, 2), ("mask", _FLOAT, 2), ("lengths", _INT32, 1)),
        outputs=(("vectors", _FLOAT, 2), ("hidden", _FLOAT, 3)),
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
    mixed = graph.node("MultiHeadAttention", *parts, *padding, domain=_CONTRIB, num_heads=bert.heads)
    mixed = graph.node("Reshape", mixed, "rows")
    mixed = _linear(graph, mixed, f"{prefix}attention.output.dense")
    rows = _normed(graph, bert, graph.node("Add", mixed, rows), f"{prefix}attention.output.LayerNorm")
    inner = graph.node("Gelu", _linear(graph, rows, f"{prefix}intermediate.dense"), domain=_CONTRIB)
    outer = _linear(graph, inner, f"{prefix}output.dense")
    return _normed(graph, bert, graph.node("Add", outer, rows), f"{prefix}output.LayerNorm")


def _linear(graph: _Graph, rows: str, name: str) -> str:
    if graph.eight_bit:
        whole, most = _in_whole_numbers(graph, rows)
        weight, scale = graph.whole_weight(f"{name}.weight")
        product = graph.node("MatMulIntegerToFloat", whole, weight, "step", scale, "middle", domain=_CONTRIB)
        return graph.node("Add", graph.node("Mul", product, most), graph.weight(f"{name}.bias"))
    return graph.node("Gemm", rows, graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias"), transB=1)


def _in_whole_numbers(graph: _Graph, rows: str) -> tuple[str, str]:
    """Return the rows as whole numbers from 1 to 255, 128 being zero, and the largest value of each row."""
    if rows not in graph.whole_rows:
        graph.constant("step", _FLOAT, np.array(1 / 127, "<f4"))
        graph.constant("middle", _UINT8, np.array(128, np.uint8))
        most = graph.node("ReduceMax", graph.node("Abs", rows), axes=(1,), keepdims=1)
        share = graph.node("Div", rows, most)
        graph.whole_rows[rows] = graph.node("QuantizeLinear", share, "step", "middle"), most
    return graph.whole_rows[rows]


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


class _Graph:
    """Collects nodes and the weights they use, then encodes them."""

    def __init__(self, weights: Path, *, eight_bit: bool) -> None:
        self.eight_bit = eight_bit
        self.whole_rows: dict[str, tuple[str, str]] = {}
        """What was already brought into whole numbers, for query, key and value read the same rows."""
        self._weights = weights
        self._tensors, self._start = _safetensors(weights)
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}

    def node(
        self, kind: str, *inputs: str, domain: str = "", output: str = "", **attributes: Attribute
    ) -> str:
        """Add an operation and return the name of its output."""
        name = output or f"v{len(self._nodes)}"
        body = b"".join(_field(1, value) for value in inputs) + _field(2, name) + _field(4, kind)
        for key, value in attributes.items():
            number, code = _CODES[type(value)]
            values = value if isinstance(value, tuple) else (value,)
            body += _field(5, _field(1, key) + b"".join(_field(number, v) for v in values) + _field(20, code))
        self._nodes.append(body + (_field(7, domain) if domain else b""))
        return name

    def integers(self, name: str, values: list[int]) -> str:
        """Add a constant vector of whole numbers."""
        raw = struct.pack(f"<{len(values)}q", *values)
        self._constants[name] = _field(1, len(values)) + _field(2, _INT64) + _field(8, name) + _field(9, raw)
        return name

    def constant(self, name: str, kind: int, values: np.ndarray[Any, Any]) -> str:
        """Add a constant of element type `kind`."""
        if name not in self._constants:
            sizes = b"".join(_field(1, size) for size in values.shape)
            self._constants[name] = sizes + _field(2, kind) + _field(8, name) + _field(9, values.tobytes())
        return name

    def whole_weight(self, name: str) -> tuple[str, str]:
        """Refer to a tensor in whole numbers of 8 bits, turned, and to the scales of its rows."""
        self.weight(name)
        del self._constants[name]
        first, last = self._tensors[name]["data_offsets"]
        count = (last - first) // 4
        flat = np.fromfile(self._weights, "<f4", count, offset=self._start + first)
        rows = flat.reshape(self._tensors[name]["shape"])
        scales = np.abs(rows).max(axis=1) / 127
        whole = np.rint(rows / scales[:, None]).astype(np.int8)
        turned = self.constant(f"{name}.whole", _INT8, np.ascontiguousarray(whole.T))
        return turned, self.constant(f"{name}.scales", _FLOAT, scales.astype("<f4"))

    def weight(self, name: str) -> str:
        """Refer to a tensor of the safetensors file by its place there."""
        if name not in self._constants:
            tensor = self._tensors[name]
            if tensor["dtype"] != "F32":
                raise ValueError(f"{name} is {tensor['dtype']}, not F32")
            first, last = tensor["data_offsets"]
            place = {"location": self._weights.name, "offset": self._start + first, "length": last - first}
            body = b"".join(_field(1, size) for size in tensor["shape"]) + _field(2, _FLOAT) + _field(8, name)
            for key, value in place.items():
                body += _field(13, _field(1, key) + _field(2, str(value)))
            self._constants[name] = body + _field(14, 1)
        return name

    def model(
        self, *, inputs: tuple[tuple[str, int, int], ...], outputs: tuple[tuple[str, int, int], ...]
    ) -> bytes:
        """Return the encoded ModelProto; inputs and outputs are given as name, element type and rank."""
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, "bert")
        graph += b"".join(_field(5, constant) for constant in self._constants.values())
        graph += b"".join(_field(11, _value(*each)) for each in inputs)
        graph += b"".join(_field(12, _value(*each)) for each in outputs)
        opsets = (("", _OPSET), (_CONTRIB, 1))
        versions = b"".join(_field(8, _field(1, domain) + _field(2, version)) for domain, version in opsets)
        return _field(1, _IR) + _field(7, graph) + versions


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


def _value(name: str, kind: int, rank: int) -> bytes:
    shape = b"".join(_field(1, _field(2, f"{name}{axis}")) for axis in range(rank))
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def _field(number: int, value: float | str | bytes) -> bytes:
    """Encode one field of a protocol buffer message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
