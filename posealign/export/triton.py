"""A Triton model repository of a bundle: its four graphs and an ensemble of them.

MODEL_REPOSITORY/
  posealign_image/    config.pbtxt  1/model.onnx     and so for text, select, locate
  posealign/          config.pbtxt  1/               pixels + ids + crop → every joint
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import onnx
from onnx import TensorProto

from posealign.bundle import GRAPHS, Bundle
from posealign.errors import InvalidInput

_TYPES: dict[int, str] = {
    TensorProto.UINT8: "TYPE_UINT8",
    TensorProto.INT64: "TYPE_INT64",
    TensorProto.FLOAT: "TYPE_FP32",
}
Tensors = dict[str, tuple[str, tuple[int, ...]]]  # name → (type, dimensions without the batch)


def write_repository(
    bundle: Bundle,
    folder: Path,
    prefix: str = "posealign",
    max_batch: int = 32,
    gpus: bool = False,
    delay_us: int = 2000,
) -> list[Path]:
    """The whole repository; returns the models' folders, the ensemble last."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", prefix):
        raise InvalidInput(f"prefix is {prefix!r}; expected letters, digits, '_', '-' and '.'")
    if max_batch < 1:
        raise InvalidInput(f"max_batch is {max_batch}; expected 1 or more")
    signatures = {graph: signature(bundle, graph) for graph in GRAPHS}
    made = []
    for graph in GRAPHS:
        model = folder / f"{prefix}_{graph}"
        (model / "1").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.path(f"{graph}.onnx"), model / "1" / "model.onnx")
        text = _graph_config(model.name, *signatures[graph], max_batch, gpus, delay_us)
        (model / "config.pbtxt").write_text(text, "utf-8")
        made.append(model)
    ensemble = folder / prefix
    (ensemble / "1").mkdir(parents=True, exist_ok=True)  # Triton wants a version, even an empty one
    (ensemble / "1" / ".keep").touch()
    text = _ensemble_config(prefix, signatures, max_batch)
    (ensemble / "config.pbtxt").write_text(text, "utf-8")
    return [*made, ensemble]


def signature(bundle: Bundle, graph: str) -> tuple[Tensors, Tensors]:
    """Inputs and outputs of a graph as Triton counts them: without the batch, -1 for free."""
    proto = onnx.load(bundle.path(f"{graph}.onnx"), load_external_data=False).graph

    def read(values: list[onnx.ValueInfoProto]) -> Tensors:
        found = {}
        for value in values:
            tensor = value.type.tensor_type
            sizes = tuple(-1 if d.dim_param else int(d.dim_value) for d in tensor.shape.dim)
            found[value.name] = (_TYPES[tensor.elem_type], sizes[1:])
        return found

    return read(list(proto.input)), read(list(proto.output))


def _tensors(field: str, tensors: Tensors) -> str:
    rows = []
    for name, (kind, sizes) in tensors.items():
        # A batch of plain numbers has no dimensions left; Triton wants [1] and a reshape.
        dims = ", ".join(map(str, sizes)) if sizes else "1"
        reshape = "" if sizes else " reshape { shape: [ ] }"
        rows.append(f'  {{ name: "{name}" data_type: {kind} dims: [ {dims} ]{reshape} }}')
    return f"{field} [\n" + ",\n".join(rows) + "\n]\n"


def _graph_config(
    name: str, inputs: Tensors, outputs: Tensors, max_batch: int, gpus: bool, delay_us: int
) -> str:
    kind = "KIND_GPU" if gpus else "KIND_CPU"
    return (
        f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: {max_batch}\n'
        + _tensors("input", inputs)
        + _tensors("output", outputs)
        + f"instance_group [ {{ count: 1 kind: {kind} }} ]\n"
        + f"dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}\n"
    )


def _ensemble_config(
    prefix: str, signatures: dict[str, tuple[Tensors, Tensors]], max_batch: int
) -> str:
    """pixels, ids, crop (and a dataset index) in; what each graph says and all places out."""
    produced: Tensors = {}
    inputs: Tensors = {}
    steps = []
    for graph in GRAPHS:
        wanted, given = signatures[graph]
        inputs |= {name: row for name, row in wanted.items() if name not in produced}
        named = {name: _ensemble_name(graph, name) for name in given}
        produced |= {named[name]: row for name, row in given.items()}
        rows = [f'input_map {{ key: "{name}" value: "{name}" }}' for name in wanted]
        rows += [f'output_map {{ key: "{name}" value: "{named[name]}" }}' for name in given]
        body = "\n      ".join(rows)
        steps.append(f'    {{\n      model_name: "{prefix}_{graph}" model_version: -1\n'
                     f"      {body}\n    }}")  # fmt: skip
    hidden = ("features", "tokens", "text_tokens")  # between graphs only
    outputs = {name: row for name, row in produced.items() if name not in hidden}
    every = signatures["select"][1]["vectors"][1][0]  # all joints are placed
    outputs |= {
        name: (kind, (every, *sizes[1:]))
        for name, (kind, sizes) in outputs.items()
        if name in ("xy", "confidence", "radius")
    }
    return (
        f'name: "{prefix}"\nplatform: "ensemble"\nmax_batch_size: {max_batch}\n'
        + _tensors("input", inputs)
        + _tensors("output", outputs)
        + "ensemble_scheduling {\n  step [\n"
        + ",\n".join(steps)
        + "\n  ]\n}\n"
    )


def _ensemble_name(graph: str, name: str) -> str:
    """`asked` and `gate` come from two graphs: the text's reading gets its own name."""
    return f"text_{name}" if graph == "text" and name in ("asked", "gate") else name
