"""The text encoder and every head that words alone can answer.

Each group of joints and each slot (gate, dims, subject …) is a query that looks at the tokens
for itself, so that a side or a "but not" binds to its joint. A left and a right joint share
everything but a side vector: what is learnt about one side is known of the other.
Shapes: B batch, L tokens, T width, Q queries, G joint groups, V vocabulary joints.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from posealign.instructions.query import (
    PREMISES,
    REASONS,
    RELATIONS,
    SKELETONS,
    SUBJECTS,
    VISIBILITIES,
)
from posealign.skeletons.load import vocabulary

# Head → number of classes; the order of the classes is that of the tuples in query.py.
SLOTS = {
    "gate": 1,
    "reason": len(REASONS),
    "dims": 2,
    "visibility": len(VISIBILITIES),
    "subject": len(SUBJECTS),
    "skeleton": 1 + len(SKELETONS),
    "relation": 1 + len(RELATIONS),
    "premise": 1 + len(PREMISES),
}


@dataclass(frozen=True)
class TextConfig:
    tokens: int = 7000
    width: int = 192
    layers: int = 3
    readers: int = 2  # layers of queries reading tokens
    heads: int = 6
    vector_width: int = 257  # C + 1: a joint vector weighs C feature channels and has a bias
    dropout: float = 0.1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _sort_of(joint: str) -> str:
    """Joints that words hardly ever part: the points of a jaw, of a thumb."""
    name = re.sub(r"^(left|right)_", "", joint)
    if name.startswith("face_"):
        number = int(name.split("_")[1])
        spans = ((17, "jaw"), (22, "r_brow"), (27, "l_brow"), (36, "nose_bridge"), (48, "eyelid"))
        return next((sort for end, sort in spans if number < end), "mouth")
    return re.sub(r"\d$", "", name)


def _side_of(joint: str) -> int:
    return 1 if joint.startswith("left_") else 2 if joint.startswith("right_") else 0


class Attention(nn.Module):
    """Multi-head attention; rotary positions where both sides are the text itself."""

    def __init__(self, width: int, heads: int, rotary: bool) -> None:
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.query = nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BQT: Tensor, memory_BLT: Tensor, mask_BL: Tensor) -> Tensor:
        q = self._split(self.query(x_BQT))
        k, v = (self._split(half) for half in self.memory(memory_BLT).chunk(2, dim=-1))
        if self.rotary:
            q, k = _rotate(q), _rotate(k)
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask_BL[:, None, None, :])
        return self.out(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _rotate(x_BHLD: Tensor) -> Tensor:
    length, width = x_BHLD.shape[-2], x_BHLD.shape[-1]
    place = torch.arange(length, device=x_BHLD.device, dtype=torch.float32)
    rates = torch.exp(
        torch.arange(0, width, 2, device=x_BHLD.device).float() * (-math.log(1000.0) / width)
    )
    angles = place[:, None] * rates
    cos, sin = angles.cos(), angles.sin()
    first, second = x_BHLD.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class Block(nn.Module):
    """Pre-norm attention and MLP; reads `memory` when given one, else itself."""

    def __init__(self, config: TextConfig, reading: bool, growth: int) -> None:
        super().__init__()
        width = config.width
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, config.heads, rotary=not reading)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, growth * width),
            nn.GELU(),
            nn.Linear(growth * width, width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask_BL: Tensor, memory: Tensor | None = None) -> Tensor:
        normed = self.norm(x)
        x = x + self.dropout(
            self.attention(normed, normed if memory is None else memory, mask_BL)
        )
        return x + self.dropout(self.mlp(x))  # type: ignore[no-any-return]


class TextModel(nn.Module):
    """ids [B, L] → text_tokens, asked, related, the slots and the open-vocabulary vector."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        names = vocabulary().names
        keys = [(_sort_of(name), _side_of(name)) for name in names]
        groups = sorted(set(keys))
        sorts = sorted({sort for sort, _ in groups})
        points = sorted({re.sub(r"^(left|right)_", "", name) for name in names})
        self.register_buffer("group_V", torch.tensor([groups.index(key) for key in keys]), False)
        self.register_buffer("sort_G", torch.tensor([sorts.index(s) for s, _ in groups]), False)
        self.register_buffer("side_G", torch.tensor([side for _, side in groups]), False)
        rows = [points.index(re.sub(r"^(left|right)_", "", name)) for name in names]
        self.register_buffer("point_V", torch.tensor(rows), False)
        self.embed = nn.Embedding(config.tokens, width, padding_idx=0)
        self.encoder = nn.ModuleList(
            Block(config, reading=False, growth=4) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.sort = nn.Parameter(torch.randn(len(sorts), width))
        self.side = nn.Parameter(torch.randn(3, width))
        self.own = nn.Parameter(torch.zeros(len(groups), width))
        self.slot = nn.Parameter(torch.randn(len(SLOTS) + 1, width))
        self.readers = nn.ModuleList(
            Block(config, reading=True, growth=2) for _ in range(config.readers)
        )
        self.reader_norm = nn.LayerNorm(width)
        # Per point a row for asked and one for related; left and right share them.
        self.readout = nn.Parameter(torch.randn(2, len(points), width) * width**-0.5)
        self.bias = nn.Parameter(torch.full((2, len(points)), -2.0))
        self.slots = nn.ModuleDict({name: nn.Linear(width, size) for name, size in SLOTS.items()})
        self.vector = nn.Linear(width, config.vector_width)
        nn.init.normal_(self.embed.weight, std=0.5)

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        mask_BL = ids != 0
        x = self.embed(ids)
        for block in self.encoder:
            x = block(x, mask_BL)
        tokens_BLT = self.norm(x)
        queries = torch.cat((self.sort[self.sort_G] + self.side[self.side_G] + self.own, self.slot))
        q_BQT = queries.expand(ids.shape[0], -1, -1)
        for reader in self.readers:
            q_BQT = reader(q_BQT, mask_BL, tokens_BLT)
        q_BQT = self.reader_norm(q_BQT)
        joints_BVT = q_BQT[:, : len(self.sort_G)][:, self.group_V]
        slots = q_BQT[:, len(self.sort_G) :]
        rows_2VT, bias_2V = self.readout[:, self.point_V], self.bias[:, self.point_V]
        answer = {
            "text_tokens": tokens_BLT,
            "asked": (joints_BVT * rows_2VT[0]).sum(-1) + bias_2V[0],
            "related": (joints_BVT * rows_2VT[1]).sum(-1) + bias_2V[1],
            "vector": self.vector(slots[:, len(SLOTS)]),
        }
        for at, (name, head) in enumerate(self.slots.items()):
            logits = head(slots[:, at])
            answer[name] = logits[:, 0] if name == "gate" else logits
        return answer
