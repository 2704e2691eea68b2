"""Bones, capsules, ranges and space: small cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from posealign.anatomy import bones, capsules, ranges
from posealign.anatomy.angles import ANGLES
from posealign.anatomy.space import torso_units
from posealign.errors import InvalidInput
from posealign.skeletons.load import skeleton

COCO = skeleton("coco17").names


def test_a_bones_ratio_is_that_of_the_table() -> None:
    """3-5 months: 9.84 / 20.79; the mean over five ages lies near it."""
    arm = bones.expected("left_upper_arm")
    assert np.exp(arm.log_ratio) == pytest.approx(9.84 / 20.79, rel=0.03)
    assert arm == bones.expected("right_upper_arm")
    assert arm.spread == pytest.approx(np.hypot(0.08, 0.06), rel=0.05)
    assert 0.08 < arm.radius < 0.12


def test_crossings_that_are_normal_cost_nothing() -> None:
    pairs = {frozenset(pair): cost for pair, cost in capsules.COSTS.items()}
    assert pairs[frozenset(("left_thigh", "right_thigh"))] == 1
    assert pairs[frozenset(("left_thigh", "right_shank"))] == capsules.RARE
    assert pairs[frozenset(("left_upper_arm", "right_forearm"))] == capsules.RARE
    for normal in (
        ("left_shank", "right_shank"), ("left_forearm", "right_forearm"),
        ("left_forearm", "left_thigh"), ("left_forearm", "right_shank"),
    ):  # fmt: skip
        assert frozenset(normal) not in pairs
    assert not any(set(bones.BONES[a]) & set(bones.BONES[b]) for a, b in capsules.COSTS)


def test_ranges_follow_age() -> None:
    assert ranges.limits("left_elbow_flexion", 1.0, "soft") == (12, 155)
    assert ranges.limits("left_elbow_flexion", 6.0, "soft") == (0, 155)
    assert ranges.limits("left_elbow_flexion") == (0, 168)
    # A raised arm and a spread leg have no least angle: these angles carry no sign.
    assert ranges.limits("left_hip_flexion", 1.0, "soft")[0] == 0
    table = ranges.limits_by_age(["left_knee_flexion"], np.array([1.0, 6.0, np.nan]))
    assert table[:, 0].tolist() == [[12, 150], [0, 150], [0, 150]]
    assert ranges.limits_by_age(list(ANGLES), np.zeros(0)).shape == (0, len(ANGLES), 2)
    with pytest.raises(InvalidInput, match="left_knee_flexion"):
        ranges.limits("left_knee_flexio")


def test_a_trunk_is_one_unit_long_however_it_is_tilted() -> None:
    points = np.full((1, 17, 2), np.nan)
    z = np.zeros((1, 17))
    for name, place in (("left_shoulder", (10, 0)), ("right_shoulder", (-10, 0)),
                        ("left_hip", (6, 40)), ("right_hip", (-6, 40))):  # fmt: skip
        points[0, COCO.index(name)] = place
    z[0, [COCO.index("left_shoulder"), COCO.index("right_shoulder")]] = 0.6
    space = torso_units(points, z, COCO)
    assert bones.torso_length(space, COCO)[0] == pytest.approx(1)
    corner = space[0, COCO.index("left_hip")] - space[0, COCO.index("right_hip")]
    assert corner == pytest.approx([12 * 0.8 / 40, 0, 0])
    assert np.isnan(bones.torso_length(space[:, :3], COCO[:3])[0])
