"""Small read-outs: persons on the token grid, per-joint answers, and places from heatmaps.

Shapes: B batch, C feature channels, D decoder width, h×w heatmap, V vocabulary, K asked joints.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from posealign.model import codec
from posealign.model.config import Calibration

FINDER_CHANNELS = 6  # person, dx, dy, log w, log h, infant


class Finder(nn.Module):
    """Where people are, from backbone tokens: one guess a token."""

    def __init__(self, token_width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.norm = nn.LayerNorm(token_width)
        self.out = nn.Linear(token_width, FINDER_CHANNELS)

    def forward(self, tokens_BND: Tensor) -> Tensor:
        found: Tensor = self.out(self.norm(tokens_BND)).transpose(1, 2).unflatten(2, self.grid)
        return found


def heatmaps(features_BChw: Tensor, vectors_BKR: Tensor, kernel: int) -> Tensor:
    """⟨w_k, F⟩ + b_k for K joints: the last convolution of ViTPose's head, a kernel a picture.

    A row is [C·kernel², bias], laid out as the convolution's own weight [C, ky, kx].
    """
    channels, height, width = features_BChw.shape[1:]
    weights, bias = vectors_BKR[..., :-1], vectors_BKR[..., -1:]
    if kernel == 1:
        flat: Tensor = (weights @ features_BChw.flatten(2) + bias).unflatten(2, (height, width))
        return flat
    # One matrix product for all nine taps, then nine shifted sums.
    taps = weights.unflatten(2, (channels, 9)).permute(0, 3, 1, 2).flatten(1, 2)  # B, 9K, C
    maps = (taps @ features_BChw.flatten(2)).unflatten(2, (height, width))
    maps = functional.pad(maps, (1, 1, 1, 1)).unflatten(1, (9, -1))
    total = bias[..., None]
    for tap in range(9):
        y, x = divmod(tap, 3)
        total = total + maps[:, tap, :, y : y + height, x : x + width]
    return total


class JointHeads(nn.Module):
    """From a joint's token (which has not seen the instruction): Δ, state and z, and what hides it
    among so many `hiders`.
    """

    def __init__(self, width: int, vector_width: int, hiders: int = 0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.delta = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, vector_width)
        )
        self.state = nn.Linear(width, 3)
        self.z = nn.Linear(width, codec.Z_BINS)
        self.hider = nn.Linear(width, hiders) if hiders else None

    def forward(self, joints_BVD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        normed = self.norm(joints_BVD)
        return self.delta(normed), self.state(normed), self.z(normed)

    def hidden_by(self, joints_BVD: Tensor) -> Tensor | None:
        """Logits of what hides each joint, if it is hidden; None where nobody was taught that."""
        found: Tensor | None = None if self.hider is None else self.hider(self.norm(joints_BVD))
        return found


class Locator(nn.Module):
    """Heatmaps → place, confidence and radius, with the calibration inside."""

    # Half-widths in cells of the windows whose mass is measured.
    HALVES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
    _MASSES = (1, 2, 4)  # positions in HALVES of 3×3, 5×5 and 9×9 cells

    bias: Tensor
    slopes: Tensor
    radius_scale: Tensor
    radius_offset: Tensor
    halves: Tensor

    def __init__(
        self, grid: tuple[int, int], input_size: tuple[int, int], target: str, dark_kernel: int
    ) -> None:
        super().__init__()
        self.grid, self.target, self.dark_kernel = grid, target, dark_kernel
        height, width = grid
        self.pixels = ((input_size[0] - 1) / (width - 1), (input_size[1] - 1) / (height - 1))
        for name, size in (("bias", ()), ("slopes", (3,)), ("radius_scale", ()),
                           ("radius_offset", ())):  # fmt: skip
            self.register_buffer(name, torch.zeros(size))
        self.register_buffer("halves", torch.tensor(self.HALVES).float(), persistent=False)
        self.calibrate(Calibration())

    def calibrate(self, calibration: Calibration) -> None:
        self.bias.fill_(calibration.bias)
        self.slopes.copy_(torch.tensor(calibration.slopes))
        self.radius_scale.fill_(calibration.radius_scale)
        self.radius_offset.fill_(calibration.radius_offset)

    def forward(self, heatmaps_BKhw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points, features, radius = self.measure(heatmaps_BKhw)
        confidence = (features @ self.slopes + self.bias).sigmoid()
        return points, confidence, self.radius_offset + self.radius_scale * radius

    def measure(self, heatmaps_BKhw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points and 90 % radius in input pixels, and what the confidence is fitted on."""
        height, width = self.grid
        if heatmaps_BKhw.dtype in (torch.float16, torch.bfloat16):
            heatmaps_BKhw = heatmaps_BKhw.float()  # log-probabilities are never half
        flat = heatmaps_BKhw.flatten(2)
        if self.target == "gaussian":
            limit = flat.new_tensor([width - 1, height - 1])
            cells = torch.minimum(codec.dark(heatmaps_BKhw, self.dark_kernel).clamp(min=0), limit)
            logits = codec.gaussian_logits(flat)
        else:
            cells, logits = codec.decode(flat, height, width), flat
        masses = self._masses(logits.softmax(-1).unflatten(2, (height, width)), cells)
        if self.target == "gaussian":  # the maximum itself, so unfitted it is the confidence
            features = _log_odds(flat.amax(-1))[..., None].expand(*masses.shape[:-1], 3)
        else:
            features = _log_odds(masses[..., list(self._MASSES)])
        scale = flat.new_tensor(self.pixels)
        return cells * scale, features, self._radius(masses) * scale.prod().sqrt()

    def _masses(self, p_BKhw: Tensor, cells_BK2: Tensor) -> Tensor:
        """Mass within square windows around the point, by one integral image."""
        height, width = self.grid
        lower_w = torch.ones(width, width + 1, device=p_BKhw.device).triu(1).to(p_BKhw.dtype)
        lower_h = torch.ones(height, height + 1, device=p_BKhw.device).triu(1).to(p_BKhw.dtype)
        integral = (lower_h.T @ (p_BKhw @ lower_w)).flatten(2)  # B, K, (h+1)·(w+1)
        center = (cells_BK2 + 0.5).floor()
        column, row = center[..., :1], center[..., 1:]
        left = (column - self.halves).clamp(min=0).long()
        right = (column + self.halves + 1).clamp(max=width).long()
        top = (row - self.halves).clamp(min=0).long() * (width + 1)
        bottom = (row + self.halves + 1).clamp(max=height).long() * (width + 1)
        return (
            integral.gather(-1, bottom + right) - integral.gather(-1, top + right)
            - integral.gather(-1, bottom + left) + integral.gather(-1, top + left)
        )  # fmt: skip

    def _radius(self, masses_BKR: Tensor) -> Tensor:
        """In cells: the disc as large as the square that holds 90 %, linear between windows."""
        count = len(self.HALVES)
        upper = (masses_BKR < 0.9).sum(-1, keepdim=True).clamp(1, count - 1)
        low, high = masses_BKR.gather(-1, upper - 1), masses_BKR.gather(-1, upper)
        share = ((0.9 - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
        inner, outer = self.halves[upper - 1], self.halves[upper]
        half = inner + share * (outer - inner) + 0.5
        radius: Tensor = (half * (2 / math.pi**0.5)).squeeze(-1)
        return radius


def _log_odds(mass: Tensor) -> Tensor:
    safe = mass.clamp(1e-4, 1 - 1e-4)
    return safe.log() - (1 - safe).log()
