"""Left is left: shoulders and hips point the same way, and given labels fit better than swapped.

Healthy infants twist their trunks by some 30°; shoulders and hips at more than a right angle are
a side taken for the other. Shapes as in poses.py; [G, B, V] in [-2, 0].
"""

from __future__ import annotations

import torch
from torch import Tensor

from posealign.anatomy.angles import HIPS, SHOULDERS
from posealign.rewards import geometry
from posealign.rewards.poses import Poses, Rules, Scene

APART = 0.1  # of the root of the person's area: nearer pairs tell nothing


def sides(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    return _opposed(poses, scene, rules) + _swapped(poses, scene)


def _opposed(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    space = geometry.placed(poses, scene.names, rules)
    known = geometry.all_emitted(poses, scene.names, SHOULDERS + HIPS)
    axes = []
    for left, right in (SHOULDERS, HIPS):
        a, b = geometry.columns(scene.names, (left, right))
        axis = space[..., a, :] - space[..., b, :]
        axes.append(axis / geometry.length(axis)[..., None])
    against = (-(axes[0] * axes[1]).sum(-1)).clamp(min=0)  # from 90° on
    share = geometry.share(scene.names, SHOULDERS + HIPS, against)
    return -torch.where(known, against, 0.0)[..., None] * share


def _swapped(poses: Poses, scene: Scene) -> Tensor:
    """-1 for both joints of a pair that fits better the other way round."""
    blame = torch.zeros_like(poses.z_GBV)
    truth, points = torch.nan_to_num(scene.points_BV2), poses.points_GBV2
    apart_B = APART * scene.area_B.clamp(min=1).sqrt()
    for name in scene.names:
        other = name.replace("left_", "right_", 1)
        if not name.startswith("left_") or other not in scene.names:
            continue
        a, b = geometry.columns(scene.names, (name, other))
        given = _gap(points[..., a, :], truth[:, a]) + _gap(points[..., b, :], truth[:, b])
        turned = _gap(points[..., a, :], truth[:, b]) + _gap(points[..., b, :], truth[:, a])
        judged = scene.labelled_BV[:, a] & scene.labelled_BV[:, b]
        judged = judged & (_gap(truth[:, a], truth[:, b]) > apart_B)
        judged = judged & poses.emitted_GBV[..., a] & poses.emitted_GBV[..., b]
        wrong = (judged & (turned < 0.5 * given)).to(blame.dtype)
        share = geometry.share(scene.names, (name, other), blame)
        blame = blame - wrong[..., None] * share
    return blame


def _gap(one_2: Tensor, other_2: Tensor) -> Tensor:
    return (one_2 - other_2).square().sum(-1).sqrt()
