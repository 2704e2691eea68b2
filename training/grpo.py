"""Group-relative tuning of a hybrid answer, with credit for each joint.

Discrete: the gate is credited with the set's reward, each joint's state with half the change of it
that the state's flip would make (the mean of both outcomes is a baseline that does not depend on
the joint's own choice).
Continuous: each joint's place is credited with the rewards that joint answers for. Both are taken
relative to the other rollouts of the same picture, leave-one-out, and divided by a running
standard deviation, never the group's own. Divisors are fixed, so long answers weigh no more.
Shapes: G rollouts, B pictures, K joints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.policy import Batch, Distribution
from training.rollout import Actions, LogProbs, divergence, entropy

CHANNELS = ("gate", "state", "place")


@dataclass(frozen=True)
class Advantages:
    gate_GB: Tensor
    state_GBK: Tensor
    place_GBK: Tensor


@dataclass(frozen=True)
class Clip:
    """How far a ratio may move before its gradient stops: lower and upper."""

    low: float = 0.2
    high: float = 0.28


@dataclass(frozen=True)
class Weights:
    """Of the loss's parts, beside the policy's own."""

    kl_discrete: float = 0.02
    kl_continuous: float = 0.02
    anchor: float = 0.3
    entropy: float = 0.05
    entropy_floor: float = 0.7  # of the reference's entropy


class Scales:
    """A running root mean square of each channel's advantages, the same on all ranks."""

    def __init__(self, decay: float = 0.95, reduce: Callable[[Tensor], Tensor] | None = None):
        self.decay, self.reduce = decay, reduce or (lambda value: value)
        self.squares = dict.fromkeys(CHANNELS, 0.0)
        self.weight = 0.0

    def update(self, advantages: Advantages, masks: dict[str, Tensor]) -> None:
        """Sums are gathered over ranks before anything is divided."""
        self.weight = self.decay * self.weight + (1 - self.decay)
        for name in CHANNELS:
            value, mask = channel(advantages, name), masks[name].float()
            sums = torch.stack([(value.square() * mask).sum(), mask.sum()]).double()
            squared, count = self.reduce(sums).tolist()
            mean = squared / max(count, 1.0)
            self.squares[name] = self.decay * self.squares[name] + (1 - self.decay) * mean

    def scale(self, name: str) -> float:
        mean = self.squares[name] / max(self.weight, 1e-12)
        return float(max(mean**0.5, 1e-3))

    def apply(self, advantages: Advantages) -> Advantages:
        return Advantages(*(channel(advantages, n) / self.scale(n) for n in CHANNELS))

    def state(self) -> dict[str, float]:
        return {**self.squares, "weight": self.weight}

    def load(self, state: dict[str, float]) -> None:
        self.squares = {name: float(state[name]) for name in CHANNELS}
        self.weight = float(state["weight"])


def channel(advantages: Advantages, name: str) -> Tensor:
    values = {"gate": advantages.gate_GB, "state": advantages.state_GBK,
              "place": advantages.place_GBK}  # fmt: skip
    return values[name]


def relative(values_G: Tensor, mask_G: Tensor) -> Tensor:
    """Each value less the mean of the group's other masked ones; 0 where there is no other."""
    mask = mask_G.to(values_G.dtype)
    total, count = (values_G * mask).sum(0), mask.sum(0)
    others = (total - values_G * mask) / (count - mask).clamp(min=1)
    return torch.where(mask_G & (count > 1), values_G - others, 0.0)


def advantages(
    joint_GBK: Tensor, set_GB: Tensor, flipped_GBK: Tensor, actions: Actions, answered_B: Tensor
) -> Advantages:
    """From rewards: of joints, of the set, and of the set had one joint been flipped."""
    right = actions.answer_GB == answered_B
    # A refused question that had an answer, or an answered one that had none, earns nothing. Like
    # states, the gate is not credited with places: whoever breaks rules would do best to refuse.
    whole = torch.where(right, set_GB, torch.zeros_like(set_GB))
    gate = relative(whole, torch.ones_like(right))
    chosen = actions.chosen_GBK
    state = relative(0.5 * (set_GB[..., None] - flipped_GBK), chosen)
    return Advantages(gate, state, relative(joint_GBK, actions.emitted_GBK))


def masks(actions: Actions) -> dict[str, Tensor]:
    """What was decided at all, by channel."""
    return {
        "gate": torch.ones_like(actions.answer_GB),
        "state": actions.chosen_GBK,
        "place": actions.emitted_GBK,
    }


def surrogate(new: Tensor, old: Tensor, advantage: Tensor, clip: Clip) -> Tensor:
    """min(ρA, clip(ρ)A) elementwise."""
    ratio = (new - old).exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip.low, 1 + clip.high) * advantage)


def policy_loss(
    new: LogProbs, old: LogProbs, credit: Advantages, actions: Actions, clip: Clip, pictures: int
) -> Tensor:
    """`pictures` is the whole batch's size on all ranks, so that parts add up."""
    rollouts, _, joints = actions.state_GBK.shape
    gate = surrogate(new.gate_GB, old.gate_GB, credit.gate_GB, clip).sum()
    state = surrogate(new.state_GBK, old.state_GBK, credit.state_GBK, clip)
    place = surrogate(new.place_GBK, old.place_GBK, credit.place_GBK, clip)
    each = (state * actions.chosen_GBK).sum() + (place * actions.emitted_GBK).sum()
    return -(gate + each / joints) / (rollouts * pictures)


def regularisers(
    policy: Distribution, reference: Distribution, batch: Batch, weights: Weights, pictures: int
) -> dict[str, Tensor]:
    """Exact KL to the reference a joint, and what is missing to the entropy's floor."""
    asked = batch.scene.asked_BV
    joints = asked.shape[1]
    apart = divergence(policy, reference, asked)
    floor = weights.entropy_floor * entropy(reference)
    missing = ((floor - entropy(policy)).clamp(min=0) * asked).sum()
    return {
        "kl": (weights.kl_discrete * apart.discrete_B.sum()
               + weights.kl_continuous * apart.continuous_B.sum()) / (pictures * joints),
        "entropy": weights.entropy * missing / (pictures * joints),
    }  # fmt: skip
