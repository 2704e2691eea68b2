"""The text graph as ONNX: opset 20, any batch and length, weights stored in half precision."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from posealign.model.text import SLOTS, TextModel

OUTPUTS = ("text_tokens", "asked", "related", *SLOTS, "vector")


class _Listed(nn.Module):
    def __init__(self, model: TextModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> tuple[Tensor, ...]:
        out = self.model(ids)
        return tuple(out[name] for name in OUTPUTS)


def export_onnx(model: TextModel, path: Path, half: bool = True) -> None:
    model.eval()
    ids = torch.tensor([[5, 6, 7, 8, 9], [4, 3, 2, 0, 0]])
    axes = {"ids": {0: "B", 1: "L"}, "text_tokens": {0: "B", 1: "L"}}
    axes |= {name: {0: "B"} for name in OUTPUTS[1:]}
    with warnings.catch_warnings():
        # The traced exporter is the one whose graphs run everywhere; it says it is the old one.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Public by its documentation, though torch's stubs do not export it.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        torch.onnx.export(
            _Listed(model).eval(),
            (ids,),
            str(path),
            input_names=["ids"],
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=20,
            dynamo=False,
        )
    graph = onnx.load(str(path))
    if half:
        _store_half(graph)
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))


def _store_half(model: onnx.ModelProto) -> None:
    """Large weights lie in the file as fp16 and are cast once when a session opens."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 1024:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
