"""Painting a face and hair on the head's texture; places in centimetres of the head's design."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from posealign.synth.head import EYE, field
from posealign.synth.pattern import Fabric, noise, paint
from posealign.synth.surface import Floats

Rng = np.random.Generator
HAIR = (
    (0.12, 0.09, 0.08),
    (0.22, 0.15, 0.10),
    (0.38, 0.26, 0.16),
    (0.62, 0.48, 0.30),
    (0.50, 0.26, 0.14),
)
IRIS = (
    (0.20, 0.12, 0.07),
    (0.12, 0.09, 0.08),
    (0.30, 0.40, 0.50),
    (0.35, 0.30, 0.22),
    (0.25, 0.33, 0.30),
)


def hat_line(cm: Floats) -> Floats:
    """Positive where a hat lies: above the brows, over the ears, down to the nape."""
    y = cm[..., 1]
    return np.asarray(cm[..., 2] - np.where(y > 0, 2.2 + 0.08 * y, 2.2 + 0.55 * y))


def _hair_line(cm: Floats) -> Floats:
    y = cm[..., 1]
    return np.asarray(cm[..., 2] - np.where(y > -0.5, 3.3 + 0.3 * y, 3.15 + 0.95 * (y + 0.5)))


def _mix(image: Floats, colour: Floats | tuple[float, float, float], alpha: Floats) -> None:
    image += (np.asarray(colour) - image) * np.clip(alpha, 0, 1)[..., None]


def _soft(distance: Floats, width: float) -> Floats:
    """1 inside, 0 outside, over `width`."""
    return np.asarray(np.clip(0.5 - distance / width, 0, 1))


@cache
def _hollows() -> Floats:
    """How shut in each place of the head's texture is, 0 … 1: beside the nose, under lips and brow,
    inside ears. Nearby flesh is nearer than it would be over a flat face.
    """
    from posealign.synth.atlas import texels  # noqa: PLC0415

    cm = texels().head_cm
    points = cm.reshape(-1, 3)
    step, flat = 0.05, field(points)
    slope = np.stack([field(points + step * axis) - flat for axis in np.eye(3)], 1)
    outward = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
    shut = np.zeros(len(points))
    for far, weight in ((0.25, 0.5), (0.6, 0.35), (1.2, 0.15)):
        shut += weight * np.clip(1 - (field(points + far * outward) - flat) / far, 0, 1)
    return np.asarray(np.clip(shut / 0.45, 0, 1).reshape(cm.shape[:2]))


def paint_head(
    rng: Rng, base: Floats, skin: Floats, hat: Fabric | None, adult: bool = False
) -> Floats:
    """The head's cell of the texture, with eyes, brows, nostrils, mouth, ears, hair or a hat."""
    from posealign.synth.atlas import texels  # noqa: PLC0415

    cm = texels().head_cm
    image = base.copy()
    front = cm[..., 1] > 1.5
    # Light that gets into a hollow has been through skin: it comes out redder.
    image *= 1 - _hollows()[..., None] * np.array([0.42, 0.56, 0.60])
    x, z = cm[..., 0], cm[..., 2]
    red = np.array([skin[0] * 1.0, skin[1] * 0.72, skin[2] * 0.70])
    for m in (1, -1):
        blush = np.exp(-(((x - m * 2.6) / 1.4) ** 2 + ((z + 2.3) / 1.2) ** 2))
        _mix(image, red, 0.45 * blush * front)
        inner = np.exp(-((cm[..., 1] + 0.2) ** 2 + ((z + 0.3) / 1.1) ** 2) / 0.5)
        _mix(image, red * 0.75, 0.6 * inner * (np.abs(x) > 5.3))
    _mix(image, red, 0.25 * np.exp(-((x / 0.6) ** 2 + ((z + 1.5) / 0.5) ** 2)) * front)
    hair_colour = np.array(HAIR[int(rng.integers(len(HAIR)))]) * rng.uniform(0.8, 1.1)
    _eyes(rng, image, cm, front, skin)
    brow_alpha = rng.uniform(0.35, 0.8) + 0.15 * adult
    for m in (1, -1):
        arch = z - (1.45 - 0.16 * (np.abs(x) - 1.9) ** 2)
        _mix(
            image,
            0.8 * np.minimum(hair_colour, 0.45 * skin) + 0.2 * skin,
            brow_alpha
            * _soft(np.abs(arch) - 0.20, 0.2)
            * _soft(np.abs(x - m * 1.9) - 1.0, 0.4)
            * front,
        )
        hole = np.hypot((x - m * 0.32) / 0.23, (z + 1.93) / 0.13)
        _mix(image, skin * 0.28, 0.95 * _soft(hole - 1, 0.8) * front)
    _mouth(rng, image, x, z, front, skin)
    _hair(rng, image, cm, hair_colour, adult)
    if hat is not None:
        lon = np.arctan2(x, cm[..., 1])
        on = hat_line(cm) > 0
        image[on] = paint(hat, lon[on] * 0.065, z[on] * 0.01)
        image[on & (hat_line(cm) < 0.35)] *= 0.85
    return image


