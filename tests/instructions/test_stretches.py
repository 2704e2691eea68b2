"""Limbs from a joint on are put as their segments."""

from __future__ import annotations

import pytest

from posealign.instructions.stretches import stretched


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("below the left knee", "left shank and left foot"),
        ("the right leg, below the knee", "the right shank and right foot"),
        ("only everything below the knees please", "only shanks and feet please"),
        ("left arm from the elbow down", "left forearm and left hand"),
        ("the left arm above the elbow", "the left upper arm"),
        ("from the elbow up", "upper arms"),
        ("right arm, elbow down", "right forearm and right hand"),
        ("left knee and everything distal to it", "left shank and left foot"),
        ("everything above the shoulders", "head"),
        ("below the knee, the knee itself not included", "ankles and feet"),
        ("just do her from the neck down", "just do her everything except the head"),
        ("neck down please", "everything except the head please"),
        ("the left leg. more precisely, from the knee down.", "the left shank and left foot."),
        ("左腿。准确说是膝盖以下", "左小腿和左脚"),
        ("肩膀以上", "头"),
        ("below knees segment", "shanks"),
        ("from the right ankle down", "right foot"),
        ("右腿膝盖以上", "右大腿"),
        ("右腿,膝盖以下", "右小腿和右脚"),
        ("两条腿,从膝盖往下", "双小腿和双脚"),
        ("左胳膊肘以上", "左上臂"),
    ],
)
def test_stretch_is_its_segments(text: str, said: str) -> None:
    assert stretched(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "from the knee down to the ankle",  # a way with two ends
        "膝盖往下到脚踝",
        "everything above the knees",  # more than two thighs
        "nothing below the knee",
        "a rolled towel under the knees",
        "the blanket ends below the knee",
        "the arm above the leg",
        "从膝盖往上截了存下来",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert stretched(text) == text
