"""From a depth map to joints in metres: the skin is measured, the joint lies under it.

Shapes: N joints; H, W picture. Depth is in metres along the camera's axis, 0 where unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO

# Joint centre below the skin in torso lengths, by the joint's name without its side. Computed from
# skin_to_joint_centre / torso of the 3-5 month row (Snyder 1977 girths, radius = girth / 2π).
_UNDER_SKIN = {
    "shoulder": 0.114, "elbow": 0.100, "wrist": 0.062, "hip": 0.186, "hip_center": 0.186,
    "knee": 0.125, "ankle": 0.089, "neck": 0.12, "pelvis": 0.186, "head_center": 0.32,
    "spine1": 0.18, "spine2": 0.18, "spine3": 0.16, "collar": 0.09, "ear": 0.03,
    "forefoot": 0.05, "palm": 0.05, "hand_root": 0.06,
}  # fmt: skip
_DEFAULT_UNDER_SKIN = 0.02  # eyes, nose, face points, finger tips: on the skin
_TYPICAL_TORSO = 0.21  # metres, 3-5 months


@dataclass(frozen=True)
class Metric:
    """Depths of the joints in metres, and how well they agree with the measured surface."""

    z_N: NDArray[np.float64]
    torso: float
    consistency: float | None  # share of visible, measured joints within tolerance; None if none
    measured_N: NDArray[np.bool_]


def under_skin(names: tuple[str, ...]) -> NDArray[np.float64]:
    """How far each joint lies below the skin, in torso lengths."""
    plain = [name.removeprefix("left_").removeprefix("right_") for name in names]
    return np.array([_UNDER_SKIN.get(name, _DEFAULT_UNDER_SKIN) for name in plain])


def sample(
    depth_HW: NDArray[np.floating], points_N2: NDArray[np.floating], window: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The median of the known depths around each point, and whether a third of them is known."""
    height, width = depth_HW.shape
    surface = np.zeros(len(points_N2))
    valid = np.zeros(len(points_N2), bool)
    for number, (x, y) in enumerate(np.asarray(points_N2, np.float64)):
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        column, row = round(x), round(y)
        if not (0 <= column < width and 0 <= row < height):
            continue
        patch = depth_HW[
            max(row - window, 0) : row + window + 1, max(column - window, 0) : column + window + 1
        ]
        known = patch[(patch > 0) & np.isfinite(patch)]
        if len(known) * 3 >= patch.size:
            surface[number], valid[number] = float(np.median(known)), True
    return surface, valid


def lift(
    points_N2: NDArray[np.floating],
    z_N: NDArray[np.floating],
    intrinsics: tuple[float, float, float, float],
) -> NDArray[np.float64]:
    """Pixels and depths → metres in the camera's frame (x right, y down, z away)."""
    fx, fy, cx, cy = intrinsics
    points = np.asarray(points_N2, np.float64)
    x = (points[:, 0] - cx) / fx * z_N
    y = (points[:, 1] - cy) / fy * z_N
    return np.stack([x, y, np.asarray(z_N, np.float64)], axis=1)


def project(
    points_N3: NDArray[np.floating], intrinsics: tuple[float, float, float, float]
) -> NDArray[np.float64]:
    """The inverse of `lift`."""
    fx, fy, cx, cy = intrinsics
    points = np.asarray(points_N3, np.float64)
    return np.stack(
        [points[:, 0] / points[:, 2] * fx + cx, points[:, 1] / points[:, 2] * fy + cy], axis=1
    )


def metric_depths(
    names: tuple[str, ...],
    points_N2: NDArray[np.floating],
    visible_N: NDArray[np.bool_],
    relative_N: NDArray[np.floating],
    depth_HW: NDArray[np.floating],
    intrinsics: tuple[float, float, float, float] | None,
    tolerance: float = 0.04,
) -> Metric | None:
    """Depths in metres, or None where no visible joint has a measured surface.

    `relative_N` is the model's own depth, in torso lengths from the mid-hip. A visible joint lies
    at its measured surface plus its depth under the skin; hidden joints, and joints whose surface
    disagrees with the rest of the body (an edge, a hole, something in front), take the body's
    depth plus the model's.
    """
    surface_N, valid_N = sample(depth_HW, points_N2)
    measured_N = valid_N & visible_N
    if not measured_N.any():
        return None
    under_N = under_skin(names)
    torso = _TYPICAL_TORSO
    for _ in range(2):  # the torso's length needs depths, which need the torso's length
        guess_N = surface_N + under_N * torso
        root = float(np.median((guess_N - relative_N * torso)[measured_N]))
        body_N = root + relative_N * torso
        torso = _torso(names, points_N2, body_N, intrinsics) or torso
    agrees_N = measured_N & (np.abs(guess_N - body_N) <= max(0.5 * torso, tolerance))
    z_N = np.where(agrees_N, guess_N, body_N)
    residual_N = np.abs(guess_N - body_N)[measured_N]
    consistency = float(np.mean(residual_N <= max(tolerance, 0.25 * torso)))
    return Metric(z_N, torso, consistency, agrees_N)


def _torso(
    names: tuple[str, ...],
    points_N2: NDArray[np.floating],
    z_N: NDArray[np.floating],
    intrinsics: tuple[float, float, float, float] | None,
) -> float | None:
    """Mid-shoulder to mid-hip in metres, where all four are placed and the camera is known."""
    if intrinsics is None or not set(TORSO) <= set(names):
        return None
    points = lift(points_N2, z_N, intrinsics)[[names.index(name) for name in TORSO]]
    length = float(np.linalg.norm(points[:2].mean(0) - points[2:].mean(0)))
    return length if np.isfinite(length) and 0.08 <= length <= 0.7 else None
