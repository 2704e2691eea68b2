"""Parts as masks: one for each scope, and all that have a name.

Shapes: C candidates, V vocabulary joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.parts import PAIRED, PARTS, joints_of
from posealign.instructions.query import Except, Part, Scope
from posealign.instructions.sets import as_mask, meant
from posealign.skeletons.load import vocabulary

Mask = NDArray[np.bool_]


@lru_cache(maxsize=65536)
def mask_of(scope: Scope) -> Mask:
    return as_mask(meant(scope))


@dataclass(frozen=True)
class Named:
    """The same masks twice, and which share of COCO's joints each has."""

    masks_CV: Mask
    float_CV: NDArray[np.float64]
    size_C: NDArray[np.float64]


@cache
def named_parts() -> Named:
    """Every part there is, on every side, and all but it."""
    scopes: list[Scope] = []
    for name in sorted(PARTS):
        if name.startswith("face_"):
            continue  # single points of a face are never meant without being named
        sides: tuple[str | None, ...] = (None, "left", "right") if name in PAIRED else (None,)
        for side in sides:
            scopes += [Part(name, side), Except(Part("all"), Part(name, side))]  # type: ignore[arg-type]
    masks_CV = np.unique(np.stack([mask_of(scope) for scope in scopes]), axis=0)
    masks_CV = masks_CV[masks_CV.any(axis=1)]
    return Named(masks_CV, masks_CV.astype(np.float64), masks_CV[:, :17].mean(1))


@cache
def paired_parts() -> Mask:
    return np.stack([as_mask(joints_of(name)) for name in sorted(PAIRED)])


@cache
def wholes() -> Mask:
    rows = [as_mask(joints_of(name)) for name in sorted(PARTS)]
    rows += [
        as_mask(joints_of(name, side)) for name in sorted(PAIRED) for side in ("left", "right")
    ]
    return np.stack(rows)


@cache
def shares() -> NDArray[np.float64]:
    """Points of one part share one vote, as in training."""
    names = vocabulary().names
    keys = [_crowd(name) for name in names]
    return np.array([1 / keys.count(key) for key in keys])


def _crowd(name: str) -> str:
    if name.startswith("face_"):
        number = int(name.split("_")[1])
        bounds = ((17, "jaw"), (22, "brow"), (27, "brow2"), (36, "nose"), (48, "lid"))
        return next((key for end, key in bounds if number < end), "mouth")
    return name[:-1] if name[-1].isdigit() and "spine" not in name else name
