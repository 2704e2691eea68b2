"""The text graph written node by node: any batch, at most LONGEST tokens.

With a dozen tokens a text, a node costs more than what it calculates, and a traced graph has three
times as many. What does not depend on the text (the queries' first look, the tables of turns)
stands in the graph as nodes on weights alone, which a session folds when it opens; so no weight
lies in the file but the model's own.
Shapes: B batch, L tokens, T width, H heads, D width of a head, Q queries, V vocabulary joints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from posealign.instructions.tokens import LONGEST
from posealign.model.text import SLOTS, Block, TextModel

OUTPUTS = ("text_tokens", "asked", "related", *SLOTS, "vector")
OPSET = 20  # the first with Gelu
_HIDDEN = -1e9  # what is added where a token is padding


@dataclass
class _Nodes:
    """Nodes and weights in the order they were added; each answers to the name of its output."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.split(kind, 1, *inputs, **attributes)[0]

    def split(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        names = [f"{kind}_{len(self.nodes)}_{at}" for at in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def weight(self, values: Tensor | NDArray[Any]) -> str:
        array = values.detach().numpy() if isinstance(values, Tensor) else values
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def whole(self, *numbers: int) -> str:
        return self.weight(np.array(numbers, np.int64))

    def number(self, value: float) -> str:
        return self.weight(np.array(value, np.float32))

    def norm(self, x: str, norm: nn.LayerNorm) -> str:
        scale, shift = self.weight(norm.weight), self.weight(norm.bias)
        return self.add("LayerNormalization", x, scale, shift, epsilon=norm.eps)

    def linear(self, x: str, linear: nn.Linear) -> str:
        return self.add("Gemm", x, self.weight(linear.weight.T), self.weight(linear.bias))

    def scaled(self, values: Tensor, scale: str) -> str:
        return self.add("Mul", self.weight(values), scale)

    def reshape(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.whole(*shape))

    def attend(self, q: str, k: str, v: str, hidden: str) -> str:
        """[B, 1, H, L, D] each → [B, L, 1, H, D]; the queries are scaled already."""
        turned = self.add("Transpose", k, perm=[0, 1, 2, 4, 3])
        seen = self.add("Add", self.add("MatMul", q, turned), hidden)
        read = self.add("MatMul", self.add("Softmax", seen, axis=-1), v)
        return self.add("Transpose", read, perm=[0, 3, 1, 2, 4])

    def add_mlp(self, x: str, block: Block) -> str:
        norm, up, _, down = block.mlp
        assert isinstance(norm, nn.LayerNorm)
        assert isinstance(up, nn.Linear)
        assert isinstance(down, nn.Linear)
        product = self.add("MatMul", self.norm(x, norm), self.weight(up.weight.T))
        wide = self.add("Gelu", self.add("Add", product, self.weight(up.bias)))  # fused to one
        return self.add("Add", self.linear(wide, down), x)


def text_graph(model: TextModel) -> onnx.ModelProto:
    """The model as a graph in full precision."""
    nodes, config = _Nodes(), model.config
    padded = nodes.add("Equal", nodes.add("Unsqueeze", "ids", nodes.whole(1, 2, 3)), nodes.whole(0))
    hidden = nodes.add("Where", padded, nodes.number(_HIDDEN), nodes.number(0.0))
    turns = _turns(nodes, config.width // config.heads)
    # Rows of all texts below each other: a product with its bias is then one node.
    x = nodes.add("Gather", nodes.weight(model.embed.weight), nodes.reshape("ids", -1))
    shape = nodes.add("Shape", "ids")
    halves = nodes.whole(3, config.heads, 2, config.width // config.heads // 2)
    halves = nodes.add("Concat", shape, halves, axis=0)
    for block in model.encoder:
        assert isinstance(block, Block)
        x = _encode(nodes, block, x, hidden, turns, halves)
    tokens = nodes.norm(x, model.norm)
    q_BQT = _read(nodes, model, tokens, hidden, shape)
    whole = nodes.add("Concat", shape, nodes.whole(-1), axis=0)
    answers = {"text_tokens": nodes.add("Reshape", tokens, whole), **_answers(nodes, model, q_BQT)}
    nodes.nodes += [helper.make_node("Identity", [answers[name]], [name]) for name in OUTPUTS]
    sizes: dict[str, list[str | int]] = {
        "text_tokens": ["L", config.width],
        "asked": [len(model.sort_V)],
        "related": [len(model.sort_V)],
        **{name: [size] for name, size in SLOTS.items()},
        "gate": [],
        "vector": [config.vector_width],
    }
    graph = helper.make_graph(
        nodes.nodes,
        "text",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "L"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", *sizes[name]])
            for name in OUTPUTS
        ],
        nodes.weights,
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10)


def _turns(nodes: _Nodes, width: int) -> tuple[str, str]:
    """[L, 3, 1, 2, D / 2] each: what turns the halves of q, k and v, and what is added of the
    halves exchanged. Values stay; the queries' share is scaled as attention scales them.
    """
    rates = np.exp(np.arange(0, width, 2) * (-math.log(1000.0) / width))
    at = np.arange(LONGEST, dtype=np.float32)[:, None, None, None, None]
    angles = nodes.add("Mul", nodes.weight(at), nodes.weight(rates.astype(np.float32)))
    cos, sin = nodes.add("Cos", angles), nodes.add("Sin", angles)
    straight = nodes.add("Concat", cos, cos, axis=-2)
    across = nodes.add("Concat", nodes.add("Neg", sin), sin, axis=-2)
    shares = np.array([width**-0.5, 1.0, 0.0], np.float32)[:, None, None, None]
    length = nodes.add("Shape", "ids", start=1, end=2)
    tables = []
    for turn, still in ((straight, shares == 0), (across, shares < 0)):
        table = nodes.add("Mul", turn, nodes.weight(shares))
        table = nodes.add("Add", table, nodes.weight(still.astype(np.float32)))
        tables.append(nodes.add("Slice", table, nodes.whole(0), length, nodes.whole(0)))
    return tables[0], tables[1]


def _encode(
    nodes: _Nodes, block: Block, x: str, hidden: str, turns: tuple[str, str], halves: str
) -> str:
    attention, width = block.attention, block.attention.query.in_features
    weight, bias = (nodes.weight(v) for v in _stacked([attention.query, attention.memory]))
    qkv = nodes.add("Gemm", nodes.norm(x, block.norm), weight, bias)
    qkv = nodes.add("Reshape", qkv, halves)
    turned = nodes.add("Mul", nodes.add("Gather", qkv, nodes.whole(1, 0), axis=-2), turns[1])
    qkv = nodes.add("Add", nodes.add("Mul", qkv, turns[0]), turned)
    qkv = nodes.reshape(qkv, 0, 0, 3, attention.heads, -1)
    qkv = nodes.add("Transpose", qkv, perm=[0, 2, 3, 1, 4])
    q, k, v = nodes.split("Split", 3, qkv, nodes.whole(1, 1, 1), axis=1)
    read = nodes.reshape(nodes.attend(q, k, v, hidden), -1, width)
    x = nodes.add("Add", nodes.linear(read, attention.out), x)
    return nodes.add_mlp(x, block)


def _read(nodes: _Nodes, model: TextModel, tokens: str, hidden: str, shape: str) -> str:
    """[B, Q, T]; keys and values of all readers are one product."""
    readers = [block for block in model.readers if isinstance(block, Block)]
    heads, width = model.config.heads, model.config.width
    product, bias = (nodes.weight(v) for v in _stacked([one.attention.memory for one in readers]))
    each = nodes.add("Concat", shape, nodes.whole(2 * len(readers), heads, -1), axis=0)
    kv = nodes.add("Reshape", nodes.add("Gemm", tokens, product, bias), each)
    kv = nodes.add("Transpose", kv, perm=[0, 2, 3, 1, 4])
    ones = nodes.whole(*[1] * (2 * len(readers)))
    pieces = nodes.split("Split", 2 * len(readers), kv, ones, axis=1)
    scale = nodes.number((width // heads) ** -0.5)
    x = nodes.add("Concat", nodes.weight(model.sort), nodes.weight(model.slot), axis=0)
    queries = len(model.sort) + len(model.slot)
    for at, block in enumerate(readers):
        attention = block.attention
        linear = attention.query
        weight, bias = nodes.scaled(linear.weight.T, scale), nodes.scaled(linear.bias, scale)
        q = nodes.add("Gemm", nodes.norm(x, block.norm), weight, bias)
        q = nodes.add(
            "Transpose",
            nodes.reshape(q, -1, queries, 1, heads, width // heads),
            perm=[0, 2, 3, 1, 4],
        )
        read = nodes.attend(q, pieces[2 * at], pieces[2 * at + 1], hidden)
        if at:
            x = nodes.add("Add", nodes.linear(nodes.reshape(read, -1, width), attention.out), x)
        else:  # the same queries for every text
            read = nodes.reshape(read, -1, queries, width)
            product = nodes.add("MatMul", read, nodes.weight(attention.out.weight.T))
            x = nodes.add("Add", x, nodes.weight(attention.out.bias))
            x = nodes.reshape(nodes.add("Add", product, x), -1, width)
        x = nodes.add_mlp(x, block)
    return nodes.reshape(nodes.norm(x, model.reader_norm), -1, queries, width)


def _answers(nodes: _Nodes, model: TextModel, q_BQT: str) -> dict[str, str]:
    """Each logit is the product of its own query with a row of weights: all at once."""
    sorts, names = len(model.sort), ("asked", "related", *SLOTS)
    side = nodes.weight(model.side_V[:, None].float())
    rows, biases, queries = [], [], []
    for row in (0, 1):
        ahead = nodes.add(
            "Gather", nodes.weight(model.readout[row]), nodes.weight(model.point_V), axis=0
        )
        rows.append(nodes.add("Add", ahead, nodes.add("Mul", side, nodes.weight(model.lean[row]))))
        biases.append(model.bias[row][model.point_V])
        queries += model.sort_V.tolist()
    for at, name in enumerate(SLOTS):
        head = model.slots[name]
        assert isinstance(head, nn.Linear)
        rows.append(nodes.weight(head.weight))
        biases.append(head.bias)
        queries += [sorts + at] * SLOTS[name]
    own = nodes.add("Gather", q_BQT, nodes.whole(*queries), axis=1)
    own = nodes.add("Mul", own, nodes.add("Concat", *rows, axis=0))
    total = nodes.add("ReduceSum", own, nodes.whole(-1), keepdims=0)
    total = nodes.add("Add", total, nodes.weight(torch.cat(biases)))
    sizes = [len(bias) for bias in biases]
    split = nodes.split("Split", len(sizes), total, nodes.whole(*sizes), axis=1)
    answers = dict(zip(names, split, strict=True))
    answers["gate"] = nodes.add("Squeeze", answers["gate"], nodes.whole(1))
    last = nodes.add("Gather", q_BQT, nodes.weight(np.array(sorts + len(SLOTS))), axis=1)
    answers["vector"] = nodes.linear(last, model.vector)
    return answers


def _stacked(linears: list[nn.Linear]) -> tuple[Tensor, Tensor]:
    """Several as one: weights [T, sum of widths] and biases."""
    weights, biases = ([getattr(one, name) for one in linears] for name in ("weight", "bias"))
    return torch.cat(weights).T, torch.cat(biases)
