"""Hallucination, swaps, time and plausibility: small cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from posealign.anatomy import bones, capsules
from posealign.metrics import hallucination, plausibility, swap, temporal
from posealign.skeletons.load import skeleton

COCO = skeleton("coco17")


def test_pope_by_hand() -> None:
    """Yes/yes 3, yes/no 1, no/no 2, no/yes 2 (answer/truth)."""
    answer = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    truth = np.array([1, 1, 1, 0, 0, 0, 1, 1], bool)
    figures = hallucination.pope(answer, truth)
    assert figures["accuracy"] == 5 / 8
    assert figures["precision"] == 3 / 4
    assert figures["recall"] == 3 / 5
    assert figures["f1"] == pytest.approx(2 / 3)
    assert figures["balanced_accuracy"] == pytest.approx((3 / 5 + 2 / 3) / 2)
    assert figures["yes_ratio"] == 0.5
    split = hallucination.pope_by_split(answer, truth, ["a"] * 4 + ["b"] * 4)
    assert split["a"]["questions"] == 4
    assert split["all"] == figures
    assert hallucination.pope(answer[:0], truth[:0])["questions"] == 0


def test_chair_by_hand() -> None:
    """Emitted 3 of which 1 absent; 2 absent in all; 1 of 3 present ones not emitted."""
    figures = hallucination.chair(np.array([1, 1, 1, 0, 0], bool), np.array([0, 0, 1, 1, 0], bool))
    assert figures["chair"] == pytest.approx(1 / 3)
    assert figures["absent_emitted"] == 0.5
    assert figures["false_absence"] == pytest.approx(1 / 3)


def test_hallucination_at_recall_by_hand() -> None:
    """Keeping 99 of 100 present joints (0.01 … 1.00) sets the threshold at 0.02."""
    presence = np.concatenate([np.arange(1, 101) / 100, [0.005, 0.019, 0.02, 0.9]])
    absent = np.arange(104) >= 100
    found = hallucination.at_recall(presence, absent)
    assert found == {"threshold": 0.02, "hallucination": 0.5}
    assert np.isnan(hallucination.at_recall(presence, ~absent & False)["hallucination"])


def _standing() -> np.ndarray:  # type: ignore[type-arg]
    """Seen from the front: the person's left is on the picture's right."""
    points = np.zeros((1, 17, 2))
    for number, name in enumerate(COCO.names):
        side = 1 if name.startswith("left") else -1 if name.startswith("right") else 0
        joint = name.split("_")[-1]
        row = ["nose", "eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"]
        points[0, number] = [100 + 20 * side, 10 + 20 * row.index(joint)]
    return points


def test_swap_by_hand() -> None:
    truth = _standing()
    labelled, size = np.ones((1, 17), bool), np.array([100.0])
    pairs = swap.pairs(COCO)
    assert len(pairs) == 8
    legs = truth.copy()
    index = [COCO.index(name) for name in ("left_knee", "right_knee")]
    legs[0, index] = truth[0, index[::-1]]
    found, judged = swap.swapped(legs, truth, labelled, size, pairs)
    assert judged.sum() == 8
    assert swap.swap_rate(found, judged)["all"] == 1 / 8
    assert swap.swap_rate(*swap.swapped(truth, truth, labelled, size, pairs))["all"] == 0
    near = truth.copy()
    near[..., 0] = 100 + (near[..., 0] - 100) / 10  # pairs 4 px apart tell nothing
    assert not swap.swapped(near, near, labelled, size, pairs)[1].any()
    rates = swap.swap_rate(np.tile(found, (2, 1)), np.tile(judged, (2, 1)), ["supine", "prone"])
    assert rates == {"all": 1 / 8, "prone": 1 / 8, "supine": 1 / 8}


def test_roll_by_hand() -> None:
    truth = _standing()
    turned = np.stack([-truth[..., 1], truth[..., 0]], axis=-1)  # head to the right: clockwise 90°
    assert swap.roll_of(truth, COCO.names)[0] == 0
    assert swap.roll_of(turned, COCO.names)[0] == 90
    assert swap.roll_group(np.array([0.0, 90, -170, np.nan])) == [
        "upright", "across", "upside_down", "unknown"
    ]  # fmt: skip


def test_mirror_gap_is_nothing_for_an_even_handed_answer() -> None:
    answer = _standing()
    mirrored = answer[:, COCO.swap_J].copy()
    mirrored[..., 0] = 200 - 1 - mirrored[..., 0]
    assert swap.mirror_gap(answer, mirrored, np.array([200.0]), COCO).max() == 0
    unswapped = answer.copy()
    unswapped[..., 0] = 200 - 1 - unswapped[..., 0]
    assert swap.mirror_gap(answer, unswapped, np.array([200.0]), COCO).max() == 40


def test_jitter_by_hand() -> None:
    """Alternating 0 and 2 px: steps of 2, so √(4/2) of a torso of 100."""
    points = np.zeros((5, 2, 2))
    points[1::2, 0, 0] = 2
    points[:, 1] = np.nan
    found = temporal.jitter(points, 100.0)
    assert found[0] == pytest.approx(np.sqrt(2) / 100)
    assert np.isnan(found[1])


def test_movement_loss_and_lag_by_hand() -> None:
    times = np.arange(90) / 30
    truth = 5 * np.sin(2 * np.pi * 3 * times) + 0.3 * times + 7
    late = 0.9 * 5 * np.sin(2 * np.pi * 3 * (times - 0.02)) + 12
    loss, lag = temporal.movement_loss(late, truth, times)
    assert loss == pytest.approx(0.1, abs=1e-3)
    assert lag == pytest.approx(0.02, abs=1e-3)
    assert np.isnan(temporal.movement_loss(late, np.zeros(90), times)[0])


def test_missing_rate_by_hand() -> None:
    points = np.zeros((2, 2, 2))
    points[0, 0] = np.nan
    assert temporal.missing_rate(points, np.array([[1, 1], [1, 0]], bool)) == pytest.approx(1 / 3)


def _infant() -> np.ndarray:  # type: ignore[type-arg]
    """Arms and legs straight down, every bone at its expected length; torso 1."""
    place = dict.fromkeys(COCO.names, np.full(3, np.nan))
    for side, sign in (("left", 1), ("right", -1)):
        place[f"{side}_shoulder"] = np.array([0.32 * sign, 0, 0])
        place[f"{side}_hip"] = np.array([0.19 * sign, 1, 0])
        for start, end, bone in (
            ("shoulder", "elbow", "upper_arm"), ("elbow", "wrist", "forearm"),
            ("hip", "knee", "thigh"), ("knee", "ankle", "shank"),
        ):  # fmt: skip
            length = np.exp(bones.expected(f"left_{bone}").log_ratio)
            place[f"{side}_{end}"] = place[f"{side}_{start}"] + np.array([0, length, 0])
    return np.stack([place[name] for name in COCO.names])[None]


@pytest.mark.parametrize("flat", [True, False])
def test_a_plain_body_breaks_no_rule(flat: bool) -> None:
    body = _infant()[..., :2] if flat else _infant()
    rates = plausibility.violations(body, COCO.names).rates()
    assert rates["any"] == 0
    assert rates["asymmetry"] == pytest.approx(0, abs=1e-12)
    assert rates["poses"] == 1


def _moved(joint: str, by: tuple[float, float, float]) -> np.ndarray:  # type: ignore[type-arg]
    body = _infant()
    body[0, COCO.index(joint)] += by
    return body


def test_each_rule_is_seen() -> None:
    longer = plausibility.violations(_moved("left_wrist", (0, 1.0, 0)), COCO.names)
    assert longer.bones[0]
    assert longer.asymmetry[0] > 0.1
    folded = _infant()
    elbow, wrist = COCO.index("left_elbow"), COCO.index("left_wrist")
    folded[0, wrist] = 2 * folded[0, elbow] - folded[0, wrist]
    assert plausibility.violations(folded, COCO.names).range_of_motion[0]
    assert plausibility.violations(folded[..., :2], COCO.names).range_of_motion[0]
    crossed = _infant()
    knees = [COCO.index("left_knee"), COCO.index("right_knee")]
    crossed[0, knees] = crossed[0, knees[::-1]]
    assert plausibility.violations(crossed, COCO.names).crossing[0]
    sides = _infant()
    hips = [COCO.index("left_hip"), COCO.index("right_hip")]
    sides[0, hips] = sides[0, hips[::-1]]
    assert plausibility.violations(sides, COCO.names).sides[0]
    nobody = plausibility.violations(np.full((1, 17, 2), np.nan), COCO.names)
    assert np.isnan(nobody.rates()["any"])


def test_a_foreshortened_torso_is_no_long_limb() -> None:
    """Seen from the feet everything but the limbs shrinks: no single bone stands out."""
    body = _infant()[..., :2]
    shoulders = [COCO.index(f"{side}_shoulder") for side in ("left", "right")]
    body[0, shoulders, 1] += 0.4
    body[0, [COCO.index(f"{s}_{j}") for s in ("left", "right") for j in ("elbow", "wrist")], 1] += (
        0.4
    )
    assert not plausibility.violations(body, COCO.names).bones[0]


def test_segment_distance_by_hand() -> None:
    a, b = np.array([[0.0, 0, 0]]), np.array([[2.0, 0, 0]])
    c, d = np.array([[1.0, -1, 3]]), np.array([[1.0, 1, 3]])
    assert capsules.segment_distance(a, b, c, d)[0] == 3
    assert capsules.segment_distance(a, b, b + np.array([3, 4, 0]), b + np.array([9, 4, 0]))[0] == 5
