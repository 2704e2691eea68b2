"""Heads behind a frozen backbone, with words or without: what an arm of the control is made of.

Shapes: B batch, K the arm's joints (COCO's 17 come first), R joint vector, L×T text tokens,
P instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from posealign.config import Config
from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.errors import InvalidConfig
from posealign.instructions.tokens import batch as to_ids
from posealign.model.config import DecoderConfig
from posealign.model.decoder import Decoder
from posealign.model.heads import heatmaps
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import vocabulary
from training import losses
from training.ask import books, reading_cost
from training.instruct import Triple, triple

Batch = Mapping[str, Tensor]
BODY = 17
# The fixed arm's 17, and with them feet, spine, neck, collars and palms; neither face nor fingers.
JOINTS: dict[str, tuple[int, ...]] = {
    "coco17": tuple(range(BODY)),
    "body": (*range(23), *range(133, len(vocabulary()))),
}


class Arm(Config):
    """`teaches`: the places of every labelled joint, or of those alone that were asked for."""

    joints: str = Field("coco17", pattern=f"^({'|'.join(JOINTS)})$")
    words: bool = False
    decoder: bool = True  # without: one row a joint, as ViTPose's last convolution
    teaches: str = Field("labelled", pattern="^(labelled|asked)$")


@dataclass(frozen=True)
class Instructions:
    """Texts read once by the frozen text encoder; `asked_PV` covers the whole vocabulary."""

    texts: tuple[str, ...]
    ids_PL: Tensor
    tokens_PLT: Tensor  # half precision
    asked_PV: Tensor
    answered_P: Tensor
    read_PV: Tensor  # what the text encoder's own head takes as asked

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, rows_B: Tensor) -> dict[str, Tensor]:
        ids = self.ids_PL[rows_B]
        longest = max(1, int((ids != 0).sum(1).max()))
        return {
            "ids": ids[:, :longest], "text_tokens": self.tokens_PLT[rows_B, :longest].float(),
            "asked": self.asked_PV[rows_B], "answered": self.answered_P[rows_B],
        }  # fmt: skip


@torch.no_grad()
def understood(model: PoseModel, tokenizer: Any, drawn: list[Triple]) -> Instructions:
    """What the frozen text encoder makes of these instructions."""
    ids_PL = torch.from_numpy(to_ids(tokenizer, [one.text for one in drawn]))
    tokens, asked, gate = [], [], []
    for part in ids_PL.split(64):
        longest = max(1, int((part != 0).sum(1).max()))
        read = model.text(part[:, :longest])
        tokens.append(F.pad(read["text_tokens"], (0, 0, 0, ids_PL.shape[1] - longest)).half())
        asked.append(read["asked"] > 0)
        gate.append(read["gate"] > 0)
    asked_PV = torch.from_numpy(np.stack([one.asked_V for one in drawn]))
    answered = torch.tensor([0.0 if one.refused else 1.0 for one in drawn])
    return Instructions(
        tuple(one.text for one in drawn), ids_PL, torch.cat(tokens), asked_PV, answered,
        torch.cat(asked) & torch.cat(gate)[:, None],
    )  # fmt: skip


def kept_instructions(
    path: Path, key: str, model: PoseModel, tokenizer: Any, draw: Callable[[], list[Triple]]
) -> Instructions:
    """Drawn and read once; another key means other instructions."""
    names = [field.name for field in fields(Instructions)]
    if path.exists():
        kept = torch.load(path, weights_only=True)
        if kept["key"] == key:
            return Instructions(tuple(kept["texts"]), *(kept[name] for name in names[1:]))
    found = understood(model, tokenizer, draw())
    content = {name: getattr(found, name) for name in names}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**content, "texts": list(found.texts), "key": key}, path)
    return found


def drawn_instructions(count: int, seed: int, joints: tuple[int, ...]) -> list[Triple]:
    """Sets, limbs, exceptions, chains and refusals; relations need a picture and are left out."""
    rng, shelf, found = Random(seed), books(), list[Triple]()
    while len(found) < count:
        one = triple(anybody(), (192, 192), shelf, rng, relations=0.0)
        if not one.related and (one.refused or one.asked_V[list(joints)].any()):
            found.append(one)
    return found


def anybody() -> Person:
    """Who stands for everyone where an answer depends on words alone: every joint is seen."""
    count = len(vocabulary())
    states = np.full(count, State.VISIBLE, np.int8)
    return Person(np.full((count, 2), 96, np.float32), states, (0.0, 0.0, 192.0, 192.0))


@dataclass(frozen=True)
class Lattice:
    """The cells that a step compares: every `stride`-th from `phase` (column, row) on.

    A softmax over a part of the cells has the same optimum, for a fraction of the products.
    """

    cell: Tensor  # input pixels a cell is wide and high
    sigma: float = 1.0  # cells
    stride: int = 1
    phase: tuple[int, int] = (0, 0)


class Head(nn.Module):
    """All that an arm learns; the backbone's outputs come in with the batch."""

    joints_K: Tensor
    importance_K: Tensor

    def __init__(self, arm: Arm, shape: DecoderConfig, model: PoseModel) -> None:
        super().__init__()
        joints = JOINTS[arm.joints]
        self.arm, self.grid = arm, model.config.grid
        self.register_buffer("joints_K", torch.tensor(joints), persistent=False)
        self.register_buffer("importance_K", losses.importance()[list(joints)], persistent=False)
        width = model.vector_width
        self.table = nn.Parameter(torch.randn(len(joints), width) * 0.01)
        with torch.no_grad():
            self.table[:, -1] = 0
        self.decoder: Decoder | None = None
        if not arm.decoder:
            return
        self.decoder = Decoder(
            shape, len(joints), model.token_width, model.config.tokens, model.text_width, width
        )
        words_KT = model.decoder.joint_words[list(joints)].detach().clone()
        # Joint words of zero say nothing: what is left is one learned query a joint.
        self.decoder.joint_words.data = words_KT if arm.words else torch.zeros_like(words_KT)
        self.decoder.joint_words.requires_grad_(False)

    def place(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """([B, K, R] vectors, [B, K, D] joint tokens, crop token) of every joint of this arm."""
        if self.decoder is None:
            empty = self.table.new_zeros(0)
            return self.table.expand(len(batch["tokens"]), -1, -1), empty, empty
        joints, delta, _, _, crop = self.decoder.look(batch["tokens"], batch["crop"])
        return self.table + delta, joints, crop

    def maps(self, batch: Batch, vectors_BKR: Tensor) -> Tensor:
        """[B, K, h·w] logits; the features' scale is folded into the vectors."""
        weights = vectors_BKR[..., :-1] * batch["scale"][:, None]
        vectors = torch.cat([weights, vectors_BKR[..., -1:]], -1)
        return heatmaps(batch["features"], vectors, 1).flatten(2)

    def asks(self, joints: Tensor, crop: Tensor, words: Batch) -> tuple[Tensor, Tensor]:
        """[B, K] and [B] logits: is this joint asked for; is there anything to answer."""
        if self.decoder is None or not self.arm.words:
            raise InvalidConfig("an arm without words cannot be asked")
        return self.decoder.ask(joints, crop, words["text_tokens"], words["ids"])

    def cost(self, batch: Batch, words: Batch, lattice: Lattice) -> dict[str, Tensor]:
        """Means over what is labelled, as in supervised training."""
        vectors, joints, crop = self.place(batch)
        weights_BK = batch["weights"][:, self.joints_K] * self.importance_K
        asked_BK = words["asked"][:, self.joints_K]
        if self.arm.teaches == "asked":
            weights_BK = weights_BK * asked_BK
        phase = torch.tensor(lattice.phase, dtype=torch.float32)
        cells = (batch["points"][:, self.joints_K] / lattice.cell - phase) / lattice.stride
        rows, columns = batch["features"].shape[2:]
        sigma = lattice.sigma / lattice.stride
        maps = self.maps(batch, vectors)
        place = losses.place_loss(maps, cells, weights_BK, (rows, columns), sigma)
        parts = {"place": place / weights_BK.sum().clamp(min=1e-6)}
        if self.arm.words:
            if self.arm.teaches == "labelled":  # as shipped: the reading never moves a place
                joints, crop = joints.detach(), crop.detach()
            asked, gate = self.asks(joints, crop, words)
            every = torch.ones_like(asked_BK)
            parts["asked"] = reading_cost(
                asked, gate, asked_BK, every, words["answered"], self.importance_K
            )
        return parts


def fresh(arm: Arm, shape: DecoderConfig, model: PoseModel, seed: int) -> Head:
    """Random weights that are alike in all arms of a seed wherever shapes agree."""
    torch.manual_seed(seed)
    common = Head(Arm(), shape, model).state_dict()
    torch.manual_seed(seed)
    head = Head(arm, shape, model)
    for name, value in head.state_dict().items():
        if name == "decoder.joint_words":
            continue
        same = common[name]
        if same.shape == value.shape:
            value.copy_(same)
        elif same.shape[1:] == value.shape[1:]:  # tables: the joints that both have
            value[: len(same)].copy_(same)
    return head