def _eyes(rng: Rng, image: Floats, cm: Floats, front: NDArray[np.bool_], skin: Floats) -> None:
    x, z = cm[..., 0], cm[..., 2]
    opened = rng.random() < 0.75
    height = 1.15 * rng.uniform(0.38, 0.54) if opened else 0.0
    gaze = rng.normal(0, 0.15, 2)
    iris = np.array(IRIS[int(rng.integers(len(IRIS)))])
    lash = np.minimum(skin * 0.25, 0.2)
    for m in (1, -1):
        u, v = x - m * EYE[0], z - EYE[1]
        shade = np.exp(-((u / 1.2) ** 2 + ((v - 0.1) / 0.75) ** 2))
        _mix(image, skin * [0.74, 0.60, 0.56], 0.45 * shade * front)
        bend = np.clip(1 - (u / 0.92) ** 2, 0, 1)
        if not opened:
            line = np.abs(v + 0.12 + 0.22 * bend)
            _mix(image, lash, 0.95 * _soft(line - 0.13, 0.1) * (np.abs(u) < 0.92) * front)
            continue
        upper, lower = v - height * bend**0.7, -v - 0.75 * height * bend**0.8
        inside = _soft(np.maximum(upper, lower), 0.08) * (np.abs(u) < 0.92) * front
        _mix(image, (0.82, 0.79, 0.77), inside)  # lids shade the white
        r = np.hypot(u - gaze[0], v - gaze[1])
        _mix(image, iris, inside * _soft(r - 0.56, 0.08))
        _mix(image, (0.02, 0.02, 0.02), inside * _soft(r - 0.30, 0.08))
        glint = np.hypot(u - gaze[0] - 0.12, v - gaze[1] - 0.14)
        _mix(image, (1.0, 1.0, 1.0), inside * _soft(glint - 0.08, 0.06))
        _mix(image, lash, 0.95 * _soft(np.abs(upper) - 0.13, 0.08) * (np.abs(u) < 0.95) * front)
        _mix(image, lash, 0.35 * _soft(np.abs(lower) - 0.05, 0.06) * (np.abs(u) < 0.9) * front)


def _mouth(
    rng: Rng, image: Floats, x: Floats, z: Floats, front: NDArray[np.bool_], skin: Floats
) -> None:
    lip = np.array([min(1.0, skin[0] * 0.88), skin[1] * 0.48, skin[2] * 0.50])
    width = rng.uniform(1.05, 1.35)
    arch = 0.10 * np.cos(np.clip(x / 0.55, -3.1, 3.1))
    outline = np.hypot(x / width, (z + 3.43 - 0.08 * (1 - arch)) / 0.56)
    _mix(image, lip, 0.85 * _soft(outline - 1, 0.25) * front)
    gap = rng.uniform(0.15, 0.55) if rng.random() < 0.35 else 0.075
    opening = np.hypot(x / (width * 0.72), (z + 3.42) / gap)
    _mix(image, lip * 0.25, 0.9 * _soft(opening - 1, 0.35) * front)


def _hair(rng: Rng, image: Floats, cm: Floats, colour: Floats, adult: bool) -> None:
    density = 1.0 if adult else float(rng.choice([0.0, 0.5, 0.85, 1.0], p=[0.08, 0.27, 0.35, 0.30]))
    s, t = np.arctan2(cm[..., 0], cm[..., 1]) * 0.06, cm[..., 2] * 0.01
    rough = noise(s, t, 0.03, int(rng.integers(99)))
    strand = noise(s * 4, t, 0.02, int(rng.integers(99)))
    edge = np.clip((_hair_line(cm) + 0.5 * rough) / 1.2, 0, 1)
    shade = colour * (1 + 0.22 * strand[..., None])
    alpha = edge * density * np.clip(0.85 + 0.3 * strand, 0, 1)
    image += (np.clip(shade, 0, 1) - image) * alpha[..., None]
