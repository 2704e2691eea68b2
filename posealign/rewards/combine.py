"""All rewards in two plain dicts, their weighted sums, and a report of each term.

Joint rewards judge places and are credited to joints; set rewards judge which joints were given.
The two are kept apart: plausibility never pays for leaving a joint out. That an answer is well
formed is guaranteed by the heads, so it is asserted (Poses validates) and not rewarded.
Shapes: G rollouts, B pictures, V joints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from posealign.errors import InvalidConfig, among
from posealign.rewards.accuracy import accuracy
from posealign.rewards.bones import bones
from posealign.rewards.crossing import crossing
from posealign.rewards.depth import depth
from posealign.rewards.emission import hallucination, set_f1
from posealign.rewards.poses import Poses, Rules, Scene
from posealign.rewards.range_of_motion import range_of_motion
from posealign.rewards.semantic import semantic
from posealign.rewards.sides import sides

JointReward = Callable[[Poses, Scene, Rules], Tensor]
SetReward = Callable[[Tensor, Scene], Tensor]

JOINT_REWARDS: Mapping[str, JointReward] = MappingProxyType({
    "accuracy": accuracy,
    "bones": bones,
    "range_of_motion": range_of_motion,
    "crossing": crossing,
    "sides": sides,
    "depth": depth,
    "semantic": semantic,
})  # fmt: skip
SET_REWARDS: Mapping[str, SetReward] = MappingProxyType({
    "set": set_f1,
    "hallucination": hallucination,
})  # fmt: skip
OF_INFANTS = ("bones", "range_of_motion", "crossing")  # an adult's limbs are longer and thinner
PLAUSIBILITY = ("bones", "range_of_motion", "crossing", "sides", "depth")
WEIGHTS: Mapping[str, float] = MappingProxyType({
    "accuracy": 1.0, "bones": 0.5, "range_of_motion": 0.5, "crossing": 0.5, "sides": 0.5,
    "depth": 0.5, "semantic": 0.1, "set": 1.0, "hallucination": 1.0,
})  # fmt: skip


@dataclass(frozen=True)
class Rewarded:
    """`joint_GBV` and `set_GB` are weighted sums; `terms` are unweighted means for the report."""

    joint_GBV: Tensor
    set_GB: Tensor
    terms: Mapping[str, float]

    @property
    def total(self) -> float:
        """What a picture earns on average: the set's reward and the mean over its joints."""
        return float(self.set_GB.mean() + self.joint_GBV.mean(-1).mean())


def checked_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """An unknown name is an error; what is not named weighs nothing."""
    known = (*JOINT_REWARDS, *SET_REWARDS)
    for name in weights:
        if name not in known:
            raise InvalidConfig(f"no reward is called {name!r}{among(name, known)}")
    return {name: float(weights.get(name, 0.0)) for name in known}


def reward(poses: Poses, scene: Scene, weights: Mapping[str, float], rules: Rules) -> Rewarded:
    weighed = checked_weights(weights)
    joint, terms = torch.zeros_like(poses.z_GBV), {}
    for name in JOINT_REWARDS:
        if weighed[name]:
            value = joint_reward(name, poses, scene, rules)
            joint = joint + weighed[name] * value
            terms[name] = mean_of(value, poses.emitted_GBV)
    for name, of_set in SET_REWARDS.items():
        if weighed[name]:
            terms[name] = float(of_set(poses.emitted_GBV, scene).mean())
    return Rewarded(joint, set_reward(poses.emitted_GBV, scene, weighed), terms)


def joint_reward(name: str, poses: Poses, scene: Scene, rules: Rules) -> Tensor:
    """[G, B, V]: one reward; what only holds for infants is 0 for others."""
    value = JOINT_REWARDS[name](poses, scene, rules)
    return value * scene.infant_B[:, None] if name in OF_INFANTS else value


def set_reward(emitted_GBV: Tensor, scene: Scene, weights: Mapping[str, float]) -> Tensor:
    total = scene.torso_B.new_zeros(emitted_GBV.shape[:2])
    for name, function in SET_REWARDS.items():
        if weights.get(name):
            total = total + weights[name] * function(emitted_GBV, scene)
    return total


def flipped_sets(emitted_GBV: Tensor, scene: Scene, weights: Mapping[str, float]) -> Tensor:
    """[G, B, V]: the set reward had this one joint been given instead of kept back, or back."""
    count, pictures, joints = emitted_GBV.shape
    eye = torch.eye(joints, dtype=torch.bool, device=emitted_GBV.device)
    flipped = emitted_GBV[:, None] ^ eye[None, :, None]  # G, V flipped, B, V
    values = set_reward(flipped.reshape(count * joints, pictures, joints), scene, weights)
    return values.view(count, joints, pictures).permute(0, 2, 1)


def mean_of(values_GBV: Tensor, mask_GBV: Tensor) -> float:
    count = mask_GBV.sum()
    return float((values_GBV * mask_GBV).sum() / count) if count else 0.0
