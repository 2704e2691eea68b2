"""Which poses break a rule of the body: range of motion, bone length, crossing, sides.

Limits come from infant.yaml. In the picture's plane a segment can look shorter than it is but not
longer, so there only lengths that are too long count, and angles only where both segments are seen
at length. Shapes: N poses, J joints, D 2 or 3 coordinates, B bones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import ANGLES, HIPS, SHOULDERS, angle
from posealign.anatomy.bones import BONES, asymmetry, expected, torso_length
from posealign.anatomy.capsules import FORBIDDEN, reach, segment_distance
from posealign.anatomy.ranges import limits
from posealign.metrics.oks import Floats

TOO_FAR = 3.0  # standard deviations of ln(bone / torso)
SEEN_AT_LENGTH = 0.6  # of its expected length, for an angle in the picture to mean something
OPPOSED = 120.0  # degrees between shoulder axis and hip axis


@dataclass(frozen=True)
class Violations:
    """[N] each: whether a pose breaks the rule; `judged` is False where the torso is missing.

    `asymmetry` is a guard nothing is trained on: the mean |ln(left / right)| of the bones.
    """

    range_of_motion: NDArray[np.bool_]
    bones: NDArray[np.bool_]
    crossing: NDArray[np.bool_]
    sides: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    asymmetry: Floats

    @property
    def any(self) -> NDArray[np.bool_]:
        return self.range_of_motion | self.bones | self.crossing | self.sides

    def rates(self) -> dict[str, float]:
        """Shares of the judged poses."""
        count = int(self.judged.sum())
        rows = {
            "any": self.any,
            "range_of_motion": self.range_of_motion,
            "bones": self.bones,
            "crossing": self.crossing,
            "sides": self.sides,
        }
        shares = {
            name: float((row & self.judged).sum() / count) if count else float("nan")
            for name, row in rows.items()
        }
        known = self.asymmetry[np.isfinite(self.asymmetry)]
        return {
            **shares,
            "asymmetry": float(known.mean()) if len(known) else float("nan"),
            "poses": count,
        }


def violations(points_NJD: NDArray[np.floating], names: Sequence[str]) -> Violations:
    """Judge poses in pixels (D = 2) or in any unit of length (D = 3)."""
    points = np.asarray(points_NJD, np.float64)
    order = list(names)
    place = {name: points[:, order.index(name)] for name in order}
    torso = torso_length(points, order)
    judged = np.isfinite(torso) & (torso > 0)
    flat = points.shape[-1] == 2
    lengths = {
        bone: np.linalg.norm(place[start] - place[end], axis=-1) / torso
        for bone, (start, end) in BONES.items()
        if start in place and end in place
    }
    return Violations(
        _range_of_motion(points, order, lengths, flat),
        _bones(lengths, len(points), flat),
        np.zeros(len(points), bool) if flat else _crossing(place, torso, len(points)),
        _sides(place, len(points)),
        judged,
        asymmetry(lengths, len(points)),
    )


def _range_of_motion(
    points: Floats, names: list[str], lengths: Mapping[str, Floats], flat: bool
) -> NDArray[np.bool_]:
    broken = np.zeros(len(points), bool)
    for name, row in ANGLES.items():
        if not set(row.joints) <= set(names):
            continue
        limit = limits(name)[1]
        over = np.nan_to_num(angle(points, names, name)) > limit
        if flat:
            over &= _at_length(row.joints, lengths, len(points))
        broken |= over
    return broken


def _at_length(
    joints: tuple[str, ...], lengths: Mapping[str, Floats], count: int
) -> NDArray[np.bool_]:
    seen = np.ones(count, bool)
    for bone, ends in BONES.items():
        if set(ends) <= set(joints) and bone in lengths:
            seen &= np.nan_to_num(lengths[bone]) > SEEN_AT_LENGTH * np.exp(expected(bone).log_ratio)
    return seen


def _bones(lengths: Mapping[str, Floats], count: int, flat: bool) -> NDArray[np.bool_]:
    """Too long or too short for the torso; in the picture too long for the longest-seen bones."""
    if not lengths:
        return np.zeros(count, bool)
    zeta = np.stack([
        (np.log(np.maximum(length, 1e-9)) - expected(bone).log_ratio) / expected(bone).spread
        for bone, length in lengths.items()
    ])  # fmt: skip
    if not flat:
        return np.asarray((np.nan_to_num(np.abs(zeta)) > TOO_FAR).any(axis=0))
    # The torso may be foreshortened itself: the second longest bone says how much.
    known = np.where(np.isfinite(zeta), zeta, -np.inf)
    scale = np.maximum(np.sort(known, axis=0)[-2 if len(known) > 1 else -1], 0.0)
    return np.asarray((known - scale > TOO_FAR).any(axis=0))


def _crossing(place: Mapping[str, Floats], torso: Floats, count: int) -> NDArray[np.bool_]:
    broken = np.zeros(count, bool)
    for one, other in FORBIDDEN:
        ends = (*BONES[one], *BONES[other])
        if not set(ends) <= set(place):
            continue
        gap = segment_distance(*(place[name] for name in ends)) / torso
        broken |= np.nan_to_num(gap, nan=np.inf) < reach(one, other)
    return broken


def _sides(place: Mapping[str, Floats], count: int) -> NDArray[np.bool_]:
    """Shoulders and hips that point opposite ways: a side was taken for the other."""
    if not set(SHOULDERS + HIPS) <= set(place):
        return np.zeros(count, bool)
    one = place[SHOULDERS[0]] - place[SHOULDERS[1]]
    other = place[HIPS[0]] - place[HIPS[1]]
    length = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    cosine = (one * other).sum(axis=-1) / np.where(length > 0, length, np.nan)
    return np.asarray(np.nan_to_num(cosine, nan=1.0) < np.cos(np.radians(OPPOSED)))
