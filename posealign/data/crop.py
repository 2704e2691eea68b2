"""Box → crop and back: the one affine between a picture and a model's input.

UDP convention: distances are counted between pixel centres, so a box of width w maps onto
input_width - 1 steps. Rotation is clockwise in the picture, in degrees: a crop with rotation r
shows the box's content turned by -r, so a person lying with the head to the right (r = 90)
stands upright in the crop. Shapes: N points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidInput

PADDING = 1.25  # ViTPose's
Row = tuple[float, float, float]
Pixel = TypeVar("Pixel", np.uint8, np.float32)


@dataclass(frozen=True)
class Crop:
    """`scale` is the size in picture pixels that the input's width and height cover."""

    center: tuple[float, float]
    scale: tuple[float, float]
    rotation: float
    input_size: tuple[int, int]  # width, height

    def __post_init__(self) -> None:
        numbers = (*self.center, *self.scale, self.rotation)
        if not all(map(math.isfinite, numbers)):
            raise InvalidInput(f"a crop needs finite numbers, got {numbers}")
        if min(self.scale) <= 0 or min(self.input_size) < 2:
            raise InvalidInput(f"a crop needs a size, got {self.scale} into {self.input_size}")

    @classmethod
    def of_box(
        cls,
        box: tuple[float, float, float, float],
        input_size: tuple[int, int],
        rotation: float = 0.0,
        padding: float = PADDING,
    ) -> Crop:
        """The box (x, y, width, height), padded and widened to the input's aspect."""
        x, y, width, height = box
        if not all(map(math.isfinite, box)) or width <= 0 or height <= 0:
            raise InvalidInput(f"a box is x, y, width, height with a positive size; got {box}")
        # A turned box is bounded by the box that holds it, seen along the crop's axes.
        turn = math.radians(rotation)
        cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
        across, along = width * cos + height * sin, width * sin + height * cos
        aspect = input_size[0] / input_size[1]
        across, along = max(across, along * aspect), max(along, across / aspect)
        return cls(
            (x + width * 0.5, y + height * 0.5),
            (float(across * padding), float(along * padding)),
            rotation,
            input_size,
        )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """2×3, picture → input."""
        return np.array(self._forth)

    @property
    def inverse(self) -> NDArray[np.float64]:
        """2×3, input → picture."""
        return np.array(self._back)

    @property
    def _forth(self) -> tuple[Row, Row]:
        cos, sin, (width, height), (x, y) = *self._turn, self._steps, self.center
        across, down = width / self.scale[0], height / self.scale[1]
        a, b, c, d = across * cos, across * sin, -down * sin, down * cos
        return (a, b, width / 2 - a * x - b * y), (c, d, height / 2 - c * x - d * y)

    @property
    def _back(self) -> tuple[Row, Row]:
        cos, sin, (width, height), (x, y) = *self._turn, self._steps, self.center
        across, down = self.scale[0] / width, self.scale[1] / height
        a, b, c, d = across * cos, -down * sin, across * sin, down * cos
        shift_x = x - (a * width + b * height) / 2
        return (a, b, shift_x), (c, d, y - (c * width + d * height) / 2)

    @property
    def _turn(self) -> tuple[float, float]:
        turn = math.radians(self.rotation)
        return math.cos(turn), math.sin(turn)

    @property
    def _steps(self) -> tuple[int, int]:
        """From the first pixel centre of the input to the last, across and down."""
        return self.input_size[0] - 1, self.input_size[1] - 1

    @property
    def pixel(self) -> float:
        """The size of one input pixel in picture pixels (geometric mean of the axes)."""
        width, height = self._steps
        return math.sqrt(self.scale[0] / width * self.scale[1] / height)

    def moved(self, origin_2: NDArray[np.floating]) -> Crop:
        """A crop of a part of a picture, beginning at the origin, as one of the whole picture."""
        center = (self.center[0] + float(origin_2[0]), self.center[1] + float(origin_2[1]))
        return replace(self, center=center)

    def outside(self, size: tuple[int, int]) -> float:
        """The share of the input that lies beyond a picture of this width and height: padding.

        Measured on a coarse grid.
        """
        (a, b, c), (d, e, f) = self._back
        width, height = size
        across = [step / 11 * self._steps[0] for step in range(12)]
        down = [step / 11 * self._steps[1] for step in range(12)]
        within = sum(
            0 <= a * x + b * y + c < width and 0 <= d * x + e * y + f < height
            for y in down
            for x in across
        )
        return 1 - within / 144

    def facts(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """What `select` is told of a crop: sine and cosine of its turn, log of its size in 192
        pixels, padded share. A body that the border cuts shows in the last one.
        """
        cos, sin = self._turn
        scale = math.log(math.sqrt(self.scale[0] * self.scale[1]) / 192.0)
        return np.array([sin, cos, scale, self.outside(size)], np.float32)

    def apply(self, points_N2: NDArray[np.floating]) -> NDArray[np.float64]:
        return _affine(self.matrix, points_N2)

    def invert(self, points_N2: NDArray[np.floating]) -> NDArray[np.float64]:
        return _affine(self.inverse, points_N2)

    def cut(self, image_HWC: NDArray[Pixel], nearest: bool = False) -> NDArray[Pixel]:
        """The input's pixels; black outside the picture. Depth is cut with `nearest`."""
        how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
        if not nearest and self.pixel > 2:
            return self._cut_minified(image_HWC)
        return _warp(image_HWC, self.matrix, self.input_size, how)

    def _cut_minified(self, image_HWC: NDArray[Pixel]) -> NDArray[Pixel]:
        """Halve first by areas: bilinear sampling of a large picture would alias."""
        factor = 2 ** int(math.log2(self.pixel))
        height, width = image_HWC.shape[:2]
        size = (max(1, width // factor), max(1, height // factor))
        small: NDArray[Pixel] = cv2.resize(image_HWC, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        # Pixel centres: small = (large + 0.5) / factor - 0.5, so large = small * f + (f - 1) / 2.
        fx, fy = width / size[0], height / size[1]
        scaled = [
            [a * fx, b * fy, a * (fx - 1) / 2 + b * (fy - 1) / 2 + c] for a, b, c in self._forth
        ]
        return _warp(small, np.array(scaled), self.input_size, cv2.INTER_LINEAR)


def _warp(
    image_HWC: NDArray[Pixel], matrix: NDArray[np.float64], size: tuple[int, int], how: int
) -> NDArray[Pixel]:
    warped: NDArray[Pixel] = cv2.warpAffine(image_HWC, matrix, size, flags=how)  # type: ignore[assignment]
    return warped


def _affine(matrix: NDArray[np.float64], points_N2: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(points_N2, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]
