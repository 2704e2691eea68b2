"""Joints where the depth camera says the skin is, less what lies between skin and joint.

A joint should lie r below the skin measured at its place. The root's depth is the median over
visible joints, so that a single wrong joint cannot carry the body away. A hidden joint may lie
deeper than the skin of what hides it, never before it. Which joints are judged is settled at the
labelled places: a joint that moves into a hole of the depth picture scores worst.
Shapes as in poses.py; [G, B, V] in [-2, 0].
"""

from __future__ import annotations

import torch
from torch import Tensor

from posealign.anatomy.surface import under_skin
from posealign.rewards.geometry import bounded
from posealign.rewards.poses import Poses, Rules, Scene

LEAST_TOLERANCE = 0.01  # metres
WORST = 2.0  # in a hole: no wrong depth costs as much


def surface_at(points_GBV2: Tensor, scene: Scene) -> Tensor:
    """[G, B, V] metres; 0 where nothing was measured or the place is outside."""
    rows, columns = scene.surface_Bhw.shape[1:]
    cells = (points_GBV2 / scene.pixels_per_cell).round().nan_to_num(-1).long()
    x, y = cells.unbind(-1)
    inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    flat = y.clamp(0, rows - 1) * columns + x.clamp(0, columns - 1)
    table = scene.surface_Bhw.flatten(1).expand(len(points_GBV2), -1, -1)
    return torch.where(inside, table.gather(-1, flat), 0.0)


def judged_joints(scene: Scene) -> Tensor:
    """[B, V]: the camera measured something at the labelled place."""
    measured = surface_at(scene.points_BV2[None], scene)[0] > 0
    return measured & scene.labelled_BV


def residual(poses: Poses, scene: Scene) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(metres each joint lies too deep [G,B,V], r [B,V], judged [G,B,V], measured [G,B,V])."""
    surface = surface_at(poses.points_GBV2, scene)
    measured = surface > 0
    under_BV = torch.as_tensor(under_skin(scene.names)).to(scene.torso_B) * scene.torso_B[:, None]
    body = poses.z_GBV * scene.torso_B[:, None]
    guess = surface + under_BV - body
    rooting = measured & poses.emitted_GBV & scene.visible_BV
    root = _median(torch.where(rooting, guess, torch.nan))
    error = root[..., None] + body - surface
    judged = poses.emitted_GBV & judged_joints(scene) & root.isfinite()[..., None]
    return error.nan_to_num(0.0), under_BV, judged, measured


def depth(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    if rules.flat:
        return torch.zeros_like(poses.z_GBV)
    error, under, judged, measured = residual(poses, scene)
    tolerance = (3 * scene.sensor_B).clamp(min=LEAST_TOLERANCE)[:, None]
    off = error - under
    # What hides a joint is nearer than the joint: only standing before it is wrong.
    off = torch.where(scene.visible_BV, off.abs(), (-error).clamp(min=0))
    cost = (off - tolerance).clamp(min=0) / under.clamp(min=LEAST_TOLERANCE)
    if rules.capped:
        cost = bounded(cost, 1.0)
    worst = torch.full_like(cost, WORST)
    return -torch.where(judged, torch.where(measured, cost, worst), 0.0)


def _median(values_V: Tensor) -> Tensor:
    """Of the known values; NaN where there is none. The middle pair is averaged."""
    ordered = values_V.sort(-1).values  # NaN last
    count = values_V.isfinite().sum(-1, keepdim=True)
    low = ordered.gather(-1, ((count - 1) // 2).clamp(min=0))
    high = ordered.gather(-1, (count // 2).clamp(max=values_V.shape[-1] - 1))
    return torch.where(count > 0, (low + high) / 2, torch.nan).squeeze(-1)
