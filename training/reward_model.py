"""A reward model of preferences: Bradley-Terry with a score for each joint, three members.

    posealign train reward_model configs/reward_model.yaml key=value …

Joint tokens (place in the trunk's frame, depth, state, what the depth picture says, and the
picture's features where the joint was put) look at each other and at the picture; the instruction
enters as which joints it asks for. The least of three members scores, so that what one member
overrates does not pay.
Shapes: P answers, K joints, C channels, T picture tokens, D width, G rollouts, B pictures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from posealign.config import Config, load_config
from posealign.errors import InvalidInput
from posealign.model.config import DecoderConfig
from posealign.model.decoder import Layer
from posealign.preferences import read
from posealign.rewards import geometry
from posealign.rewards.combine import Rewarded
from posealign.rewards.depth import residual
from posealign.rewards.poses import Poses, Rules
from training import loop
from training.cache import Cache, SplitConfig, open_cache
from training.pairs import Given, Pairs, from_records
from training.policy import Batch, batch_of, trained_joints
from training.starting import assembled

Scorer = Callable[[Poses, Batch], Rewarded]
GEOMETRY = 8  # x, y, z, absent, occluded, visible, depth residual, measured


class RewardModelConfig(Config):
    """`preferences` is a JSONL file about views of the `train` split."""

    out: str
    weights_from: str
    text_from: str | None = None
    model: dict[str, Any] = Field(default_factory=dict)
    splits: dict[str, SplitConfig]
    cache: str
    joints: str = "coco17"
    layers: int = Field(0, ge=0)
    preferences: str
    held_out: float = Field(0.2, gt=0, lt=1)  # share of pairs that only judge
    members: int = Field(3, ge=1)
    width: int = 64
    steps: int = Field(200, ge=1)
    batch: int = Field(32, ge=1)
    rate: float = Field(1e-3, gt=0)
    seed: int = 0
    threads: int = 1


class RewardModel(nn.Module):
    """[P, K] scores of joints; an answer's score is their mean over asked joints."""

    def __init__(self, channels: int, token_width: int, joints: int, width: int = 64) -> None:
        super().__init__()
        self.geometry_in = nn.Linear(GEOMETRY, width)
        self.evidence_in = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, width))
        self.picture_in = nn.Sequential(nn.LayerNorm(token_width), nn.Linear(token_width, width))
        self.joints = nn.Parameter(torch.randn(joints, width) * 0.1)
        self.asked = nn.Parameter(torch.randn(2, width) * 0.1)
        shape = DecoderConfig(width=width, heads=4)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(2))
        self.score = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))
        # What an answer's joint scores on average: only differences are learnt, so members would
        # otherwise differ by constants, and the least of them be one and the same member.
        self.usual: Tensor
        self.register_buffer("usual", torch.zeros(joints))

    def forward(
        self, facts_PK8: Tensor, evidence_PKC: Tensor, tokens_PTD: Tensor, asked_PK: Tensor
    ) -> Tensor:
        x = self.geometry_in(facts_PK8) + self.evidence_in(evidence_PKC)
        x = x + self.joints + self.asked[asked_PK.long()]
        memory = self.picture_in(tokens_PTD)
        for layer in self.layers:
            x = layer(x, memory)
        scores: Tensor = self.score(x).squeeze(-1) - self.usual
        return scores


def facts_of(given: Given, batch: Batch) -> Tensor:
    """[P, K, 8]: the answer's own numbers, root-centred and trunk-scaled."""
    emitted = given.state_PK > 0
    poses = Poses(given.points_PK2[None], given.z_PK[None], emitted[None])
    space = geometry.placed(poses, batch.scene.names, Rules())[0]
    hips = geometry.columns(batch.scene.names, ("left_hip", "right_hip"))
    space = (space - space[:, hips].mean(1, keepdim=True)).clamp(-4, 4)
    error, under, _, measured = residual(poses, batch.scene)
    off = ((error[0] - under) / batch.scene.torso_B[:, None]).clamp(-1, 1) * measured[0]
    one_hot = F.one_hot(given.state_PK, 3).float()
    return torch.cat([space, one_hot, off[..., None], measured[0][..., None].float()], -1)


