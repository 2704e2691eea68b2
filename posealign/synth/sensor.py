"""What a camera makes of the light: blur, noise, infra-red, mosaics; and depth sensors' errors.

Noise models by the facts (infant.yaml, depth_noise). Shapes: H, W picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.facts import facts

Rng = np.random.Generator
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Sensor:
    """`infrared`: a night picture without colour. Ranges of depth in metres."""

    name: str
    kind: str  # kinect_v1 | d435 | azure_kinect
    nearest: float
    farthest: float
    hfov_deg: float


SENSORS = {
    "train": (
        Sensor("kinect-like", "kinect_v1", 0.4, 4.0, 57),
        Sensor("d435-like", "d435", 0.2, 5.0, 69),
        Sensor("azure-like", "azure_kinect", 0.25, 3.9, 75),
        Sensor("phone", "d435", 0.2, 5.0, 50),
    ),
    "test": (
        Sensor("asus-like", "kinect_v1", 0.45, 3.8, 62),
        Sensor("d455-like", "d435", 0.3, 5.0, 81),
        Sensor("phone-wide", "azure_kinect", 0.25, 3.5, 44),
    ),
}


_TILE = 1 << 21


@cache
def _tile(kind: str) -> NDArray[np.float32]:
    """A long strip of noise; pictures take a piece from somewhere, for drawing it anew is slow."""
    rng = np.random.default_rng([5, ("normal", "uniform", "blotchy").index(kind)])
    if kind == "uniform":
        return rng.random(_TILE, dtype=np.float32)
    strip = rng.standard_normal(_TILE, dtype=np.float32)
    if kind == "blotchy":  # depth errors hang together over a few pixels
        square = strip.reshape(1 << 10, 1 << 11)
        return np.asarray(cv2.GaussianBlur(square, (0, 0), 1.0) * np.float32(2.5))
    return strip


def noise(rng: Rng, kind: str, *shape: int) -> NDArray[np.float32]:
    """`normal`, `uniform` (0 … 1) or `blotchy` noise; not to be written to."""
    tile = _tile(kind)
    if kind == "blotchy":
        y, x = (int(rng.integers(max(1, tile.shape[k] - shape[k] + 1))) for k in (0, 1))
        piece = tile[y : y + shape[0], x : x + shape[1]]
        return piece if piece.shape == shape else np.resize(tile, shape)
    size = int(np.prod(shape))
    start = int(rng.integers(max(1, _TILE - size + 1)))
    piece = tile[start : start + size]
    return (piece if len(piece) == size else np.resize(tile, size)).reshape(shape)


def expose(rng: Rng, rgb: Image, infrared: bool, grain: Rng | None = None) -> Image:
    """Exposure, white balance, vignette, blur, noise; grey and grainy in infra-red. `grain`: dice
    for the noise alone, which changes from frame to frame of a clip while the camera does not.
    """
    h, w = rgb.shape[:2]
    centre = rng.uniform(0.35, 0.65, 2).astype(np.float32)
    y = (np.arange(h, dtype=np.float32)[:, None] / h - centre[0]) ** 2
    x = (np.arange(w, dtype=np.float32) / w - centre[1]) ** 2
    falloff = rng.uniform(0.6, 1.8) if infrared else rng.uniform(0.0, 0.7)
    gain = rng.uniform(0.75, 1.3) * (1.0 if infrared else _exposure(rgb))
    balance = np.ones(3) if infrared else np.exp(rng.normal(0, 0.05, 3))
    gamma = rng.uniform(0.8, 1.2)
    light = _by_night(rgb) if infrared else rgb
    # What the light becomes, by a table of its 256 values, and the lens's vignette.
    table = np.minimum(gain * balance * (np.arange(256) / 255)[:, None], 1) ** gamma
    lens = cv2.pow(1 + np.float32(falloff) * (y + x), -gamma)
    image: NDArray[np.float32] = np.asarray(cv2.LUT(light, table[None].astype(np.float32)))
    image *= lens[..., None]
    blur = (
        rng.choice([0.0, rng.uniform(0.3, 0.9), rng.uniform(0.9, 1.8)], p=[0.55, 0.37, 0.08])
        * w
        / 256
    )
    if blur > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(blur)))
    if rng.random() < 0.06:
        image = _motion_blur(rng, image)
    sigma = np.float32(0.5 * rng.uniform(0.008, 0.03) if infrared else rng.uniform(0.002, 0.02))
    speckle = noise(grain or rng, "normal", h, w, 1 if infrared else 3) * sigma
    image = image + speckle * (np.float32(0.5) + image)
    if rng.random() < 0.08:  # a small sensor
        factor = rng.uniform(0.35, 0.7)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))
    np.multiply(image, np.float32(255), out=image)
    return np.asarray(cv2.convertScaleAbs(np.maximum(image, 0, out=image)), np.uint8)


def _by_night(rgb: Image) -> Image:
    """One channel; its gain is set by what lies in the middle, and highlights bend over."""
    grey = cv2.transform(rgb, np.array([[0.55, 0.3, 0.15]], np.float32))
    h, w = grey.shape
    middle = float(grey[h // 4 : -(h // 4) : 4, w // 4 : -(w // 4) : 4].mean()) / 255
    light = np.arange(256) / 255 * (0.52 / max(middle, 0.05))
    table = np.minimum(255 * (1.02 - np.exp(-1.6 * light)), 255)
    return np.asarray(cv2.merge([cv2.LUT(grey, table.astype(np.uint8))] * 3), np.uint8)


def _exposure(rgb: Image) -> float:
    """What an automatic exposure makes of a scene: most of the way to a middle grey."""
    middle = float(rgb[::6, ::6].mean()) / 255
    return float(np.clip((0.50 / max(middle, 0.02)) ** 0.8, 0.9, 2.2))


def _motion_blur(rng: Rng, image: NDArray[np.float32]) -> NDArray[np.float32]:
    length = int(rng.integers(3, 9))
    kernel = np.zeros((length, length), np.float32)
    turn = rng.uniform(0, np.pi)
    half = (length - 1) / 2
    for step in np.linspace(-half, half, 4 * length):
        kernel[round(half + step * np.sin(turn)), round(half + step * np.cos(turn))] = 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.float32)


def mosaic(rgb: Image, box: tuple[float, float, float, float]) -> Image:
    """Blocks over a face, as published hospital pictures carry."""
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = round(box[0] + box[2]), round(box[1] + box[3])
    patch = rgb[y0:y1, x0:x1]
    if patch.size == 0 or min(patch.shape[:2]) < 4:
        return rgb
    out = rgb.copy()
    small = cv2.resize(patch, (5, 5), interpolation=cv2.INTER_AREA)
    out[y0:y1, x0:x1] = cv2.resize(small, patch.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return out


def measure(
    rng: Rng,
    depth_HW: NDArray[np.float32],
    sensor: Sensor,
    focal: float,
    dark_HW: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint16]:
    """Millimetres as the sensor would give them; 0 where it knows nothing."""
    z = depth_HW.astype(np.float32, copy=False)
    table, shape = facts()["depth_noise"], z.shape
    if sensor.kind == "kinect_v1":
        sigma = 0.0012 + np.float32(0.0019) * (z - np.float32(0.4)) ** 2
    elif sensor.kind == "d435":
        row = table["d435"]
        f = 0.5 * 848 / np.tan(np.deg2rad(row["hfov_deg"] / 2))
        sigma = z**2 * np.float32(row["subpixel_px"] / (f * row["baseline_m"]))
    else:
        sigma = np.full_like(z, table["azure_kinect"]["std_max_m"] * 0.25)
    errors = noise(rng, "blotchy", *shape) + noise(rng, "normal", *shape)
    out = z + sigma * (np.float32(0.6) * errors)
    # Sideways error: a sensor's edges wander by about a pixel.
    window = np.ones((3, 3), np.uint8)
    jump = cv2.dilate(z, window) - cv2.erode(z, window) > 0.06
    chance = noise(rng, "uniform", *shape)
    out[jump & (chance < 0.6)] = 0
    out[_steep(z, focal) & (noise(rng, "uniform", *shape) < 0.5)] = 0
    if dark_HW is not None:
        out[dark_HW & (noise(rng, "uniform", *shape) < 0.35)] = 0
    out[noise(rng, "uniform", *shape) < 0.002] = 0
    out[(z < sensor.nearest) | (z > sensor.farthest)] = 0
    return np.asarray(np.clip(np.rint(out * np.float32(1000)), 0, 65535), np.uint16)


def _steep(z: NDArray[np.float32], focal: float) -> NDArray[np.bool_]:
    """More than 78 degrees between a surface's normal and the ray, by depth differences."""
    gy, gx = np.zeros_like(z), np.zeros_like(z)
    gy[1:-1] = z[2:] - z[:-2]
    gx[:, 1:-1] = z[:, 2:] - z[:, :-2]
    slope = (gx * gx + gy * gy) * np.float32((focal / 2) ** 2)
    return np.asarray(slope > z * z * np.float32(np.tan(np.deg2rad(78)) ** 2))
