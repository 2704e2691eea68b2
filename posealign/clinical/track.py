"""Poses of one person over time, as arrays. Shapes: F frames, J joints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import Pose, State
from posealign.errors import InvalidInput
from posealign.metrics.oks import Floats
from posealign.metrics.pck import torso_size
from posealign.skeletons.load import skeleton

LEAST_CONFIDENCE = 0.3  # of a joint that a read-out may rest on
# 90 % of a two-dimensional normal error lie within this many standard deviations of one axis.
RADIUS_SIGMAS = float(np.sqrt(2 * np.log(10)))


@dataclass(frozen=True)
class Track:
    """NaN where a joint is absent or too unsure; `radius_FJ` holds 90 % of errors, in pixels."""

    names: tuple[str, ...]
    times_F: Floats
    points_FJ2: Floats
    radius_FJ: Floats
    space_FJ3: Floats | None = None  # metres, where a depth map and a camera gave them

    def __post_init__(self) -> None:
        count = len(self.times_F)
        shape = (count, len(self.names))
        if self.points_FJ2.shape != (*shape, 2) or self.radius_FJ.shape != shape:
            raise InvalidInput(
                f"a track of {count} frames and {len(self.names)} joints wants points "
                f"{(*shape, 2)} and radii {shape}; got {self.points_FJ2.shape} and "
                f"{self.radius_FJ.shape}"
            )
        if count == 0:
            raise InvalidInput("a track needs at least one frame")
        if count > 1 and not (np.diff(self.times_F) > 0).all():
            raise InvalidInput("the times of a track must rise")

    def __len__(self) -> int:
        return len(self.times_F)

    @property
    def torso_F(self) -> Floats:
        """Pixels from mid-shoulder to mid-hip; NaN where a corner is missing."""
        return torso_size(self.points_FJ2, self.names, np.isfinite(self.points_FJ2[..., 0]))

    @property
    def rate(self) -> float:
        """Frames a second; NaN for a single picture."""
        if len(self) < 2:
            return float("nan")
        return float(1 / np.median(np.diff(self.times_F)))


def track_of(
    poses: Iterable[Pose | None], times: Sequence[float], names: Sequence[str] | None = None
) -> Track:
    """One pose a frame, None where the person was not found."""
    joints = tuple(names or skeleton("coco17").names)
    rows = list(poses)
    points = np.full((len(rows), len(joints), 2), np.nan)
    radius = np.full((len(rows), len(joints)), np.nan)
    space = np.full((len(rows), len(joints), 3), np.nan)
    for frame, pose in enumerate(rows):
        for joint in (*pose.joints, *pose.filtered) if pose is not None else ():
            usable = joint.state != State.ABSENT and joint.confidence >= LEAST_CONFIDENCE
            if joint.name not in joints or not usable or joint.x is None or joint.y is None:
                continue
            j = joints.index(joint.name)
            points[frame, j] = joint.x, joint.y
            radius[frame, j] = np.nan if joint.radius is None else joint.radius
            if joint.position is not None:
                space[frame, j] = joint.position
    known: NDArray[np.bool_] = np.isfinite(space)
    return Track(
        joints, np.asarray(times, np.float64), points, radius, space if known.any() else None
    )
