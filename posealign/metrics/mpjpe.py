"""Errors in space: MPJPE, its aligned forms, and how steady bone lengths are.

All in the unit of the points. Shapes: N people (or frames), J joints, B bones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posealign.metrics.oks import Floats, distances, masked_mean


def joint_errors(
    points_NJ3: NDArray[np.floating],
    truth_NJ3: NDArray[np.floating],
    known_NJ: NDArray[np.bool_],
    align: str = "none",
    root_K: Sequence[int] = (),
    fit_NJ: NDArray[np.bool_] | None = None,
) -> Floats:
    """[N, J]; NaN outside the mask and where a point is missing.

    `align`: none; root (the mean of the joints `root_K` is moved onto the truth's); scale (the
    best factor, mmpose's N-MPJPE); procrustes (best rotation, factor and shift). The fit uses the
    joints that count, or `fit_NJ`.
    """
    points, truth = np.asarray(points_NJ3, np.float64), np.asarray(truth_NJ3, np.float64)
    there = np.isfinite(points).all(axis=-1) & np.isfinite(truth).all(axis=-1)
    known = np.asarray(known_NJ, bool) & there
    fit = (known if fit_NJ is None else np.asarray(fit_NJ, bool)) & there
    if align == "root":
        roots = list(root_K)
        shift = (truth[:, roots] - points[:, roots]).mean(axis=1, keepdims=True)
        points = points + shift
    elif align == "scale":
        dot = np.where(fit[..., None], points * truth, 0).sum(axis=(1, 2))
        own = np.where(fit[..., None], points**2, 0).sum(axis=(1, 2))
        points = points * (dot / np.where(own > 0, own, 1))[:, None, None]
    elif align == "procrustes":
        points = np.stack([_aligned(p, t, m) for p, t, m in zip(points, truth, fit, strict=True)])
    return np.where(known, distances(points, truth), np.nan)


def mpjpe(
    points_NJ3: NDArray[np.floating],
    truth_NJ3: NDArray[np.floating],
    known_NJ: NDArray[np.bool_],
    align: str = "none",
    root_K: Sequence[int] = (),
    fit_NJ: NDArray[np.bool_] | None = None,
) -> float:
    """The mean over all joints that count, in all people."""
    errors = joint_errors(points_NJ3, truth_NJ3, known_NJ, align, root_K, fit_NJ)
    return float(np.nanmean(errors)) if np.isfinite(errors).any() else float("nan")


def _aligned(points_J3: Floats, truth_J3: Floats, fit_J: NDArray[np.bool_]) -> Floats:
    """Umeyama's similarity transform; with fewer than three joints only a shift is fitted."""
    if fit_J.sum() == 0:
        return points_J3
    source, target = points_J3[fit_J], truth_J3[fit_J]
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    spread = ((source - middle) ** 2).sum()
    if fit_J.sum() < 3 or spread < 1e-18:
        return np.asarray(points_J3 - middle + aim)
    u, strength, v = np.linalg.svd((target - aim).T @ (source - middle))
    flip = np.ones(len(strength))
    flip[-1] = np.sign(np.linalg.det(u @ v)) or 1.0  # no mirror images
    rotation, factor = (u * flip) @ v, float((strength * flip).sum() / spread)
    return np.asarray((points_J3 - middle) @ rotation.T * factor + aim)


def bone_lengths(points_NJ3: NDArray[np.floating], bones_B2: Sequence[tuple[int, int]]) -> Floats:
    """[N, B]; NaN where an end is missing."""
    points = np.asarray(points_NJ3, np.float64)
    pairs = np.asarray(bones_B2, np.int64).reshape(-1, 2)
    gap = points[:, pairs[:, 0]] - points[:, pairs[:, 1]]
    return np.asarray(np.linalg.norm(gap, axis=-1))


def bone_variation(
    points_NJ3: NDArray[np.floating], bones_B2: Sequence[tuple[int, int]]
) -> tuple[Floats, float]:
    """One body over N frames: (standard deviation over mean of each bone, their mean).

    A bone seen in fewer than two frames is NaN.
    """
    lengths = bone_lengths(points_NJ3, bones_B2)
    count = np.isfinite(lengths).sum(axis=0)
    mean = masked_mean(lengths, np.isfinite(lengths), axis=0)
    spread = np.sqrt(masked_mean((lengths - mean) ** 2, np.isfinite(lengths), axis=0))
    share_B = np.where(count >= 2, spread / np.where(mean > 0, mean, np.nan), np.nan)
    return share_B, float(np.nanmean(share_B)) if np.isfinite(share_B).any() else float("nan")
