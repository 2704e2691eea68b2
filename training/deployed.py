"""The policy judged as it is deployed: argmax places, mean depths, thresholds; never samples.

Every model is judged on the joints that are there, whether it gave them or not, so that leaving a
joint out cannot hide what it would have broken; what is left out or made up is counted apart.
Shapes: N views, K joints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from posealign.anatomy.space import torso_units
from posealign.metrics import plausibility
from posealign.metrics.pck import hits, torso_size
from posealign.model import codec
from posealign.rewards.accuracy import similarity
from posealign.rewards.depth import residual
from posealign.rewards.poses import Poses, Scene
from training.cache import Cache
from training.policy import Policy, batch_of
from training.prior import Prior

Floats = NDArray[np.float64]
RULES = ("bones", "range_of_motion", "crossing", "depth")  # the four that a violation means
AGREES_WITHIN = 0.25  # trunk lengths, or
MANY = 0.25  # of a pose's compared joints that disagree: then the pose does
AGREES_METRES = 0.04  # as anatomy.surface.metric_depths: joint and depth picture agree


@dataclass(frozen=True)
class Deployed:
    """What would be answered if every joint were asked for."""

    points_NK2: Floats
    z_NK: Floats
    absent_NK: Floats  # probability
    confidence_NK: Floats  # of the place
    scene: Scene

    @property
    def space_NK3(self) -> Floats:
        return torso_units(self.points_NK2, self.z_NK, self.scene.names)

    def emitted_NK(self, threshold: float) -> NDArray[np.bool_]:
        return np.asarray(self.absent_NK <= threshold)

    @property
    def poses(self) -> Poses:
        points = torch.from_numpy(self.points_NK2).float()[None]
        z = torch.from_numpy(self.z_NK).float()[None]
        return Poses(points, z, torch.ones_like(z, dtype=torch.bool))


def decoded(maps_BKC: Tensor, z_BKZ: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(cells [B, K, 2], z [B, K]) as `locate` and the predictor read them."""
    cells = codec.decode(maps_BKC, *grid)
    return cells, z_BKZ.softmax(-1) @ codec.z_centers(device=z_BKZ.device)


@torch.no_grad()
def deploy(
    policy: Policy,
    cache: Cache,
    rows: Sequence[int] | None = None,
    chunk: int = 64,
    like: Deployed | None = None,
) -> Deployed:
    """`like` is what a policy with the same places answered to these rows: states alone differ."""
    if like is not None:
        return replace(like, absent_NK=_absent(policy, cache, rows))
    index = np.arange(len(cache)) if rows is None else np.asarray(rows)
    points, depths, absent, sure = [], [], [], []
    for start in range(0, len(index), chunk):
        rows_B = index[start : start + chunk]
        batch = batch_of(cache, rows_B, policy.names, tokens=bool(len(policy.layers)))
        maps, state, z, _ = policy.logits(batch)
        cells, depth = decoded(maps, z, policy.grid)
        points.append(cells.double().numpy() * cache.pixels_per_cell)
        depths.append(depth.double().numpy())
        absent.append(state.softmax(-1)[..., 0].double().numpy())
        sure.append(policy.confidence(maps).double().numpy())
    return Deployed(
        np.concatenate(points), np.concatenate(depths), np.concatenate(absent),
        np.concatenate(sure), scene_of(cache, index, policy.names),
    )  # fmt: skip


@torch.no_grad()
def _absent(policy: Policy, cache: Cache, rows: Sequence[int] | None) -> Floats:
    index = np.arange(len(cache)) if rows is None else np.asarray(rows)
    found = [
        policy.states(policy.batch(cache.without_maps(), index[start : start + 256]))
        .softmax(-1)[..., 0].double().numpy() for start in range(0, len(index), 256)
    ]  # fmt: skip
    return np.concatenate(found)


def scene_of(cache: Cache, rows: NDArray[np.int64], names: Sequence[str]) -> Scene:
    return batch_of(cache.without_features(), rows, names, tokens=False).scene


def matched_threshold(absent_NK: Floats, known_NK: NDArray[np.bool_], yes_ratio: float) -> float:
    """The threshold at which this share of the known joints is emitted."""
    values = np.sort(absent_NK[known_NK])
    place = min(max(round(yes_ratio * len(values)), 1), len(values)) - 1
    return float(values[place])


def yes_ratio(deployed: Deployed, threshold: float) -> float:
    known = _known(deployed.scene)
    return float(deployed.emitted_NK(threshold)[known].mean())


def _known(scene: Scene) -> NDArray[np.bool_]:
    return np.asarray((scene.present_BV | scene.absent_BV).numpy())


Ratios = dict[str, tuple[Floats, Floats]]  # name → (numerator, denominator) a view


