"""Drawn people: coloured limbs on plain grounds, enough for a loop to learn from in a minute.

Left limbs are red, right limbs blue, so sides can be told. Used by the tiny recipes and the tests;
nothing that ships learns from them.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.skeletons.load import vocabulary
from training.shards import Shard

LENGTHS = {"torso": 34.0, "upper": 18.0, "lower": 17.0, "thigh": 22.0, "shank": 20.0}
COLOURS = {"left": (220, 60, 60), "right": (60, 90, 220)}


def drawn(count: int, side: int = 128, seed: int = 0) -> Shard:
    """A shard of `count` figures; the same numbers draw the same figures."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, side, side, 3), np.uint8)
    points = np.full((count, len(vocabulary()), 2), np.nan, np.float32)
    for row in range(count):
        images[row], points[row] = _figure(side, random)
    placed = np.isfinite(points[..., 0])
    boxes = np.concatenate(
        [np.nanmin(points, 1), np.nanmax(points, 1) - np.nanmin(points, 1)], axis=1
    )
    states = np.where(placed, int(State.VISIBLE), int(State.UNLABELLED)).astype(np.int8)
    # Red is nearer: depth is as learnable as the sides.
    names = vocabulary().names
    sides = np.array([-0.2 if n.startswith("left") else 0.2 if n.startswith("right") else 0.0
                      for n in names], np.float32)  # fmt: skip
    z = np.where(placed, sides, np.nan).astype(np.float32)
    return Shard("drawn", images, points, placed.astype(np.float32), boxes, states, z)


def _figure(
    side: int, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One upright figure, limbs anyhow."""
    scale = side / 128 * random.uniform(0.7, 0.95)
    middle = np.array([side / 2, side / 2]) + random.uniform(-6, 6, 2)
    joints = {
        "neck": middle + np.array([0, -17]) * scale, "nose": middle + np.array([0, -27]) * scale,
        "head_top": middle + np.array([0, -36]) * scale,
    }  # fmt: skip
    for name, sign in (("left", 1.0), ("right", -1.0)):
        joints[f"{name}_eye"] = joints["nose"] + np.array([sign * 3, -3]) * scale
        joints[f"{name}_ear"] = joints["nose"] + np.array([sign * 6, -1]) * scale
        joints[f"{name}_shoulder"] = middle + np.array([sign * 12, -15]) * scale
        joints[f"{name}_hip"] = middle + np.array([sign * 8, 15]) * scale
        for start, first, second, above, below in (
            ("shoulder", "elbow", "wrist", "upper", "lower"),
            ("hip", "knee", "ankle", "thigh", "shank"),
        ):
            turn = random.uniform(-0.9, 0.9) + sign * 0.3
            bent = turn + random.uniform(-0.8, 0.8)
            knee = _along(joints[f"{name}_{start}"], turn, LENGTHS[above] * scale)
            joints[f"{name}_{first}"] = knee
            joints[f"{name}_{second}"] = _along(knee, bent, LENGTHS[below] * scale)
    image = np.full((side, side, 3), random.integers(0, 256, 3), np.uint8)
    _draw(image, joints, scale)
    points = np.full((len(vocabulary()), 2), np.nan, np.float32)
    for name, place in joints.items():
        points[vocabulary().index(name)] = place
    return image, points


def _along(start: NDArray[np.float64], angle: float, length: float) -> NDArray[np.float64]:
    return start + length * np.array([np.sin(angle), np.cos(angle)])


def _draw(image: NDArray[np.uint8], joints: dict[str, NDArray[np.float64]], scale: float) -> None:
    def at(name: str) -> tuple[int, int]:
        return round(float(joints[name][0])), round(float(joints[name][1]))

    width = max(2, round(5 * scale))
    corners = [at(name) for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
    cv2.fillPoly(image, [np.array(corners, np.int32)], (90, 160, 90))
    for name, colour in COLOURS.items():
        chain = [f"{name}_{joint}" for joint in ("shoulder", "elbow", "wrist")]
        legs = [f"{name}_{joint}" for joint in ("hip", "knee", "ankle")]
        for first, second in (
            *pairwise(chain),
            *pairwise(legs),
        ):
            cv2.line(image, at(first), at(second), colour, width)
    cv2.circle(image, at("nose"), round(9 * scale), (230, 200, 170), -1)
    for name, colour in COLOURS.items():
        cv2.circle(image, at(f"{name}_eye"), max(1, round(1.5 * scale)), colour, -1)
