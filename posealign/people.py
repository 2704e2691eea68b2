"""The people in a picture: their boxes, their crops, and which of them are meant.

Shapes: P people; boxes are x, y, width, height in picture pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.crop import Crop
from posealign.data.finder import Found
from posealign.data.pose import Pose
from posealign.errors import InvalidInput, TooLarge

Box = tuple[float, float, float, float]
MAX_BOXES = 64


@dataclass(frozen=True)
class Sight:
    """One look at a person: the crop, and what the graphs made of it."""

    crop: Crop
    features: NDArray[np.float32]  # C, h, w
    tokens: NDArray[np.float32]  # N, D; of no length once `select` has read them
    selected: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # once a question was asked


@dataclass(frozen=True)
class Seen:
    """One person in a picture, looked at once or several times."""

    box: Box
    score: float
    infant: float | None  # probability; None of somebody whose box was given
    size: tuple[int, int]  # width and height of the picture: how much of a crop it fills
    sights: tuple[Sight, ...]  # as the box stands, then upright

    @property
    def given(self) -> bool:
        """Whether the box came with the question; a found one is less exact."""
        return self.infant is None

    @property
    def crop(self) -> Crop:
        """The one the person stands upright in, as far as anybody looked."""
        return self.sights[min(1, len(self.sights) - 1)].crop

    def says(self, name: str) -> bool:
        """Whether this bundle's `select` has such an output; once somebody asked."""
        return name in self.sights[0].selected

    def mean(self, name: str) -> NDArray[np.float32]:
        """What `select` says of the joints' states or depths, all sights alike; reckoned once."""
        if name not in self._means:
            said = [sight.selected[name] for sight in self.sights]
            self._means[name] = said[0] if len(said) == 1 else np.mean(said, axis=0)
        return self._means[name]

    @cached_property
    def _means(self) -> dict[str, NDArray[np.float32]]:
        """Of these sights only: what `replace` makes of somebody begins without."""
        return {}


def checked_picture(
    image_HW3: NDArray[np.uint8],
    depth_HW: NDArray[np.float32] | None,
    intrinsics: tuple[float, float, float, float] | None,
) -> tuple[int, int]:
    if image_HW3.ndim != 3 or image_HW3.shape[2] != 3 or image_HW3.dtype != np.uint8:
        raise InvalidInput(
            f"a picture is height × width × 3 of uint8, RGB; got {image_HW3.shape} "
            f"of {image_HW3.dtype}"
        )
    height, width = image_HW3.shape[:2]
    if min(height, width) < 1:
        raise InvalidInput(f"the picture is empty: {width}×{height}")
    if depth_HW is not None and depth_HW.shape != (height, width):
        raise InvalidInput(
            f"the depth map is {depth_HW.shape[::-1]}, the picture {(width, height)}; "
            "they must be registered pixel by pixel"
        )
    if intrinsics is not None and not (
        len(intrinsics) == 4 and np.isfinite(intrinsics).all() and min(intrinsics[:2]) > 0
    ):
        raise InvalidInput(f"intrinsics are fx, fy, cx, cy with fx, fy > 0; got {intrinsics}")
    return width, height


def checked_boxes(boxes: Sequence[Sequence[float]], size: tuple[int, int]) -> list[Found]:
    if len(boxes) > MAX_BOXES:
        raise TooLarge(f"{len(boxes)} boxes; at most {MAX_BOXES} a picture")
    if len(boxes) == 0:
        raise InvalidInput("0 boxes; leave boxes out to have people found, or give one a person")
    found = []
    for number, box in enumerate(boxes):
        row = tuple(float(value) for value in box)
        if len(row) != 4 or not all(map(math.isfinite, row)) or min(row[2:]) <= 0:
            raise InvalidInput(
                f"box {number} is {list(box)}; expected x, y, width, height, finite, size > 0"
            )
        x, y, width, height = row
        if x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0:
            raise InvalidInput(
                f"box {number} {list(box)} lies outside the {size[0]}×{size[1]} picture"
            )
        found.append(Found((x, y, width, height), 1.0, 0.5))
    return found


def picture_box(crop: Crop, box: Box) -> Box:
    corners = crop.invert(np.array([[box[0], box[1]], [box[0] + box[2], box[1] + box[3]]]))
    x, y = corners[0]
    width, height = corners[1] - corners[0]
    return float(x), float(y), float(width), float(height)


def clipped(box: Box, size: tuple[int, int]) -> Box:
    left, top = max(box[0], 0.0), max(box[1], 0.0)
    right, bottom = min(box[0] + box[2], size[0]), min(box[1] + box[3], size[1])
    return left, top, max(right - left, 0.0), max(bottom - top, 0.0)


def of_subject(poses: list[Pose], people: Sequence[Seen], subject: str) -> list[Pose]:
    if subject == "all" or len(poses) <= 1:
        return poses

    def center(axis: int) -> list[float]:
        return [pose.box[axis] + pose.box[axis + 2] / 2 for pose in poses]

    infant = [0.5 if person.infant is None else person.infant for person in people]
    score = {
        "largest": [pose.box[2] * pose.box[3] for pose in poses],
        "leftmost": [-value for value in center(0)],
        "rightmost": center(0),
        "topmost": [-value for value in center(1)],
        "bottommost": center(1),
        "infant": infant,
        "adult": [1 - value for value in infant],
    }[subject]
    if subject in ("infant", "adult"):
        alike = [pose for pose, value in zip(poses, score, strict=True) if value > 0.5]
        if alike:
            return alike
    return [poses[int(np.argmax(score))]]


def turn_of(torso_42: NDArray[np.float64]) -> float:
    """Degrees by which the mid-hip-to-mid-shoulder axis is turned from upright, clockwise."""
    up = torso_42[:2].mean(0) - torso_42[2:].mean(0)
    return float(np.rad2deg(np.arctan2(up[0], -up[1])))
