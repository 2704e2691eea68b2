"""Which joints are given: F1, hallucination, and what a single joint changes."""

from __future__ import annotations

import pytest
import torch

from posealign.rewards.combine import WEIGHTS, flipped_sets, reward, set_reward
from posealign.rewards.emission import hallucination, set_f1
from posealign.rewards.poses import Rules

from .bodies import NAMES, mask, only, poses, scene


def test_f1_by_hand() -> None:
    """Asked 4, there 3; given 2 right and 1 wrong: 2·2 / (3 + 3)."""
    asked = mask("left_hip", "left_knee", "left_ankle", "left_wrist")
    absent = mask("left_wrist")
    one = scene(asked_BV=asked, present_BV=~absent, absent_BV=absent)
    given = only(poses(), "left_hip", "left_knee", "left_wrist").emitted_GBV
    assert float(set_f1(given, one)) == pytest.approx(4 / 6)
    assert float(hallucination(given, one)) == -0.5


def test_a_right_abstention_pays_in_full() -> None:
    nothing = scene(asked_BV=mask("left_wrist"), present_BV=~mask("left_wrist"),
                    absent_BV=mask("left_wrist"))  # fmt: skip
    silent = only(poses()).emitted_GBV
    assert float(set_f1(silent, nothing)) == 1
    assert float(hallucination(silent, nothing)) == 0
    assert float(set_f1(only(poses(), "left_wrist").emitted_GBV, nothing)) == 0


def test_exploit_emitting_nothing_does_not_pay() -> None:
    """Nor does leaving out just the joints that break a rule."""
    silent = reward(only(poses()), scene(), WEIGHTS, Rules()).total
    wrong = poses(left_wrist=(0.6, 0.5, 0.4))
    assert silent < reward(wrong, scene(), WEIGHTS, Rules()).total
    assert silent < 0.1


def test_exploit_emitting_everything_does_not_pay() -> None:
    absent = mask(*(name for name in NAMES if "ankle" in name or "knee" in name))
    one = scene(present_BV=~absent, absent_BV=absent, labelled_BV=~absent)
    all_of_them, honest = poses(), only(poses(), *(
        name for name in NAMES if not ("ankle" in name or "knee" in name)
    ))  # fmt: skip
    gain = [set_reward(p.emitted_GBV, one, WEIGHTS) for p in (honest, all_of_them)]
    assert float(gain[0]) == 1
    assert float(gain[1]) < 0.5


def test_a_joint_nobody_looked_for_counts_neither_way() -> None:
    unknown = mask("left_wrist")
    one = scene(present_BV=~unknown, labelled_BV=~unknown)
    with_, without = poses().emitted_GBV, only(poses(), "left_wrist", but=True).emitted_GBV
    assert float(set_f1(with_, one)) == float(set_f1(without, one)) == 1


def test_what_one_joint_changes_is_what_flipping_it_gives() -> None:
    absent = mask("left_wrist", "right_ear")
    one = scene(present_BV=~absent, absent_BV=absent)
    dice = torch.Generator().manual_seed(0)
    emitted = torch.rand(3, 1, len(NAMES), generator=dice) > 0.3
    flipped = flipped_sets(emitted, one, WEIGHTS)
    for joint in range(len(NAMES)):
        by_hand = emitted.clone()
        by_hand[..., joint] = ~by_hand[..., joint]
        assert torch.allclose(flipped[..., joint], set_reward(by_hand, one, WEIGHTS))


def test_chances_of_being_given_can_be_differentiated() -> None:
    """At 0 and 1 they are the sets'; a price for absent joints is its expectation; both pull."""
    absent = mask("left_wrist", "right_ear")
    one = scene(present_BV=~absent, absent_BV=absent)
    emitted = torch.rand(3, 1, len(NAMES), generator=torch.Generator().manual_seed(1)) > 0.4
    assert torch.equal(set_reward(emitted.float(), one, WEIGHTS), set_reward(emitted, one, WEIGHTS))
    half = torch.full((1, 1, len(NAMES)), 0.5, requires_grad=True)
    assert float(hallucination(half, one).detach()) == -0.25
    (slope,) = torch.autograd.grad(set_reward(half, one, WEIGHTS).sum(), half)
    assert (slope[0, 0, absent[0]] < 0).all()
    assert (slope[0, 0, ~absent[0]] > 0).all()
