"""Reading a text and its mirror image together: what holds for a left arm holds for a right one.

The text with its side words exchanged must mean the exchanged set. Where a mirror image exists,
the graph reads both and the logits are averaged, so that the two cannot contradict each other.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.decoding import Logits
from posealign.instructions.query import PREMISES, RELATIONS, SUBJECTS
from posealign.instructions.votes import TWINS
from posealign.skeletons.load import vocabulary


def averaged(out: Logits) -> dict[str, NDArray[np.float32]]:
    """Row 0 is the text, row 1 its mirror image; one row comes back."""
    orders = _orders()
    joined: dict[str, NDArray[np.float32]] = {}
    for name, rows in out.items():
        if name in ("text_tokens", "vector"):
            joined[name] = rows[:1]
            continue
        other = rows[1][orders[name]] if name in orders else rows[1]
        joined[name] = ((rows[0] + other) / 2)[None].astype(np.float32)
    return joined


@cache
def _orders() -> dict[str, NDArray[np.int64]]:
    """Head → where each class stands in the mirror."""
    swap_V = vocabulary().swap_J
    return {
        "asked": swap_V,
        "related": swap_V,
        "subject": _order(SUBJECTS),
        "relation": _order(("", *RELATIONS)),
        "premise": _order(("", *PREMISES)),
    }


def _order(names: tuple[str, ...]) -> NDArray[np.int64]:
    other = {a: b for pair in TWINS for a, b in (pair, pair[::-1])}
    return np.array([names.index(other.get(name, name)) for name in names])
