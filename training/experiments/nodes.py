"""An ONNX file's nodes as a torch module whose convolutions learn, up to the tensors asked for.

Only the kinds of node that small convolutional networks are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posealign.errors import InvalidInput, MissingExtra

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """A node: its convolution by number, or how it is computed; inputs and output by name."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Attributes
    layer: int | None = None


def _pooled(x: Sequence[Tensor], a: Attributes) -> Tensor:
    found: Tensor = F.max_pool2d(x[0], a["kernel_shape"], a["strides"], _sides(a))
    return found


def _resized(x: Sequence[Tensor], a: Attributes) -> Tensor:
    found: Tensor = F.interpolate(x[0], scale_factor=a["scales"], mode="nearest")
    return found


def _hard(x: Sequence[Tensor], a: Attributes) -> Tensor:
    found: Tensor = (a.get("alpha", 0.2) * x[0] + a.get("beta", 0.5)).clamp(0, 1)
    return found


KINDS: Mapping[str, Callable[[Sequence[Tensor], Attributes], Tensor]] = {
    "Add": lambda x, _: x[0] + x[1],
    "Concat": lambda x, a: torch.cat(list(x), a["axis"]),
    "GlobalAveragePool": lambda x, _: x[0].mean((2, 3), keepdim=True),
    "HardSigmoid": _hard,
    "MaxPool": _pooled,
    "Mul": lambda x, _: x[0] * x[1],
    "Relu": lambda x, _: x[0].relu(),
    "Resize": _resized,
    "Sigmoid": lambda x, _: x[0].sigmoid(),
    "Silu": lambda x, _: F.silu(x[0]),  # x · sigmoid(x), which files write as two nodes
}


class Nodes(nn.Module):
    """[B,3,H,W] → the tensors `wanted`, in their order."""

    def __init__(self, path: Path, wanted: Sequence[str]) -> None:
        super().__init__()
        graph, constants = _read(path)
        self.entrance, self.wanted = graph.input[0].name, tuple(wanted)
        self.layers, self.steps = nn.ModuleList(), list[Step]()
        needed = set(wanted)
        if unknown := needed - {name for node in graph.node for name in node.output}:
            raise InvalidInput(f"{path} is another network: it has no {sorted(unknown)[0]!r}")
        for node in reversed(graph.node):  # from the end, so that what is needed is known
            if node.output[0] in needed:
                step = self._step(node, constants, path)
                needed.update(step.inputs)
                self.steps.append(step)
        self.steps = _joined(self.steps[::-1], set(wanted))

    def _step(self, node: Any, constants: Mapping[str, Any], path: Path) -> Step:
        attributes = _attributes(node)
        step = Step(node.op_type, tuple(node.input), node.output[0], attributes)
        if node.op_type == "Conv":
            self.layers.append(_convolution(node, attributes, constants))
            return Step("Conv", step.inputs[:1], step.output, attributes, len(self.layers) - 1)
        if node.op_type not in KINDS:
            raise InvalidInput(f"{path}: {node.op_type} is none of Conv, {', '.join(KINDS)}")
        if node.op_type == "Resize":
            scales = constants[node.input[2]].tolist()[2:]
            if attributes.get("mode", b"nearest") != b"nearest":
                raise InvalidInput(f"{path}: only the nearest neighbour is resized to")
            return Step("Resize", step.inputs[:1], step.output, {"scales": scales})
        return step

    def forward(self, x_B3HW: Tensor) -> list[Tensor]:
        known = {self.entrance: x_B3HW}
        for step in self.steps:
            given = [known[name] for name in step.inputs]
            if step.layer is not None:
                known[step.output] = self.layers[step.layer](given[0])
            else:
                known[step.output] = KINDS[step.kind](given, step.attributes)
        return [known[name] for name in self.wanted]


def _read(path: Path) -> tuple[Any, dict[str, Any]]:
    try:
        import onnx  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("reading an .onnx file needs posealign[export]") from None
    graph = onnx.load(str(path)).graph
    return graph, {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}


def _attributes(node: Any) -> dict[str, Any]:
    import onnx  # noqa: PLC0415

    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}


def _convolution(node: Any, attributes: Attributes, constants: Mapping[str, Any]) -> nn.Conv2d:
    weight = torch.from_numpy(constants[node.input[1]].copy())
    groups = attributes.get("group", 1)
    layer = nn.Conv2d(
        weight.shape[1] * groups, weight.shape[0], (weight.shape[2], weight.shape[3]),
        attributes.get("strides", (1, 1)), _sides(attributes),
        attributes.get("dilations", (1, 1)), groups, bias=len(node.input) > 2,
    )  # fmt: skip
    layer.weight.data = weight
    if layer.bias is not None:
        layer.bias.data = torch.from_numpy(constants[node.input[2]].copy())
    return layer


def _sides(attributes: Attributes) -> tuple[int, int]:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right):
        raise InvalidInput(f"padding {attributes['pads']} is not the same on both sides")
    return top, left


def _joined(steps: list[Step], wanted: set[str]) -> list[Step]:
    """x · sigmoid(x) as one step: half the memory of two."""
    gates = {step.output: step.inputs[0] for step in steps if step.kind == "Sigmoid"}

    def gated(step: Step) -> str | None:
        pairs = (step.inputs, step.inputs[::-1]) if step.kind == "Mul" else ()
        return next((x for x, gate in pairs if gates.get(gate) == x), None)

    joined = [step if (x := gated(step)) is None else Step("Silu", (x,), step.output, {})
              for step in steps]  # fmt: skip
    used = {name for step in joined for name in step.inputs} | wanted
    return [step for step in joined if step.output in used]
