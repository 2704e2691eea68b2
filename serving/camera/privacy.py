"""What is taken out of a picture before it leaves memory: masks, faces, or everything.

Masks are painted over as soon as a frame is decoded: nothing under them is ever looked at. Faces
are made coarse where our own face joints lie; a person without usable face joints loses the whole
box, and a picture in which nobody was found loses everything, as nobody knows where the faces are.
Shapes: H, W picture; N corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import PlacedJoint, Pose, State

Picture = NDArray[np.uint8]
Polygon = Sequence[tuple[float, float]]
Mode = Literal["face", "frame", "none"]

FACE_JOINTS = frozenset({"nose", "left_eye", "right_eye", "left_ear", "right_ear"})
CELLS = 5  # a face becomes so many squares across
LEAST = 0.2  # confidence below which a face joint does not say where the face is


def corners_N2(polygon: Polygon, width: int, height: int) -> NDArray[np.int32]:
    """Fractions of the picture → pixels."""
    return np.round(np.array(polygon) * (width, height)).astype(np.int32)


def inside(polygon: Polygon, x: float, y: float, width: int, height: int) -> bool:
    place = (x / max(width, 1), y / max(height, 1))
    return cv2.pointPolygonTest(np.array(polygon, np.float32), place, False) >= 0


def paint_masks(image_HW3: Picture, masks: Sequence[Polygon]) -> Picture:
    """The same array with the masked polygons black."""
    height, width = image_HW3.shape[:2]
    for polygon in masks:
        cv2.fillPoly(image_HW3, [corners_N2(polygon, width, height)], (0, 0, 0))
    return image_HW3


def is_masked(joint: PlacedJoint, masks: Sequence[Polygon], size: tuple[int, int]) -> bool:
    if joint.x is None or joint.y is None:
        return False
    return any(inside(polygon, joint.x, joint.y, *size) for polygon in masks)


def hide(joint: PlacedJoint) -> PlacedJoint:
    """What is known of a joint under a mask: nothing."""
    return PlacedJoint(joint.name, None, None, State.ABSENT, 0.0, None)


def deidentify(image_HW3: Picture, people: Sequence[Pose], mode: Mode) -> Picture:
    """A new picture that may leave. `people` have the face joints that were found on it."""
    image_HW3 = image_HW3.copy()
    if mode == "none":
        return image_HW3
    height, width = image_HW3.shape[:2]
    people = [pose for pose in people if pose.score > 0]
    if mode == "frame" or not people:
        coarse(image_HW3, (0, 0, width, height), 24)
        return image_HW3
    for pose in people:
        circle = face_circle(pose)
        if circle is None:
            x, y, w, h = pose.box
            margin = 0.1 * max(w, h)
            coarse(image_HW3, (x - margin, y - margin, w + 2 * margin, h + 2 * margin), 8)
        else:
            x, y, radius = circle
            coarse(image_HW3, (x - radius, y - radius, 2 * radius, 2 * radius), CELLS, circle)
    return image_HW3


def face_circle(pose: Pose) -> tuple[float, float, float] | None:
    """Centre and radius of the head, or None where the face joints do not tell."""
    found = [
        (joint.x, joint.y, joint.radius or 0.0)
        for joint in pose.joints
        if joint.name in FACE_JOINTS and joint.state != State.ABSENT
        and joint.x is not None and joint.y is not None and joint.confidence >= LEAST
    ]  # fmt: skip
    if len(found) < 2:
        return None
    points = np.array(found)
    center = points[:, :2].mean(axis=0)
    spread = float(np.linalg.norm(points[:, :2] - center, axis=1).max())
    unsure = float(points[:, 2].max())
    body = float(np.hypot(*pose.box[2:]))
    return float(center[0]), float(center[1]), max(1.8 * spread + unsure, 0.14 * body)


def coarse(
    image_HW3: Picture,
    box: tuple[float, float, float, float],
    cells: int,
    circle: tuple[float, float, float] | None = None,
) -> None:
    """Replace a box (or the circle in it) by a few squares of mean colour, in place."""
    height, width = image_HW3.shape[:2]
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right = min(width, int(np.ceil(box[0] + box[2])))
    bottom = min(height, int(np.ceil(box[1] + box[3])))
    if right <= left or bottom <= top:
        return
    patch = image_HW3[top:bottom, left:right]
    across = max(right - left, bottom - top)
    few = (
        max(1, round(cells * (right - left) / across)),
        max(1, round(cells * (bottom - top) / across)),
    )
    small = cv2.resize(patch, few, interpolation=cv2.INTER_AREA)
    rough = cv2.resize(small, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
    if circle is None:
        patch[:] = rough
        return
    cover = np.zeros(patch.shape[:2], np.uint8)
    center = (round(circle[0]) - left, round(circle[1]) - top)
    cv2.circle(cover, center, int(np.ceil(circle[2])), 255, -1)
    patch[cover > 0] = rough[cover > 0]
