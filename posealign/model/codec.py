"""Places as distributions over heatmap cells, and back: encode beside decode.

A point is (x, y) in cells; (0, 0) is the centre of the first cell and input pixels are
cells · (W - 1) / (w - 1), the UDP convention. Logits are over the h·w cells, row by row.
The quadratic fit is exact for Gaussian targets, at the borders too: there the 3×3 stencil
moves inwards and the parabola is extrapolated by at most half a cell beyond its edge.
Shapes: leading dimensions ..., cells C = h·w, Z depth bins.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 1.5  # cells; of the soft target
Z_BINS = 64
Z_RANGE = 1.5  # torso lengths on both sides of the mid-hip
EPSILON = 1e-3  # heads trained with MSE: log max(h, ε)


def soft_target(points_2: Tensor, height: int, width: int, sigma: float = SIGMA) -> Tensor:
    """Encode: probabilities [..., h·w], a Gaussian around each point that sums to 1."""
    x = torch.arange(width, dtype=points_2.dtype, device=points_2.device)
    y = torch.arange(height, dtype=points_2.dtype, device=points_2.device)
    log_x = -((x - points_2[..., :1]) ** 2) / (2 * sigma**2)
    log_y = -((y - points_2[..., 1:]) ** 2) / (2 * sigma**2)
    along_x, along_y = log_x.softmax(-1), log_y.softmax(-1)
    return (along_y[..., :, None] * along_x[..., None, :]).flatten(-2)


def log_target(points_2: Tensor, height: int, width: int, sigma: float = SIGMA) -> Tensor:
    """The soft target's logits: exact where its probabilities underflow."""
    x = torch.arange(width, dtype=points_2.dtype, device=points_2.device)
    y = torch.arange(height, dtype=points_2.dtype, device=points_2.device)
    squares_x = (x - points_2[..., :1]) ** 2
    squares_y = (y - points_2[..., 1:]) ** 2
    return -(squares_y[..., :, None] + squares_x[..., None, :]).flatten(-2) / (2 * sigma**2)


def decode(logits_C: Tensor, height: int, width: int) -> Tensor:
    """Logits → points: the highest cell, then the vertex of a least-squares quadratic on 3×3."""
    best = logits_C.argmax(-1, keepdim=True)
    row, column = best // width, best % width
    # The stencil's centre keeps its 3×3 cells inside the map.
    inner_row, inner_column = row.clamp(1, height - 2), column.clamp(1, width - 2)
    offsets = torch.tensor(
        [dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)], device=logits_C.device
    )
    patch_9 = logits_C.gather(-1, inner_row * width + inner_column + offsets)
    shift_2, peaked = quadratic_vertex(patch_9)
    center_2 = torch.cat([inner_column, inner_row], -1).to(logits_C.dtype)
    best_2 = torch.cat([column, row], -1).to(logits_C.dtype)
    vertex_2 = torch.where(peaked[..., None], center_2 + shift_2, best_2)
    # Nothing moves more than half a cell from the highest one, however bent the map is.
    limit = torch.tensor([width - 1, height - 1], dtype=logits_C.dtype, device=logits_C.device)
    near = torch.minimum(torch.maximum(vertex_2, best_2 - 0.5), best_2 + 0.5)
    return torch.minimum(near.clamp(min=0), limit)


def quadratic_vertex(patch_9: Tensor) -> tuple[Tensor, Tensor]:
    """The top of the least-squares quadratic on a 3×3 patch, from its centre; has it one?"""
    a, b, c, d, e, f, g, h, i = patch_9.unbind(-1)
    slope_x = (c + f + i - a - d - g) / 6
    slope_y = (g + h + i - a - b - c) / 6
    bend_x = (a + c + d + f + g + i - 2 * (b + e + h)) / 3
    bend_y = (a + b + c + g + h + i - 2 * (d + e + f)) / 3
    twist = (a + i - c - g) / 4
    determinant = bend_x * bend_y - twist * twist
    # A ridge or a plateau has no top.
    peaked = (bend_x < 0) & (bend_y < 0) & (determinant > 1e-12)
    safe = torch.where(peaked, determinant, torch.ones_like(determinant))
    shift_x = (twist * slope_y - bend_y * slope_x) / safe
    shift_y = (twist * slope_x - bend_x * slope_y) / safe
    return torch.stack([shift_x, shift_y], -1), peaked


