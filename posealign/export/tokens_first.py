"""ViTPose's plain ViT with tokens before pictures: the same sums, without moving heads about.

Queries, keys and values are three products of [N·B, D], and the heads of [N, B, H, d] are turned by
the products that follow: onnxruntime multiplies along such strides itself. In the usual order it
splits and turns them in memory, on one thread, and that is 5 % of a small ViT's time on two.
Biases that change nothing are left out: one key bias adds the same to all scores of a row, and the
values' bias passes through attention as it is, into the projection's own.
Shapes: B pictures, N tokens, D width, H heads, d = D / H.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from posealign.model.backbone import Attention, Block, Mlp, ViT


class TokensFirst(nn.Module):
    """Takes and gives what the ViT does; only for running, for it keeps copies of some weights."""

    place_N1D: Tensor

    def __init__(self, vit: ViT) -> None:
        super().__init__()
        self.patches, self.last_norm = vit.patch_embed.proj, vit.last_norm
        place_1ND = (vit.pos_embed[:, 1:] + vit.pos_embed[:, :1]).detach()
        self.register_buffer("place_N1D", place_1ND.transpose(0, 1).contiguous())
        self.blocks = nn.ModuleList(TokensFirstBlock(block) for block in vit.blocks)  # type: ignore[arg-type]

    def forward(self, x_B3HW: Tensor, dataset_B: Tensor | None = None) -> Tensor:
        x_NBD = self.patches(x_B3HW).flatten(2).permute(2, 0, 1) + self.place_N1D
        count, _, width = x_NBD.shape
        x_TD = x_NBD.reshape(-1, width)  # T = N·B
        for block in self.blocks:
            x_TD = block(x_TD, count)
        tokens: Tensor = self.last_norm(x_TD).reshape(count, -1, width)
        return tokens.transpose(0, 1)


class TokensFirstBlock(nn.Module):
    def __init__(self, block: Block) -> None:
        super().__init__()
        if not isinstance(block.mlp, Mlp):
            raise TypeError("an expert's weights depend on the picture: its block stays as it is")
        self.norm1, self.norm2 = block.norm1, block.norm2
        self.fc1, self.fc2 = block.mlp.fc1, block.mlp.fc2
        self.heads = block.attn.heads
        self.query, self.key, self.value, self.proj = _products(block.attn)

    def forward(self, x_TD: Tensor, count: int) -> Tensor:
        x_TD = x_TD + self.proj(self._mixed(self.norm1(x_TD), count))
        hidden = functional.gelu(self.fc1(self.norm2(x_TD)))
        return x_TD + self.fc2(hidden)  # type: ignore[no-any-return]

    def _mixed(self, x_TD: Tensor, count: int) -> Tensor:
        shape = (count, -1, self.heads, x_TD.shape[1] // self.heads)
        query, key, value = (
            product(x_TD).reshape(shape) for product in (self.query, self.key, self.value)
        )
        scores_BHNN = query.permute(1, 2, 0, 3) @ key.permute(1, 2, 3, 0)
        shares_BHNN = (scores_BHNN / math.sqrt(shape[-1])).softmax(-1)
        mixed_BHNd = shares_BHNN @ value.permute(1, 2, 0, 3)
        return mixed_BHNd.permute(2, 0, 1, 3).reshape(x_TD.shape)  # type: ignore[no-any-return]


@torch.no_grad()
def _products(attention: Attention) -> tuple[nn.Linear, nn.Linear, nn.Linear, nn.Linear]:
    """Query, key, value and projection, with the biases that matter; weights as they are."""
    query, key, value = attention.qkv.weight.chunk(3)
    query_bias, _, value_bias = attention.qkv.bias.chunk(3)
    proj = attention.proj
    passed = proj.bias + proj.weight @ value_bias
    return (
        _linear(query, query_bias),
        _linear(key),
        _linear(value),
        _linear(proj.weight, passed),
    )


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
    made.weight = nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return made
