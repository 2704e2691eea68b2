"""From picture places and relative depths to points in space, in trunk lengths.

Weak perspective: the scale is the one at which the trunk is one unit long.
Shapes: N poses, J joints.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import HIPS, SHOULDERS

LEAST_ACROSS = 0.05  # of the squared trunk seen across: one that points at the camera has no scale


def torso_units(
    points_NJ2: NDArray[np.floating], z_NJ: NDArray[np.floating], names: Sequence[str]
) -> NDArray[np.float64]:
    """[N, J, 3]: pixels and depths (trunk lengths from the mid-hip) → space."""
    order = list(names)
    points, z = np.asarray(points_NJ2, np.float64), np.asarray(z_NJ, np.float64)
    upper, lower = ([order.index(name) for name in ends] for ends in (SHOULDERS, HIPS))
    flat = np.linalg.norm(points[:, upper].mean(1) - points[:, lower].mean(1), axis=-1)
    deep = z[:, upper].mean(1) - z[:, lower].mean(1)
    across = np.sqrt(np.maximum(1 - deep**2, LEAST_ACROSS))
    scale = across / np.maximum(flat, 1e-6)
    return np.concatenate([points * scale[:, None, None], z[..., None]], axis=-1)
