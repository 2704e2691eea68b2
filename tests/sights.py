"""People as the graphs would have seen them, without running any."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posealign.data.crop import Crop
from posealign.people import Box, Seen, Sight


def seen(
    state_V3: NDArray[np.float32],
    size: tuple[int, int] = (192, 256),
    box: Box = (0.0, 0.0, 192.0, 256.0),
    turns: tuple[float, ...] = (0.0,),
) -> Seen:
    """Somebody in a picture of this size, of whom every sight says the same."""
    nothing = np.zeros((1, 1, 1), np.float32)
    crops = [Crop.of_box(box, (192, 192), turn) for turn in turns]
    sights = tuple(Sight(crop, nothing, nothing, {"state": state_V3}) for crop in crops)
    return Seen(box, 1.0, None, size, sights)
