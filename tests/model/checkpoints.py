"""Random checkpoints in each published layout, every tensor different from its default."""

from __future__ import annotations

import torch
from torch import Tensor

State = dict[str, Tensor]


def randomise(state: State, seed: int = 0) -> State:
    """Small activations on purpose: there LN's and BN's eps can be told apart."""
    generator = torch.Generator().manual_seed(seed)

    def noise(value: Tensor, scale: float) -> Tensor:
        return torch.randn(value.shape, generator=generator) * scale

    found = {}
    for name, value in state.items():
        if "num_batches_tracked" in name:
            found[name] = torch.full_like(value, 7)
        elif "running_var" in name:
            found[name] = torch.rand(value.shape, generator=generator) * 0.02 + 0.001
        elif "running_mean" in name:
            found[name] = noise(value, 0.1)
        elif "pos" in name.rsplit(".", 1)[-1]:
            found[name] = noise(value, 0.01)
        elif value.ndim == 1 and name.endswith("weight"):
            found[name] = 1 + noise(value, 0.3)
        elif value.ndim == 1:
            found[name] = noise(value, 0.05)
        elif value.ndim == 4 and value.shape[-1] == 16:
            found[name] = noise(value, 0.0005)
        elif "fc2" in name or "layers.1.weight" in name or "dense" in name or "attn.proj" in name:
            found[name] = noise(value, 0.3 / value[0].numel() ** 0.5)
        else:
            found[name] = noise(value, 1 / value[0].numel() ** 0.5)
    return found


def official(
    width: int = 48,
    depth: int = 2,
    joints: int = 17,
    head: str = "classic",
    tokens: int = 12,
    experts: int = 1,
    part: int = 12,
    channels: int = 256,
) -> State:
    """The key names of the ViTPose repository's checkpoints, with shapes."""
    shapes: dict[str, tuple[int, ...]] = {
        "backbone.pos_embed": (1, tokens + 1, width),
        "backbone.patch_embed.proj.weight": (width, 3, 16, 16),
        "backbone.patch_embed.proj.bias": (width,),
        "backbone.last_norm.weight": (width,),
        "backbone.last_norm.bias": (width,),
    }
    out = width if experts == 1 else width - part
    for index in range(depth):
        at = f"backbone.blocks.{index}."
        linears = {"attn.qkv": (3 * width, width), "attn.proj": (width, width),
                   "mlp.fc1": (4 * width, width), "mlp.fc2": (out, 4 * width)}  # fmt: skip
        if experts > 1:
            linears |= {f"mlp.experts.{e}": (part, 4 * width) for e in range(experts)}
        for name, shape in linears.items():
            shapes |= {f"{at}{name}.weight": shape, f"{at}{name}.bias": shape[:1]}
        for name in ("norm1", "norm2"):
            shapes |= {f"{at}{name}.weight": (width,), f"{at}{name}.bias": (width,)}
    shapes |= _head("keypoint_head", width, joints, head, channels)
    return randomise({name: torch.zeros(shape) for name, shape in shapes.items()})


def _head(at: str, width: int, joints: int, head: str, channels: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    if head == "classic":
        for deconv, inputs in ((0, width), (3, channels)):
            shapes[f"{at}.deconv_layers.{deconv}.weight"] = (inputs, channels, 4, 4)
            for name in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{at}.deconv_layers.{deconv + 1}.{name}"] = (channels,)
            shapes[f"{at}.deconv_layers.{deconv + 1}.num_batches_tracked"] = ()
        shapes[f"{at}.final_layer.weight"] = (joints, channels, 1, 1)
    else:
        shapes[f"{at}.final_layer.weight"] = (joints, width, 3, 3)
    shapes[f"{at}.final_layer.bias"] = (joints,)
    return shapes


def mmpose(state: State) -> State:
    """An official checkpoint as mmpose 1.x writes it: no class position, other names."""
    names = {
        "patch_embed.proj.": "patch_embed.projection.", "blocks.": "layers.", ".norm1.": ".ln1.",
        ".norm2.": ".ln2.", "mlp.fc1.": "ffn.layers.0.0.", "mlp.fc2.": "ffn.layers.1.",
        "last_norm.": "ln1.", "keypoint_head.": "head.",
    }  # fmt: skip
    found = {}
    for name, value in state.items():
        renamed = name
        for ours, theirs in names.items():
            renamed = renamed.replace(ours, theirs)
        if name == "backbone.pos_embed":
            value = value[:, 1:] + value[:, :1]  # noqa: PLW2901
        found[renamed] = value
    return found


def sapiens(joints: int = 17, width: int = 48, channels: int = 24) -> State:
    """mmpose's layout with instance norms (no tensors) and 1×1 convolutions in the head."""
    found = mmpose(official(width, joints=joints, channels=channels))
    found = {k: v for k, v in found.items() if not k.startswith("head.")}
    shapes: dict[str, tuple[int, ...]] = {
        "head.deconv_layers.0.weight": (width, channels, 4, 4),
        "head.deconv_layers.3.weight": (channels, channels, 4, 4),
        "head.final_layer.weight": (joints, channels, 1, 1),
        "head.final_layer.bias": (joints,),
    }
    for index in (0, 3):
        shapes[f"head.conv_layers.{index}.weight"] = (channels, channels, 1, 1)
        shapes[f"head.conv_layers.{index}.bias"] = (channels,)
    return found | randomise({name: torch.zeros(shape) for name, shape in shapes.items()}, 3)
