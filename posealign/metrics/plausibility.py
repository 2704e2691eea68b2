"""Which poses break a rule of the body: range of motion, bone length, crossing, sides.

Limits come from infant.yaml. In the picture's plane a segment can look shorter than it is but not
longer, so there only lengths that are too long count, and angles only where both segments are seen
at length. Shapes: N poses, J joints, D 2 or 3 coordinates, B bones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy import facts
from posealign.anatomy.angles import ANGLES, HIPS, SHOULDERS, SIDES, angle
from posealign.metrics.oks import Floats

BONES: Mapping[str, tuple[str, str]] = {
    f"{side}_{bone}": (f"{side}_{start}", f"{side}_{end}")
    for side in SIDES
    for bone, start, end in (
        ("upper_arm", "shoulder", "elbow"),
        ("forearm", "elbow", "wrist"),
        ("thigh", "hip", "knee"),
        ("shank", "knee", "ankle"),
    )
}
TOO_FAR = 3.0  # standard deviations of ln(bone / torso)
SEEN_AT_LENGTH = 0.6  # of its expected length, for an angle in the picture to mean something
OPPOSED = 120.0  # degrees between shoulder axis and hip axis
NEAR = 0.5  # of both radii together: closer segments interpenetrate


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


@cache
def expected(bone: str) -> tuple[float, float, float]:
    """(mean, standard deviation of ln(bone / torso), radius / torso), over 0 to 15 months."""
    table = facts.facts()["joint_centres_cm"]
    name = bone.removeprefix("left_").removeprefix("right_")
    torso = np.array(table["data"]["torso_midshoulder_midhip"])
    ratio = np.log(np.array(table["data"][f"{name}_jc"]) / torso)
    own = float(np.hypot(table["cv"][name], table["cv"]["torso"]))
    radius = np.array(table["data"][f"radius_{'calf' if name == 'shank' else name}"]) / torso
    return float(ratio.mean()), float(np.hypot(own, ratio.std())), float(radius.mean())


def violations(points_NJD: NDArray[np.floating], names: Sequence[str]) -> Violations:
    """Judge poses in pixels (D = 2) or in any unit of length (D = 3)."""
    points = np.asarray(points_NJD, np.float64)
    order = list(names)
    place = {name: points[:, order.index(name)] for name in order}
    torso = _torso(place, len(points))
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
        _asymmetry(lengths, len(points)),
    )


def _torso(place: Mapping[str, Floats], count: int) -> Floats:
    if not set(SHOULDERS + HIPS) <= set(place):
        return np.full(count, np.nan)
    up = sum(place[name] for name in SHOULDERS) - sum(place[name] for name in HIPS)
    return np.asarray(np.linalg.norm(up / 2, axis=-1), np.float64)


def _range_of_motion(
    points: Floats, names: list[str], lengths: Mapping[str, Floats], flat: bool
) -> NDArray[np.bool_]:
    broken = np.zeros(len(points), bool)
    for name, row in ANGLES.items():
        if not set(row.joints) <= set(names):
            continue
        limit = facts.motion_range(row.limit)[1]
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
            seen &= np.nan_to_num(lengths[bone]) > SEEN_AT_LENGTH * np.exp(expected(bone)[0])
    return seen


def _bones(lengths: Mapping[str, Floats], count: int, flat: bool) -> NDArray[np.bool_]:
    """Too long or too short for the torso; in the picture too long for the longest-seen bones."""
    if not lengths:
        return np.zeros(count, bool)
    zeta = np.stack([
        (np.log(np.maximum(length, 1e-9)) - expected(bone)[0]) / expected(bone)[1]
        for bone, length in lengths.items()
    ])  # fmt: skip
    if not flat:
        return np.asarray((np.nan_to_num(np.abs(zeta)) > TOO_FAR).any(axis=0))
    # The torso may be foreshortened itself: the second longest bone says how much.
    known = np.where(np.isfinite(zeta), zeta, -np.inf)
    scale = np.maximum(np.sort(known, axis=0)[-2 if len(known) > 1 else -1], 0.0)
    return np.asarray((known - scale > TOO_FAR).any(axis=0))


_LIMBS = tuple(
    (one, other)
    for place, one in enumerate(BONES)
    for other in list(BONES)[place + 1 :]
    if not set(BONES[one]) & set(BONES[other])
)
# Ankles and wrists cross in healthy infants; only what cannot is counted.
_FORBIDDEN = tuple(
    pair for pair in _LIMBS if all("thigh" in bone or "upper_arm" in bone for bone in pair)
)


def _crossing(place: Mapping[str, Floats], torso: Floats, count: int) -> NDArray[np.bool_]:
    broken = np.zeros(count, bool)
    for one, other in _FORBIDDEN:
        ends = (*BONES[one], *BONES[other])
        if not set(ends) <= set(place):
            continue
        gap = segment_distance(*(place[name] for name in ends)) / torso
        broken |= np.nan_to_num(gap, nan=np.inf) < NEAR * (expected(one)[2] + expected(other)[2])
    return broken


def segment_distance(a_N3: Floats, b_N3: Floats, c_N3: Floats, d_N3: Floats) -> Floats:
    """[N]: the least distance between segments ab and cd."""
    u, v, w = b_N3 - a_N3, d_N3 - c_N3, a_N3 - c_N3
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    uw, vw = (u * w).sum(-1), (v * w).sum(-1)
    area = uu * vv - uv**2
    s = np.clip(np.where(area > 1e-12, (uv * vw - vv * uw) / np.maximum(area, 1e-12), 0.0), 0, 1)
    t = np.clip((uv * s + vw) / np.maximum(vv, 1e-12), 0, 1)
    s = np.clip((uv * t - uw) / np.maximum(uu, 1e-12), 0, 1)
    gap = w + s[..., None] * u - t[..., None] * v
    return np.asarray(np.linalg.norm(gap, axis=-1), np.float64)


def _sides(place: Mapping[str, Floats], count: int) -> NDArray[np.bool_]:
    """Shoulders and hips that point opposite ways: a side was taken for the other."""
    if not set(SHOULDERS + HIPS) <= set(place):
        return np.zeros(count, bool)
    one = place[SHOULDERS[0]] - place[SHOULDERS[1]]
    other = place[HIPS[0]] - place[HIPS[1]]
    length = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    cosine = (one * other).sum(axis=-1) / np.where(length > 0, length, np.nan)
    return np.asarray(np.nan_to_num(cosine, nan=1.0) < np.cos(np.radians(OPPOSED)))


def _asymmetry(lengths: Mapping[str, Floats], count: int) -> Floats:
    gaps = [
        np.abs(np.log(np.maximum(lengths[f"left_{bone}"], 1e-9) / np.maximum(other, 1e-9)))
        for bone in ("upper_arm", "forearm", "thigh", "shank")
        if f"left_{bone}" in lengths and (other := lengths.get(f"right_{bone}")) is not None
    ]
    if not gaps:
        return np.full(count, np.nan)
    table = np.stack(gaps)
    known = np.isfinite(table)
    total = np.where(known, table, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
