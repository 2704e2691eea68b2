"""What a joint's query begins with: the picture where the feature map shows that joint.

The encoder's tokens say what lies where but not whose side it is; the feature map does, since
places are read from it. Without this a left joint and its right twin begin all but alike, and a
decoder never learns to tell their states and depths apart: docs/decisions/0026.
Shapes: B batch, N picture tokens, C feature channels, V vocabulary, D decoder width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CELLS = 4  # of the feature map to a token's side


class Glance(nn.Module):
    """Starts silent: what enters the decoder is at first what it would be without."""

    def __init__(self, channels: int, joints: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        told, seen = nn.Linear(channels, width), nn.Linear(width + 2, width)
        self.features_in = nn.Sequential(nn.LayerNorm(channels), told)
        self.rows = nn.Linear(channels, joints)  # the joints' own vectors, by `look_for`
        self.seen_in = seen
        for new in (told, seen):
            nn.init.zeros_(new.weight)
            nn.init.zeros_(new.bias)

    def forward(self, features_BNC: Tensor, memory_BND: Tensor) -> tuple[Tensor, Tensor]:
        """(the memory with the feature map in it, what each joint's query begins with [B, V, D])"""
        memory_BND = memory_BND + self.features_in(features_BNC)
        log_p_BVN = self.rows(features_BNC).transpose(1, 2).float().log_softmax(-1)
        p_BVN = log_p_BVN.exp()
        peak = torch.stack([log_p_BVN.amax(-1), (p_BVN * log_p_BVN).sum(-1)], -1)
        seen = torch.cat([p_BVN.to(memory_BND.dtype) @ memory_BND, peak.to(memory_BND.dtype)], -1)
        return memory_BND, self.seen_in(seen)

    @torch.no_grad()
    def look_for(self, vectors_VR: Tensor) -> None:
        """Begin with the places that these joint vectors (weights, then bias) give."""
        taps_VCk = vectors_VR[:, :-1].unflatten(1, (self.channels, -1))
        self.rows.weight.copy_(taps_VCk.sum(-1))
        self.rows.bias.copy_(vectors_VR[:, -1])


def with_features(tokens_BND: Tensor, features_BChw: Tensor) -> Tensor:
    """[B, N, D + C]: each token, and the mean of the feature map where it lies."""
    pooled_BNC = functional.avg_pool2d(features_BChw, CELLS).flatten(2).transpose(1, 2)
    return torch.cat([tokens_BND, pooled_BNC], -1)
