"""A skeleton's labels ↔ the vocabulary's. Shapes: J joints of the skeleton, V of the vocabulary."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary

Box = tuple[float, float, float, float]


@cache
def direct(name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the skeleton that are one vocabulary joint, and which; means cannot be undone."""
    skeleton, words = load_skeleton(name), vocabulary()
    pairs = [
        (row, words.index(joint.sources[0][0]))
        for row, joint in enumerate(skeleton.joints)
        if len(joint.sources) == 1
    ]
    rows, joints = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return rows, joints


def to_vocabulary(
    name: str, points_J2: NDArray[np.floating], states_J: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Joints that nobody looked at, or that were not placed, have no place afterwards."""
    rows, joints = direct(name)
    points_V2 = np.full((len(vocabulary()), 2), np.nan, np.float32)
    states_V = np.full(len(vocabulary()), State.UNLABELLED, np.int8)
    states_V[joints] = states_J[rows]
    placed = states_J[rows] >= State.OCCLUDED
    points_V2[joints[placed]] = points_J2[rows[placed]]
    return points_V2, states_V


def of_skeleton(name: str, person: Person) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """A person's labels as the skeleton has them; means of labelled joints are made."""
    matrix_JV = load_skeleton(name).matrix_JV(vocabulary())
    used_JV = matrix_JV > 0
    placed_V = person.states_V >= State.OCCLUDED
    made_J = used_JV.any(axis=1) & ~(used_JV & ~placed_V).any(axis=1)
    points_J2 = np.full((len(matrix_JV), 2), np.nan)
    points_J2[made_J] = matrix_JV[made_J] @ np.where(placed_V[:, None], person.points_V2, 0)
    # A mean is as visible as its least visible part.
    states_JV = np.where(used_JV, person.states_V, State.VISIBLE)
    states_J = np.where(used_JV.any(axis=1), states_JV.min(axis=1), State.UNLABELLED)
    return points_J2, states_J.astype(np.int8)


def box_of_points(
    points_N2: NDArray[np.floating], size: tuple[int, int], margin: float = 0.1
) -> Box | None:
    """The box around the finite points, widened by a share of its longer side, in the picture."""
    points_N2 = points_N2[np.isfinite(points_N2).all(axis=1)]
    if len(points_N2) == 0:
        return None
    low, high = points_N2.min(axis=0), points_N2.max(axis=0)
    edge = max(float((high - low).max()) * margin, 1.0)
    left, top = np.maximum(low - edge, 0)
    right, bottom = np.minimum(high + edge, (size[0] - 1, size[1] - 1))
    if right <= left or bottom <= top:
        return None
    return float(left), float(top), float(right - left), float(bottom - top)
