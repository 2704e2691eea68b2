"""Angles, lengths and gaps in torch; tests hold them to the numpy ones of posealign.anatomy.

Shapes: leading dimensions ..., V joints, D 2 or 3 coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from posealign.anatomy.angles import ANGLES, HIPS, SHOULDERS
from posealign.anatomy.space import LEAST_ACROSS
from posealign.rewards.poses import Poses, Rules

TINY = 1e-6


def columns(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    order = list(names)
    return [order.index(name) for name in wanted]


def share(names: Sequence[str], wanted: Sequence[str], like: Tensor) -> Tensor:
    """[V]: 1 for the joints that answer for a rule, 0 for the others."""
    row = like.new_zeros(len(names))
    row[columns(names, wanted)] = 1.0
    return row


def placed(poses: Poses, names: Sequence[str], rules: Rules) -> Tensor:
    """[G, B, V, 3] in trunk lengths, or [G, B, V, 2] pixels where judged flat."""
    if rules.flat:
        return poses.points_GBV2
    upper, lower = columns(names, SHOULDERS), columns(names, HIPS)
    points, z = poses.points_GBV2, poses.z_GBV
    across = points[..., upper, :].mean(-2) - points[..., lower, :].mean(-2)
    deep = z[..., upper].mean(-1) - z[..., lower].mean(-1)
    # The root of (1 - deep²) would have no slope to follow where the trunk points at the camera.
    scale = (1 - deep**2).clamp(min=LEAST_ACROSS).sqrt() / length(across)
    return torch.cat([points * scale[..., None, None], z[..., None]], -1)


def length(vector_D: Tensor) -> Tensor:
    """Never nought, so that its slope is finite."""
    return (vector_D.square().sum(-1) + TINY**2).sqrt()


def torso(points_VD: Tensor, names: Sequence[str]) -> Tensor:
    upper, lower = columns(names, SHOULDERS), columns(names, HIPS)
    return length(points_VD[..., upper, :].mean(-2) - points_VD[..., lower, :].mean(-2))


def angle(points_VD: Tensor, names: Sequence[str], name: str) -> Tensor:
    """Degrees, as posealign.anatomy.angles.angle."""
    row = ANGLES[name]
    directions = []
    for start, end in (row.first, row.second):
        a, b = columns(names, start), columns(names, end)
        direction = points_VD[..., b, :].mean(-2) - points_VD[..., a, :].mean(-2)
        directions.append(direction / length(direction)[..., None])
    apart, along = length(directions[0] - directions[1]), length(directions[0] + directions[1])
    return torch.rad2deg(2 * torch.atan2(apart, along))


def segment_gap(a_D: Tensor, b_D: Tensor, c_D: Tensor, d_D: Tensor) -> Tensor:
    """The least distance between segments ab and cd, as anatomy.capsules.segment_distance."""
    u, v, w = b_D - a_D, d_D - c_D, a_D - c_D
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    uw, vw = (u * w).sum(-1), (v * w).sum(-1)
    area = uu * vv - uv**2
    s = torch.where(area > 1e-12, (uv * vw - vv * uw) / area.clamp(min=1e-12), 0.0).clamp(0, 1)
    t = ((uv * s + vw) / vv.clamp(min=1e-12)).clamp(0, 1)
    s = ((uv * t - uw) / uu.clamp(min=1e-12)).clamp(0, 1)
    return length(w + s[..., None] * u - t[..., None] * v)


def bounded(cost: Tensor, full: float) -> Tensor:
    """As it is up to `full`, then ever flatter, below twice that.

    Cut off at `full`, every sample of a joint that is far off costs the same and nothing is learnt
    of it: a third of the bones of a half-trained model lie out there.
    """
    beyond = full * (2 - full / cost.clamp(min=full))
    return torch.where(cost > full, beyond, cost)


def all_emitted(poses: Poses, names: Sequence[str], wanted: Sequence[str]) -> Tensor:
    """[G, B]: the rule has all the joints it needs."""
    if not set(wanted) <= set(names):
        return torch.zeros_like(poses.emitted_GBV[..., 0])
    return poses.emitted_GBV[..., columns(names, wanted)].all(-1)
