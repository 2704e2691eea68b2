"""Exceptions and chains read clause by clause: known words in shapes nobody gave an example of."""

from __future__ import annotations

from random import Random

import pytest

from posealign.instructions.clauses import is_composed, read_clauses, weigh_clauses
from posealign.instructions.cleaning import cleaned
from posealign.instructions.compositions import sample_composition
from posealign.instructions.normalise import normalise
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.query import Query, parse
from posealign.instructions.sets import candidates, evaluate
from posealign.instructions.wording import word


def joints(written: str) -> frozenset[str]:
    query = parse(written)
    assert isinstance(query, Query)
    return evaluate(query.scope, candidates)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("left hip to left ankle without the knee", "chain(left_hip, left_ankle) - knee"),
        ("the nose and the left arm except the wrist", "nose + (left_arm - left_wrist)"),
        ("left arm without the wrist and the head", "(left_arm - left_wrist) + head"),
        ("the leg minus knee and ankle", "leg - (knee + ankle)"),
        ("everything but from the right shoulder to the right wrist", "all - right_arm"),
        ("the raised arm but not the hand", "raised(arm) - hand"),
        ("no need to do the arms, legs only", "leg"),
        ("arms, never mind about the legs", "arm"),
        ("the toes of the left foot", "left_toes"),
        ("the ankles, L and R", "ankle"),
        ("everything without the head, but the ears should stay", "(all - head) + ear"),
        ("the arms can go, the elbows remain", "(all - arm) + elbow"),
        ("everything except the left leg, but don't drop the knee", "(all - left_leg) + left_knee"),
        # A correction before an exception: what was said by mistake is no part of either.
        ("elbows, I take that back, the legs, but skip the feet and hips", "leg - (foot + hip)"),
        ("the face nah the lot minus elbows to shoulders", "all - chain(elbow, shoulder)"),
        ("颈部，抱歉，整个脸扣掉下巴", "face - jaw"),
        # Of a list behind an exception that goes which the whole has; the rest is named too.
        ("the right half without the hands plus the head", "right_side - (hand + head)"),
        ("left half, feet, and on top of that the head excluded", "left_side - (foot + head)"),
        ("the left hand, all but the wrist; both thighs", "(left_hand - left_wrist) + thigh"),
        ("the legs, from which you omit the backs of the feet", "leg - heel"),
        ("头，脖子不要与左髋", "head + left_hip"),
        # A side goes with its part: behind the other end of a chain, before the whole.
        ("all but the hip of the left side to the foot", "all - chain(left_hip, left_foot)"),
        ("shoulder to all joints of the hand on the kid's left", "left_arm + left_hand"),
        ("left arm, leg of the right side, never mind the heels", "left_arm + (right_leg - heel)"),
        ("不算左脚踝的他的左侧的小腿", "left_shank - left_ankle"),
        ("腿，除了双侧脚大趾，左右大腿", "leg - (big_toe + thigh)"),
        ("肩部（左边）一路到左手免了，剩下全给", "all - chain(left_shoulder, left_hand)"),
        ("everything, kinematic chain neck-pelvis aside", "all - chain(neck, pelvis)"),
        # More behind an exception, another way behind one, one side behind all.
        ("torso but skip the left hip; head too", "(torso - left_hip) + head"),
        ("躯干扣掉髋关节，然后头也标上", "(torso - hip) + head"),
        (
            "left shoulder to elbow; right hip to knee",
            "chain(left_shoulder, left_elbow) + chain(right_hip, right_knee)",
        ),
        ("hip to ankle, not knee to ankle", "chain(hip, ankle) - chain(knee, ankle)"),
        ("left hip to the ankle, skipping the knee", "chain(left_hip, left_ankle) - left_knee"),
        ("the body but nothing from hip to ankle", "all - chain(hip, ankle)"),
        ("leg minus knee, left only", "left_leg - left_knee"),
        ("腿，膝盖除外，左侧", "left_leg - left_knee"),
        ("everything aside from hand and foot of the left side", "all - (left_hand + left_foot)"),
        ("右膝-右脚踝这一段别标，其他的标", "all - chain(right_knee, right_ankle)"),
        ("全身去掉腿，不过脚踝留着", "(all - leg) + ankle"),
        ("of the left hand just the thumb", "left_thumb"),
        ("the feet? only their heels", "heel"),
        ("躯干里只取双髋", "hip"),
        ("右脚,脚跟就行", "right_heel"),
        ("head and only the right knee", "head + right_knee"),
        ("要鼻子,要耳朵,不要脚", "nose + ear"),
        ("just thumbs. no toes. no ears.", "thumb"),
        ("the baby on the left: thumbs, heels", "thumb + heel"),
        ("左边那个宝宝的拇指", "thumb"),
        ("left leg (hip to ankle)", "chain(left_hip, left_ankle)"),
        ("nose and hip to ankle", "nose + chain(hip, ankle)"),
        (
            "left elbow to wrist, and also right knee to ankle",
            "chain(left_elbow, left_wrist) + chain(right_knee, right_ankle)",
        ),
        ("双足跟", "heel"),
        ("左腿去掉膝盖", "left_leg - left_knee"),
        ("鼻子和左胳膊，手腕不要", "nose + (left_arm - left_wrist)"),
        ("从左髋到左踝，膝盖除外", "chain(left_hip, left_ankle) - knee"),
        ("除了从右肩到右手腕以外的全部", "all - right_arm"),
        ("不含头的上半身", "upper_body - head"),
        ("feet, never mind the left", "right_foot"),
        ("the legs without the left one", "right_leg"),
        ("The whole body. No shoulders. No hips.", "all - (shoulder + hip)"),
        ("trace the left leg's line from hip to ankle", "chain(left_hip, left_ankle)"),
        ("ignore the body, just the head", "head"),
        ("not the left wrist. the right.", "right_wrist"),
        ("not thighs but lower legs", "shank"),
        ("头和四肢，躯干没所谓", "head + limbs"),
        ("四肢里右腿不算", "limbs - right_leg"),
    ],
)  # fmt: skip
def test_clauses(text: str, written: str) -> None:
    scope = read_clauses(normalise(text))
    assert scope is not None
    assert evaluate(scope, candidates) == joints(written)


