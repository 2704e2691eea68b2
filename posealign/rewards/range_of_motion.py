"""Joints bent no further than infants bend them, with 15° of grace and limits by age.

In the picture's plane an angle means something only where both its limbs are seen at length.
Shapes as in poses.py; [G, B, V] in (-2, 0] an angle; the limb's own joints share the blame.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from posealign.anatomy.angles import ANGLES, TRUNK, Angle
from posealign.anatomy.bones import BONES, expected
from posealign.anatomy.ranges import limits_by_age
from posealign.rewards import geometry
from posealign.rewards.poses import Poses, Rules, Scene

GRACE = 15.0  # degrees
SEEN_AT_LENGTH = 0.6


def range_of_motion(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    space = geometry.placed(poses, scene.names, rules)
    names = tuple(name for name, row in ANGLES.items() if set(row.joints) <= set(scene.names))
    limits = torch.as_tensor(limits_by_age(names, scene.age_B.cpu().numpy(), rules.limits))
    blame = torch.zeros_like(poses.z_GBV)
    for column, name in enumerate(names):
        low, high = limits[:, column].to(space).unbind(-1)
        degrees = geometry.angle(space, scene.names, name)
        over, under = (degrees - high).clamp(min=0), (low - degrees).clamp(min=0)
        if rules.flat:  # a bent limb may look straight in the picture, never the other way round
            under = torch.zeros_like(under)
        cost = (over.square() + under.square()) / GRACE**2
        if rules.capped:
            cost = geometry.bounded(cost, 1.0)
        joints = ANGLES[name].joints
        known = geometry.all_emitted(poses, scene.names, joints)
        if rules.flat:
            known = known & _at_length(space, scene.names, joints)
        share = geometry.share(scene.names, _blamed(ANGLES[name]), blame)
        blame = blame - torch.where(known, cost, 0.0)[..., None] * share
    return blame


def _blamed(row: Angle) -> tuple[str, ...]:
    """Not the trunk's corners: they would carry the noise of every limb."""
    segments = (row.first, row.second) if row.first != TRUNK else (row.second,)
    return tuple(dict.fromkeys(joint for ends in segments for end in ends for joint in end))


def _at_length(space: Tensor, names: tuple[str, ...], joints: tuple[str, ...]) -> Tensor:
    trunk = geometry.torso(space, names)
    seen = torch.ones_like(trunk, dtype=torch.bool)
    for bone, ends in BONES.items():
        if set(ends) <= set(joints):
            a, b = geometry.columns(names, ends)
            least = SEEN_AT_LENGTH * math.exp(expected(bone).log_ratio)
            seen &= geometry.length(space[..., a, :] - space[..., b, :]) / trunk > least
    return seen
