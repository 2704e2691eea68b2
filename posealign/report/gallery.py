"""Pictures worth looking at: the best, the worst and the most over-confident answers.

Labels are drawn thin and white, answers in colour: the person's left orange, right blue.
Shapes: J joints; H, W picture.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.crop import Crop
from posealign.data.image import encode_image
from posealign.data.sources import Source
from posealign.evaluate.figures import joint_similarity
from posealign.evaluate.judged import Judged
from posealign.metrics import oks
from posealign.skeletons.skeleton import Skeleton

SIDE = 224
LEFT, RIGHT, MIDDLE, LABEL = (235, 120, 30), (40, 110, 220), (60, 170, 90), (255, 255, 255)


@dataclass(frozen=True)
class Shown:
    """One tile: a JPEG as a data URL and what to write under it."""

    url: str
    caption: str


def galleries(judged: Judged, source: Source, count: int) -> dict[str, list[Shown]]:
    """Three rows of tiles; pictures are opened again, one by one."""
    similarity, labelled = joint_similarity(judged), judged.labelled_PJ
    score = oks.masked_mean(similarity, labelled)
    placed = labelled & judged.placed_PJ
    sure = oks.masked_mean(np.nan_to_num(judged.confidence_PJ), placed)
    over = sure - oks.masked_mean(similarity, placed)
    known = np.flatnonzero(np.isfinite(score) & (labelled.sum(axis=1) >= 4))
    rows = {
        "best": known[np.argsort(-score[known], kind="stable")][:count],
        "worst": known[np.argsort(score[known], kind="stable")][:count],
        "over-confident": known[np.argsort(-np.nan_to_num(over[known]), kind="stable")][:count],
    }
    return {
        name: [_tile(judged, int(p), source, score[p], sure[p]) for p in chosen]
        for name, chosen in rows.items()
    }


def _tile(judged: Judged, p: int, source: Source, score: float, sure: float) -> Shown:
    sample = source[int(judged.index_P[p])]
    crop = Crop.of_box(_box(judged, p), (SIDE, SIDE), padding=1.3)
    tile = np.ascontiguousarray(crop.cut(sample.image_HW3))
    draw_pose(tile, crop.apply(judged.truth_PJ2[p]), judged.skeleton, None)
    draw_pose(tile, crop.apply(judged.points_PJ2[p]), judged.skeleton, judged.confidence_PJ[p])
    url = base64.b64encode(encode_image(tile.astype(np.uint8), ".jpg", 80)).decode()
    posture = judged.labels["posture"][p]
    caption = f"{sample.key}: OKS {score:.2f}"
    if np.isfinite(sure):
        caption += f", confidence {sure:.2f}"
    return Shown(f"data:image/jpeg;base64,{url}", caption + (f", {posture}" if posture else ""))


def _box(judged: Judged, p: int) -> tuple[float, float, float, float]:
    x, y, width, height = (float(value) for value in judged.box_P4[p])
    return x, y, max(width, 8.0), max(height, 8.0)


def draw_pose(
    tile_HW3: NDArray[np.integer],
    points_J2: NDArray[np.floating],
    skeleton: Skeleton,
    confidence_J: NDArray[np.floating] | None,
) -> None:
    """Onto the tile itself; without confidences it is the labels that are drawn."""
    placed = np.isfinite(points_J2).all(axis=1)
    label = confidence_J is None
    for first, second in skeleton.edges:
        if placed[first] and placed[second]:
            colour = LABEL if label else _colour(skeleton.names[first], skeleton.names[second])
            cv2.line(tile_HW3, _spot(points_J2[first]), _spot(points_J2[second]), colour,
                     1 if label else 2, cv2.LINE_AA, 3)  # fmt: skip
    for j in np.flatnonzero(placed):
        colour = LABEL if label else _colour(skeleton.names[j])
        size = 2 if label else 3
        cv2.circle(tile_HW3, _spot(points_J2[j]), size << 3, colour, -1, cv2.LINE_AA, 3)


def _spot(point_2: NDArray[np.floating]) -> Sequence[int]:
    x, y = np.clip(np.round(point_2 * 8), -20000, 20000)
    return int(x), int(y)


def _colour(*names: str) -> tuple[int, int, int]:
    if all(name.startswith("left") for name in names):
        return LEFT
    if all(name.startswith("right") for name in names):
        return RIGHT
    return MIDDLE
