"""A person lying in a picture, made by hand: every relation has a known answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.skeletons.load import vocabulary

SIZE = (200.0, 200.0)
# On its back, head up in the picture; its left is the picture's right.
PLACES = {
    "nose": (100, 30, 1.0), "left_eye": (105, 25, 1.0), "right_eye": (95, 25, 1.0),
    "left_ear": (112, 30, 1.02), "right_ear": (88, 30, 1.02),
    "left_shoulder": (125, 60, 1.0), "right_shoulder": (75, 60, 1.0),
    "left_elbow": (150, 40, 1.0), "right_elbow": (55, 85, 1.0),
    "left_wrist": (150, 10, 0.9), "right_wrist": (50, 115, 1.0),
    "left_hip": (115, 120, 1.0), "right_hip": (85, 120, 1.0),
    "left_knee": (120, 150, 1.0), "right_knee": (60, 130, 0.95),
    "left_ankle": (122, 185, 1.0), "right_ankle": (80, 150, 0.9),
}  # fmt: skip


def lying(**changes: Any) -> Person:
    count = len(vocabulary())
    points_V2 = np.full((count, 2), np.nan, np.float32)
    points_V3 = np.full((count, 3), np.nan, np.float32)
    states_V = np.full(count, State.ABSENT, np.int8)
    for name, (x, y, z) in PLACES.items():
        at = vocabulary().index(name)
        points_V2[at] = x, y
        points_V3[at] = (x - 100) / 300, (y - 100) / 300, z
        states_V[at] = State.VISIBLE
    given: dict[str, Any] = {
        "points_V2": points_V2, "states_V": states_V, "box": (40.0, 5.0, 120.0, 190.0),
        "points_V3": points_V3, "role": "infant", "posture": "supine",
    }  # fmt: skip
    return Person(**{**given, **changes})
