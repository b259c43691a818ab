"""Opens ONNX Runtime on a graph, each session on one thread: who wants more runs several texts at once."""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path
from typing import Any

from models.compute import prepare_environment

Session = Any

DOT_PRODUCTS = ("avx512_vnni", "avx_vnni", "asimddp")
"""What a processor must have for products in whole numbers to be faster, and on x86 to be exact."""


def open_session(graph: bytes | Path, *, weights: Path | None = None) -> Session:
    """Return a session on a graph, whose weights may stand in files of the folder `weights`.

    Raises RuntimeError when ONNX Runtime refuses the graph.
    """
    prepare_environment()
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The extended level would fuse Add and LayerNormalization into a slower kernel.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    if weights is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(weights))
    given = str(graph) if isinstance(graph, Path) else graph
    try:
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the native errors of ONNX Runtime share no other base
        raise RuntimeError(str(error)) from error


def has_dot_products() -> bool:
    """Whether this processor multiplies and adds whole numbers of 8 bits in one step."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return False
    return any(re.search(rf"\b{name}\b", told) for name in DOT_PRODUCTS)
