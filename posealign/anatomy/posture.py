"""Posture from placed joints, for a camera that looks down on the person.

Only what two-dimensional joints can tell: which side of the trunk faces the camera. Sitting,
standing and being held need the scene and are never claimed here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO

WIDE = 0.3  # shoulder plus hip width over torso length from which the trunk is seen flat
NARROW = 0.22  # and below which it is seen from the side

Points = Mapping[str, NDArray[np.floating] | tuple[float, float]]


def trunk_width(points: Points) -> float | None:
    """Signed mean width of shoulders and hips over torso length: positive when the front faces
    the camera, negative when the back does. None where a corner is missing.
    """
    if not all(name in points for name in TORSO):
        return None
    left_shoulder, right_shoulder, left_hip, right_hip = (
        np.asarray(points[name], np.float64) for name in TORSO
    )
    up = (left_shoulder + right_shoulder - left_hip - right_hip) / 2
    torso = float(np.linalg.norm(up))
    if torso < 1e-6:
        return None
    across = (left_shoulder - right_shoulder + left_hip - right_hip) / 2
    return float((up[0] * across[1] - up[1] * across[0]) / torso**2)


def lying_posture(points: Points) -> str | None:
    """supine, prone or lateral; None where the joints do not tell."""
    width = trunk_width(points)
    if width is None or NARROW < abs(width) < WIDE:
        return None
    if abs(width) <= NARROW:
        return "lateral"
    return "supine" if width > 0 else "prone"
