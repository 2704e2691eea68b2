"""Answers drawn from the policy, their log-probabilities, and how far two policies are apart.

An answer is a gate, a state for each asked joint, and for joints that end up emitted a heatmap
cell (jittered evenly inside it: density 1) and a depth bin. Noise is drawn for the whole batch and
handed in, so that ranks that hold parts of a batch draw what one rank would. A wish for visible
joints only hides some of an answer afterwards: every joint in its scope is decided and rewarded.
Shapes: G rollouts, B pictures, K joints, C cells, Z bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posealign.model import codec
from posealign.rewards.poses import Poses
from training.policy import Distribution


@dataclass(frozen=True)
class Noise:
    """Uniform numbers in [0, 1), spread evenly over a picture's rollouts.

    Each decision has its own order of strata: every number alone is uniform, and a group sees far
    more of a distribution than as many independent draws would.
    """

    gate_GB: Tensor
    state_GBK: Tensor
    place_GBK: Tensor
    z_GBK: Tensor
    jitter_GBK3: Tensor

    @classmethod
    def draw(cls, dice: torch.Generator, rollouts: int, pictures: int, joints: int) -> Noise:
        shape = (rollouts, pictures, joints)

        def spread(*shape: int) -> Tensor:
            order = torch.rand(shape, generator=dice).argsort(0)
            return (order + torch.rand(shape, generator=dice)) / rollouts

        return cls(spread(*shape[:2]), spread(*shape), spread(*shape), spread(*shape),
                   spread(*shape, 3))  # fmt: skip

    def pictures(self, rows: slice) -> Noise:
        """This rank's part of the batch."""
        return Noise(*(value[:, rows] for value in vars(self).values()))


@dataclass(frozen=True)
class Actions:
    """What was drawn; `emitted` follows from gate, states and what is asked."""

    answer_GB: Tensor  # bool
    state_GBK: Tensor
    cell_GBK: Tensor
    bin_GBK: Tensor
    jitter_GBK3: Tensor
    asked_BK: Tensor
    emitted_GBK: Tensor

    @property
    def chosen_GBK(self) -> Tensor:
        """States that were decided: of asked joints in an answer."""
        return self.asked_BK & self.answer_GB[..., None]


@dataclass(frozen=True)
class LogProbs:
    gate_GB: Tensor
    state_GBK: Tensor  # 0 where nothing was decided
    place_GBK: Tensor  # cell and bin together; 0 where nothing was emitted


def draw(probabilities: Distribution, asked_BK: Tensor, noise: Noise) -> Actions:
    """By inverse cumulative probabilities: a pure function of the noise."""
    answer = noise.gate_GB < probabilities.gate_B2[..., 1].exp()
    state = _inverse(probabilities.state_BK3, noise.state_GBK)
    emitted = asked_BK & (state > 0) & answer[..., None]
    return Actions(
        answer, state, _inverse(probabilities.place_BKC, noise.place_GBK),
        _inverse(probabilities.z_BKZ, noise.z_GBK), noise.jitter_GBK3, asked_BK, emitted,
    )  # fmt: skip


def _inverse(log_BKC: Tensor, uniform_GBK: Tensor) -> Tensor:
    total = log_BKC.exp().cumsum(-1)
    # Rounding may leave the last sum a little under 1.
    wanted = (uniform_GBK * total[..., -1]).permute(1, 2, 0).contiguous()
    found = torch.searchsorted(total.contiguous(), wanted, right=True)
    return found.clamp(max=log_BKC.shape[-1] - 1).permute(2, 0, 1)


def log_probs(distribution: Distribution, actions: Actions) -> LogProbs:
    count = len(actions.answer_GB)
    gate = _chosen(distribution.gate_B2, actions.answer_GB.long())
    state = _chosen(distribution.state_BK3, actions.state_GBK)
    place = _chosen(distribution.place_BKC, actions.cell_GBK)
    place = place + _chosen(distribution.z_BKZ, actions.bin_GBK)
    assert len(gate) == count
    return LogProbs(gate, state * actions.chosen_GBK, place * actions.emitted_GBK)


def _chosen(log_BKC: Tensor, index_GBK: Tensor) -> Tensor:
    # [B, K, C] gathered at [B, K, G] is far smaller than [G, B, K, C].
    moved = index_GBK.movedim(0, -1)
    return log_BKC.gather(-1, moved).movedim(-1, 0)


def poses_of(actions: Actions, width: int, pixels_per_cell: float) -> Poses:
    cells = torch.stack([actions.cell_GBK % width, actions.cell_GBK // width], -1).float()
    points = (cells + actions.jitter_GBK3[..., :2] - 0.5) * pixels_per_cell
    step = 2 * codec.Z_RANGE / codec.Z_BINS
    z = (actions.bin_GBK + actions.jitter_GBK3[..., 2]) * step - codec.Z_RANGE
    return Poses(points, z, actions.emitted_GBK)


@dataclass(frozen=True)
class Divergence:
    """Exact KL in nats: of gate and states a picture, of places a joint that may be emitted."""

    discrete_B: Tensor
    continuous_B: Tensor
    joints_B: Tensor  # how many joints could be decided

    def a_joint(self) -> Tensor:
        total = self.discrete_B + self.continuous_B
        return total.sum() / self.joints_B.sum().clamp(min=1)


def divergence(policy: Distribution, other: Distribution, asked_BK: Tensor) -> Divergence:
    """KL(policy ‖ other) = KL(g) + P(answer)·Σ_v[KL(o_v) + P(v ∈ E)(KL(cell) + KL(z))]."""
    answer_B = policy.gate_B2[..., 1].exp()
    state = kl(policy.state_BK3, other.state_BK3) * asked_BK
    given = (1 - policy.state_BK3[..., 0].exp()) * asked_BK
    place = kl(policy.place_BKC, other.place_BKC) + kl(policy.z_BKZ, other.z_BKZ)
    discrete = kl(policy.gate_B2, other.gate_B2) + answer_B * state.sum(-1)
    return Divergence(discrete, answer_B * (given * place).sum(-1), asked_BK.sum(-1).float())


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Of log-probabilities over the last axis; 0·log 0 is 0."""
    return (log_p.exp() * (log_p - log_q).nan_to_num(0.0, 0.0, 0.0)).sum(-1)


def entropy(distribution: Distribution) -> Tensor:
    """[B, K] nats of cell and bin together."""
    parts = (distribution.place_BKC, distribution.z_BKZ)
    return torch.stack([-(part.exp() * part).sum(-1) for part in parts]).sum(0)
