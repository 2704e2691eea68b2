"""Which joints are given at all: F1 of the set, and a price on joints that are not there.

Functions of the emitted set alone, so that the change a single joint makes is cheap to know.
A right abstention (nothing asked for is there, nothing is given) earns full marks. `emitted` may be
probabilities: then both can be differentiated (the control "rules as losses").
Shapes: G rollouts, B pictures, V joints; [G, B].
"""

from __future__ import annotations

import torch
from torch import Tensor

from posealign.rewards.poses import Scene

PRICE = 0.5


def set_f1(emitted_GBV: Tensor, scene: Scene) -> Tensor:
    """Emitted joints against asked joints that are there; nobody-knows counts neither way."""
    known_BV = scene.present_BV | scene.absent_BV | ~scene.asked_BV
    given = emitted_GBV.float() * known_BV
    wanted = scene.wanted_BV.float()
    both = (given * wanted).sum(-1)
    total = given.sum(-1) + wanted.sum(-1)
    return torch.where(total > 0, 2 * both / total.clamp(min=1), torch.ones_like(total))


def hallucination(emitted_GBV: Tensor, scene: Scene) -> Tensor:
    """-0.5 · the share of absent joints (asked for, not there) that were given a place."""
    absent = (scene.asked_BV & scene.absent_BV).float()
    given = (emitted_GBV.float() * absent).sum(-1)
    return -PRICE * given / absent.sum(-1).clamp(min=1)
