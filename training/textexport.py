"""The text model as ONNX: weights stored in half precision unless asked otherwise."""

from __future__ import annotations

from pathlib import Path

import onnx

from posealign.export.precision import store_fp16
from posealign.export.text import text_graph
from posealign.model.text import TextModel


def export_onnx(model: TextModel, path: Path, half: bool = True) -> None:
    graph = text_graph(model.eval())
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))
    if half:
        store_fp16(path, path)
