"""Bones: which joints they join, and how long and thick they are for a trunk of length one.

Lengths and girths come from infant.yaml. Shapes: N poses, J joints, D 2 or 3 coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy import facts
from posealign.anatomy.angles import HIPS, SHOULDERS, SIDES

Floats = NDArray[np.float64]

BONES: Mapping[str, tuple[str, str]] = MappingProxyType({
    f"{side}_{bone}": (f"{side}_{start}", f"{side}_{end}")
    for side in SIDES
    for bone, start, end in (
        ("upper_arm", "shoulder", "elbow"),
        ("forearm", "elbow", "wrist"),
        ("thigh", "hip", "knee"),
        ("shank", "knee", "ankle"),
    )
})  # fmt: skip


@dataclass(frozen=True)
class Bone:
    """ln(length / trunk) and its standard deviation over 0 to 15 months; radius over trunk."""

    log_ratio: float
    spread: float
    radius: float


@cache
def expected(bone: str) -> Bone:
    """What is usual of a bone; left and right are alike."""
    table = facts.facts()["joint_centres_cm"]
    name = bone.removeprefix("left_").removeprefix("right_")
    torso = np.array(table["data"]["torso_midshoulder_midhip"])
    ratio = np.log(np.array(table["data"][f"{name}_jc"]) / torso)
    own = float(np.hypot(table["cv"][name], table["cv"]["torso"]))
    radius = np.array(table["data"][f"radius_{'calf' if name == 'shank' else name}"]) / torso
    return Bone(float(ratio.mean()), float(np.hypot(own, ratio.std())), float(radius.mean()))


def torso_length(points_NJD: NDArray[np.floating], names: Sequence[str]) -> Floats:
    """[N]: mid-shoulder to mid-hip; NaN where a corner is missing."""
    order = list(names)
    if not set(SHOULDERS + HIPS) <= set(order):
        return np.full(len(points_NJD), np.nan)
    points = np.asarray(points_NJD, np.float64)
    upper, lower = (points[:, [order.index(n) for n in ends]].mean(1) for ends in (SHOULDERS, HIPS))
    return np.asarray(np.linalg.norm(upper - lower, axis=-1), np.float64)


def asymmetry(lengths: Mapping[str, Floats], count: int) -> Floats:
    """[N]: the mean |ln(left / right)| of the bones; NaN where no pair is known."""
    gaps = [
        np.abs(np.log(np.maximum(lengths[f"left_{bone}"], 1e-9) / np.maximum(other, 1e-9)))
        for bone in ("upper_arm", "forearm", "thigh", "shank")
        if f"left_{bone}" in lengths and (other := lengths.get(f"right_{bone}")) is not None
    ]
    if not gaps:
        return np.full(count, np.nan)
    table = np.stack(gaps)
    known = np.isfinite(table)
    total = np.where(known, table, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
