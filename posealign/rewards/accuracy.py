"""How near the labelled place: OKS with a band that rises as the model improves (Vision-R1).

Below the band a place earns nothing but a tenth of its OKS, above it full marks. Shapes as in
poses.py; [G, B, V], 0 where nothing was emitted or nobody labelled.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posealign.rewards.poses import Poses, Rules, Scene

SLOPE = 0.1
BANDS = ((0.5, 0.75), (0.75, 0.9))
ADVANCE_AT = 0.75  # median OKS on the validation pictures


def band_at(median_oks: float) -> tuple[float, float]:
    """Which band a model of this quality is judged by."""
    return BANDS[1] if median_oks > ADVANCE_AT else BANDS[0]


def similarity(poses: Poses, scene: Scene) -> Tensor:
    """[G, B, V] OKS of single joints, of the labelled places."""
    squared = (poses.points_GBV2 - torch.nan_to_num(scene.points_BV2)).square().sum(-1)
    spread = 2 * scene.area_B[:, None].clamp(min=1) * (2 * scene.sigmas_V) ** 2
    return torch.exp(-squared / spread)


def accuracy(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    oks = similarity(poses, scene)
    low, high = rules.band
    banded = torch.where(oks >= high, torch.ones_like(oks), torch.where(oks < low, 0.0, oks))
    return (banded + SLOPE * oks) * (poses.emitted_GBV & scene.labelled_BV)