def test_a_text_without_parts_has_no_reading() -> None:
    assert read_clauses("what is the weather like") is None


def test_composed_shapes_are_told_from_plain_ones() -> None:
    def composed(written: str) -> bool:
        query = parse(written)
        assert isinstance(query, Query)
        return is_composed(query.scope)

    assert composed("nose + (left_arm - left_wrist)")
    assert composed("leg - (knee + ankle)")
    assert composed("all - chain(left_hip, left_ankle)")
    assert not composed("leg - knee")
    assert not composed("all - (knee + ankle)")
    assert not composed("nose + left_arm")


def test_most_compositions_are_read_without_any_training() -> None:
    rng, right = Random(11), 0
    for number in range(120):
        query = sample_composition(rng)
        text = word(query, rng, phrasebook(LANGUAGES[number % 2]))
        scope = read_clauses(normalise(text))
        right += scope is not None and (
            evaluate(scope, candidates) == evaluate(query.scope, candidates)
        )
    assert right >= 0.85 * 120


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("the head can go, the ears stay", "settled"),
        ("shoulders, both arms, of the left arm just its wrist", "told"),
        ("the figure's leg minus the knee", "joined"),
        ("the leg and the knee", ""),
    ],
)
def test_how_sure_a_reading_is(text: str, how: str) -> None:
    assert weigh_clauses(text)[1] == how


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("脖子以下都要", "all - head"),
        ("左膝以下", "left_shank + left_foot"),
        ("右边胳膊肘往下", "right_forearm + right_hand"),
        ("右膝以下到脚踝", "chain(right_knee, right_ankle)"),
        ("眼睛抹掉，剩下的留着", "all - eye"),
        ("不是食指，大拇指", "thumb"),
        ("由髋至踝", "chain(hip, ankle)"),
        ("两只手肘", "elbow"),
        ("左右腿肚子", "shank"),
        ("两只脚跟着动", "foot"),
    ],
)
def test_names_and_shapes_of_chinese(said: str, written: str) -> None:
    scope = read_clauses(cleaned(normalise(said)))
    assert scope is not None
    assert evaluate(scope, candidates) == joints(written)
