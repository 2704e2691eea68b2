"""Start from a published network: read the user's copy of MoveNet Lightning into torch weights.

    python -m training.stems movenet_lightning_int8_v4.tflite stem.safetensors

The int8 weights are dequantised with their per-channel scales. The pyramid's linear layers are
then rescaled so that its activations have unit size (ReLU is homogeneous: nothing changes but the
conditioning). The file itself (Apache-2.0, Google) is not distributed with this project.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from posealign.errors import InvalidInput, MissingExtra
from posealign.model.hybrid import Pyramid, upsample

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def read_movenet(path: Path) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The pyramid's weights by name, and MoveNet's 17 joint rows (17, 96) with their biases."""
    layers = _convolutions(path)
    names = _names()
    if len(layers) < len(names):
        raise InvalidInput(f"{path} has {len(layers)} convolutions, expected {len(names)}")
    pyramid: dict[str, Tensor] = {}
    rows, biases = torch.empty(0), torch.empty(0)
    for name, (weight, bias) in zip(names, layers, strict=False):
        if name == "rows":
            rows, biases = weight[:, :, 0, 0], bias
        elif name is not None:
            pyramid[f"{name}.conv.weight"], pyramid[f"{name}.conv.bias"] = weight, bias
    expected = {key: value.shape for key, value in Pyramid().state_dict().items()}
    wrong = [key for key, shape in expected.items()
             if key not in pyramid or pyramid[key].shape != shape]  # fmt: skip
    if wrong or rows.shape != (17, 96):
        raise InvalidInput(f"{path} is not MoveNet Lightning: {wrong[:3]} do not fit")
    return pyramid, rows, biases


def _convolutions(path: Path) -> list[tuple[Tensor, Tensor]]:
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("reading a .tflite file needs posealign[peers]") from None
    reader = Interpreter(str(path))
    details = {entry["index"]: entry for entry in reader.get_tensor_details()}
    found = []
    for op in reader._get_ops_details():
        if op["op_name"] not in _CONVOLUTIONS:
            continue
        _, weight_index, bias_index = op["inputs"]
        weight = _dequantise(reader.get_tensor(weight_index), details[weight_index])
        bias = _dequantise(reader.get_tensor(bias_index), details[bias_index])
        order = (3, 0, 1, 2) if op["op_name"] == "DEPTHWISE_CONV_2D" else (0, 3, 1, 2)
        found.append((torch.from_numpy(weight.transpose(order).copy()), torch.from_numpy(bias)))
    return found


def _dequantise(values: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    quantisation = detail["quantization_parameters"]
    shape = [1] * values.ndim
    shape[quantisation["quantized_dimension"] if values.ndim > 1 else 0] = -1
    scales = quantisation["scales"].reshape(shape)
    zeros = quantisation["zero_points"].reshape(shape)
    restored: NDArray[np.float64] = (values.astype(np.float64) - zeros) * scales
    return restored.astype(np.float32)


def _names() -> list[str | None]:
    """The file's order: a lateral link stands right after the block it branches from."""
    names: list[str | None] = ["first"]
    lateral = {2: "lateral4", 5: "lateral8", 9: "lateral16"}
    for index in range(17):
        steps = ("depthwise", "project") if index == 0 else ("expand", "depthwise", "project")
        names += [f"blocks.{index}.{step}" for step in steps]
        if index in lateral:
            names.append(lateral[index])
    names += ["last", "top"]
    for smooth in ("smooth16", "smooth8", "smooth4"):
        names += [f"{smooth}.depthwise", f"{smooth}.pointwise"]
    names += [None, None, None]  # the centre heatmap's head
    names += ["head.depthwise", "head.pointwise", "rows"]
    return names


@torch.no_grad()
def unit_scales(pyramid: Pyramid, rows: Tensor) -> Tensor:
    """Unit size for the pyramid's activations; returns the joint rows that give the same logits.

    Sizes are measured on smooth random pictures: an order of magnitude is all that is needed.
    """
    dice = torch.Generator().manual_seed(0)
    coarse = torch.rand(4, 3, 24, 24, generator=dice) * 255
    noise = torch.nn.functional.interpolate(coarse, size=(192, 192), mode="bilinear")
    levels = pyramid.levels(noise.permute(0, 2, 3, 1))

    def scale(layers: list[Any], factor: float) -> None:
        for layer in layers:
            layer.conv.weight.mul_(factor)
            layer.conv.bias.mul_(factor)

    def inputs_scaled(layer: Any, factor: float) -> None:
        layer.conv.weight.mul_(factor)

    def bias_scaled(layer: Any, factor: float) -> None:
        layer.conv.bias.mul_(factor)

    below = pyramid.top(torch.nn.functional.relu6(pyramid.last(levels["c32"])))
    makers: list[Any] = [pyramid.top]
    steps = (
        ("c16", pyramid.lateral16, pyramid.smooth16),
        ("c8", pyramid.lateral8, pyramid.smooth8),
        ("c4", pyramid.lateral4, pyramid.smooth4),
    )
    for level, lateral, smooth in steps:
        size = float((upsample(below) + lateral(levels[level])).std())
        scale([*makers, lateral], 1 / size)
        inputs_scaled(smooth.depthwise, 1.0)
        bias_scaled(smooth.depthwise, 1 / size)
        inputs_scaled(smooth.pointwise, size)
        below = below / size
        _even(smooth, upsample(below) + lateral(levels[level]))
        below = smooth(upsample(below) + lateral(levels[level]))
        makers = [smooth.pointwise]
    size = float(below.std())
    scale([pyramid.smooth4.pointwise], 1 / size)
    bias_scaled(pyramid.head.depthwise, 1 / size)
    inputs_scaled(pyramid.head.pointwise, size)
    below = below / size
    _even(pyramid.head, below)
    size = float(pyramid.head(below).std())
    scale([pyramid.head.pointwise], 1 / size)
    return rows * size


def _even(separable: Any, x: Tensor) -> None:
    """The depthwise output has unit size too."""
    size = float(separable.depthwise(x).std())
    separable.depthwise.conv.weight.mul_(1 / size)
    separable.depthwise.conv.bias.mul_(1 / size)
    separable.pointwise.conv.weight.mul_(size)


def main(source: str, target: str) -> None:
    pyramid, rows, biases = read_movenet(Path(source))
    weights = {f"pyramid.{key}": value for key, value in pyramid.items()}
    weights |= {"rows": rows.contiguous(), "biases": biases}
    digest = hashlib.sha256(Path(source).read_bytes()).hexdigest()
    save_file(weights, target, metadata={"source": "MoveNet Lightning int8 v4", "sha256": digest})


if __name__ == "__main__":
    main(*sys.argv[1:3])
