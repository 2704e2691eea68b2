"""Boxes ⇄ the person finder's map, inverse of each other.

The map has six channels on a grid of cells: person logit, dx, dy (box centre relative to the
cell's centre, in cells), log width, log height (in cells), infant logit.
Shapes: P people, h, w cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANNELS = 6


@dataclass(frozen=True)
class Found:
    """A person in input pixels: x, y, width, height, how sure, and how likely an infant."""

    box: tuple[float, float, float, float]
    score: float
    infant: float


def encode(
    boxes_P4: NDArray[np.floating],
    infant_P: NDArray[np.floating],
    grid: tuple[int, int],
    cell: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Targets [6, h, w] (channels 0 and 5 as probabilities) and the weight [h, w] of the rest.

    A box is claimed by the cell that holds its centre and that cell's eight neighbours; the
    smaller box wins a cell that two claim.
    """
    height, width = grid
    target = np.zeros((CHANNELS, height, width), np.float32)
    weight = np.zeros((height, width), np.float32)
    areas_P = np.array([float(w) * float(h) for _, _, w, h in boxes_P4])
    for person in np.argsort(-areas_P):
        x, y, w, h = (float(v) for v in boxes_P4[person])
        center_x, center_y = (x + w / 2 + 0.5) / cell - 0.5, (y + h / 2 + 0.5) / cell - 0.5
        column, row = round(center_x), round(center_y)
        for r in range(max(row - 1, 0), min(row + 2, height)):
            for c in range(max(column - 1, 0), min(column + 2, width)):
                near = np.exp(-((c - center_x) ** 2 + (r - center_y) ** 2))
                shape = (center_x - c, center_y - r, np.log(w / cell), np.log(h / cell))
                target[:, r, c] = (near, *shape, infant_P[person])
                weight[r, c] = near
        if 0 <= row < height and 0 <= column < width:
            target[0, row, column] = 1.0
    return target, weight


def decode(
    logits: NDArray[np.floating], cell: float, threshold: float = 0.3, overlap: float = 0.5
) -> list[Found]:
    """The people in one map, best first; boxes overlapping a better one are dropped."""
    score = _sigmoid(logits[0])
    rows, columns = np.nonzero(score >= threshold)
    order = np.argsort(-score[rows, columns], kind="stable")
    kept: list[Found] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        dx, dy, log_w, log_h = logits[1:5, row, column]
        width, height = float(np.exp(log_w) * cell), float(np.exp(log_h) * cell)
        center_x, center_y = (column + dx + 0.5) * cell - 0.5, (row + dy + 0.5) * cell - 0.5
        box = (float(center_x - width / 2), float(center_y - height / 2), width, height)
        if all(iou(box, other.box) < overlap for other in kept):
            infant = float(_sigmoid(logits[5, row, column]))
            kept.append(Found(box, float(score[row, column]), infant))
    return kept


def iou(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    across = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    along = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    both = max(across, 0.0) * max(along, 0.0)
    return both / max(first[2] * first[3] + second[2] * second[3] - both, 1e-9)


def _sigmoid(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))
