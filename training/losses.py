"""What each answer costs. Sums over labelled things; the caller divides by fixed totals.

Shapes: B batch, K placed joints, C cells, V vocabulary, Z depth bins, h×w finder cells.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from posealign.model import codec
from posealign.skeletons.load import vocabulary


def importance() -> Tensor:
    """Weight by joint: 110 face and hand points must not drown the body."""
    weights = torch.ones(len(vocabulary()))
    for index, name in enumerate(vocabulary().names):
        if name.startswith("face_"):
            weights[index] = 0.08
        elif any(word in name for word in ("thumb", "finger", "hand_root")):
            weights[index] = 0.12
        elif index >= 17:
            weights[index] = 0.5
    return weights


def place_loss(
    logits_BKC: Tensor, cells_BK2: Tensor, weights_BK: Tensor, grid: tuple[int, int], sigma: float
) -> Tensor:
    """Cross-entropy of the softmax over cells against a Gaussian around the labelled place."""
    height, width = grid
    target = codec.soft_target(cells_BK2, height, width, sigma)
    return -((target * logits_BKC.float().log_softmax(-1)).sum(-1) * weights_BK).sum()


def state_loss(logits_BV3: Tensor, state_BV: Tensor, weights_BV: Tensor) -> Tensor:
    cost = F.cross_entropy(logits_BV3.float().flatten(0, 1), state_BV.flatten(), reduction="none")
    return (cost.view_as(weights_BV) * weights_BV).sum()


def z_loss(logits_BVZ: Tensor, z_BV: Tensor, weights_BV: Tensor) -> Tensor:
    cost = -(codec.z_target(z_BV) * logits_BVZ.float().log_softmax(-1)).sum(-1)
    return (cost * weights_BV).sum()


def finder_loss(map_B6hw: Tensor, target_B6hw: Tensor, weight_Bhw: Tensor, on_B: Tensor) -> Tensor:
    """Person logit everywhere, box and infant where a person is."""
    person = F.binary_cross_entropy_with_logits(
        map_B6hw[:, 0].float(), target_B6hw[:, 0], reduction="none"
    )
    cost = person.sum((1, 2))
    shape = F.smooth_l1_loss(
        map_B6hw[:, 1:5].float(), target_B6hw[:, 1:5], reduction="none", beta=0.1
    )
    infant = F.binary_cross_entropy_with_logits(
        map_B6hw[:, 5].float(), target_B6hw[:, 5], reduction="none"
    )
    cost = cost + ((shape.sum(1) + 0.5 * infant) * weight_Bhw).sum((1, 2))
    return (cost * on_B).sum()


def asked_loss(logits_BV: Tensor, asked_BV: Tensor, weights_BV: Tensor) -> Tensor:
    """Which joints are wanted; 148 small questions count as one."""
    cost = F.binary_cross_entropy_with_logits(logits_BV.float(), asked_BV, reduction="none")
    return (cost * weights_BV).sum() / logits_BV.shape[1]


def totals(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What each sum is divided by: over the whole batch and all ranks, never over a chunk."""
    weights = importance()
    return {
        "place": (batch["weights"] * weights).sum(),
        "state": (batch["state_weight"] * weights).sum(),
        "z": (batch["z_weight"] * weights).sum(),
        "finder": torch.tensor(float(len(batch["finder_on"]))),
    }
