"""ViTPose's forward written again in NumPy, straight from the paper's words: no torch, no
posealign. Takes an official-layout state dict as float64 arrays.

Shapes: B batch, H W input, N tokens, D width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Array = NDArray[np.float64]
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * weight + bias


def patches(image_BHW3: Array, weight: Array, bias: Array) -> Array:
    padded = np.pad(image_BHW3, ((0, 0), (2, 2), (2, 2), (0, 0)))
    rows, columns = (image_BHW3.shape[1]) // 16, (image_BHW3.shape[2]) // 16
    tokens = [
        np.einsum("bhwc,dchw->bd", padded[:, r * 16 : r * 16 + 16, c * 16 : c * 16 + 16], weight)
        for r in range(rows)
        for c in range(columns)
    ]
    return np.stack(tokens, 1) + bias


def attention(x: Array, state: dict[str, Array], at: str, heads: int) -> Array:
    q, k, v = np.split(x @ state[f"{at}qkv.weight"].T + state[f"{at}qkv.bias"], 3, -1)
    size = x.shape[-1] // heads
    mixed = np.empty_like(x)
    for head in range(heads):
        part = slice(head * size, head * size + size)
        scores = q[..., part] @ k[..., part].swapaxes(1, 2) / np.sqrt(size)
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        mixed[..., part] = odds / odds.sum(-1, keepdims=True) @ v[..., part]
    return mixed @ state[f"{at}proj.weight"].T + state[f"{at}proj.bias"]


def mlp(x: Array, state: dict[str, Array], at: str, dataset: int | None) -> Array:
    hidden = x @ state[f"{at}fc1.weight"].T + state[f"{at}fc1.bias"]
    hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
    out = hidden @ state[f"{at}fc2.weight"].T + state[f"{at}fc2.bias"]
    if dataset is None:
        return out
    expert = f"{at}experts.{dataset}."
    own = hidden @ state[f"{expert}weight"].T + state[f"{expert}bias"]
    return np.concatenate([out, own], -1)


def deconvolve(x_BChw: Array, weight: Array) -> Array:
    """Kernel 4, stride 2, padding 1: spread every cell over 4×4 outputs, cut one at each side."""
    batch, _, rows, columns = x_BChw.shape
    out = np.zeros((batch, weight.shape[1], 2 * rows + 2, 2 * columns + 2))
    for ky in range(4):
        for kx in range(4):
            out[:, :, ky : ky + 2 * rows : 2, kx : kx + 2 * columns : 2] += np.einsum(
                "bchw,co->bohw", x_BChw, weight[:, :, ky, kx]
            )
    return out[:, :, 1:-1, 1:-1]


def batch_norm(x_BChw: Array, state: dict[str, Array], at: str) -> Array:
    scale = state[f"{at}weight"] / np.sqrt(state[f"{at}running_var"] + 1e-5)
    shift = state[f"{at}bias"] - state[f"{at}running_mean"] * scale
    return x_BChw * scale[:, None, None] + shift[:, None, None]


def up4(x_BChw: Array) -> Array:
    """Bilinear, pixel centres at halves, borders repeated."""
    for axis in (2, 3):
        count = x_BChw.shape[axis]
        at = np.clip((np.arange(4 * count) + 0.5) / 4 - 0.5, 0, count - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, count - 1)
        share = (at - low).reshape([-1 if i == axis else 1 for i in range(4)])
        x_BChw = x_BChw.take(low, axis) * (1 - share) + x_BChw.take(high, axis) * share
    return x_BChw


def heatmaps(
    pixels_BHW3: NDArray[np.uint8],
    state: dict[str, Array],
    heads: int,
    ln_eps: float = 1e-6,
    dataset: int | None = None,
) -> Array:
    batch, height, width, _ = pixels_BHW3.shape
    image = (pixels_BHW3 / 255.0 - MEAN) / STD
    embed = "backbone.patch_embed.proj."
    x = patches(image, state[f"{embed}weight"], state[f"{embed}bias"])
    position = state["backbone.pos_embed"]
    x = x + position[:, 1:] + position[:, :1]
    for index in range(sum(1 for k in state if k.endswith("norm1.weight"))):
        at = f"backbone.blocks.{index}."
        norm = layer_norm(x, state[f"{at}norm1.weight"], state[f"{at}norm1.bias"], ln_eps)
        x = x + attention(norm, state, f"{at}attn.", heads)
        norm = layer_norm(x, state[f"{at}norm2.weight"], state[f"{at}norm2.bias"], ln_eps)
        x = x + mlp(norm, state, f"{at}mlp.", dataset)
    last = "backbone.last_norm."
    x = layer_norm(x, state[f"{last}weight"], state[f"{last}bias"], ln_eps)
    grid = x.swapaxes(1, 2).reshape(batch, -1, height // 16, width // 16)
    weight, bias = (state[f"keypoint_head.final_layer.{n}"] for n in ("weight", "bias"))
    if weight.shape[-1] == 3:
        grid = np.pad(up4(np.maximum(grid, 0)), ((0, 0), (0, 0), (1, 1), (1, 1)))
        rows, columns = height // 4, width // 4
        maps = sum(
            np.einsum("bchw,kc->bkhw", grid[:, :, y : y + rows, x0 : x0 + columns],
                      weight[:, :, y, x0])
            for y in range(3) for x0 in range(3)
        )  # fmt: skip
    else:
        for index in (0, 3):
            at = f"keypoint_head.deconv_layers.{index}.weight"
            grid = deconvolve(grid, state[at])
            grid = batch_norm(grid, state, f"keypoint_head.deconv_layers.{index + 1}.")
            grid = np.maximum(grid, 0)
        maps = np.einsum("bchw,kc->bkhw", grid, weight[:, :, 0, 0])
    return maps + bias[:, None, None]
