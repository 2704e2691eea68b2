"""Object keypoint similarity, as COCO defines it, and its extension to joints that are not there.

A joint's similarity is exp(-d² / (2 · area · (2σ)²)); a person's is the mean over labelled joints.
A predicted joint without a place (NaN) scores 0.
Shapes: N people in pairs (prediction, truth), D detections, G labelled people, J joints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TINY = float(np.spacing(1))  # pycocotools adds it to every area


def joint_similarity(distance_NJ: NDArray[np.floating], area_N: Floats, sigmas_J: Floats) -> Floats:
    """exp(-d² / (2 · area · (2σ)²)); 0 where the distance is NaN."""
    variance_J = (2 * np.asarray(sigmas_J, np.float64)) ** 2
    distance = np.asarray(distance_NJ, np.float64)
    exponent = distance**2 / variance_J / (np.asarray(area_N)[..., None] + TINY) / 2
    return np.where(np.isnan(exponent), 0.0, np.exp(-np.nan_to_num(exponent)))


def distances(points_NJ2: NDArray[np.floating], truth_NJ2: NDArray[np.floating]) -> Floats:
    """Pixels between prediction and truth; NaN where either has no place."""
    gap = np.asarray(points_NJ2, np.float64) - np.asarray(truth_NJ2, np.float64)
    return np.asarray(np.sqrt((gap**2).sum(axis=-1)))


def oks(
    points_NJ2: NDArray[np.floating],
    truth_NJ2: NDArray[np.floating],
    labelled_NJ: NDArray[np.bool_],
    area_N: Floats,
    sigmas_J: Floats,
) -> Floats:
    """[N]; NaN for a person of whom nobody labelled anything."""
    similar = joint_similarity(distances(points_NJ2, truth_NJ2), area_N, sigmas_J)
    return masked_mean(similar, labelled_NJ)


def extended_oks(
    points_NJ2: NDArray[np.floating],
    truth_NJ2: NDArray[np.floating],
    present_NJ: NDArray[np.bool_],
    absent_NJ: NDArray[np.bool_],
    area_N: Floats,
    sigmas_J: Floats,
) -> Floats:
    """Ex-OKS after ProbPose: joints known to be outside the picture count too.

    Both say absent: 1. Only one of them does: 0. Both place it: the usual similarity. (The
    published form grades a disagreement by the distance to the window's edge; an answer here
    gives absent joints no place, so a disagreement is simply wrong.)
    """
    similar = joint_similarity(distances(points_NJ2, truth_NJ2), area_N, sigmas_J)
    said_absent = np.isnan(np.asarray(points_NJ2)[..., 0])
    score = np.where(absent_NJ, said_absent.astype(np.float64), similar)
    return masked_mean(score, present_NJ | absent_NJ)


def oks_matrix(
    points_DJ2: NDArray[np.floating],
    truth_GJ2: NDArray[np.floating],
    labelled_GJ: NDArray[np.bool_],
    area_G: Floats,
    boxes_G4: Floats,
    sigmas_J: Floats,
) -> Floats:
    """[D, G]: every detection against every labelled person.

    As pycocotools: a person without labelled joints is compared by how far each joint lies
    outside the person's box, doubled on every side.
    """
    points = np.asarray(points_DJ2, np.float64)[:, None]
    truth = np.asarray(truth_GJ2, np.float64)[None]
    labelled = np.asarray(labelled_GJ, bool)
    gap = points - np.where(labelled[None, ..., None], truth, 0.0)
    boxes = np.asarray(boxes_G4, np.float64)
    low, high = boxes[:, :2] - boxes[:, 2:], boxes[:, :2] + 2 * boxes[:, 2:]
    outside = np.maximum(low[None, :, None] - points, 0) + np.maximum(
        points - high[None, :, None], 0
    )
    nobody = np.asarray(~labelled.any(axis=1))
    gap = np.where(nobody[None, :, None, None], outside, gap)
    squared = (gap**2).sum(axis=-1)
    variance = (2 * np.asarray(sigmas_J, np.float64)) ** 2
    exponent = squared / variance / (np.asarray(area_G)[None, :, None] + TINY) / 2
    similar = np.where(np.isnan(exponent), 0.0, np.exp(-np.nan_to_num(exponent)))
    counted = labelled | nobody[:, None]
    total = (similar * counted).sum(axis=-1)
    return np.asarray(total / np.maximum(counted.sum(axis=-1), 1))


def masked_mean(values: NDArray[np.floating], mask: NDArray[np.bool_], axis: int = -1) -> Floats:
    """The mean of the values under the mask; NaN where the mask is empty."""
    count = mask.sum(axis=axis)
    total = np.where(mask, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), np.float64)
