"""Cloth laid over what lies beneath: a membrane that rests on the highest points and sags between.

Shapes: C vertices along an edge of the cloth; H, W cells of a height map.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.synth.surface import Floats

CELL = 0.012  # metres


@dataclass(frozen=True)
class HeightMap:
    """The highest points over a square of the mattress around `centre`."""

    height_HW: NDArray[np.float32]
    centre: Floats
    half: float

    def at(self, xy_N2: Floats) -> Floats:
        u = ((xy_N2 - self.centre[:2]) + self.half) / CELL
        flat = u.reshape(-1, 1, 2).astype(np.float32)
        values = cv2.remap(
            self.height_HW, flat[..., 1], flat[..., 0], cv2.INTER_LINEAR, borderValue=0.0
        )
        return np.asarray(values.reshape(xy_N2.shape[:-1]), dtype=np.float64)


def height_map(vertices_N3: Floats, half: float = 0.75) -> HeightMap:
    centre = vertices_N3.mean(0)
    size = round(2 * half / CELL)
    height = np.zeros((size, size), np.float32)
    cells = ((vertices_N3[:, :2] - centre[:2] + half) / CELL).astype(np.int64)
    inside = (cells >= 0).all(1) & (cells < size).all(1)
    np.maximum.at(height, tuple(cells[inside].T), vertices_N3[inside, 2].astype(np.float32))
    grown = cv2.dilate(height, np.ones((3, 3), np.float32))
    return HeightMap(np.asarray(grown, np.float32), centre, half)


def drape(
    rng: np.random.Generator,
    under: HeightMap,
    corner: Floats,
    along: Floats,
    across: Floats,
    count: int,
) -> Floats:
    """A rectangle of cloth [C, C, 3] from `corner` along two horizontal edges."""
    u = np.linspace(0, 1, count)
    a, b = np.meshgrid(u, u, indexing="ij")
    # Cloth never lies straight: its grid is warped a little, and more at its edges.
    wave = rng.uniform(0, 6, 4)
    a = (
        a
        + 0.012 * np.sin(2 * np.pi * (1.5 * b + wave[0]))
        + 0.01 * np.sin(2 * np.pi * (3 * b + wave[1]))
    )
    b = (
        b
        + 0.012 * np.sin(2 * np.pi * (1.4 * a + wave[2]))
        + 0.01 * np.sin(2 * np.pi * (2.7 * a + wave[3]))
    )
    xy = corner[:2] + a[..., None] * along[:2] + b[..., None] * across[:2]
    thick = rng.uniform(0.006, 0.016)
    floor = under.at(xy) + thick
    step = float(np.linalg.norm(along)) / count
    height = floor.copy()
    sag = 0.05 * step
    for _ in range(26):
        mean = cv2.blur(height, (3, 3), borderType=cv2.BORDER_REPLICATE)
        height = np.maximum(floor, mean - sag)
    folds = np.zeros_like(height)
    for _ in range(4):
        turn, length = rng.uniform(0, np.pi), rng.uniform(0.05, 0.16)
        way = (xy @ [np.cos(turn), np.sin(turn)]) / length * 2 * np.pi
        bend = 1.2 * np.sin((xy @ [-np.sin(turn), np.cos(turn)]) / 0.2 + rng.uniform(0, 6))
        folds += np.abs(np.sin(way / 2 + bend + rng.uniform(0, 6))) ** 3
    height = height + rng.uniform(0.003, 0.009) * folds
    return np.concatenate([xy, height[..., None]], -1)


def sheet(
    rng: np.random.Generator, half: tuple[float, float], centre: Floats, turn: float, count: int
) -> Floats:
    """A sheet on the mattress with shallow wrinkles that never rise through a body."""
    u = np.linspace(-1, 1, count)
    a, b = np.meshgrid(u * half[0], u * half[1], indexing="ij")
    cos, sin = np.cos(turn), np.sin(turn)
    xy = np.stack([a * cos - b * sin, a * sin + b * cos], -1) + centre[:2]
    z = np.zeros_like(a)
    for _ in range(4):
        way, length = rng.uniform(0, np.pi), rng.uniform(0.08, 0.4)
        bend = np.sin((xy @ [-np.sin(way), np.cos(way)]) / 0.25 + rng.uniform(0, 6))
        z -= np.abs(np.sin((xy @ [np.cos(way), np.sin(way)]) / length * np.pi + bend)) ** 2
    z = rng.uniform(0.0005, 0.0025) * z
    edge = np.minimum(half[0] - np.abs(a), half[1] - np.abs(b))
    z -= 0.06 * np.clip(1 - edge / 0.03, 0, 1) ** 2
    return np.concatenate([xy, z[..., None]], -1)