def sample(
    logits_C: Tensor, width: int, tau: float = 1.0, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Draw a cell from softmax(logits/τ); (cell index, point jittered uniformly inside it)."""
    probabilities = (logits_C.float() / tau).softmax(-1)
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    cells = torch.multinomial(flat, 1, generator=generator).reshape(logits_C.shape[:-1])
    points = torch.stack([cells % width, cells // width], -1).float()
    jitter = torch.rand(points.shape, generator=generator, device=points.device) - 0.5
    return cells, points + jitter


def log_prob(logits_C: Tensor, cells: Tensor, tau: float = 1.0) -> Tensor:
    """Of the drawn cells under softmax(logits/τ), in fp32. The jitter's density is 1."""
    return (logits_C.float() / tau).log_softmax(-1).gather(-1, cells[..., None]).squeeze(-1)


def entropy(logits_C: Tensor, tau: float = 1.0) -> Tensor:
    log_p = (logits_C.float() / tau).log_softmax(-1)
    return -(log_p.exp() * log_p).sum(-1)


def kl(p_logits_C: Tensor, q_logits_C: Tensor, tau: float = 1.0) -> Tensor:
    """KL(p ‖ q) in closed form, in nats."""
    log_p = (p_logits_C.float() / tau).log_softmax(-1)
    log_q = (q_logits_C.float() / tau).log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def z_centers(dtype: torch.dtype = torch.float32, device: torch.device | None = None) -> Tensor:
    step = 2 * Z_RANGE / Z_BINS
    return (torch.arange(Z_BINS, dtype=dtype, device=device) + 0.5) * step - Z_RANGE


def z_target(z: Tensor, sigma: float = 1.0) -> Tensor:
    """Encode: probabilities [..., Z], a Gaussian of `sigma` bins; beyond the range, its end."""
    step = 2 * Z_RANGE / Z_BINS
    centers = z_centers(z.dtype, z.device)
    inside = z.clamp(-Z_RANGE, Z_RANGE)
    return (-(((inside[..., None] - centers) / (sigma * step)) ** 2) / 2).softmax(-1)


def z_decode(logits_Z: Tensor) -> Tensor:
    """Logits over bins → z: the highest bin, then a parabola through it and its neighbours."""
    best = logits_Z.argmax(-1, keepdim=True)
    inner = best.clamp(1, Z_BINS - 2)
    low, middle, high = logits_Z.gather(
        -1, inner + torch.tensor([-1, 0, 1], device=logits_Z.device)
    ).unbind(-1)
    bend = low + high - 2 * middle
    peaked = bend < -1e-9
    shift = torch.where(peaked, (low - high) / (2 * torch.where(peaked, bend, -1.0)), 0.0)
    index = inner.squeeze(-1) + shift
    top = best.squeeze(-1).to(logits_Z.dtype)
    index = torch.minimum(torch.maximum(index, top - 0.5), top + 0.5)
    step = 2 * Z_RANGE / Z_BINS
    return (index + 0.5) * step - Z_RANGE


def gaussian_logits(heatmaps_C: Tensor) -> Tensor:
    """A head trained with MSE has no distribution; this one has its maximum and its spread."""
    return heatmaps_C.clamp(min=EPSILON).log()


def blur(heatmaps_KHW: Tensor, kernel: int) -> Tensor:
    """DARK's modulation: transformers' 3 (σ 0.8, mirrored borders) or mmpose's 11 (zero borders).

    mmpose restores each map's own maximum after blurring.
    """
    sigma = 0.8 if kernel == 3 else 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    radius = kernel // 2
    steps = torch.arange(-radius, radius + 1, device=heatmaps_KHW.device, dtype=heatmaps_KHW.dtype)
    weights = torch.exp(-(steps**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    flat = heatmaps_KHW.flatten(0, -3)[:, None]
    if kernel == 3:  # scipy's `reflect` repeats the border cell, as `replicate` does at radius 1
        padded = functional.pad(flat, (1, 1, 1, 1), mode="replicate")
    else:
        padded = functional.pad(flat, (radius, radius, radius, radius))
    smooth = functional.conv2d(padded, weights.view(1, 1, 1, -1))
    smooth = functional.conv2d(smooth, weights.view(1, 1, -1, 1))
    if kernel != 3:
        smooth = smooth * (flat.amax((-1, -2), True) / smooth.amax((-1, -2), True).clamp(min=1e-12))
    return smooth[:, 0].reshape(heatmaps_KHW.shape)


def dark(heatmaps_KHW: Tensor, kernel: int) -> Tensor:
    """ViTPose's own UDP/DARK decoding: heatmaps [..., h, w] → points [..., 2] in cells.

    As in the sources, a point on a saddle may fly off; `locate` keeps it in the picture.
    """
    height, width = heatmaps_KHW.shape[-2:]
    best = heatmaps_KHW.flatten(-2).argmax(-1, keepdim=True)
    row, column = best // width, best % width
    logs = blur(heatmaps_KHW, kernel).clamp(1e-3, 50.0).log()
    padded = functional.pad(logs.flatten(0, -3)[:, None], (1, 1, 1, 1), mode="replicate")
    flat = padded.reshape(*heatmaps_KHW.shape[:-2], (height + 2) * (width + 2))
    stride = width + 2
    center = (row + 1) * stride + column + 1
    offsets = torch.tensor(
        [0, 1, stride, stride + 1, -stride - 1, -1, -stride], device=heatmaps_KHW.device
    )
    i, x1, y1, x1y1, x_y_, x_, y_ = flat.gather(-1, center + offsets).unbind(-1)
    slope_x, slope_y = 0.5 * (x1 - x_), 0.5 * (y1 - y_)
    tiny = torch.finfo(torch.float32).eps
    bend_x, bend_y = x1 - 2 * i + x_ + tiny, y1 - 2 * i + y_ + tiny
    twist = 0.5 * (x1y1 - x1 - y1 + i + i - x_ - y_ + x_y_)
    determinant = bend_x * bend_y - twist * twist
    # A flat patch (an all-zero map) has no vertex; the sources divide by zero there.
    solvable = determinant.abs() > 1e-12
    safe = torch.where(solvable, determinant, torch.ones_like(determinant))
    shift_x = torch.where(solvable, (bend_y * slope_x - twist * slope_y) / safe, 0.0)
    shift_y = torch.where(solvable, (bend_x * slope_y - twist * slope_x) / safe, 0.0)
    return torch.stack([column.squeeze(-1) - shift_x, row.squeeze(-1) - shift_y], -1)


def flip_back(heatmaps_JHW: Tensor, swap_J: Tensor) -> Tensor:
    """Heatmaps of the mirrored picture → of the picture itself."""
    return heatmaps_JHW.index_select(-3, swap_J).flip(-1)
