"""Left taken for right: the swap rate, by roll and posture, and mirror equivariance.

Shapes: N people, J joints, P left-right pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.metrics.oks import Floats, distances
from posealign.skeletons.skeleton import Skeleton

APART = 0.1  # of the person's size: pairs closer together tell nothing


def pairs(skeleton: Skeleton) -> NDArray[np.int64]:
    """[P, 2]: each left joint with its right one."""
    swap = skeleton.swap_J
    own = np.arange(len(swap))
    return np.stack([own, swap], axis=1)[own < swap]


def swapped(
    points_NJ2: NDArray[np.floating],
    truth_NJ2: NDArray[np.floating],
    labelled_NJ: NDArray[np.bool_],
    size_N: NDArray[np.floating],
    pairs_P2: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """([N, P] swapped, [N, P] judged).

    A pair is judged where both joints are labelled, placed and lie apart; it is swapped where
    exchanging the two answers brings them nearer: the sum of both distances falls below half.
    """
    points, truth = np.asarray(points_NJ2, np.float64), np.asarray(truth_NJ2, np.float64)
    left, right = pairs_P2[:, 0], pairs_P2[:, 1]
    given = distances(points[:, left], truth[:, left])
    given = given + distances(points[:, right], truth[:, right])
    other = distances(points[:, right], truth[:, left])
    other = other + distances(points[:, left], truth[:, right])
    labelled = np.asarray(labelled_NJ, bool)
    apart = distances(truth[:, left], truth[:, right]) > APART * np.asarray(size_N)[:, None]
    judged = labelled[:, left] & labelled[:, right] & np.isfinite(given) & apart
    return judged & (other < 0.5 * given), judged


def swap_rate(
    swapped_NP: NDArray[np.bool_],
    judged_NP: NDArray[np.bool_],
    group_N: Sequence[object] | None = None,
) -> dict[str, float]:
    """The share of judged pairs that are swapped: `all`, and each group of people."""
    rates = {"all": _rate(swapped_NP, judged_NP)}
    if group_N is not None:
        groups = np.array([str(group) for group in group_N])
        for name in sorted(set(groups)):
            rates[str(name)] = _rate(swapped_NP[groups == name], judged_NP[groups == name])
    return rates


def _rate(swapped_NP: NDArray[np.bool_], judged_NP: NDArray[np.bool_]) -> float:
    return float(swapped_NP.sum() / judged_NP.sum()) if judged_NP.any() else float("nan")


def roll_of(truth_NJ2: NDArray[np.floating], names: Sequence[str]) -> Floats:
    """Degrees by which the trunk is turned from upright in the picture, clockwise; NaN unknown."""
    if not set(TORSO) <= set(names):
        return np.full(len(truth_NJ2), np.nan)
    four = np.asarray(truth_NJ2, np.float64)[:, [list(names).index(name) for name in TORSO]]
    up = four[:, :2].mean(axis=1) - four[:, 2:].mean(axis=1)
    return np.asarray(np.rad2deg(np.arctan2(up[:, 0], -up[:, 1])))


def roll_group(roll_N: NDArray[np.floating]) -> list[str]:
    """upright, tilted, lying across, upside down: 45° either side of the named directions."""
    names = []
    for angle in np.abs(np.asarray(roll_N, np.float64)):
        if np.isnan(angle):
            names.append("unknown")
        else:
            names.append("upright" if angle <= 45 else "across" if angle <= 135 else "upside_down")
    return names


def mirror_gap(
    points_NJ2: NDArray[np.floating],
    mirrored_NJ2: NDArray[np.floating],
    width_N: NDArray[np.floating],
    skeleton: Skeleton,
) -> Floats:
    """[N, J] pixels between an answer and the answer to the mirrored picture, mirrored back.

    The mirrored person's left joints are the person's right ones.
    """
    back = np.asarray(mirrored_NJ2, np.float64)[:, skeleton.swap_J].copy()
    back[..., 0] = np.asarray(width_N)[:, None] - 1 - back[..., 0]
    return distances(points_NJ2, back)
