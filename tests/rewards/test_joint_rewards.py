"""Each joint reward by hand, and an attempt to cheat it that must not pay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from posealign.anatomy import capsules
from posealign.anatomy.angles import ANGLES
from posealign.anatomy.angles import angle as numpy_angle
from posealign.anatomy.posture import trunk_width as numpy_width
from posealign.anatomy.space import torso_units
from posealign.errors import InvalidConfig, InvalidInput
from posealign.rewards import geometry
from posealign.rewards.accuracy import accuracy, band_at
from posealign.rewards.bones import bones
from posealign.rewards.combine import JOINT_REWARDS, WEIGHTS, reward
from posealign.rewards.crossing import crossing
from posealign.rewards.depth import depth
from posealign.rewards.poses import Poses, Rules
from posealign.rewards.range_of_motion import range_of_motion
from posealign.rewards.semantic import semantic, trunk_width
from posealign.rewards.sides import sides

from .bodies import CELL, NAMES, mask, only, poses, scene

RULES = Rules()


def at(values_GBV: torch.Tensor, name: str) -> float:
    return float(values_GBV[0, 0, NAMES.index(name)])


def total(one: Poses, **changes: object) -> float:
    return reward(one, scene(**changes), WEIGHTS, RULES).total


def test_geometry_is_the_anatomys() -> None:
    dice = torch.Generator().manual_seed(3)
    points, z = torch.rand(4, 5, 17, 2, generator=dice) * 100, torch.rand(4, 5, 17, generator=dice)
    one = Poses(points, z, torch.ones(4, 5, 17, dtype=torch.bool))
    space = geometry.placed(one, NAMES, RULES)
    same = torso_units(points.flatten(0, 1).numpy(), z.flatten(0, 1).numpy(), NAMES)
    assert space.flatten(0, 1).numpy() == pytest.approx(same, abs=1e-4)
    for name in ANGLES:
        found = geometry.angle(space, NAMES, name).flatten().numpy()
        assert found == pytest.approx(numpy_angle(same, NAMES, name), abs=0.05), name
    ends = [space[..., k, :] for k in (5, 7, 6, 8)]
    gap = capsules.segment_distance(*(e.flatten(0, 1).double().numpy() for e in ends))
    assert geometry.segment_gap(*ends).flatten().numpy() == pytest.approx(gap, abs=1e-4)
    width = trunk_width(one, NAMES)[0, 0]
    named = {name: points[0, 0, k].numpy() for k, name in enumerate(NAMES)}
    assert float(width) == pytest.approx(numpy_width(named), abs=1e-4)


def test_a_plain_infant_breaks_no_rule() -> None:
    for name, function in JOINT_REWARDS.items():
        value = function(poses(), scene(), RULES)
        assert value.shape == (1, 1, 17), name
        expected = 1.1 if name == "accuracy" else 0.0
        assert value.numpy() == pytest.approx(expected, abs=0.35 if name == "depth" else 1e-3), name


def test_accuracy_is_banded_and_the_band_rises() -> None:
    off = poses(left_wrist=(0.22, 0, 0))
    loose = accuracy(off, scene(), Rules(band=(0.5, 0.75)))
    strict = accuracy(off, scene(), Rules(band=(0.75, 0.9)))
    assert 0.5 < at(loose, "left_wrist") < 0.9
    assert at(strict, "left_wrist") < 0.1
    assert at(loose, "right_wrist") == pytest.approx(1.1)
    assert band_at(0.7) == (0.5, 0.75)
    assert band_at(0.8) == (0.75, 0.9)
    nobody = accuracy(off, scene(labelled_BV=~mask("left_wrist")), RULES)
    assert at(nobody, "left_wrist") == 0


def test_accuracy_exploit_sitting_just_below_the_band_earns_next_to_nothing() -> None:
    far = accuracy(poses(left_wrist=(0.45, 0, 0)), scene(), RULES)
    assert at(far, "left_wrist") < 0.05
    assert at(accuracy(only(poses(), "nose"), scene(), RULES), "left_wrist") == 0


def test_bones_too_long_and_too_short() -> None:
    longer = bones(poses(left_wrist=(0.0, 0.4, 0)), scene(), RULES)
    assert -2 < at(longer, "left_wrist") == at(longer, "left_elbow") < -1
    assert at(longer, "right_wrist") == pytest.approx(0, abs=1e-4)
    shorter = bones(poses(left_wrist=(0.0, -0.2, 0.15)), scene(), RULES)
    assert -2 < at(shorter, "left_wrist") < -1
    flat = bones(poses(left_wrist=(0.0, -0.2, 0.15)), scene(), Rules(flat=True))
    assert at(flat, "left_wrist") == 0  # in the picture it may be foreshortened


def test_bones_exploit_shrinking_the_skeleton() -> None:
    """All of it: the bones stay right for the trunk, the places do not. Limbs alone: too short."""
    whole, middle = poses(), torch.tensor([96.0, 80.0])
    tiny = replace(whole, points_GBV2=(whole.points_GBV2 - middle) * 0.3 + middle)
    assert total(tiny) < total(whole) - 0.5
    limbs = whole.points_GBV2.clone()
    for side in ("left", "right"):
        for joint, root in (("elbow", "shoulder"), ("wrist", "shoulder"), ("knee", "hip"),
                            ("ankle", "hip")):  # fmt: skip
            a, b = NAMES.index(f"{side}_{joint}"), NAMES.index(f"{side}_{root}")
            limbs[..., a, :] = 0.3 * limbs[..., a, :] + 0.7 * limbs[..., b, :]
    assert float(bones(replace(whole, points_GBV2=limbs), scene(), RULES).sum()) < -6
    bigger = replace(whole, points_GBV2=whole.points_GBV2 * 1.5)
    assert float(bones(bigger, scene(), Rules(flat=True)).sum()) == pytest.approx(0, abs=1e-4)


def test_range_of_motion_by_age() -> None:
    folded = poses()
    shoulder, elbow, wrist = (NAMES.index(f"left_{j}") for j in ("shoulder", "elbow", "wrist"))
    folded.points_GBV2[..., wrist, :] = folded.points_GBV2[..., shoulder, :]
    folded.z_GBV[..., wrist] = folded.z_GBV[..., shoulder]
    value = range_of_motion(folded, scene(), RULES)
    assert -2 < at(value, "left_elbow") < -1
    assert at(value, "right_elbow") == 0
    straight = poses()
    arm = straight.points_GBV2[..., elbow, :] - straight.points_GBV2[..., shoulder, :]
    straight.points_GBV2[..., wrist, :] = straight.points_GBV2[..., elbow, :] + 0.8 * arm
    straight.z_GBV[..., wrist] = 0.0
    old, young = (
        at(range_of_motion(straight, scene(age_B=torch.tensor([age])), RULES), "left_elbow")
        for age in (6.0, 1.0)
    )
    assert old == pytest.approx(0, abs=1e-3)
    assert young == pytest.approx(-((12 / 15) ** 2), abs=0.02)


def test_range_exploit_a_joint_left_out_is_not_rewarded_for_it() -> None:
    """The rule is silent where a joint is missing; leaving it out costs accuracy and the set."""
    folded = poses()
    folded.points_GBV2[..., NAMES.index("left_wrist"), :] = folded.points_GBV2[
        ..., NAMES.index("left_shoulder"), :
    ]
    hidden = only(folded, "left_wrist", "left_elbow", "left_shoulder", but=True)
    assert float(range_of_motion(hidden, scene(), RULES).sum()) == pytest.approx(0, abs=1e-3)
    assert total(hidden) < total(poses())


def test_crossed_thighs_cost_and_crossed_ankles_do_not() -> None:
    place = poses()
    knees = [NAMES.index("left_knee"), NAMES.index("right_knee")]
    crossed = place.points_GBV2.clone()
    crossed[..., knees, :] = place.points_GBV2[..., knees[::-1], :]
    value = crossing(replace(place, points_GBV2=crossed), scene(), RULES)
    assert at(value, "left_knee") < -0.9
    assert at(value, "left_wrist") == 0
    ankles = [NAMES.index("left_ankle"), NAMES.index("right_ankle")]
    free = place.points_GBV2.clone()
    free[..., ankles, :] = free[..., ankles, :].mean(-2, keepdim=True)
    assert float(crossing(replace(place, points_GBV2=free), scene(), RULES).sum()) > -0.5
    assert (
        float(crossing(replace(place, points_GBV2=crossed), scene(), Rules(flat=True)).sum()) == 0
    )


def test_crossing_exploit_limbs_that_always_cross_do_not_pay() -> None:
    swap = [NAMES.index(n.replace("left", "x").replace("right", "left").replace("x", "right"))
            for n in NAMES]  # fmt: skip
    legs = [NAMES.index(n) for n in NAMES if "knee" in n]
    always = poses()
    points = always.points_GBV2.clone()
    points[..., legs, :] = always.points_GBV2[..., [swap[k] for k in legs], :]
    assert total(replace(always, points_GBV2=points)) < total(always) - 0.2


def test_sides_opposed_and_swapped() -> None:
    value = poses()
    hips = [NAMES.index("left_hip"), NAMES.index("right_hip")]
    points = value.points_GBV2.clone()
    points[..., hips, :] = points[..., hips[::-1], :]
    wrong = sides(replace(value, points_GBV2=points), scene(), RULES)
    assert at(wrong, "left_hip") == pytest.approx(-2, abs=1e-3)
    assert at(wrong, "left_shoulder") == pytest.approx(-1, abs=1e-3)
    assert at(wrong, "left_knee") == 0


def test_sides_exploit_turning_the_whole_body_round() -> None:
    """Shoulders and hips agree again, but the labels do not."""
    swap = torch.tensor([NAMES.index(n.replace("left", "x").replace("right", "left")
                                     .replace("x", "right")) for n in NAMES])  # fmt: skip
    one = poses()
    turned = replace(one, points_GBV2=one.points_GBV2[..., swap, :], z_GBV=one.z_GBV[..., swap])
    assert float(sides(turned, scene(), RULES).sum()) <= -12
    assert total(turned) < total(one) - 1


def test_depth_pays_for_joints_under_the_skin() -> None:
    right = depth(poses(), scene(), RULES)
    assert at(right, "left_knee") == pytest.approx(0, abs=1e-3)
    deep = depth(poses(left_knee=(0, 0, 0.5)), scene(), RULES)
    assert -2 < at(deep, "left_knee") < -1
    assert at(deep, "right_knee") == pytest.approx(0, abs=1e-3)  # one joint does not move the root
    before = depth(poses(left_knee=(0, 0, -0.5)), scene(visible_BV=~mask("left_knee")), RULES)
    behind = depth(poses(left_knee=(0, 0, 0.5)), scene(visible_BV=~mask("left_knee")), RULES)
    assert -2 < at(before, "left_knee") < -1
    assert at(behind, "left_knee") == 0  # hidden: it may be anywhere behind what hides it


def test_depth_exploit_hiding_in_a_hole() -> None:
    """A hole beside the knee: standing in it is the worst, not unjudged."""
    surface = scene().surface_Bhw.clone()
    x, y = (poses().points_GBV2[0, 0, NAMES.index("left_knee")] / CELL).round().int().tolist()
    surface[0, y - 1 : y + 2, x + 3 : x + 6] = 0
    holed = scene(surface_Bhw=surface)
    wrong = poses(left_knee=(0, 0, 0.12))
    hidden = poses(left_knee=(4 * CELL / 60.0, 0, 0.12))
    assert at(depth(hidden, holed, RULES), "left_knee") == -2
    assert at(depth(wrong, holed, RULES), "left_knee") > -2
    # A joint that was labelled in a hole is judged nowhere.
    surface[0, y - 1 : y + 2, x - 1 : x + 2] = 0
    assert at(depth(wrong, scene(surface_Bhw=surface), RULES), "left_knee") == 0
    outside = poses(left_knee=(9.0, 0, 0))
    assert at(depth(outside, scene(), RULES), "left_knee") == -2


def test_depth_exploit_carrying_the_root_away() -> None:
    """All depths moved together: the root moves with them and nothing is gained or lost."""
    moved = poses()
    moved = replace(moved, z_GBV=moved.z_GBV + 0.4)
    here, there = (depth(p, scene(), RULES).sum() for p in (poses(), moved))
    assert float(there) == pytest.approx(float(here), abs=1e-3)


def test_far_off_is_worse_than_off() -> None:
    """Beyond what was once cut off a rule still says which of two samples is nearer."""
    for name, there, further in (
        ("bones", {"left_wrist": (0.0, 0.5, 0)}, {"left_wrist": (0.0, 0.8, 0)}),
        ("depth", {"left_knee": (0, 0, 0.5)}, {"left_knee": (0, 0, 0.8)}),
    ):
        near, far = (float(JOINT_REWARDS[name](poses(**off), scene(), RULES).sum())
                     for off in (there, further))  # fmt: skip
        assert far < near < -1, name
    cost = torch.linspace(0, 9, 100, requires_grad=True)
    value = geometry.bounded(cost, 1.5)
    assert torch.equal(value[cost <= 1.5], cost[cost <= 1.5])
    assert float(value.detach().max()) < 3
    (slope,) = torch.autograd.grad(value.sum(), cost)
    assert (slope > 0).all()
    assert (slope.diff() <= 1e-6).all()  # no corner


def test_an_adult_is_not_held_to_an_infants_measures() -> None:
    longer, adult = poses(left_ankle=(0.0, 0.5, 0)), torch.tensor([False])
    weights = {"bones": 1.0, "range_of_motion": 1.0, "crossing": 1.0}
    assert reward(longer, scene(), weights, RULES).total < -0.01
    assert reward(longer, scene(infant_B=adult), weights, RULES).total == 0
    both = {**weights, "accuracy": 1.0, "depth": 1.0}
    found = reward(longer, scene(infant_B=adult), both, RULES)
    assert 0 < found.total < reward(poses(), scene(infant_B=adult), both, RULES).total


def test_semantic_agrees_with_a_true_premise_only() -> None:
    supine = torch.tensor([0])
    value = semantic(poses(), scene(premise_B=supine), RULES)
    assert at(value, "left_hip") == 1
    assert at(value, "left_knee") == 0
    prone = torch.tensor([1])
    assert float(semantic(poses(), scene(premise_B=prone, posture_B=prone), RULES).sum()) == 0
    assert float(semantic(poses(), scene(), RULES).sum()) == 0


def test_semantic_exploit_agreeing_with_wrong_words_earns_nothing() -> None:
    swap = torch.tensor([NAMES.index(n.replace("left", "x").replace("right", "left")
                                     .replace("x", "right")) for n in NAMES])  # fmt: skip
    one = poses()
    turned = replace(one, points_GBV2=one.points_GBV2[..., swap, :])
    says_prone = {"premise_B": torch.tensor([1])}
    assert float(semantic(turned, scene(**says_prone), RULES).sum()) == 0
    assert total(turned, **says_prone) < total(one, **says_prone)


def test_rules_can_be_differentiated() -> None:
    """As losses: every rule but the two that count pulls somewhere."""
    bent = poses(left_wrist=(0.1, 0.5, 0.3), left_knee=(-0.3, 0, 0.4))
    for name in ("bones", "range_of_motion", "depth"):
        points, z = bent.points_GBV2.clone().requires_grad_(), bent.z_GBV.clone().requires_grad_()
        value = JOINT_REWARDS[name](replace(bent, points_GBV2=points, z_GBV=z), scene(),
                                    Rules(capped=False))  # fmt: skip
        value.sum().backward()
        assert torch.isfinite(points.grad if points.grad is not None else z.grad).all(), name
        assert z.grad is not None
        assert torch.isfinite(z.grad).all(), name
        assert name == "range_of_motion" or float(z.grad.abs().sum()) > 0, name


def test_shapes_and_names_are_checked() -> None:
    with pytest.raises(InvalidInput, match="z_GBV"):
        replace(poses(), z_GBV=torch.zeros(2, 1, 17))
    with pytest.raises(InvalidInput, match="asked_BV"):
        scene(asked_BV=torch.ones(1, 3, dtype=torch.bool))
    with pytest.raises(InvalidInput, match="band"):
        Rules(band=(0.9, 0.5))
    with pytest.raises(InvalidConfig, match="crossing"):
        reward(poses(), scene(), {"crosing": 1.0}, RULES)


def test_rewards_are_the_same_one_by_one_and_together() -> None:
    """Vectorised over rollouts and pictures: no row sees another."""
    dice = np.random.default_rng(2)
    many = [poses(left_wrist=tuple(dice.normal(0, 0.3, 3))) for _ in range(5)]
    stacked = Poses(*(torch.cat([getattr(p, n) for p in many])
                      for n in ("points_GBV2", "z_GBV", "emitted_GBV")))  # fmt: skip
    for name, function in JOINT_REWARDS.items():
        one_by_one = torch.cat([function(p, scene(), RULES) for p in many])
        assert torch.allclose(function(stacked, scene(), RULES), one_by_one, atol=1e-5), name
