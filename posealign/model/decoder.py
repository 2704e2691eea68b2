"""The select decoder: one query for each vocabulary joint, in two streams.

The first stream sees the joint's own words and the picture, never the instruction; it yields
what a place depends on (Δ, state, z). The second goes on from there and reads the instruction;
it yields which joints are asked for and whether to answer at all.
Shapes: B batch, V vocabulary, N picture tokens, L text tokens, D width, T text width, R vector.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from posealign.data.sample import HIDERS
from posealign.model.attention import attend
from posealign.model.config import DecoderConfig
from posealign.model.glance import Glance
from posealign.model.heads import JointHeads


class Attention(nn.Module):
    """Multi-head attention; `memory` None means self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BQD: Tensor, memory_BMD: Tensor, mask_B11M: Tensor | None = None) -> Tensor:
        q = self.q(x_BQD).unflatten(2, (self.heads, -1)).transpose(1, 2)
        k, v = self.kv(memory_BMD).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, mask_B11M)
        return self.out(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Pre-norm: self-attention among queries, cross-attention to a memory, MLP."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width, hidden = config.width, int(config.width * config.mlp_ratio)
        self.norm_self, self.self_attention = nn.LayerNorm(width), Attention(width, config.heads)
        self.norm_cross, self.cross = nn.LayerNorm(width), Attention(width, config.heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x_BQD: Tensor, memory_BMD: Tensor, mask_B11M: Tensor | None = None) -> Tensor:
        normed = self.norm_self(x_BQD)
        x_BQD = x_BQD + self.self_attention(normed, normed)
        x_BQD = x_BQD + self.cross(self.norm_cross(x_BQD), memory_BMD, mask_B11M)
        return x_BQD + self.mlp(self.norm_mlp(x_BQD))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    def __init__(
        self,
        config: DecoderConfig,
        joints: int,
        token_width: int,
        token_grid: tuple[int, int],
        text_width: int,
        vector_width: int,
        channels: int = 0,
    ) -> None:
        """`channels` of the feature map are the last part of a token, for a glance."""
        super().__init__()
        width = config.width
        self.glance = Glance(channels, joints, width) if config.glance else None
        token_width -= channels if config.glance else 0
        self.joint_words = nn.Parameter(torch.randn(joints, text_width))
        self.words_in = nn.Linear(text_width, width)
        self.queries = nn.Parameter(torch.randn(joints, width) * 0.02)
        self.picture_in = nn.Sequential(nn.LayerNorm(token_width), nn.Linear(token_width, width))
        self.positions = nn.Parameter(sine_positions(token_grid, width))
        self.crop_in = nn.Sequential(nn.Linear(4, width), nn.GELU(), nn.Linear(width, width))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        hiders = len(HIDERS) if config.hiders else 0
        self.joint_heads = JointHeads(width, vector_width, hiders)
        self.gate = nn.Parameter(torch.zeros(()))  # the one outer gate, tanh(0) = 0

        self.text_in = nn.Sequential(nn.LayerNorm(text_width), nn.Linear(text_width, width))
        self.answer_query = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.asking_words_in = nn.Linear(text_width, width)
        self.text_layers = nn.ModuleList(Layer(config) for _ in range(config.text_layers))
        self.asked_out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))
        self.answer_out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))

    def look(
        self, tokens_BND: Tensor, crop_B4: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The stream without an instruction: (joint tokens, Δ gated, state, z, crop token)."""
        joints, memory, crop = self.start(tokens_BND, crop_B4)
        for layer in self.layers:
            joints = layer(joints, memory)
        delta, state, z = self.joint_heads(joints)
        return joints, torch.tanh(self.gate) * delta, state, z, crop

    def start(self, tokens_BND: Tensor, crop_B4: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What enters the layers: (joint tokens, the picture they look at, crop token)."""
        crop = self.crop_in(crop_B4)[:, None]
        words = functional.layer_norm(self.joint_words, self.joint_words.shape[-1:])
        joints = self.queries + self.words_in(words) + crop
        memory, seen = self.remember(tokens_BND)
        return joints + seen, memory, crop

    def remember(self, tokens_BND: Tensor) -> tuple[Tensor, Tensor | float]:
        """(the picture that joints look at, what each saw of it at a glance)."""
        if self.glance is None:
            return self.picture_in(tokens_BND) + self.positions, 0.0
        own = tokens_BND.shape[-1] - self.glance.channels
        tokens_BND, features_BNC = tokens_BND[..., :own], tokens_BND[..., own:]
        return self.glance(features_BNC, self.picture_in(tokens_BND) + self.positions)  # type: ignore[no-any-return]

    def ask(
        self, joints_BVD: Tensor, crop_B1D: Tensor, text_tokens_BLT: Tensor, ids_BL: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The stream that reads the instruction: (asked [B, V], gate [B])."""
        queries = self.read(joints_BVD, crop_B1D, text_tokens_BLT, ids_BL)
        asked = self.asked_out(queries[:, 1:]).squeeze(-1)
        return asked, self.answer_out(queries[:, 0]).squeeze(-1)

    def read(
        self, joints_BVD: Tensor, crop_B1D: Tensor, text_tokens_BLT: Tensor, ids_BL: Tensor
    ) -> Tensor:
        """[B, 1 + V, D]: the answer's token, then the joints' tokens, after the instruction."""
        words = functional.layer_norm(self.joint_words, self.joint_words.shape[-1:])
        asking = joints_BVD + self.asking_words_in(words)
        answer = self.answer_query + crop_B1D
        queries = torch.cat([answer, asking], 1)
        memory = self.text_in(text_tokens_BLT)
        # Finite, so that a text of padding alone gives an even mixture rather than NaN.
        mask = torch.where(ids_BL == 0, -1e4, 0.0).to(memory.dtype)[:, None, None]
        for layer in self.text_layers:
            queries = layer(queries, memory, mask)
        return queries


def sine_positions(grid: tuple[int, int], width: int) -> Tensor:
    """[h·w, width]: where a token lies, as sines and cosines of its row and column."""
    rows, columns = grid
    bands = math.ceil(width / 4)
    rates = torch.exp(-math.log(100.0) * torch.arange(bands) / bands) * math.pi
    y = (torch.arange(rows) / max(rows - 1, 1))[:, None, None] * rates
    x = (torch.arange(columns) / max(columns - 1, 1))[None, :, None] * rates
    shape = (rows, columns, bands)
    waves = [y.sin(), y.cos(), x.sin(), x.cos()]
    return torch.cat([w.expand(shape) for w in waves], -1).flatten(0, 1)[:, :width].contiguous()
