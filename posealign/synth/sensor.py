"""What a camera makes of the light: blur, noise, infra-red, mosaics; and depth sensors' errors.

Noise models by the facts (infant.yaml, depth_noise). Shapes: H, W picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def expose(rng: Rng, rgb: Image, infrared: bool) -> Image:
    """Exposure, white balance, vignette, blur, noise; grey and grainy in infra-red."""
    h, w = rgb.shape[:2]
    image: NDArray[Any] = rgb.astype(np.float32) / 255
    if infrared:
        # Cloth is bright and skin is pale in the near infra-red, and nothing has a colour.
        grey = image @ np.array([0.55, 0.3, 0.15], np.float32)
        low, high = np.percentile(grey, [1, 99])
        grey = np.clip((grey - low) / max(high - low, 0.1), 0, 1)
        image = np.repeat((0.06 + 0.82 * grey)[..., None], 3, 2)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    centre = rng.uniform(0.35, 0.65, 2) * [h, w]
    radius2 = ((y - centre[0]) / h) ** 2 + ((x - centre[1]) / w) ** 2
    falloff = rng.uniform(0.6, 1.8) if infrared else rng.uniform(0.0, 0.7)
    image /= 1 + falloff * radius2[..., None]
    gain = rng.uniform(0.75, 1.3)
    balance = np.ones(3) if infrared else np.exp(rng.normal(0, 0.05, 3))
    image = np.clip(image * (gain * balance).astype(np.float32), 0, 1) ** np.float32(
        rng.uniform(0.8, 1.2)
    )
    blur = (
        rng.choice([0.0, rng.uniform(0.3, 0.9), rng.uniform(0.9, 1.8)], p=[0.55, 0.37, 0.08])
        * w
        / 256
    )
    if blur > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(blur)))
    if rng.random() < 0.06:
        image = _motion_blur(rng, image)
    sigma = rng.uniform(0.008, 0.03) if infrared else rng.uniform(0.002, 0.02)
    grain = rng.standard_normal((h, w, 1 if infrared else 3), dtype=np.float32)
    image = image + np.float32(sigma) * grain * (0.5 + image)
    if rng.random() < 0.08:  # a small sensor
        factor = rng.uniform(0.35, 0.7)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))
    return np.asarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))


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
    z = depth_HW.astype(np.float64)
    noise = facts()["depth_noise"]
    normal_tilt = _tilt(z, focal)
    if sensor.kind == "kinect_v1":
        sigma = 0.0012 + 0.0019 * (z - 0.4) ** 2
    elif sensor.kind == "d435":
        table = noise["d435"]
        f = 0.5 * 848 / np.tan(np.deg2rad(table["hfov_deg"] / 2))
        sigma = z**2 * table["subpixel_px"] / (f * table["baseline_m"])
    else:
        sigma = np.full_like(z, noise["azure_kinect"]["std_max_m"] * 0.25)
    shape = z.shape
    soft = cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), 1.0) * 2.5  # errors are blotchy
    out = z + sigma * (0.6 * soft + 0.6 * rng.standard_normal(shape))
    # Sideways error: a sensor's edges wander by about a pixel.
    jump = cv2.dilate(z, np.ones((3, 3))) - cv2.erode(z, np.ones((3, 3))) > 0.06
    out[jump & (rng.random(shape) < 0.6)] = 0
    out[(normal_tilt > np.deg2rad(78)) & (rng.random(shape) < 0.5)] = 0
    if dark_HW is not None:
        out[dark_HW & (rng.random(shape) < 0.35)] = 0
    out[rng.random(shape) < 0.002] = 0
    out[(z < sensor.nearest) | (z > sensor.farthest)] = 0
    return np.clip(np.rint(out * 1000), 0, 65535).astype(np.uint16)


def _tilt(z: NDArray[np.float64], focal: float) -> NDArray[np.float64]:
    """The angle between surface and ray, by depth differences."""
    gy, gx = np.gradient(z)
    slope = np.hypot(gx, gy) * focal / np.maximum(z, 1e-3)
    return np.asarray(np.arctan(slope))
