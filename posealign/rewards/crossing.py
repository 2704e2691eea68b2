"""Limbs do not run through each other; what infants do all the time costs nothing.

Crossed ankles, wrists, hands at the face, together or at the feet are free, crossed knees and
elbows cheap (anatomy.capsules.COSTS). In the picture's plane limbs may cross: nothing is judged.
Shapes as in poses.py; [G, B, V] in [-1, 0] a pair; the four ends share the blame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posealign.anatomy.bones import BONES
from posealign.anatomy.capsules import COSTS, reach
from posealign.rewards import geometry
from posealign.rewards.poses import Poses, Rules, Scene


def crossing(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    blame = torch.zeros_like(poses.z_GBV)
    if rules.flat:
        return blame
    space = geometry.placed(poses, scene.names, rules)
    trunk = geometry.torso(space, scene.names)
    for (one, other), cost in COSTS.items():
        ends = (*BONES[one], *BONES[other])
        if not set(ends) <= set(scene.names):
            continue
        joints = geometry.columns(scene.names, ends)
        gap = geometry.segment_gap(*(space[..., joint, :] for joint in joints)) / trunk
        depth = (1 - gap / reach(one, other)).clamp(min=0)
        known = geometry.all_emitted(poses, scene.names, ends)
        share = geometry.share(scene.names, ends, blame)
        blame = blame - cost * torch.where(known, depth, 0.0)[..., None] * share
    return blame
