"""The executed reading of a relation: the code that makes gold answers, on a predicted pose.

Shapes: K placed joints, V vocabulary joints.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.answer import Placed
from posealign.data.pose import State
from posealign.data.sample import HIDERS, Person
from posealign.instructions.parts import PAIRED, PARTS, joints_of
from posealign.instructions.query import CHOOSING, Part, Related
from posealign.instructions.relations import Choice, choose
from posealign.people import Box
from posealign.skeletons.load import vocabulary


def related(relation: str, joints: frozenset[str], person: Person, size: tuple[int, int]) -> Choice:
    """Which of the joints under a relation the picture keeps."""
    return choose(Related(relation, _part_of(relation, joints)), person, size)


@cache
def _part_of(relation: str, joints: frozenset[str]) -> Part:
    """The part that these joints are (the best overlap; a relation among sides wants both)."""
    names = PAIRED if relation in CHOOSING else PARTS

    def overlap(name: str) -> float:
        own = joints_of(name)
        return len(own & joints) / max(len(own | joints), 1)

    return Part(max(sorted(names), key=overlap))


def as_person(placed: Placed, box: Box) -> Person:
    """A predicted pose in the form labels have. Space is in metres where depth gave it, else in
    torso lengths as the picture shows them (no perspective).
    """
    count = len(vocabulary())
    points_V2 = np.full((count, 2), np.nan, np.float32)
    points_V3 = np.full((count, 3), np.nan, np.float32)
    states_V = np.full(count, State.UNLABELLED, np.int8)
    index = [vocabulary().index(name) for name in placed.names]
    points_V2[index] = placed.points_K2
    states_V[index] = placed.states_K
    if placed.positions_K3 is not None:
        points_V3[index] = placed.positions_K3
    else:
        torso = torso_pixels(points_V2)
        points_V3[index, :2] = placed.points_K2 / torso
        points_V3[index, 2] = placed.z_K
    hidden_V = None
    if placed.hidden_by_K is not None:
        hidden_V = np.full(count, -1, np.int8)
        hidden_V[index] = [
            HIDERS.index(hider) if hider is not None and state == State.OCCLUDED else -1
            for hider, state in zip(placed.hidden_by_K, placed.states_K.tolist(), strict=True)
        ]
    return Person(points_V2, states_V, box, points_V3, hidden_V)


def torso_pixels(points_V2: NDArray[np.float32]) -> float:
    index = vocabulary().index
    shoulders = points_V2[[index("left_shoulder"), index("right_shoulder")]].mean(axis=0)
    hips = points_V2[[index("left_hip"), index("right_hip")]].mean(axis=0)
    length = float(np.linalg.norm(shoulders - hips))
    return length if np.isfinite(length) and length > 1 else 1.0
