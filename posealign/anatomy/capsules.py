"""Limbs as capsules: which pairs must not run through each other, and how far apart they are.

Infants cross their ankles and wrists, put hands to faces, hands and feet together: that costs
nothing. Crossed knees or elbows are rare and cost little; thighs and upper arms cannot share a
place. Shapes: N poses.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.bones import BONES, expected

Floats = NDArray[np.float64]
NEAR = 0.5  # of both radii together: closer segments interpenetrate
RARE = 0.25  # what a crossed knee or elbow costs of a full crossing


def _cost(one: str, other: str) -> float:
    """0: normal. Only bones that share no joint are asked about."""
    upper = sum(word in bone for bone in (one, other) for word in ("thigh", "upper_arm"))
    legs = all(word in ("thigh", "shank") for word in (_plain(one), _plain(other)))
    arms = all(word in ("upper_arm", "forearm") for word in (_plain(one), _plain(other)))
    if upper == 2:
        return 1.0
    # A thigh through the other leg's shank: crossed knees; the same of the arms: crossed elbows.
    return RARE if upper == 1 and (legs or arms) else 0.0


def _plain(bone: str) -> str:
    return bone.removeprefix("left_").removeprefix("right_")


COSTS: Mapping[tuple[str, str], float] = MappingProxyType({
    (one, other): _cost(one, other)
    for place, one in enumerate(BONES)
    for other in list(BONES)[place + 1 :]
    if not set(BONES[one]) & set(BONES[other]) and _cost(one, other) > 0
})  # fmt: skip
FORBIDDEN = tuple(pair for pair, cost in COSTS.items() if cost == 1.0)


def reach(one: str, other: str) -> float:
    """In trunk lengths: segments nearer than this interpenetrate."""
    return NEAR * (expected(one).radius + expected(other).radius)


def segment_distance(a_N3: Floats, b_N3: Floats, c_N3: Floats, d_N3: Floats) -> Floats:
    """[N]: the least distance between segments ab and cd."""
    u, v, w = b_N3 - a_N3, d_N3 - c_N3, a_N3 - c_N3
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    uw, vw = (u * w).sum(-1), (v * w).sum(-1)
    area = uu * vv - uv**2
    s = np.clip(np.where(area > 1e-12, (uv * vw - vv * uw) / np.maximum(area, 1e-12), 0.0), 0, 1)
    t = np.clip((uv * s + vw) / np.maximum(vv, 1e-12), 0, 1)
    s = np.clip((uv * t - uw) / np.maximum(uu, 1e-12), 0, 1)
    gap = w + s[..., None] * u - t[..., None] * v
    return np.asarray(np.linalg.norm(gap, axis=-1), np.float64)
