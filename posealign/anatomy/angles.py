"""Joint angles from places, in space or in the picture's plane.

0° is a straight limb. A flexion is the angle between the directions of two neighbouring segments;
from two-dimensional places it is the angle as the picture shows it, which is smaller or larger
than the one in space. Shapes: N poses, J joints, D 2 or 3 coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIDES = ("left", "right")


@dataclass(frozen=True)
class Angle:
    """Between two directions, each from the mean of some joints to the mean of others."""

    first: tuple[tuple[str, ...], tuple[str, ...]]
    second: tuple[tuple[str, ...], tuple[str, ...]]
    limit: str  # the range of motion in infant.yaml whose upper end bounds it

    @property
    def joints(self) -> tuple[str, ...]:
        """Every joint the angle rests on."""
        names = (name for ends in (self.first, self.second) for end in ends for name in end)
        return tuple(dict.fromkeys(names))


SHOULDERS, HIPS = ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")
TRUNK = (SHOULDERS, HIPS)
TORSO = (*SHOULDERS, *HIPS)  # its four corners


def _angles() -> Mapping[str, Angle]:
    table = {}
    for side in SIDES:

        def segment(start: str, end: str, side: str = side) -> tuple[tuple[str], tuple[str]]:
            return (f"{side}_{start}",), (f"{side}_{end}",)

        upper, fore = segment("shoulder", "elbow"), segment("elbow", "wrist")
        thigh, shank = segment("hip", "knee"), segment("knee", "ankle")
        table[f"{side}_elbow_flexion"] = Angle(upper, fore, "elbow_flexion")
        table[f"{side}_knee_flexion"] = Angle(thigh, shank, "knee_flexion")
        table[f"{side}_hip_flexion"] = Angle(TRUNK, thigh, "hip_flexion")
        table[f"{side}_shoulder_elevation"] = Angle(TRUNK, upper, "shoulder_flexion")
    return MappingProxyType(table)


ANGLES = _angles()


def angle(points_NJD: NDArray[np.floating], names: Sequence[str], name: str) -> Floats:
    """[N] degrees, 0 to 180; NaN where a joint is missing or a segment has no length."""
    row = ANGLES[name]
    if not set(row.joints) <= set(names):
        return np.full(len(points_NJD), np.nan)
    first, second = (_direction(points_NJD, names, *ends) for ends in (row.first, row.second))
    return between(first, second)


def angles(points_NJD: NDArray[np.floating], names: Sequence[str]) -> dict[str, Floats]:
    """Every angle that these joints allow."""
    return {
        name: angle(points_NJD, names, name)
        for name, row in ANGLES.items()
        if set(row.joints) <= set(names)
    }


def between(first_ND: Floats, second_ND: Floats) -> Floats:
    """[N] degrees between directions; stable near 0° and 180°, unlike the arc cosine."""
    first, second = _unit(first_ND), _unit(second_ND)
    apart, along = np.linalg.norm(first - second, axis=-1), np.linalg.norm(first + second, axis=-1)
    return np.asarray(np.degrees(2 * np.arctan2(apart, along)), np.float64)


def _direction(
    points_NJD: NDArray[np.floating],
    names: Sequence[str],
    start: tuple[str, ...],
    end: tuple[str, ...],
) -> Floats:
    points, order = np.asarray(points_NJD, np.float64), list(names)
    from_, to = ([order.index(name) for name in part] for part in (start, end))
    return np.asarray(points[:, to].mean(axis=1) - points[:, from_].mean(axis=1))


def _unit(direction_ND: Floats) -> Floats:
    length = np.linalg.norm(direction_ND, axis=-1, keepdims=True)
    return np.asarray(direction_ND / np.where(length > 1e-9, length, np.nan))
