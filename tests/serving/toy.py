"""A bundle in milliseconds, written node by node: no torch, small pictures, two dozen words.

The words work by sums: a part raises its joints, a side lowers the other side, and a word that is
not known leaves the gate shut. So tests can say what must be understood. Shapes as in the graph
contract: B batch, L tokens, V vocabulary, C feature channels, D token width.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from posealign import bundle as bundles
from posealign.bundle import InputSpec, Metadata, VocabularySpec
from posealign.instructions.parts import joints_of
from posealign.instructions.query import PREMISES, REASONS, RELATIONS
from posealign.instructions.tokens import encode, train_tokenizer
from posealign.skeletons import load as skeletons

C, D, WIDTH, HEIGHT = 6, 8, 64, 96
PARTS = {
    "nose": "nose", "leg": "leg", "arm": "arm", "all": "all", "joints": "all", "knee": "knee",
    "foot": "foot", "hand": "hand", "鼻": "nose", "腿": "leg", "臂": "arm", "全": "all",
    "手": "hand",
}  # fmt: skip
SIDES = {"left": "right", "right": "left", "左": "right", "右": "left"}  # lowers the other side
FILLERS = ("the", "only", "in", "3d", "visible", "raised", "that", "is", "只", "看", "身")
Table = NDArray[np.float32]


def toy_bundle(folder: Path, name: str = "toy", seed: int = 0) -> Path:
    """Write a whole bundle; another seed is another model that knows the same words."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for graph, proto in {
        "image": _image(rng), "text": _text(folder), "select": _select(rng), "locate": _locate(),
    }.items():  # fmt: skip
        onnx.save(proto, folder / f"{graph}.onnx")
    names = skeletons.vocabulary().names
    bundles.write(
        folder,
        Metadata(
            name=name,
            version="1",
            input=InputSpec(width=WIDTH, height=HEIGHT),
            vocabulary=VocabularySpec(count=len(names), digest=bundles.vocabulary_digest(names)),
            skeletons=skeletons.NAMES,
            licence="CC0-1.0",
        ),
    )
    return folder