def evidence_of(given: Given, batch: Batch, pixels_per_cell: float) -> Tensor:
    """[P, K, C]: the picture's features where each joint was put."""
    height, width = batch.features_BChw.shape[-2:]
    limit = given.points_PK2.new_tensor([width - 1, height - 1])
    cells = torch.minimum((given.points_PK2 / pixels_per_cell).round().clamp(min=0), limit).long()
    flat = (cells[..., 1] * width + cells[..., 0])[:, None].expand(
        -1, batch.features_BChw.shape[1], -1
    )
    return batch.features_BChw.flatten(2).gather(-1, flat).transpose(1, 2)


def scores(member: RewardModel, given: Given, batch: Batch, pixels_per_cell: float) -> Tensor:
    if batch.tokens_BTD is None:
        raise InvalidInput("a reward model looks at the picture: its tokens are missing")
    # Every fourth token of the picture is context enough.
    found: Tensor = member(
        facts_of(given, batch), evidence_of(given, batch, pixels_per_cell),
        batch.tokens_BTD[:, ::4], batch.scene.asked_BV,
    )  # fmt: skip
    return found


def bradley_terry(
    better_PK: Tensor, worse_PK: Tensor, changed_PK: Tensor, confidence_P: Tensor
) -> Tensor:
    """Of whole answers and of the joints that differ: unchanged joints say nothing."""
    count = changed_PK.sum(-1).clamp(min=1)
    gap = (better_PK - worse_PK) * changed_PK
    whole = -F.logsigmoid(gap.sum(-1) / count)
    single = -(F.logsigmoid(gap) * changed_PK).sum(-1) / count
    return ((whole + single) * confidence_P).mean()


@dataclass(frozen=True)
class Ensemble:
    members: tuple[RewardModel, ...]
    pixels_per_cell: float

    @torch.no_grad()
    def scores(self, given: Given, batch: Batch) -> Tensor:
        """[P, K]: the least of the members, each centred on the answers it learnt from."""
        found = [scores(member, given, batch, self.pixels_per_cell) for member in self.members]
        return torch.stack(found).min(0).values

    def scorer(
        self, rules: Callable[[Poses, Batch], Rewarded]
    ) -> Callable[[Poses, Batch], Rewarded]:
        """Joint rewards from the members; the set's reward stays the rules'."""

        def score(poses: Poses, batch: Batch) -> Rewarded:
            ruled = rules(poses, batch)
            rows = []
            for number in range(len(poses.z_GBV)):
                state = poses.emitted_GBV[number].long() * 2
                given = Given(poses.points_GBV2[number], poses.z_GBV[number], state)
                rows.append(self.scores(given, batch))
            joint = torch.stack(rows) * poses.emitted_GBV
            return Rewarded(
                joint, ruled.set_GB, {**ruled.terms, "reward_model": float(joint.mean())}
            )

        return score


def train_ensemble(
    pairs: Pairs, cache: Cache, names: Sequence[str], config: RewardModelConfig
) -> tuple[Ensemble, dict[str, float]]:
    """Members differ by first weights and order; pairs of one view stay together."""
    views = np.unique(pairs.rows_P)
    order = np.random.default_rng(config.seed).permutation(views)
    judged = set(order[: max(1, round(config.held_out * len(order)))].tolist())
    held = [k for k, row in enumerate(pairs.rows_P) if row in judged]
    kept = [k for k, row in enumerate(pairs.rows_P) if row not in judged]
    if not kept:
        raise InvalidInput("preferences are all about one picture")
    channels, width = cache.features_NChw.shape[1], cache.tokens_NTD.shape[-1]
    members = []
    for number in range(config.members):
        torch.manual_seed(config.seed * 100 + number)
        member = RewardModel(channels, width, len(names), config.width)
        _fit(member, pairs, kept, cache, names, config, config.seed * 100 + number)
        member.eval().requires_grad_(False)
        centre(member, pairs.take(kept), cache, names)
        members.append(member)
    ensemble = Ensemble(tuple(members), cache.pixels_per_cell)
    return ensemble, {
        "held_out_accuracy": accuracy(ensemble, pairs.take(held), cache, names),
        "accuracy": accuracy(ensemble, pairs.take(kept), cache, names),
        "held_out_pairs": float(len(held)),
    }


