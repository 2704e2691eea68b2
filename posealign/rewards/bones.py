"""Bones as long as an infant's: ζ = (ln(length / trunk) - μ) / σ, free within one σ.

In space both ways count. In the picture a bone can look shorter than it is but not longer, and the
trunk may be foreshortened itself: there only bones count that stand out from the second longest.
Both ends of a bone share its blame; the trunk's corners do not, or they would carry the noise of
all eight. Shapes as in poses.py; [G, B, V] in (-2, 0] a bone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posealign.anatomy.bones import BONES, expected
from posealign.rewards import geometry
from posealign.rewards.poses import Poses, Rules, Scene

FREE, WORST = 1.0, 3.0  # standard deviations


def zetas(poses: Poses, scene: Scene, rules: Rules) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """([G, B, bones] ζ, which are known, their names)."""
    space = geometry.placed(poses, scene.names, rules)
    trunk = geometry.torso(space, scene.names)
    names = tuple(bone for bone, ends in BONES.items() if set(ends) <= set(scene.names))
    rows, known = [], []
    for bone in names:
        a, b = geometry.columns(scene.names, BONES[bone])
        usual = expected(bone)
        ratio = geometry.length(space[..., a, :] - space[..., b, :]) / trunk
        rows.append((ratio.log() - usual.log_ratio) / usual.spread)
        known.append(poses.emitted_GBV[..., a] & poses.emitted_GBV[..., b])
    return torch.stack(rows, -1), torch.stack(known, -1), names


def bones(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    zeta, known, names = zetas(poses, scene, rules)
    if rules.flat:
        ranked = torch.where(known, zeta, -torch.inf).sort(-1, descending=True).values
        scale = ranked[..., 1:2].clamp(min=0) if len(names) > 1 else zeta.new_zeros(())
        zeta = (zeta - scale).clamp(min=0)
    over = (zeta.abs() - FREE).clamp(min=0)
    if rules.capped:
        over = geometry.bounded(over, WORST)
    blame = torch.zeros_like(poses.z_GBV)
    for column, bone in enumerate(names):
        cost = torch.where(known[..., column], over[..., column] / WORST, 0.0)
        blame = blame - cost[..., None] * geometry.share(scene.names, BONES[bone], blame)
    return blame
