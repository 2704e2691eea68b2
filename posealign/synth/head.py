"""The head: an infant's skull and face as a star-shaped surface, and where its landmarks lie.

Designed in centimetres for a head of 40.5 cm girth and 15 cm height and scaled from there.
Frame: origin between the ears, x to the person's right, y forward, z up. Shapes: U×W grid.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.synth.surface import Floats, ellipsoids, round_cones, smooth_min

GIRTH, HEIGHT = 40.5, 14.9  # of the design, cm
GRID = (75, 53)  # longitudes (seam doubled), latitudes
EYE = (1.8, 0.15)  # x, z of an eye's middle, either side

_ELLIPSOIDS = np.array([
    # centre x y z, radii x y z: skull, forehead, face, jaw
    [0.0, -0.75, 2.2, 5.65, 6.75, 5.9],
    [0.0, 1.9, 2.4, 4.6, 4.45, 4.2],
    [0.0, 1.6, -2.2, 4.5, 4.2, 4.1],
    [0.0, 2.5, -4.4, 3.1, 2.9, 2.2],
])  # fmt: skip
_SOFT = np.array([
    # centre x y z, radii: cheeks, chin, eyelids, brows
    [2.75, 2.95, -2.75, 2.25, 2.25, 2.15], [-2.75, 2.95, -2.75, 2.25, 2.25, 2.15],
    [0.0, 4.35, -5.3, 1.35, 1.2, 1.1],
    [1.8, 4.75, 0.1, 1.15, 1.05, 0.95], [-1.8, 4.75, 0.1, 1.15, 1.05, 0.95],
])  # fmt: skip
_EARS = np.array([[5.45, -0.7, -0.35, 0.75, 1.05, 1.85], [-5.45, -0.7, -0.35, 0.75, 1.05, 1.85]])
_FINE = np.array(
    [
        # round cones a, b, ra, rb: bridge and tip of the nose, its wings, lips
        [0, 5.35, 0.1, 0, 6.0, -1.35, 0.55, 0.62],
        [0.42, 5.7, -1.6, 0.55, 5.55, -1.6, 0.42, 0.4],
        [-0.42, 5.7, -1.6, -0.55, 5.55, -1.6, 0.42, 0.4],
        [0.0, 5.72, -3.0, 1.0, 5.25, -3.3, 0.40, 0.22],
        [0.0, 5.72, -3.0, -1.0, 5.25, -3.3, 0.40, 0.22],
        [0.0, 5.55, -3.78, 0.85, 5.2, -3.5, 0.42, 0.25],
        [0.0, 5.55, -3.78, -0.85, 5.2, -3.5, 0.42, 0.25],
    ]
)


def field(points_N3: Floats) -> Floats:
    """Signed distance in centimetres."""
    coarse = ellipsoids(points_N3, _ELLIPSOIDS[:, :3], _ELLIPSOIDS[:, 3:])
    soft = ellipsoids(points_N3, _SOFT[:, :3], _SOFT[:, 3:])
    base = smooth_min(np.concatenate([coarse, soft], 1), 0.35)
    fine, _ = round_cones(points_N3, _FINE[:, :3], _FINE[:, 3:6], _FINE[:, 6], _FINE[:, 7])
    ears = ellipsoids(points_N3, _EARS[:, :3], _EARS[:, 3:]).min(1)
    d = smooth_min(np.stack([base, smooth_min(fine, 0.08)], 1), 0.16)
    # The sockets are a little hollow beside the bridge.
    hollow = np.exp(
        -(((np.abs(points_N3[:, 0]) - 1.5) / 0.9) ** 2 + ((points_N3[:, 2] - 0.35) / 0.7) ** 2)
    ) * (points_N3[:, 1] > 2)
    return smooth_min(np.stack([d + 0.28 * hollow, ears], 1), 0.18)


def directions() -> tuple[Floats, Floats, Floats]:
    """Unit directions [U, W, 3] and their longitudes and latitudes, finer over the face."""
    w = np.linspace(-np.pi, np.pi, GRID[0])
    longitude = w - 0.55 * np.sin(w)
    v = np.linspace(-1, 1, GRID[1])
    latitude = np.pi / 2 * (v - 0.12 * np.sin(2 * np.pi * v) * 0.8)
    latitude = np.clip(latitude, -np.pi / 2 + 0.02, np.pi / 2 - 0.001)
    lon, lat = np.meshgrid(longitude, latitude, indexing="ij")
    d = np.stack([np.cos(lat) * np.sin(lon), np.cos(lat) * np.cos(lon), np.sin(lat)], -1)
    return d, lon, lat


def _trace(start_N3: Floats, step_N3: Floats, steps: int = 90) -> Floats:
    """Walk from outside along unit steps until the surface is met."""
    points = start_N3.copy()
    for _ in range(steps):
        points += 0.7 * field(points)[:, None] * step_N3
    return points


@cache
def grid() -> Floats:
    """The surface [U, W, 3] in centimetres."""
    d, _, _ = directions()
    flat = d.reshape(-1, 3)
    return _trace(flat * 12.0, -flat).reshape(*GRID, 3)


def _front(xz_N2: NDArray[np.float64]) -> Floats:
    """Points of the face seen at x, z from the front."""
    start = np.column_stack([xz_N2[:, 0], np.full(len(xz_N2), 12.0), xz_N2[:, 1]])
    return _trace(start, np.tile([0.0, -1.0, 0.0], (len(start), 1)))


def _contour() -> Floats:
    """Points 0 … 16: from the right ear along the jaw over the chin to the left ear."""
    turn = np.deg2rad(np.linspace(-90, 90, 17))
    target = np.column_stack([4.75 * np.sin(turn), 1.2 + 3.2 * np.cos(turn) ** 1.2,
                              -0.3 - 5.7 * np.cos(turn) ** 0.9])  # fmt: skip
    away = target / np.linalg.norm(target, axis=1, keepdims=True)
    return _trace(away * 12.0, -away)


@cache
def landmarks() -> dict[str, Floats]:
    """Vocabulary points on the head, in centimetres."""
    ex, ez = EYE
    brow = [(-3.0, 1.05), (-2.5, 1.4), (-1.9, 1.5), (-1.35, 1.42), (-0.85, 1.25)]
    eye = [(-ex - 0.88, ez), (-ex - 0.3, ez + 0.36), (-ex + 0.33, ez + 0.34),
           (-ex + 0.85, ez - 0.08), (-ex + 0.33, ez - 0.3), (-ex - 0.3, ez - 0.32)]  # fmt: skip

    def mirrored(points: list[tuple[float, float]], order: list[int]) -> list[tuple[float, float]]:
        return [(-points[k][0], points[k][1]) for k in order]

    inner = [
        *brow, *mirrored(brow, [4, 3, 2, 1, 0]),
        (0, 0.15), (0, -0.35), (0, -0.9), (0, -1.4),
        (-0.75, -1.85), (-0.38, -1.95), (0, -2.02), (0.38, -1.95), (0.75, -1.85),
        *eye, *mirrored(eye, [3, 2, 1, 0, 5, 4]),
        (-1.25, -3.35), (-0.8, -3.05), (-0.35, -2.85), (0, -2.92), (0.35, -2.85), (0.8, -3.05),
        (1.25, -3.35), (0.8, -3.75), (0.4, -3.98), (0, -4.03), (-0.4, -3.98), (-0.8, -3.75),
        (-1.0, -3.36), (-0.4, -3.3), (0, -3.28), (0.4, -3.3), (1.0, -3.36),
        (0.4, -3.44), (0, -3.46), (-0.4, -3.44),
    ]  # fmt: skip
    face_68_3 = np.concatenate([_contour(), _front(np.array(inner))])
    face_68_3 = face_68_3 * [-1, 1, 1]  # listed as the picture shows them: the right eye first
    points = {f"face_{k}": face_68_3[k] for k in range(68)}
    points["nose"] = _front(np.array([[0.0, -1.4]]))[0]
    for side, m in (("left", -1.0), ("right", 1.0)):
        points[f"{side}_eye"] = _front(np.array([[m * ex, ez]]))[0]
        away = np.array([m * 5.9, -0.5, -0.4])
        away /= np.linalg.norm(away)
        points[f"{side}_ear"] = _trace(away[None] * 12.0, -away[None])[0]
    up = np.array([[0.0, -0.06, 1.0]]) / np.hypot(0.06, 1)
    points["head_top"] = _trace(up * 12.0, -up)[0]
    points["head_center"] = np.array([0.0, 0.0, 1.0])
    return points
