"""Collects the operations and constants of an ONNX graph, then encodes them.

Writing a graph takes milliseconds, so none has to be exported, kept and checked. The message layouts are
those of onnx.proto; the numbers beside them are its field numbers.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

FLOAT, UINT8, INT8, INT32, INT64 = 1, 2, 3, 6, 7
CONTRIB = "com.microsoft"
LEVELS = 127
"""Whole numbers of 8 bits go as far to either side of zero."""
_AS_FLOAT, _AS_INT, _AS_INTS = 1, 2, 7
_IR, _OPSET = 8, 17
_CODES = {int: (3, _AS_INT), float: (2, _AS_FLOAT), tuple: (8, _AS_INTS)}
Attribute = float | tuple[int, ...]
Floats = np.ndarray[Any, np.dtype[np.float32]]


class Graph:
    """Operations are added with `node`; values are known by their names.

    Matrix products may be done in whole numbers of 8 bits: each row of the weights has a scale of its own,
    and each token one that is found as it passes, so that a large value in one token leaves the others as
    exact as they were (LLM.int8(), Dettmers et al. 2022, without the outlier columns).
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}
        self._whole: dict[str, tuple[str, str]] = {}
        """What was already brought into whole numbers, for several products read the same rows."""

    def node(
        self,
        kind: str,
        *inputs: str,
        domain: str = "",
        output: str = "",
        unread: int = 0,
        **attributes: Attribute,
    ) -> str:
        """Add an operation and return the name of its output; it has so many others that are `unread`."""
        name = output or f"v{len(self._nodes)}"
        body = b"".join(field(1, value) for value in inputs) + field(2, name)
        body += b"".join(field(2, f"{name}.{n}") for n in range(unread)) + field(4, kind)
        for key, value in attributes.items():
            number, code = _CODES[type(value)]
            values = value if isinstance(value, tuple) else (value,)
            body += field(5, field(1, key) + b"".join(field(number, v) for v in values) + field(20, code))
        self._nodes.append(body + (field(7, domain) if domain else b""))
        return name

    def integers(self, name: str, values: list[int]) -> str:
        """Add a constant vector of whole numbers."""
        raw = struct.pack(f"<{len(values)}q", *values)
        self._constants[name] = field(1, len(values)) + field(2, INT64) + field(8, name) + field(9, raw)
        return name

    def constant(self, name: str, kind: int, values: np.ndarray[Any, Any]) -> str:
        """Add a constant of element type `kind`."""
        if name not in self._constants:
            sizes = b"".join(field(1, size) for size in values.shape)
            self._constants[name] = sizes + field(2, kind) + field(8, name) + field(9, values.tobytes())
        return name

    def whole_matrix(self, name: str, rows: Floats, *, levels: int = LEVELS) -> tuple[str, str]:
        """Add a matrix in whole numbers, turned, and the scales of its rows: what `product` wants."""
        whole, scales = in_whole_numbers(rows, levels)
        turned = self.constant(f"{name}.whole", INT8, np.ascontiguousarray(whole.T))
        return turned, self.constant(f"{name}.scales", FLOAT, scales)

    def product(self, rows: str, turned: str, scales: str) -> str:
        """Return rows times a matrix of whole numbers; its columns have `scales`, the rows find their own."""
        whole, most = self._as_whole(rows)
        product = self.node("MatMulIntegerToFloat", whole, turned, "step", scales, "middle", domain=CONTRIB)
        return self.node("Mul", product, most)

    def _as_whole(self, rows: str) -> tuple[str, str]:
        """Return the rows in whole numbers from 1 to 255, 128 being zero, and the largest value of each."""
        if rows not in self._whole:
            self.constant("step", FLOAT, np.array(1 / 127, "<f4"))
            self.constant("middle", UINT8, np.array(128, np.uint8))
            most = self.node("ReduceMax", self.node("Abs", rows), axes=(1,), keepdims=1)
            share = self.node("Div", rows, most)
            self._whole[rows] = self.node("QuantizeLinear", share, "step", "middle"), most
        return self._whole[rows]

    def model(
        self, *, inputs: tuple[tuple[str, int, int], ...], outputs: tuple[tuple[str, int, int], ...]
    ) -> bytes:
        """Return the encoded ModelProto; inputs and outputs are given as name, element type and rank."""
        graph = b"".join(field(1, node) for node in self._nodes) + field(2, "graph")
        graph += b"".join(field(5, constant) for constant in self._constants.values())
        graph += b"".join(field(11, _value(*each)) for each in inputs)
        graph += b"".join(field(12, _value(*each)) for each in outputs)
        opsets = (("", _OPSET), (CONTRIB, 1))
        versions = b"".join(field(8, field(1, domain) + field(2, version)) for domain, version in opsets)
        return field(1, _IR) + field(7, graph) + versions


def in_whole_numbers(rows: Floats, levels: int = LEVELS) -> tuple[np.ndarray[Any, np.dtype[np.int8]], Floats]:
    """Return a matrix in whole numbers from `-levels` to `levels` and the scale of each of its rows."""
    scales = np.maximum(np.abs(rows).max(axis=1), 1e-30) / levels
    return np.rint(rows / scales[:, None]).astype(np.int8), scales.astype("<f4")


def _value(name: str, kind: int, rank: int) -> bytes:
    shape = b"".join(field(1, field(2, f"{name}{axis}")) for axis in range(rank))
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def field(number: int, value: float | str | bytes) -> bytes:
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
