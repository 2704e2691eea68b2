"""A labelled picture: what every source yields and everything else consumes.

Joints are in vocabulary order. Shapes: V vocabulary joints, P people; H, W picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.errors import InvalidInput
from posealign.skeletons.load import vocabulary


@dataclass(frozen=True)
class Person:
    """One labelled person; NaN where there is no place, UNLABELLED where nobody looked."""

    points_V2: NDArray[np.float32]
    states_V: NDArray[np.int8]
    box: tuple[float, float, float, float]  # x, y, width, height in pixels
    points_V3: NDArray[np.float32] | None = None  # metres, camera frame (x right, y down, z away)
    hidden_by_V: NDArray[np.int8] | None = None  # index into HIDERS for occluded joints, else -1
    role: str | None = None  # infant | adult
    posture: str | None = None  # one of query.PREMISES
    age_months: float | None = None
    area: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # contacts, angles: see the source

    def __post_init__(self) -> None:
        count = len(vocabulary())
        if self.points_V2.shape != (count, 2) or self.states_V.shape != (count,):
            raise InvalidInput(
                f"a person has points ({count}, 2) and states ({count},); "
                f"got {self.points_V2.shape} and {self.states_V.shape}"
            )
        placed = self.states_V >= State.OCCLUDED
        if not np.isfinite(self.points_V2[placed]).all():
            raise InvalidInput("a visible or occluded joint has no place")


HIDERS = ("self", "blanket", "clothing", "caregiver", "object", "other")


@dataclass(frozen=True)
class Sample:
    """`key` is stable and unique within its source."""

    key: str
    image_HW3: NDArray[np.uint8]
    people: tuple[Person, ...]
    source: str
    depth_HW: NDArray[np.float32] | None = None  # metres; 0 where unknown
    intrinsics: tuple[float, float, float, float] | None = None  # fx, fy, cx, cy
    facts: Mapping[str, Any] = field(default_factory=dict)
