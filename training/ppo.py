"""PPO's side of the comparison: a learnt critic is the baseline instead of the group.

Everything else (rollouts, clipped ratios, exact KL, anchor) is training.tune's own.
Shapes: G rollouts, B pictures, K joints, D decoder width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from training.grpo import Advantages
from training.policy import Batch, Policy
from training.rollout import Actions


class Critic:
    """What a joint's place is expected to earn, from its frozen token."""

    def __init__(self, policy: Policy, rate: float) -> None:
        width = policy.heads.state.in_features
        self.index_K = policy.index_K
        last = nn.Linear(width, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.value = nn.Sequential(nn.LayerNorm(width), last)
        self.optimizer = torch.optim.AdamW(self.value.parameters(), lr=max(rate, 1e-3))

    def values(self, batch: Batch) -> Tensor:
        found: Tensor = self.value(batch.joints_BVD[:, self.index_K]).squeeze(-1)
        return found

    def advantages(
        self, batch: Batch, actions: Actions, joint_GBK: Tensor, group: Advantages
    ) -> Advantages:
        """Places against the critic, which then learns from them; gate and states by group."""
        emitted = actions.emitted_GBK
        values = self.values(batch)
        credit = torch.where(emitted, joint_GBK - values.detach(), 0.0)
        error = ((values - joint_GBK).square() * emitted).sum() / emitted.sum().clamp(min=1)
        error.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return Advantages(group.gate_GB, group.state_GBK, credit)

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.value.load_state_dict(state["value"])
        self.optimizer.load_state_dict(state["optimizer"])
