"""The published convention, case by case, on COCO-17 and beyond."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.instructions.compositions import sample_composition, shaped
from posealign.instructions.describe import describe, describe_query
from posealign.instructions.mirror import mirror_query, mirror_text
from posealign.instructions.query import Query, parse
from posealign.instructions.sampling import sample
from posealign.instructions.sets import in_skeleton, read
from posealign.instructions.targets import target_of
from posealign.skeletons.load import skeleton, vocabulary

HEAD = "nose left_eye right_eye left_ear right_ear"
ARMS = "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist"
LEGS = "left_hip right_hip left_knee right_knee left_ankle right_ankle"
SEEDS = st.integers(0, 10**6)


def asked(written: str, name: str = "coco17") -> set[str]:
    query = parse(written)
    assert isinstance(query, Query)
    return set(in_skeleton(read(query).asked, skeleton(name)))


@pytest.mark.parametrize(
    ("written", "joints"),
    [
        ("left_leg", "left_hip left_knee left_ankle"),
        ("arm", ARMS),
        ("hand", "left_wrist right_wrist"),
        ("limbs", f"{ARMS} {LEGS}"),
        ("upper_body", f"{HEAD} {ARMS}"),
        ("upper_body - arm", HEAD),
        ("torso - arm", "left_shoulder right_shoulder left_hip right_hip"),
        ("leg - knee", "left_hip right_hip left_ankle right_ankle"),
        ("leg - foot", "left_hip right_hip left_knee right_knee"),
        ("all - (arm + leg)", HEAD),
        ("all - left_arm - right_arm - leg", HEAD),
        ("arm - left_hand", ARMS.replace(" left_wrist", "")),
        ("left_side - head", "left_shoulder left_elbow left_wrist left_hip left_knee left_ankle"),
        ("left_side - left_arm", "left_eye left_ear left_hip left_knee left_ankle"),
        ("chain(hip, ankle)", LEGS),
        ("chain(left_wrist, left_shoulder)", "left_wrist left_elbow left_shoulder"),
        ("chain(left_shoulder, wrist)", "left_wrist left_elbow left_shoulder"),
        ("chain(left_hip, right_hip)", "left_hip right_hip"),
        ("chain(hip, ankle) - knee", "left_hip right_hip left_ankle right_ankle"),
        ("left_leg - left_leg", ""),
        ("neck", ""),
    ],
)
def test_convention(written: str, joints: str) -> None:
    assert asked(written) == set(joints.split())


def test_everything_but_the_left_arm_drops_the_shoulder() -> None:
    assert asked("all - left_arm") == set(skeleton("coco17").names) - {
        "left_shoulder", "left_elbow", "left_wrist",
    }  # fmt: skip


def test_fingers_do_not_decide_but_go_with_their_hand() -> None:
    rest = read(parse("arm - hand")).asked  # type: ignore[arg-type]
    assert "left_wrist" not in rest
    assert "left_elbow" in rest
    thumbs = read(parse("hand - thumb")).asked  # type: ignore[arg-type]
    assert "left_thumb1" not in thumbs
    assert "left_forefinger1" in thumbs


def test_spine_chain_follows_the_midline() -> None:
    way = read(parse("chain(neck, pelvis)")).asked  # type: ignore[arg-type]
    assert way == {"neck", "spine3", "spine2", "spine1", "pelvis"}


def test_a_joint_made_from_others_is_asked_by_its_own_name() -> None:
    assert asked("neck", "body25") == {"Neck"}
    assert asked("pelvis", "halpe26") == {"hip"}
    assert asked("shoulder", "body25") == {"LShoulder", "RShoulder"}
    assert "Neck" not in asked("all - neck", "body25")
    assert len(asked("all", "coco_wholebody133")) == 133


def test_relations_ask_for_their_candidates() -> None:
    reading = read(parse("higher(hand) + left_knee"))  # type: ignore[arg-type]
    assert {"left_wrist", "right_wrist", "left_knee"} <= reading.asked
    assert "left_knee" not in reading.related
    reading = read(parse("all - raised(arm)"))  # type: ignore[arg-type]
    assert "left_elbow" in reading.asked & reading.related


@given(SEEDS)
def test_sampled_queries_are_written_described_and_mirrored(seed: int) -> None:
    query = sample(Random(seed), refusals=0)
    assert isinstance(query, Query)
    assert parse(str(query)) == query
    mirrored = mirror_query(query)
    assert mirror_query(mirrored) == query
    here, there = target_of(str(query)), target_of(str(mirrored))
    assert (here.asked_V[vocabulary().swap_J] == there.asked_V).all()
    form = describe(here.asked_V)
    if form is not None:
        assert (read(parse(form)).asked_V() == here.asked_V).all()  # type: ignore[arg-type]


def test_described_queries_keep_their_wishes() -> None:
    target = target_of("all - left_arm")
    written = describe_query(target.asked_V, target.related_V, None, {"dims": "3", "vis": None})
    assert written == "all - left_arm | dims=3"
    hands = target_of("higher(hand)")
    assert describe_query(hands.asked_V, hands.related_V, "higher", {}) == "higher(hand)"
    assert describe(np.zeros(len(vocabulary()), dtype=bool)) is None


@given(SEEDS)
def test_held_out_shapes_are_never_sampled(seed: int) -> None:
    rng = Random(seed)
    assert shaped(sample_composition(rng))
    assert not shaped(sample(rng))


def test_mirrored_text_leaves_other_rights_alone() -> None:
    assert mirror_text("the left arm, R knee and 左腿") == "the right arm, L knee and 右腿"
    assert mirror_text("left_wrist") == "right_wrist"
    assert mirror_text("right now, the left arm") is None
    assert mirror_text("a bright leg") == "a bright leg"
