"""Judges by rule for feedback without people (Silkie's way): several answers, ranked by anatomy.

Each judge scores the answers of one picture, without its labels; a pair is written only where
enough of the judges that see a difference agree and the margin is clear. What they cannot see is
whether a plausible body is this picture's body: pairs are about plausibility and depth alone.
Shapes: G answers, B pictures, K joints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from posealign.errors import InvalidInput
from posealign.preferences import Preference
from posealign.rewards.combine import joint_reward
from posealign.rewards.poses import Poses, Rules, Scene
from training.cache import Cache
from training.deployed import Deployed
from training.pairs import answer_of

JUDGES = ("bones", "range_of_motion", "crossing", "depth")


@dataclass(frozen=True)
class Ruling:
    """[G, B] points of each judge (higher is better) and their sum."""

    points: Mapping[str, Tensor]

    @property
    def total_GB(self) -> Tensor:
        return torch.stack(list(self.points.values())).sum(0)


def label_free(scene: Scene, poses: Poses) -> Scene:
    """The scene as somebody without labels sees it: what all answers give is there."""
    given = poses.emitted_GBV.all(0)
    none = torch.zeros_like(given)
    return replace(
        scene, points_BV2=poses.points_GBV2.mean(0), labelled_BV=given, present_BV=given,
        absent_BV=none, visible_BV=given,
        posture_B=torch.full_like(scene.posture_B, -1),
    )  # fmt: skip


def rule(poses: Poses, scene: Scene) -> Ruling:
    seen = label_free(scene, poses)
    # Only joints that every answer gives are compared: leaving one out is no way to win.
    compared = seen.labelled_BV
    level = replace(poses, emitted_GBV=compared.expand_as(poses.emitted_GBV))
    count = compared.sum(-1).clamp(min=1)
    return Ruling({
        name: (joint_reward(name, level, seen, Rules()) * compared).sum(-1) / count
        for name in JUDGES
    })  # fmt: skip


def feedback(
    answers: Sequence[Deployed],
    by: Sequence[str],
    cache: Cache,
    model_digest: str,
    margin: float = 0.05,
    agreeing: float = 0.6,
    absent_threshold: float = 0.5,
) -> list[Preference]:
    """One record a picture on which the judges are clear: the best answer and the worst."""
    if len(answers) < 2 or len(answers) != len(by):
        raise InvalidInput(f"ranking needs two answers and a name each, got {len(answers)}")
    poses = Poses(
        torch.cat([one.poses.points_GBV2 for one in answers]),
        torch.cat([one.poses.z_GBV for one in answers]),
        torch.stack([torch.from_numpy(one.emitted_NK(absent_threshold)) for one in answers]),
    )
    ruling = rule(poses, answers[0].scene)
    best, worst = ruling.total_GB.argmax(0), ruling.total_GB.argmin(0)
    records = []
    for row in range(len(best)):
        one, other = int(best[row]), int(worst[row])
        gaps = torch.stack([p[one, row] - p[other, row] for p in ruling.points.values()])
        voting = gaps.abs() > 1e-4
        if float(gaps.sum()) < margin or not voting.any():
            continue
        share = float((gaps[voting] > 0).float().mean())
        if share < agreeing:
            continue
        records.append(Preference(
            picture=str(cache.labels["picture"][row]), instruction="all joints",
            answers=tuple(answer_of(answers[k], row, absent_threshold, by[k])
                          for k in (one, other)),
            rater="rules: " + ", ".join(JUDGES), model=model_digest, confidence=share,
        ))  # fmt: skip
    return records
