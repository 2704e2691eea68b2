"""What is to be drawn: figures, cloths, solids, a lamp and a camera, as plain data.

Pixels: x right, y down, the centre of the top-left one is (0, 0). Camera frame: x right, y down,
z away; metres. Shapes: H, W picture; N template vertices; C vertices along an edge of cloth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from posealign.synth.body import BONES
from posealign.synth.surface import Floats, cross

CLOTH = 44  # vertices along an edge of blanket and sheet
NEAR, FAR = 0.06, 14.0
# What a pixel of the parts picture shows: bones of the first figure from 1, of the second from 16.
SECOND = 1 + len(BONES)
ROOM_CODE, BED, BLANKET, OBJECT = 0, 40, 41, 42


@dataclass(frozen=True)
class Camera:
    """Where it stands; `R` has the camera's axes (right, down, away) as rows, in the world."""

    position: Floats
    R: Floats
    focal: float  # pixels
    width: int
    height: int

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        return self.focal, self.focal, (self.width - 1) / 2, (self.height - 1) / 2

    def to_camera(self, points_N3: Floats) -> Floats:
        return np.asarray((points_N3 - self.position) @ self.R.T)

    def project(self, camera_N3: Floats) -> Floats:
        fx, fy, cx, cy = self.intrinsics
        z = np.where(np.abs(camera_N3[:, 2]) < 1e-6, 1e-6, camera_N3[:, 2])
        return np.stack([fx * camera_N3[:, 0] / z + cx, fy * camera_N3[:, 1] / z + cy], 1)


@dataclass(frozen=True)
class Solid:
    """A box, ball, ellipsoid, capsule or cylinder; capsules run from `position` to `end`."""

    kind: str
    position: Floats
    size: tuple[float, float, float]
    colour: tuple[float, float, float]
    R: Floats = field(default_factory=lambda: np.eye(3))
    end: Floats | None = None
    code: int = OBJECT
    shine: float = 0.2


@dataclass(frozen=True)
class Cloth:
    vertices_CC3: Floats
    texture: NDArray[np.uint8]


@dataclass(frozen=True)
class Figure:
    vertices_N3: Floats
    normals_N3: Floats
    texture: NDArray[np.uint8]


@dataclass(frozen=True)
class Light:
    position: Floats
    target: Floats
    key: float
    ambient: float
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shadow: float = 0.5
    softness: float = 1.5
    fill: float = 0.28  # of the key, from the sky
    falloff: float = 0.0  # the power of the distance by which light from the camera fades


@dataclass(frozen=True)
class Stage:
    """All there is to draw."""

    figures: tuple[Figure, ...]
    sheet: Cloth
    floor: NDArray[np.uint8]
    floor_z: float
    room: float
    light: Light
    camera: Camera
    blanket: Cloth | None = None
    solids: tuple[Solid, ...] = ()


@dataclass(frozen=True)
class Rendered:
    rgb_HW3: NDArray[np.uint8]
    depth_HW: NDArray[np.float32]
    parts_HW: NDArray[np.uint8]


def look_at(position: Floats, target: Floats, roll: float) -> Floats:
    """Rows right, down, away; roll in radians turns the picture clockwise."""
    away = (target - position) / np.linalg.norm(target - position)
    up = np.array([0.0, 1.0, 0.0]) if abs(away[2]) > 0.98 else np.array([0.0, 0.0, 1.0])
    right = cross(away, up)
    right /= np.linalg.norm(right)
    down = cross(away, right)
    cos, sin = np.cos(roll), np.sin(roll)
    return np.stack([cos * right - sin * down, sin * right + cos * down, away])


def grid_normals(v_CC3: Floats) -> Floats:
    du, dv = np.gradient(v_CC3, axis=0), np.gradient(v_CC3, axis=1)
    n = cross(du, dv)
    return np.asarray(n / np.maximum(np.linalg.norm(n, axis=-1, keepdims=True), 1e-12))
