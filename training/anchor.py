"""What holds a tuned policy to its labels, and the rules as plain losses (the control).

Both work on the untempered distribution. Shapes: B pictures, K joints, C cells, Z bins.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from posealign.model import codec
from posealign.rewards.combine import PLAUSIBILITY, joint_reward, set_reward
from posealign.rewards.poses import Poses, Rules
from training.policy import Batch, Distribution

COSTS = {"place": 1.0, "state": 0.3, "z": 0.15, "gate": 0.2}
SIGMA = 1.0  # cells, as in supervised fine-tuning


def smeared(
    place_BKC: Tensor, cells_BK2: Tensor, grid: tuple[int, int], sigma: float = SIGMA
) -> Tensor:
    """[B, K]: the mean log-probability under a Gaussian around each cell.

    The same as the sum over `codec.soft_target`, which is never built: a row and a column do.
    """
    height, width = grid
    x = torch.arange(width, dtype=place_BKC.dtype, device=place_BKC.device)
    y = torch.arange(height, dtype=place_BKC.dtype, device=place_BKC.device)
    along_x = (-((x - cells_BK2[..., :1]) ** 2) / (2 * sigma**2)).softmax(-1)
    along_y = (-((y - cells_BK2[..., 1:]) ** 2) / (2 * sigma**2)).softmax(-1)
    rows = (place_BKC.unflatten(-1, grid) @ along_x[..., None]).squeeze(-1)
    mean: Tensor = (rows * along_y).sum(-1)
    return mean


def anchor_loss(
    plain: Distribution,
    batch: Batch,
    grid: tuple[int, int],
    pixels_per_cell: float,
    totals: Mapping[str, float],
) -> Tensor:
    """Supervised fine-tuning's own loss; `totals` are of the whole batch on all ranks."""
    place = z = plain.state_BK3.new_zeros(())
    if plain.placed:
        cells = torch.nan_to_num(batch.scene.points_BV2) / pixels_per_cell
        place = -(smeared(plain.place_BKC, cells, grid) * batch.place_weight_BK).sum()
        z = -((codec.z_target(batch.z_BK) * plain.z_BKZ).sum(-1) * batch.z_weight_BK).sum()
    chosen = plain.state_BK3.gather(-1, batch.state_BK[..., None]).squeeze(-1)
    state = -(chosen * batch.state_weight_BK).sum()
    gate = F.nll_loss(plain.gate_B2, batch.answered_B.long(), reduction="sum")
    sums = {"place": place, "state": state, "z": z, "gate": gate}
    divisors = {**totals, "gate": totals["pictures"]}
    parts = [COSTS[name] * value / max(divisors[name], 1e-6) for name, value in sums.items()]
    return torch.stack(parts).sum()


def soft_poses(
    plain: Distribution, batch: Batch, grid: tuple[int, int], pixels_per_cell: float
) -> Poses:
    """Mean places and depths: what a rule can be differentiated through."""
    height, width = grid
    mass = plain.place_BKC.exp().unflatten(-1, (height, width))
    x = mass.sum(-2) @ torch.arange(width, dtype=mass.dtype)
    y = mass.sum(-1) @ torch.arange(height, dtype=mass.dtype)
    points = torch.stack([x, y], -1) * pixels_per_cell
    z = plain.z_BKZ.exp() @ codec.z_centers(device=mass.device)
    return Poses(points[None], z[None], (batch.scene.asked_BV & batch.scene.present_BV)[None])


def rules_loss(
    plain: Distribution,
    batch: Batch,
    grid: tuple[int, int],
    pixels_per_cell: float,
    weights: Mapping[str, float],
) -> Tensor:
    """The same plausibility rules as the rewards', uncapped, summed over pictures.

    Where presence alone is decided the rewards are those of sets, of the chances of being given.
    """
    if not plain.placed:
        given = (1 - plain.state_BK3[..., 0].exp()) * batch.scene.asked_BV
        return -set_reward(given[None], batch.scene, weights).sum()
    poses, rules = soft_poses(plain, batch, grid, pixels_per_cell), Rules(capped=False)
    total = plain.place_BKC.new_zeros(())
    for name in PLAUSIBILITY:
        if weights.get(name):
            # Far outside a rule its slope is unbounded: a picture counts at most so much.
            each = -joint_reward(name, poses, batch.scene, rules)[0].mean(-1)
            total = total + weights[name] * (each / (1 + each.detach() / 2)).sum()
    return total