class _Graph:
    """Collects nodes and constants; `op` returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, to: str | None = None, **attributes: object) -> str:
        name = to or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def axes(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def model(
        self, inputs: dict[str, tuple[int, list[object]]], outputs: list[str]
    ) -> onnx.ModelProto:
        values = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()]
        results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
        graph = helper.make_graph(self.nodes, "toy", values, results, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def _random(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Table:
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def _image(rng: np.random.Generator) -> onnx.ModelProto:
    g = _Graph()
    g.nodes.append(helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT))
    x = g.op("Transpose", "floats", perm=[0, 3, 1, 2])
    x = g.op("Mul", x, g.constant(np.array(1 / 255, np.float32)))
    stem = g.constant(_random(rng, C, 3, 4, 4, scale=0.4))
    g.op("Conv", x, stem, to="features", strides=[4, 4])
    grid = g.op("Conv", "features", g.constant(_random(rng, D, C, 4, 4, scale=0.2)), strides=[4, 4])
    flat = g.op("Reshape", grid, g.axes(0, D, -1))
    g.op("Transpose", flat, to="tokens", perm=[0, 2, 1])
    weights = _random(rng, 6, D, 1, 1, scale=0.05)
    bias = np.array([-0.75, 0, 0, 0.9, 1.4, 0.5], np.float32)
    g.op("Conv", grid, g.constant(weights), g.constant(bias), to="finder")
    pixels = {"pixels": (TensorProto.UINT8, ["B", HEIGHT, WIDTH, 3])}
    return g.model(pixels, ["features", "tokens", "finder"])


def _text(folder: Path) -> onnx.ModelProto:
    words = [*PARTS, *SIDES, *FILLERS]
    tokenizer = train_tokenizer([f"the {word}" for word in words for _ in range(9)], 600)
    tokenizer.save(str(folder / "tokenizer.json"))
    names, count = skeletons.vocabulary().names, tokenizer.get_vocab_size()

    def last(word: str) -> int:
        return encode(tokenizer, f"the {word}" if word.isascii() else word)[-1]

    sizes = {
        "asked": len(names), "related": len(names), "gate": 1, "reason": len(REASONS), "dims": 2,
        "visibility": 3, "subject": 8, "skeleton": 8, "relation": 1 + len(RELATIONS),
        "premise": 1 + len(PREMISES), "vector": C + 1,
    }  # fmt: skip
    tables = {name: np.zeros((count, size), np.float32) for name, size in sizes.items()}
    for word, part in PARTS.items():
        joints = joints_of(part, None)
        tables["asked"][last(word), [n for n, joint in enumerate(names) if joint in joints]] = 4
        tables["gate"][last(word)] = 1
    for word, other in SIDES.items():
        index = [n for n, joint in enumerate(names) if joint.startswith(f"{other}_")]
        tables["asked"][last(word), index] = -20
    tables["related"] = tables["asked"]
    tables["dims"][last("3d"), 1] = 9
    tables["visibility"][last("visible"), 1] = 9
    tables["relation"][last("raised"), 1 + RELATIONS.index("raised")] = 9
    offsets = {"asked": -2.0, "related": -2.0, "gate": -0.5}
    g = _Graph()
    embedding = _random(np.random.default_rng(1), count, D)
    g.op("Gather", g.constant(embedding), "ids", to="text_tokens", axis=0)
    for name, table in tables.items():
        bias = np.full(sizes[name], offsets.get(name, 0.0), np.float32)
        bias[0] += 0.0 if name in offsets else 1.0
        rows = g.op("Gather", g.constant(table), "ids", axis=0)
        total = g.op("ReduceSum", rows, g.axes(1), keepdims=0)
        last_step = None if name == "gate" else name
        logits = g.op("Add", total, g.constant(bias), to=last_step)
        if name == "gate":
            g.op("Squeeze", logits, g.axes(1), to="gate")
    return g.model({"ids": (TensorProto.INT64, ["B", "L"])}, ["text_tokens", *tables])


def _select(rng: np.random.Generator) -> onnx.ModelProto:
    g = _Graph()
    names = skeletons.vocabulary().names
    count = len(names)
    pooled = g.op("ReduceMean", "tokens", g.axes(1), keepdims=0)
    state = np.tile(np.array([-2.0, 0.0, 2.0], np.float32), (count, 1))
    for n, name in enumerate(names):
        if "right_ankle" in name or "left_ear" in name:
            state[n] = (4.0, 0.0, 0.0)  # never there
        elif "hip" in name:
            state[n] = (-2.0, 3.0, 0.0)  # always hidden
    heads = {
        "asked": ((count,), 0.1, None), "gate": ((), 0.1, None),
        "vectors": ((count, C + 1), 0.3, _random(rng, count, C + 1, scale=2.0)),
        "state": ((count, 3), 0.01, state), "z": ((count, 64), 0.1, None),
    }  # fmt: skip
    for name, (shape, scale, offset) in heads.items():
        size = int(np.prod(shape)) if shape else 1
        flat = g.op("MatMul", pooled, g.constant(_random(rng, D, size, scale=scale)))
        if offset is not None:
            flat = g.op("Add", flat, g.constant(offset.reshape(1, -1)))
        g.op("Reshape", flat, g.axes(-1, *shape), to=name)
    inputs = {
        "tokens": (TensorProto.FLOAT, ["B", "N", D]),
        "text_tokens": (TensorProto.FLOAT, ["B", "L", D]),
        "ids": (TensorProto.INT64, ["B", "L"]),
        "crop": (TensorProto.FLOAT, ["B", 4]),
    }
    return g.model(inputs, list(heads))


def _locate() -> onnx.ModelProto:
    g = _Graph()
    h, w = HEIGHT // 4, WIDTH // 4
    rows, columns = np.mgrid[0:h, 0:w]
    place = np.stack([columns * (WIDTH - 1) / (w - 1), rows * (HEIGHT - 1) / (h - 1)], -1)
    cells = g.op("Reshape", "features", g.axes(0, C, -1))
    kernel = g.op("Slice", "vectors", g.axes(0), g.axes(C), g.axes(2))
    heat = g.op("Softmax", g.op("MatMul", kernel, cells), axis=-1)
    g.op("MatMul", heat, g.constant(place.reshape(-1, 2).astype(np.float32)), to="xy")
    top = g.op("ReduceMax", heat, g.axes(2), keepdims=0)
    g.op("Sqrt", top, to="confidence")
    spread = g.op("Sub", g.constant(np.array(1, np.float32)), "confidence")
    g.op("Mul", spread, g.constant(np.array(12, np.float32)), to="radius")
    inputs = {
        "features": (TensorProto.FLOAT, ["B", C, h, w]),
        "vectors": (TensorProto.FLOAT, ["B", "K", C + 1]),
    }
    return g.model(inputs, ["xy", "confidence", "radius"])
