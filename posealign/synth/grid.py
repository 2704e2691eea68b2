"""Square grids of vertices: cloths, floor and walls. Shapes: n vertices along an edge."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.synth.surface import Floats

ROOM = 12  # vertices along an edge of floor and walls


def grid_faces(n: int) -> NDArray[np.int64]:
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]
    return np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3),
                           np.stack([a, c, d], -1).reshape(-1, 3)])  # fmt: skip


def grid_uv(n: int) -> Floats:
    axis = np.linspace(0.002, 0.998, n)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)


@cache
def _square() -> tuple[Floats, Floats]:
    axis = np.linspace(-1, 1, ROOM)
    u, v = np.meshgrid(axis, axis, indexing="ij")
    return u.ravel(), v.ravel()


def room(half: float, floor_z: float) -> dict[str, tuple[Floats, tuple[float, float, float]]]:
    """Vertices of the floor and of walls 2.6 m high, and each one's normal, which looks inwards."""
    u, v = _square()
    across, up = u * half, floor_z + (v + 1) * 1.3
    level = np.full_like(u, floor_z)
    out = {"floor": (np.stack([across, v * half, level], -1), (0.0, 0.0, 1.0))}
    for k in range(4):
        cos, sin = float(np.cos(k * np.pi / 2)), float(np.sin(k * np.pi / 2))
        wall = np.stack([half * cos - across * sin, half * sin + across * cos, up], -1)
        out[f"wall{k}"] = (wall, (-cos, -sin, 0.0))
    return out
