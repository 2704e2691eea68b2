"""PCK: the share of joints closer than a fraction of the person's size.

Shapes: N people, J joints, T thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.metrics.oks import Floats, distances

THRESHOLDS = (0.05, 0.1, 0.2)


def hits(
    points_NJ2: NDArray[np.floating],
    truth_NJ2: NDArray[np.floating],
    size_N: NDArray[np.floating],
    threshold: float,
) -> NDArray[np.bool_]:
    """[N, J]: closer than threshold · size. A joint without a place is no hit."""
    gap = distances(points_NJ2, truth_NJ2)
    return np.nan_to_num(gap, nan=np.inf) < threshold * np.asarray(size_N)[:, None]


def pck(
    points_NJ2: NDArray[np.floating],
    truth_NJ2: NDArray[np.floating],
    labelled_NJ: NDArray[np.bool_],
    size_N: NDArray[np.floating],
    threshold: float,
) -> tuple[Floats, float]:
    """(per joint, mean over joints), as mmpose's `keypoint_pck_accuracy`.

    People without a positive size are left out; a joint nobody labelled is NaN and not in the mean.
    """
    size = np.asarray(size_N, np.float64)
    counted = np.asarray(labelled_NJ, bool) & (np.nan_to_num(size) > 0)[:, None]
    hit = hits(points_NJ2, truth_NJ2, np.nan_to_num(size), threshold) & counted
    count_J = counted.sum(axis=0)
    share_J = np.where(count_J > 0, hit.sum(axis=0) / np.maximum(count_J, 1), np.nan)
    labelled = share_J[count_J > 0]
    return share_J, float(labelled.mean()) if len(labelled) else float("nan")


def pooled_pck(
    points_NJ2: NDArray[np.floating],
    truth_NJ2: NDArray[np.floating],
    labelled_NJ: NDArray[np.bool_],
    size_N: NDArray[np.floating],
    thresholds: Sequence[float] = THRESHOLDS,
) -> Floats:
    """[N, T]: each person's share of joints; average it over people for a table."""
    size = np.asarray(size_N, np.float64)
    counted = np.asarray(labelled_NJ, bool) & (np.nan_to_num(size) > 0)[:, None]
    count = counted.sum(axis=1)
    columns = [
        (hits(points_NJ2, truth_NJ2, np.nan_to_num(size), t) & counted).sum(axis=1)
        for t in thresholds
    ]
    share = np.stack(columns, axis=1) / np.maximum(count, 1)[:, None]
    return np.where(count[:, None] > 0, share, np.nan)


def torso_size(
    truth_NJ2: NDArray[np.floating], names: Sequence[str], labelled_NJ: NDArray[np.bool_]
) -> Floats:
    """Mid-shoulder to mid-hip in pixels; NaN where a corner is not labelled."""
    if not set(TORSO) <= set(names):
        return np.full(len(truth_NJ2), np.nan)
    index = [list(names).index(name) for name in TORSO]
    known = np.asarray(labelled_NJ, bool)[:, index].all(axis=1)
    four = np.asarray(truth_NJ2, np.float64)[:, index]
    length = np.linalg.norm(four[:, :2].mean(axis=1) - four[:, 2:].mean(axis=1), axis=-1)
    return np.where(known, length, np.nan)


def head_size(
    truth_NJ2: NDArray[np.floating], names: Sequence[str], labelled_NJ: NDArray[np.bool_]
) -> Floats:
    """Neck to the top of the head, as LSP's PCKh; NaN where either is not labelled."""
    ends = ("neck", "head_top")
    if not set(ends) <= set(names):
        return np.full(len(truth_NJ2), np.nan)
    index = [list(names).index(name) for name in ends]
    known = np.asarray(labelled_NJ, bool)[:, index].all(axis=1)
    two = np.asarray(truth_NJ2, np.float64)[:, index]
    return np.where(known, np.linalg.norm(two[:, 0] - two[:, 1], axis=-1), np.nan)


def box_size(boxes_N4: NDArray[np.floating]) -> Floats:
    """The longer side of the box."""
    return np.asarray(np.asarray(boxes_N4, np.float64)[:, 2:].max(axis=1), np.float64)
