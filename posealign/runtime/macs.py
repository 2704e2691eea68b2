"""Multiply-accumulates of a graph for given inputs, counted by running it once.

onnxruntime's own profile names each node with the shapes it really saw, so no shape inference
is needed and free dimensions are no problem. Fusions are switched off for the count.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from posealign.runtime.session import Arrays, onnxruntime, open_session, session_options

Shape = list[int]


def count_macs(path: Path, arrays: Arrays) -> int:
    """Of convolutions and matrix products; everything else is small beside them."""
    with tempfile.TemporaryDirectory() as folder:
        options = session_options(1)
        options.graph_optimization_level = onnxruntime().GraphOptimizationLevel.ORT_DISABLE_ALL
        # Weights packed beforehand are no longer among the inputs that the profile names.
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = open_session(path, "cpu", options=options)
        known = {value.name for value in session.get_inputs()}
        session.run(None, {name: value for name, value in arrays.items() if name in known})
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    return sum(_macs(event.get("args", {})) for event in events)


def _macs(args: dict[str, Any]) -> int:
    count = _COUNTS.get(args.get("op_name", ""))
    if count is None or "input_type_shape" not in args or "output_type_shape" not in args:
        return 0
    inputs = [next(iter(row.values())) for row in args["input_type_shape"]]
    outputs = [next(iter(row.values())) for row in args["output_type_shape"]]
    return count(inputs, outputs[0])


def _convolution(inputs: list[Shape], output: Shape) -> int:
    return math.prod(output) * math.prod(inputs[1][1:])


def _transposed(inputs: list[Shape], output: Shape) -> int:
    return math.prod(inputs[0]) * math.prod(inputs[1][1:])


def _product(inputs: list[Shape], output: Shape) -> int:
    return math.prod(output) * inputs[0][-1]


def _gemm(inputs: list[Shape], output: Shape) -> int:
    rows, columns = output
    return rows * columns * math.prod(inputs[0]) // rows


_COUNTS: dict[str, Callable[[list[Shape], Shape], int]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "MatMul": _product,
    "Gemm": _gemm,
}
