"""The pose looks like the posture that the instruction names, where it names one rightly.

"The baby lies on its back" makes the four corners of the trunk answer for a front that faces the
camera. Where the words are wrong about the person nothing is earned by agreeing with them.
Shapes as in poses.py; [G, B, V] in [0, 1] for the trunk's corners.
"""

from __future__ import annotations

import torch
from torch import Tensor

from posealign.anatomy.angles import HIPS, SHOULDERS
from posealign.anatomy.posture import NARROW, WIDE
from posealign.rewards import geometry
from posealign.rewards.poses import POSTURES, Poses, Rules, Scene


def trunk_width(poses: Poses, names: tuple[str, ...]) -> Tensor:
    """[G, B], as anatomy.posture.trunk_width: positive where the front faces the camera."""
    ls, rs, lh, rh = (
        poses.points_GBV2[..., column, :] for column in geometry.columns(names, (*SHOULDERS, *HIPS))
    )
    up, across = (ls + rs - lh - rh) / 2, (ls - rs + lh - rh) / 2
    cross = up[..., 0] * across[..., 1] - up[..., 1] * across[..., 0]
    return cross / geometry.length(up) ** 2


def semantic(poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    """1 where the trunk looks as said, falling to 0 where it looks otherwise."""
    width = trunk_width(poses, scene.names)
    supine, prone, _ = (index for index, _ in enumerate(POSTURES))
    said = scene.premise_B
    toward = torch.where(said == prone, -width, width) / WIDE
    lateral = (WIDE - width.abs()) / (WIDE - NARROW)
    flat = (said == supine) | (said == prone)
    likeness = torch.where(flat, toward, lateral).clamp(0, 1)
    # A false premise is to be found out, not to be agreed with.
    holds = (said >= 0) & (said == scene.posture_B)
    known = geometry.all_emitted(poses, scene.names, SHOULDERS + HIPS) & holds
    share = geometry.share(scene.names, SHOULDERS + HIPS, likeness)
    return torch.where(known, likeness, 0.0)[..., None] * share