def _fit(
    member: RewardModel,
    pairs: Pairs,
    kept: list[int],
    cache: Cache,
    names: Sequence[str],
    config: RewardModelConfig,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(member.parameters(), lr=config.rate, weight_decay=0.02)
    optimizer.param_groups[0]["base_lr"] = config.rate
    for step in range(config.steps):
        loop.set_rate(optimizer, loop.learning_rate(step, config.steps, 10, 0.5))
        part = pairs.take(random.choice(kept, min(config.batch, len(kept)), replace=False))
        batch = batch_of(cache, part.rows_P, names, tokens=True)
        better, worse = (scores(member, given, batch, cache.pixels_per_cell)
                         for given in (part.better, part.worse))  # fmt: skip
        loss = bradley_terry(better, worse, part.changed_PK, part.confidence_P)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(member.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


@torch.no_grad()
def centre(member: RewardModel, pairs: Pairs, cache: Cache, names: Sequence[str]) -> None:
    """So that a joint of these answers scores 0 on average."""
    total = torch.zeros_like(member.usual)
    for start in range(0, len(pairs), 64):
        part = pairs.take(range(start, min(start + 64, len(pairs))))
        batch = batch_of(cache, part.rows_P, names, tokens=True)
        for given in (part.better, part.worse):
            total += scores(member, given, batch, cache.pixels_per_cell).sum(0)
    member.usual += total / (2 * len(pairs))


def accuracy(ensemble: Ensemble, pairs: Pairs, cache: Cache, names: Sequence[str]) -> float:
    """Share of pairs whose better answer scores higher, over the joints that differ."""
    right = []
    for start in range(0, len(pairs), 64):
        part = pairs.take(range(start, min(start + 64, len(pairs))))
        batch = batch_of(cache, part.rows_P, names, tokens=True)
        gap = ensemble.scores(part.better, batch) - ensemble.scores(part.worse, batch)
        right.append(((gap * part.changed_PK).sum(-1) > 0).float())
    return float(torch.cat(right).mean())


def save_ensemble(folder: Path, ensemble: Ensemble, figures: dict[str, float]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shape = ensemble.members[0]
    sizes = {
        "channels": shape.evidence_in[1].in_features,
        "token_width": shape.picture_in[1].in_features,
        "joints": len(shape.joints), "width": shape.joints.shape[1],
    }  # fmt: skip
    loop.save_checkpoint(folder / "ensemble.pt", {
        "members": [member.state_dict() for member in ensemble.members], "step": 0, "sizes": sizes,
        "pixels_per_cell": ensemble.pixels_per_cell,
    })  # fmt: skip
    (folder / "report.json").write_text(json.dumps(figures, indent=1))


def read_ensemble(folder: Path) -> Ensemble:
    saved = loop.load_checkpoint(folder / "ensemble.pt", restore_dice=False)
    members = []
    for state in saved["members"]:
        member = RewardModel(**saved["sizes"])
        member.load_state_dict(state)
        members.append(member.eval().requires_grad_(False))
    return Ensemble(tuple(members), float(saved["pixels_per_cell"]))


def train(config: RewardModelConfig) -> dict[str, float]:
    torch.set_num_threads(config.threads)
    model = assembled(config.model, config.weights_from, config.text_from)
    frozen = len(model.decoder.layers) - config.layers
    cache = open_cache(Path(config.cache) / "train", model, config.splits["train"], frozen,
                       config.text_from)  # fmt: skip
    names = trained_joints(config.joints)
    pairs = from_records(read(Path(config.preferences)), cache, names)
    ensemble, figures = train_ensemble(pairs, cache, names, config)
    save_ensemble(Path(config.out), ensemble, figures)
    return figures


def main() -> None:
    print(json.dumps(train(load_config(RewardModelConfig, sys.argv[1], sys.argv[2:]))))


if __name__ == "__main__":
    main()
