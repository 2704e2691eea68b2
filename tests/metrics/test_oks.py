"""OKS and AP/AR: worked by hand, and equal to pycocotools on the same detections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from posealign.errors import InvalidInput
from posealign.metrics import oks
from posealign.metrics.average_precision import (
    FIGURES,
    AveragePrecision,
    coco_reference,
    detected_area,
)
from posealign.skeletons.load import skeleton

SIGMAS = skeleton("coco17").sigmas_J


def test_worked_by_hand() -> None:
    """Area 100, σ 0.5 so that (2σ)² = 1: distances 0, 10 and 20 give 1, e^-0.5 and e^-2."""
    truth = np.zeros((1, 4, 2))
    points = np.array([[[0.0, 0], [10, 0], [12, 16], [99, 99]]])
    labelled = np.array([[True, True, True, False]])
    found = oks.oks(points, truth, labelled, np.array([100.0]), np.full(4, 0.5))
    assert found[0] == pytest.approx((1 + np.exp(-0.5) + np.exp(-2)) / 3, abs=1e-12)


def test_a_joint_without_a_place_scores_nothing() -> None:
    truth, points = np.zeros((1, 2, 2)), np.array([[[0.0, 0], [np.nan, np.nan]]])
    seen = np.array([[True, True]])
    assert oks.oks(points, truth, seen, np.array([100.0]), np.full(2, 0.5))[0] == 0.5
    nobody = np.zeros((1, 2), bool)
    assert np.isnan(oks.oks(points, truth, nobody, np.array([100.0]), np.full(2, 0.5))[0])


def test_extended_oks_rewards_saying_absent() -> None:
    """Joints: placed right, absent and said so, absent but placed, present but said absent."""
    truth = np.array([[[5.0, 5], [np.nan] * 2, [np.nan] * 2, [1, 1]]])
    points = np.array([[[5.0, 5], [np.nan] * 2, [3, 3], [np.nan] * 2]])
    present = np.array([[True, False, False, True]])
    absent = np.array([[False, True, True, False]])
    found = oks.extended_oks(points, truth, present, absent, np.array([9.0]), np.full(4, 0.1))
    assert found[0] == 0.5


def _picture(rng: np.random.Generator) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    people = []
    for _ in range(int(rng.integers(0, 5))):
        size = float(rng.uniform(15, 300))
        points = rng.uniform(0, size, (17, 2)) + rng.uniform(0, 300, 2)
        flags = rng.choice([0, 1, 2], 17, p=[0.3, 0.2, 0.5])
        if rng.random() < 0.1:
            flags[:] = 0
        low, high = points.min(0), points.max(0)
        points[flags == 0] = 0
        people.append({
            "keypoints": np.column_stack([points, flags]).reshape(-1).tolist(),
            "num_keypoints": int((flags > 0).sum()),
            "bbox": [*low, *(high - low)],
            "area": float(np.prod(high - low) * rng.uniform(0.4, 0.9)),
            "iscrowd": int(rng.random() < 0.1),
        })  # fmt: skip
    detections = []
    for _ in range(int(rng.integers(0, 26))):
        if people and rng.random() < 0.7:
            base = np.array(people[int(rng.integers(len(people)))]["keypoints"]).reshape(17, 3)
            points = base[:, :2] + rng.normal(0, rng.uniform(0, 20), (17, 2))
        else:
            points = rng.uniform(0, 500, (17, 2))
        detections.append(points)
    return people, np.array(detections).reshape(-1, 17, 2)


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_equals_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours = AveragePrecision()
    truth: dict[str, Any] = {
        "images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]
    }  # fmt: skip
    results: list[dict[str, Any]] = []
    for image in range(40):
        people, points = _picture(rng)
        # Scores on a coarse grid: ties must be broken the same way too.
        scores = rng.integers(0, 20, len(points)) / 20
        truth["images"].append({"id": image})
        for person in people:
            number = len(truth["annotations"]) + 1
            truth["annotations"].append(
                {**person, "id": number, "image_id": image, "category_id": 1}
            )
        for found, score in zip(points, scores, strict=True):
            keypoints = np.column_stack([found, np.ones(17)]).reshape(-1).tolist()
            results.append(
                {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": float(score)}
            )
        rows = np.array([p["keypoints"] for p in people]).reshape(-1, 17, 3)
        area = np.array([p["area"] for p in people])
        boxes = np.array([p["bbox"] for p in people]).reshape(-1, 4)
        crowd = np.array([p["iscrowd"] for p in people], bool)
        labelled = rows[..., 2] > 0
        similarity = oks.oks_matrix(points, rows[..., :2], labelled, area, boxes, SIGMAS)
        ignore = crowd | ~labelled.any(axis=1)
        areas = detected_area(points) if len(points) else np.zeros(0)
        ours.add(similarity, scores, areas, area, ignore, crowd)
    expected = coco_reference(truth, results, SIGMAS)
    found_figures = ours.figures()
    assert tuple(found_figures) == FIGURES
    for name in FIGURES:
        assert found_figures[name] == pytest.approx(expected[name], abs=1e-9, nan_ok=True), name
    assert 0.05 < found_figures["AP"] < 0.95  # the comparison was about something


def test_one_right_and_one_wrong_detection_by_hand() -> None:
    """Two people; the better score is right, the other wrong: precision 1 up to recall 0.5."""
    judge = AveragePrecision()
    judge.add(
        np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0.9, 0.8]), np.array([2e4, 2e4]),
        np.array([2e4, 2e4]), np.zeros(2, bool),
    )  # fmt: skip
    figures = judge.figures()
    assert figures["AP"] == pytest.approx(51 / 101)  # recalls 0.00, 0.01, … 0.50
    assert figures["AR"] == 0.5
    assert np.isnan(figures["APm"])
    assert figures["APl"] == figures["AP"]


def test_nothing_to_judge_and_wrong_shapes() -> None:
    assert np.isnan(AveragePrecision().figures()["AP"])
    with pytest.raises(InvalidInput, match="1 detections × 0 people"):
        AveragePrecision().add(
            np.zeros((2, 0)), np.ones(1), np.ones(1), np.zeros(0), np.zeros(0, bool)
        )