def judge(deployed: Deployed, threshold: float, prior: Prior | None = None) -> Ratios:
    """Every figure as a sum over views divided by a sum over views, so it can be resampled."""
    scene, names = deployed.scene, deployed.scene.names
    there = (scene.present_BV & scene.labelled_BV).numpy()
    points = np.where(there[..., None], deployed.points_NK2, np.nan)
    space = np.where(there[..., None], deployed.space_NK3, np.nan)
    broken = plausibility.violations(space, names)
    infant = scene.infant_B.numpy()  # an infant's measures say nothing of a caregiver
    judged = (broken.judged & infant).astype(np.float64)
    off, agreeing = depth_agreement(deployed, there)
    rules = {
        "bones": broken.bones, "range_of_motion": broken.range_of_motion,
        "crossing": broken.crossing, "sides": broken.sides,
        "depth": off.sum(axis=1) > MANY * agreeing.sum(axis=1),
    }  # fmt: skip
    ratios: Ratios = {name: (row * judged, judged) for name, row in rules.items()}
    whole = np.any([rules[name] for name in RULES], axis=0)
    ratios["any"] = (whole * judged, judged)
    # A pose that breaks one rule less is better, though "any" may not see it.
    broken_rules = np.sum([rules[name] for name in RULES], axis=0)
    ratios["rules_broken"] = (broken_rules * judged, judged)
    ratios["depth_joints"] = (off.sum(1).astype(float), agreeing.sum(1).astype(float))
    ratios |= _accuracy(deployed, points, there)
    ratios |= _presence(deployed, threshold)
    ratios["asymmetry"] = _mean(np.where(infant, broken.asymmetry, np.nan))
    if prior is not None:
        usual = np.minimum(prior.score(space, names), 50.0)
        ratios["pose_prior"] = _mean(np.where(infant, usual, np.nan))
    return ratios


def depth_agreement(
    deployed: Deployed, there_NK: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """([N, K] joints that disagree with the depth picture, [N, K] joints that were compared)."""
    error, under, judged, measured = (value.numpy() for value in _residual(deployed))
    scene = deployed.scene
    compared = judged[0] & there_NK & scene.visible_BV.numpy()
    allowed = np.maximum(AGREES_WITHIN * scene.torso_B.numpy(), AGREES_METRES)[:, None]
    wrong = (np.abs(error[0] - under) > allowed) | ~measured[0]
    return compared & wrong, compared


def _residual(deployed: Deployed) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return residual(deployed.poses, deployed.scene)


def _accuracy(deployed: Deployed, points: Floats, there: NDArray[np.bool_]) -> Ratios:
    scene = deployed.scene
    truth = scene.points_BV2.double().numpy()
    size = torso_size(truth, scene.names, there)
    # Where a corner is out of the picture, the root of the person's area stands for the trunk.
    size = np.where(np.isfinite(size), size, 0.45 * np.sqrt(scene.area_B.numpy()))
    hit = hits(points, truth, size, 0.1) & there
    oks = similarity(deployed.poses, scene)[0].double().numpy()
    count = there.sum(1).astype(np.float64)
    return {
        "pck": (hit.sum(1).astype(np.float64), count),
        "oks": ((oks * there).sum(1), count),
    }


def _presence(deployed: Deployed, threshold: float) -> Ratios:
    scene, emitted = deployed.scene, deployed.emitted_NK(threshold)
    absent, present = scene.absent_BV.numpy(), scene.present_BV.numpy()
    known = absent | present
    return {
        "absent_emitted": _counts(emitted & absent, absent),
        "recall": _counts(emitted & present, present),
        "yes_ratio": _counts(emitted & known, known),
        "labelled": _counts(present, known),
    }


def _counts(hit: NDArray[np.bool_], of: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    return hit.sum(1).astype(np.float64), of.sum(1).astype(np.float64)


def _mean(values: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(values)
    return np.where(known, values, 0.0), known.astype(np.float64)


def rates(ratios: Mapping[str, tuple[Floats, Floats]]) -> dict[str, float]:
    return {
        name: float(top.sum() / bottom.sum()) if bottom.sum() else float("nan")
        for name, (top, bottom) in ratios.items()
    }


def median_oks(deployed: Deployed) -> float:
    """What decides the accuracy reward's band."""
    there = deployed.scene.present_BV & deployed.scene.labelled_BV
    values = similarity(deployed.poses, deployed.scene)[0][there]
    return float(values.median()) if len(values) else 0.0


def label_space(cache: Cache, names: Sequence[str]) -> Floats:
    """[N, K, 3] of the labels themselves, NaN where unknown: what the pose prior is fitted on."""
    batch = batch_of(cache.without_features(), np.arange(len(cache)), names, tokens=False)
    known = (batch.z_weight_BK > 0) & batch.scene.labelled_BV & batch.scene.infant_B[:, None]
    space = torso_units(batch.scene.points_BV2.double().numpy(), batch.z_BK.double().numpy(), names)
    return np.where(known.numpy()[..., None], space, np.nan)
