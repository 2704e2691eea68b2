"""PCK and errors in space: worked by hand and against the numbers of mmpose's own tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.metrics import mpjpe, pck

MASK = np.array([[True, True, False, True, True]] * 2)


def test_pck_as_mmpose() -> None:
    """mmpose's test_keypoint_pck_accuracy: per joint 1, 0.5, none, 1, 1; mean 0.875."""
    points, truth = np.zeros((2, 5, 2)), np.zeros((2, 5, 2))
    points[0, 0] = truth[0, 0] = [10, 0]
    points[0, 1], truth[0, 1] = [20, 20], [10, 10]
    truth[0, 2] = [-1, 0]
    points[0, 3] = truth[0, 3] = [30, 30]
    points[0, 4] = truth[0, 4] = [0, 10]
    per_joint, mean = pck.pck(points, truth, MASK, np.full(2, 10.0), 0.5)
    assert per_joint == pytest.approx([1, 0.5, np.nan, 1, 1], nan_ok=True)
    assert mean == pytest.approx(0.875, abs=1e-4)
    assert np.isnan(pck.pck(points, truth, MASK, np.zeros(2), 0.5)[1])
    only_second = pck.pck(points, truth, MASK, np.array([0.0, 10.0]), 0.5)
    assert only_second[1] == 1.0


def test_pck_by_hand() -> None:
    """Size 100: errors of 4, 6, 12 and none; thresholds 5, 10 and 20 px."""
    truth = np.zeros((1, 4, 2))
    points = np.array([[[4.0, 0], [0, 6], [12, 0], [np.nan, np.nan]]])
    share = pck.pooled_pck(points, truth, np.ones((1, 4), bool), np.array([100.0]))
    assert share.tolist() == [[0.25, 0.5, 0.75]]


def test_sizes() -> None:
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "neck", "head_top")
    truth = np.array([[[0.0, 0], [4, 0], [0, 10], [4, 10], [2, -1], [2, -7]]])
    known = np.ones((1, 6), bool)
    assert pck.torso_size(truth, names, known)[0] == 10
    assert pck.head_size(truth, names, known)[0] == 6
    assert pck.box_size(np.array([[0.0, 0, 3, 8]]))[0] == 8
    known[0, 2] = False
    assert np.isnan(pck.torso_size(truth, names, known)[0])
    assert np.isnan(pck.torso_size(truth, names[4:] + names[:2], known)[0])


def _mmpose_points() -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    points, truth = np.zeros((2, 5, 3)), np.zeros((2, 5, 3))
    points[0] = [[1, 0, 0], [2, 2, 0], [0, 0, -1], [3, 3, 1], [0, 1, 1]]
    truth[0] = [[1, 0, 0], [1, 1, 1], [-1, 0, 0], [3, 3, 1], [0, 1, 0]]
    points[1] = [[1, 0, 0], [2, 2, 1], [-1, 0, 0], [0, 0, 3], [0, 0, 1]]
    truth[1] = [[1, 1, 0], [1, 0, 1], [-1, 0, 0], [0, 0, 3], [1, 1, 0]]
    return points, truth


@pytest.mark.parametrize(
    ("align", "expected"),
    [
        ("none", 0.9625211990796929),
        ("procrustes", 1.0047897634604497),
        ("scale", 1.0277129678465953),
    ],
)
def test_mpjpe_as_mmpose(align: str, expected: float) -> None:
    """mmpose's test_keypoint_mpjpe; it fits on all joints and measures on the masked ones."""
    points, truth = _mmpose_points()
    everything = np.ones((2, 5), bool)
    found = mpjpe.mpjpe(points, truth, MASK, align, fit_NJ=everything)
    assert found == pytest.approx(expected, abs=1e-9)


def test_mpjpe_by_hand() -> None:
    """A right triangle moved by (3, 4, 0): 5 everywhere, nothing once the root is moved back."""
    truth = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    points = truth + np.array([3.0, 4.0, 0.0])
    known = np.ones((1, 3), bool)
    assert mpjpe.mpjpe(points, truth, known) == 5
    assert mpjpe.mpjpe(points, truth, known, "root", root_K=(0,)) == 0
    points[0, 2] = np.nan
    assert mpjpe.joint_errors(points, truth, known)[0, :2].tolist() == [5, 5]
    assert np.isnan(mpjpe.mpjpe(points, truth, np.zeros((1, 3), bool)))


@given(st.integers(0, 10_000))
def test_procrustes_undoes_a_similarity_but_no_mirror(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(1, 8, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    points = truth @ turn.T * rng.uniform(0.2, 5) + rng.normal(size=3)
    known = np.ones((1, 8), bool)
    assert mpjpe.mpjpe(points, truth, known, "procrustes") < 1e-9
    mirrored = points * np.array([-1.0, 1, 1])
    assert mpjpe.mpjpe(mirrored, truth, known, "procrustes") > 0.05


def test_bone_variation_by_hand() -> None:
    """Lengths 1, 2, 3: mean 2, standard deviation √(2/3)."""
    points = np.zeros((3, 3, 3))
    points[:, 1, 0] = [1, 2, 3]
    points[:, 2] = np.nan
    per_bone, mean = mpjpe.bone_variation(points, [(0, 1), (0, 2)])
    assert per_bone[0] == pytest.approx(np.sqrt(2 / 3) / 2)
    assert np.isnan(per_bone[1])
    assert mean == per_bone[0]
