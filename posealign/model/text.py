"""The text encoder and every head that words alone can answer.

Each sort of joint (knee, thumb, jaw …) and each slot (gate, dims, subject …) is a query that looks
at the tokens for itself, so that a side or a "but not" binds to its joint. A left and a right joint
are read from the same query, along one direction for all sides: what is learnt about one side is
known of the other.
Shapes: B batch, L tokens, T width, Q queries, S sorts of joints, V vocabulary joints.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from posealign.instructions.query import (
    PREMISES,
    REASONS,
    RELATIONS,
    SKELETONS,
    SUBJECTS,
    VISIBILITIES,
)
from posealign.model.attention import attend
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
    width: int = 128
    layers: int = 4
    readers: int = 2  # layers of queries reading tokens
    heads: int = 4
    vector_width: int = 257  # C + 1: a joint vector weighs C feature channels and has a bias
    dropout: float = 0.1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


_SIDE = re.compile(r"^(left|right)_")


def _sort_of(joint: str) -> str:
    """Joints that words hardly ever part but by side: the points of a jaw, of the thumbs."""
    name = _SIDE.sub("", joint)
    if name.startswith("face_"):
        number = int(name.split("_")[1])
        spans = ((17, "jaw"), (22, "r_brow"), (27, "l_brow"), (36, "nose_bridge"), (48, "eyelid"))
        return next((sort for end, sort in spans if number < end), "mouth")
    return re.sub(r"\d$", "", name)


def _side_of(joint: str) -> int:
    return 1 if joint.startswith("left_") else -1 if joint.startswith("right_") else 0


class Attention(nn.Module):
    """Multi-head attention; `turns` are the rotary angles where the text attends to itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, x_BQT: Tensor, memory_BLT: Tensor, mask_BL: Tensor, turns: Tensor | None
    ) -> Tensor:
        q = self._split(self.query(x_BQT))
        k, v = (self._split(half) for half in self.memory(memory_BLT).chunk(2, dim=-1))
        if turns is not None:
            q, k = _rotate(q, turns), _rotate(k, turns)
        out = attend(q, k, v, mask_BL[:, None, None, :])
        result: Tensor = self.out(out.transpose(1, 2).flatten(2))
        return result

    def _split(self, x: Tensor) -> Tensor:
        split: Tensor = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return split


def _turns(ids_BL: Tensor, width: int) -> Tensor:
    """Rotary angles [L, width / 2]; counted from the ids, so that a traced graph takes any L."""
    place = torch.ones_like(ids_BL[0]).cumsum(0).float() - 1
    rates = torch.exp(
        torch.arange(0, width, 2, device=ids_BL.device).float() * (-math.log(1000.0) / width)
    )
    return place[:, None] * rates


def _rotate(x_BHLD: Tensor, turns: Tensor) -> Tensor:
    cos, sin = turns.cos(), turns.sin()
    first, second = x_BHLD.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class Block(nn.Module):
    """Pre-norm attention and MLP; reads `memory` when given one, else itself."""

    def __init__(self, config: TextConfig, growth: int) -> None:
        super().__init__()
        width = config.width
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, config.heads)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, growth * width),
            nn.GELU(),
            nn.Linear(growth * width, width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, mask_BL: Tensor, memory: Tensor | None = None, turns: Tensor | None = None
    ) -> Tensor:
        normed = self.norm(x)
        source = normed if memory is None else memory
        x = x + self.dropout(self.attention(normed, source, mask_BL, turns))
        result: Tensor = x + self.dropout(self.mlp(x))
        return result


class TextModel(nn.Module):
    """ids [B, L] → text_tokens, asked, related, the slots and the open-vocabulary vector."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        names = vocabulary().names
        sorts = sorted({_sort_of(name) for name in names})
        points = sorted({_SIDE.sub("", name) for name in names})
        self.sort_V: Tensor
        self.point_V: Tensor
        self.kind_P: Tensor  # point → its sort
        self.side_V: Tensor  # 1 left, -1 right, 0 neither
        self.register_buffer(
            "sort_V", torch.tensor([sorts.index(_sort_of(n)) for n in names]), False
        )
        rows = [points.index(_SIDE.sub("", name)) for name in names]
        self.register_buffer("point_V", torch.tensor(rows), False)
        kinds = [sorts.index(_sort_of(point)) for point in points]
        self.register_buffer("kind_P", torch.tensor(kinds), False)
        self.register_buffer("side_V", torch.tensor([_side_of(n) for n in names]), False)
        self.embed = nn.Embedding(config.tokens, width, padding_idx=0)
        self.encoder = nn.ModuleList(Block(config, growth=2) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.sort = nn.Parameter(torch.randn(len(sorts), width))
        self.slot = nn.Parameter(torch.randn(len(SLOTS) + 1, width))
        # Most rows of a batch are queries: dropout on them costs much and taught nothing.
        sure = replace(config, dropout=0.0)
        self.readers = nn.ModuleList(Block(sure, growth=2) for _ in range(config.readers))
        self.reader_norm = nn.LayerNorm(width)
        # Per point a row for asked and one for related; a side leans it one way or the other.
        self.readout = nn.Parameter(torch.randn(2, len(points), width) * width**-0.5)
        self.lean = nn.Parameter(torch.randn(2, width) * width**-0.5)
        self.bias = nn.Parameter(torch.full((2, len(points)), -2.0))
        self.slots = nn.ModuleDict({name: nn.Linear(width, size) for name, size in SLOTS.items()})
        self.vector = nn.Linear(width, config.vector_width)
        nn.init.normal_(self.embed.weight, std=0.5)

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        mask_BL = ids != 0
        turns = _turns(ids, self.config.width // self.config.heads)
        x = self.embed(ids)
        for block in self.encoder:
            x = block(x, mask_BL, turns=turns)
        tokens_BLT = self.norm(x)
        q_BQT = torch.cat((self.sort, self.slot)).expand(ids.shape[0], -1, -1)
        for reader in self.readers:
            q_BQT = reader(q_BQT, mask_BL, tokens_BLT)
        q_BQT = self.reader_norm(q_BQT)
        sorts_BST, slots = q_BQT[:, : len(self.sort)], q_BQT[:, len(self.sort) :]
        asked, related = (self._joints(sorts_BST, row) for row in (0, 1))
        answer = {
            "text_tokens": tokens_BLT,
            "asked": asked,
            "related": related,
            "vector": self.vector(slots[:, len(SLOTS)]),
        }
        for at, (name, head) in enumerate(self.slots.items()):
            logits = head(slots[:, at])
            answer[name] = logits[:, 0] if name == "gate" else logits
        return answer

    def _joints(self, sorts_BST: Tensor, row: int) -> Tensor:
        """Logits [B, V]: along the point's own direction and, by its side, along the lean."""
        ahead_BP = (sorts_BST[:, self.kind_P] * self.readout[row]).sum(-1) + self.bias[row]
        aside_BS = sorts_BST @ self.lean[row]
        return ahead_BP[:, self.point_V] + self.side_V * aside_BS[:, self.sort_V]
