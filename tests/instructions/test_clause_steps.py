"""Lists that take something back, pieces of a whole, sides behind a list, denied chains."""

from __future__ import annotations

from random import Random

import pytest

from posealign.instructions import written
from posealign.instructions.clauses import weigh_clauses
from posealign.instructions.cleaning import cleaned
from posealign.instructions.corrections import corrects_list
from posealign.instructions.keywords import parse_text
from posealign.instructions.normalise import normalise
from posealign.instructions.query import Query, parse
from posealign.instructions.sets import meant
from posealign.instructions.told import plainly


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("hips and knees and ankles, wait, not the knees", "hip + ankle"),
        ("shoulders, elbows, scratch the elbows, knees", "shoulder + knee"),
        ("眼睛、鼻子、左耳,鼻子不要了", "eye + left_ear"),
        ("arms with elbows, nope, arms without elbows", "arm - elbow"),
        ("left hip, left knee, sorry, right knee, and the nose", "left_hip + right_knee + nose"),
        ("头、左手肘,说错了右手肘,还有髋", "head + right_elbow + hip"),
        ("ears and mouth, hmm no: eyes and nose", "eye + nose"),
        ("right hand and left foot, ah no, left hand and right foot", "left_hand + right_foot"),
        ("both arms, but of the left one only the wrist", "right_arm + left_wrist"),
        ("双腿都要,但右腿只要脚踝", "left_leg + right_ankle"),
        ("of the left leg take the knee and of the right leg the ankle", "left_knee + right_ankle"),
        ("everything but the head, of the head only the nose", "(all - head) + nose"),
        ("双肩和左腿,左腿不算脚", "shoulder + (left_leg - left_foot)"),
        ("head and hands, the hands should be feet", "head + foot"),
        ("头和手,手换成脚", "head + foot"),
        ("鼻子、左腿;腿里把脚去掉", "nose + (left_leg - left_foot)"),
        ("from the right leg delete knee and foot", "right_leg - (right_knee + right_foot)"),
        ("without the head, but eyes and nose stay", "(all - head) + (eye + nose)"),
        ("from the left leg: hip, knee. ankle not needed.", "left_hip + left_knee"),
        ("of the right arm take shoulder and elbow. The wrist I can do without",
         "right_shoulder + right_elbow"),
        ("trace the right side from hip down to ankle", "chain(right_hip, right_ankle)"),
        ("头不要,腿不要,但耳朵留着", "(all - (head + leg)) + ear"),
        ("take the right arm off but its wrist has to stay", "(all - right_arm) + right_wrist"),
        ("upper half, arms out, left elbow back in", "(upper_body - arm) + left_elbow"),
        ("hip and knee on the left, ankle on the right", "left_hip + left_knee + right_ankle"),
        ("both eyes and the ear on the left", "eye + left_ear"),
        ("髋和膝要左边的,踝要右边的", "left_hip + left_knee + right_ankle"),
        ("全身,右肩到右手腕那一段扔掉", "all - chain(right_shoulder, right_wrist)"),
        ("everything that isn't between the hips and the knees", "all - chain(hip, knee)"),
        ("from hip to ankle, but i don't want the knee", "chain(hip, ankle) - knee"),
    ],
)  # fmt: skip
def test_clauses_do_something_to_what_was_named(text: str, meaning: str) -> None:
    query = parse(meaning)
    scope, _ = weigh_clauses(cleaned(text))
    assert isinstance(query, Query)
    assert scope is not None
    assert meant(scope) == meant(query.scope)


def test_what_corrects_no_list_is_told_apart() -> None:
    assert corrects_list("head, left elbow, no, the right elbow, and hips")
    assert not corrects_list("left arm, no, the right one")
    assert not corrects_list("the legs without knees, i mean without ankles")


def test_a_chain_behind_words_without_a_part() -> None:
    text = "只看护士：先被窝里的从头到脚"  # 从头到脚 is the whole body and a chain
    assert weigh_clauses(cleaned(normalise(text)))[0] is not None


def test_pieces_of_any_texts_are_read_or_left() -> None:
    """What people write is cut and joined: no order of words may end in an error."""
    rng = Random(11)
    texts = [line.text for line in written.load("train")]
    joints = (", no, ", "，不对，", " except ", "，除了", " from ", "到", ": ", " (", " wait, ", "")
    for _ in range(1500):
        one, other = rng.choice(texts), rng.choice(texts)
        text = one[: rng.randrange(len(one) + 1)] + rng.choice(joints) + other
        clean = cleaned(normalise(text[:400]))
        weigh_clauses(clean)
        parse_text(clean)
        plainly(clean)
