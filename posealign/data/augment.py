"""One picture, many views: turn, move, zoom, mirror, and what cameras and cribs do to pixels.

Geometry is one affine (`Crop.matrix`, mirrored after it), so nothing is resampled twice. Points go
with the pixels; a mirrored picture exchanges left and right joints, and `mirrored` says so for
words. Shapes: V joints, H W picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.crop import PADDING, Crop
from posealign.errors import InvalidConfig

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]  # x, y, width, height


@dataclass(frozen=True)
class Augmentation:
    """Chances are shares of pictures; `roll` is the share turned by any angle at all."""

    roll: float = 0.6
    tilt: float = 30.0  # degrees (deviation) for the others
    zoom: tuple[float, float] = (0.75, 1.35)
    shift: float = 0.08  # of the crop's size (deviation)
    truncate: float = 0.08  # zoomed in and moved off, so that joints leave the picture
    cut: float = 0.0  # the picture itself ends within the person, as at a photograph's border
    mirror: float = 0.5
    colour: float = 0.7
    grey: float = 0.12
    infrared: float = 0.06
    blur: float = 0.15
    jpeg: float = 0.15
    noise: float = 0.15
    occlude: float = 0.3

    def __post_init__(self) -> None:
        chances = {key: value for key, value in vars(self).items()
                   if key not in ("tilt", "zoom", "shift")}  # fmt: skip
        for name, value in chances.items():
            if not 0 <= value <= 1:
                raise InvalidConfig(f"{name} is a share between 0 and 1, got {value}")
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise InvalidConfig(f"zoom is a range of positive factors, got {self.zoom}")


@dataclass(frozen=True)
class View:
    """A training input: points in input pixels; `covered_V` lies under a pasted occluder."""

    pixels_HW3: Picture
    points_V2: NDArray[np.float32]
    covered_V: NDArray[np.bool_]
    crop: Crop
    mirrored: bool

    @property
    def inside_V(self) -> NDArray[np.bool_]:
        height, width = self.pixels_HW3.shape[:2]
        x, y = self.points_V2.T
        with np.errstate(invalid="ignore"):
            inside: NDArray[np.bool_] = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        return inside


def random_crop(
    box: Box,
    input_size: tuple[int, int],
    config: Augmentation,
    random: np.random.Generator,
) -> Crop:
    """Around the box, turned and moved: the angle is uniform for `roll` of the pictures."""
    angle = random.uniform(-180, 180) if random.random() < config.roll else 0.0
    angle += random.normal(0, config.tilt) if angle == 0.0 else 0.0
    x, y, width, height = box
    side = max(width, height) * PADDING
    zoom = float(np.exp(random.uniform(*np.log(config.zoom))))
    shift = random.normal(0, config.shift, 2)
    if random.random() < config.truncate:
        zoom, shift = random.uniform(0.4, 0.7), random.uniform(-0.25, 0.25, 2)
    center = (x + width / 2 + shift[0] * side, y + height / 2 + shift[1] * side)
    aspect = input_size[0] / input_size[1]
    across = max(side, side * aspect) * zoom
    return Crop((float(center[0]), float(center[1])), (across, across / aspect),
                float((angle + 180) % 360 - 180), input_size)  # fmt: skip


BEYOND = -1e5  # where a joint lies that the picture no longer shows: outside of every view
LEAST_LEFT = 24  # pixels of the person; less is nobody


def cut_picture(
    image_HW3: Picture, box: Box, random: np.random.Generator
) -> tuple[Picture, NDArray[np.float64], Box]:
    """The picture up to a line through the box, what must be taken off its points, and the box
    that is left. A crop of that box is padded beyond the line, as a served one is at the border.
    """
    height, width = image_HW3.shape[:2]
    x, y, across, along = box
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + across, width), min(y + along, height)
    kept, side = random.uniform(0.4, 0.9), int(random.integers(0, 4))
    if side < 2:
        size = max(round((right - left) * kept), LEAST_LEFT)
        left, right = (left, left + size) if side == 0 else (right - size, right)
    else:
        size = max(round((bottom - top) * kept), LEAST_LEFT)
        top, bottom = (top, top + size) if side == 2 else (bottom - size, bottom)
    first = (round(left) if side == 1 else 0, round(top) if side == 3 else 0)
    last = (round(right) if side == 0 else width, round(bottom) if side == 2 else height)
    part = image_HW3[first[1] : last[1], first[0] : last[0]]
    left, top = max(left, first[0]), max(top, first[1])
    rest = (left - first[0], top - first[1], min(right, last[0]) - left, min(bottom, last[1]) - top)
    return part, np.array(first, np.float64), rest


def without_beyond(
    points_V2: NDArray[np.floating], origin_2: NDArray[np.float64] | None, size: tuple[int, int]
) -> NDArray[np.floating]:
    """Points in a picture that was cut (None: it was not) at an origin to a size; those that it
    does not show lie BEYOND, unknown ones stay NaN.
    """
    if origin_2 is None:
        return points_V2
    moved = (points_V2 - origin_2).astype(np.float32)
    with np.errstate(invalid="ignore"):
        out = ((moved < -0.5) | (moved > np.array(size) - 0.5)).any(-1)
    moved[out] = BEYOND
    return moved


def view(
    image_HW3: Picture,
    points_V2: NDArray[np.floating],
    crop: Crop,
    swap_V: NDArray[np.int64],
    config: Augmentation,
    random: np.random.Generator,
) -> View:
    """Cut, mirror, change the light, cover."""
    border = random.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE],
                           p=[0.7, 0.2, 0.1])  # fmt: skip
    fill = tuple(int(c) for c in random.integers(0, 256, 3)) if random.random() < 0.3 else (0, 0, 0)
    pixels: Picture = _bytes(cv2.warpAffine(
        image_HW3, crop.matrix, crop.input_size, flags=cv2.INTER_LINEAR,
        borderMode=int(border), borderValue=fill,
    ))  # fmt: skip
    points = crop.apply(points_V2).astype(np.float32)
    mirrored = bool(random.random() < config.mirror)
    if mirrored:
        pixels, points = mirror(pixels, points, swap_V)
    covered = np.zeros(len(points), dtype=bool)
    if random.random() < config.occlude:
        pixels, covered = occlude(pixels, points, random)
    return View(light(pixels, config, random), points, covered, crop, mirrored)


def mirror(
    pixels_HW3: Picture, points_V2: NDArray[np.float32], swap_V: NDArray[np.int64]
) -> tuple[Picture, NDArray[np.float32]]:
    """Left becomes right: in the pixels and in the names. Twice is nothing."""
    flipped = points_V2[swap_V].copy()
    flipped[:, 0] = pixels_HW3.shape[1] - 1 - flipped[:, 0]
    return np.ascontiguousarray(pixels_HW3[:, ::-1]), flipped


def occlude(
    pixels_HW3: Picture, points_V2: NDArray[np.float32], random: np.random.Generator
) -> tuple[Picture, NDArray[np.bool_]]:
    """One to three turned rectangles or ellipses of plain, noisy or borrowed texture."""
    height, width = pixels_HW3.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(random.integers(1, 4)):
        center = (int(random.integers(0, width)), int(random.integers(0, height)))
        size = random.uniform(0.05, 0.18, 2) * (width, height)
        angle = float(random.uniform(0, 180))
        if random.random() < 0.5:
            cv2.ellipse(mask, center, (int(size[0]), int(size[1])), angle, 0, 360, 255, -1)
        else:
            corners = cv2.boxPoints(((float(center[0]), float(center[1])), tuple(2 * size), angle))
            cv2.fillPoly(mask, [corners.astype(np.int32)], 255)
    pasted = _texture(pixels_HW3, random)
    mixed = np.where(mask[..., None] > 0, pasted, pixels_HW3)
    with np.errstate(invalid="ignore"):
        at = np.nan_to_num(np.rint(points_V2), nan=-1.0).clip(-1, max(height, width)).astype(int)
    inside = (at >= 0).all(1) & (at[:, 0] < width) & (at[:, 1] < height)
    covered = np.zeros(len(points_V2), dtype=bool)
    covered[inside] = mask[at[inside, 1], at[inside, 0]] > 0
    return mixed, covered


def _texture(pixels_HW3: Picture, random: np.random.Generator) -> Picture:
    kind = random.integers(0, 3)
    if kind == 0:
        return np.broadcast_to(random.integers(0, 256, 3).astype(np.uint8), pixels_HW3.shape)
    if kind == 1:
        coarse = random.integers(0, 256, (6, 6, 3)).astype(np.uint8)
        size = (pixels_HW3.shape[1], pixels_HW3.shape[0])
        return _bytes(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
    shift = random.integers(30, 160, 2)
    return np.roll(pixels_HW3, tuple(int(s) for s in shift), (0, 1))


def light(pixels_HW3: Picture, config: Augmentation, random: np.random.Generator) -> Picture:
    """Colour, grey, infra-red, blur, noise and compression: a night camera does most of them."""
    chance = random.random(6)
    if chance[0] < config.colour:
        pixels_HW3 = _graded(pixels_HW3, random)
    if chance[1] < config.grey + config.infrared:
        pixels_HW3 = _grey(pixels_HW3, chance[1] < config.infrared, random)
    if chance[2] < config.blur:
        sigma = float(random.uniform(0.5, 2.0))
        pixels_HW3 = _bytes(cv2.GaussianBlur(pixels_HW3, (0, 0), sigma))
    if chance[3] < config.noise:
        grain = random.normal(0, random.uniform(2, 14), (*pixels_HW3.shape[:2], 1))
        pixels_HW3 = (pixels_HW3 + grain.astype(np.float32)).clip(0, 255).astype(np.uint8)
    if chance[4] < config.jpeg:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 85))]
        coded = cv2.imencode(".jpg", pixels_HW3, quality)[1]
        pixels_HW3 = _bytes(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return pixels_HW3


def _graded(pixels_HW3: Picture, random: np.random.Generator) -> Picture:
    """Brightness, contrast, gamma and white balance as one table a channel."""
    level = np.linspace(0, 1, 256)
    tables = []
    gamma, contrast = np.exp(random.normal(0, 0.25)), random.uniform(0.7, 1.3)
    bright = random.normal(0, 0.08)
    for gain in np.exp(random.normal(0, 0.07, 3)):
        curve = ((level**gamma - 0.5) * contrast + 0.5 + bright) * gain
        tables.append((curve.clip(0, 1) * 255).astype(np.uint8))
    return _bytes(cv2.LUT(pixels_HW3, np.stack(tables, axis=-1)[None]))


def _grey(pixels_HW3: Picture, infrared: bool, random: np.random.Generator) -> Picture:
    grey = cv2.cvtColor(pixels_HW3, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if infrared:  # skin is bright, colours vanish, the lamp is in the middle
        grey = 0.6 * pixels_HW3[..., 0] + 0.4 * grey
        height, width = grey.shape
        y, x = np.ogrid[:height, :width]
        center = random.uniform(0.3, 0.7, 2) * (height, width)
        far = np.hypot(y - center[0], x - center[1]) / max(height, width)
        grey = grey * (1.15 - random.uniform(0.2, 1.0) * far)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _bytes(pixels: Any) -> Picture:
    """OpenCV's stubs promise any number; its pictures keep their type."""
    return np.asarray(pixels, dtype=np.uint8)
