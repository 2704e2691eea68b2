"""How far joints go, by age: the limits of the angles in angles.py.

Those angles have no sign (0° to 180°), so a lower limit means something only where a limb that is
too straight is unusual: young infants do not stretch elbows and knees fully.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy import facts
from posealign.anatomy.angles import ANGLES
from posealign.errors import InvalidInput, nearest

HINGES = ("elbow_flexion", "knee_flexion")


@lru_cache(maxsize=1024)
def limits(name: str, age_months: float = 6.0, kind: str = "hard") -> tuple[float, float]:
    """Degrees (low, high) of an angle of angles.py; `kind` is hard or soft."""
    if name not in ANGLES:
        raise InvalidInput(f"no angle is called {name!r}{nearest(name, ANGLES)}")
    dof = ANGLES[name].limit
    low, high = facts.motion_range(dof, kind, age_months)
    return (max(low, 0.0) if dof in HINGES else 0.0), high


def limits_by_age(
    names: Sequence[str], age_N: NDArray[np.floating], kind: str = "soft"
) -> NDArray[np.float64]:
    """[N, A, 2] degrees; an unknown age (NaN) takes the widest of all ages."""
    rows = []
    for age in np.asarray(age_N, np.float64):
        if np.isfinite(age):
            rows.append([limits(name, float(age), kind) for name in names])
            continue
        young, old = ([limits(name, a, kind) for name in names] for a in (1.0, 6.0))
        rows.append([(min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(young, old, strict=True)])
    return np.array(rows, np.float64).reshape(len(rows), len(names), 2)
