"""Halves, ends and "the same on the right" are put as the parts they are."""

from __future__ import annotations

import pytest

from posealign.instructions.halves import halved


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("upper half of the left arm", "left upper arm"),
        ("the lower part of each leg", "the shanks"),
        ("the lower end of the right shin", "right ankle"),
        ("left half of the lower body", "left leg"),
        ("upper half of the right side", "right side of the body without the right leg"),
        ("right side but not the leg", "right side of the body but not the leg"),
        ("left knee and left ankle, same on the right", "both knees and both ankles"),
        (
            "give me everything on the baby's right side.",
            "give me everything on the right side of the body.",
        ),
        ("左膝和左踝,右边一样", "双膝和双踝"),
        ("left knee, on the right too", "both knees"),
        (
            "left arm, and the leg on the right as well",
            "left arm, and the leg on the right as well",
        ),
        ("右半边身子都不要", "右半身都不要"),
        (
            "give me every joint on the left of the body",
            "give me everything on the left side of the body",
        ),
    ],
)
def test_half_is_its_parts(text: str, said: str) -> None:
    assert halved(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "left knee, same on the left",
        "nose, same on the right",
        "the lower end of the bed",
        "right side of the picture",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert halved(text) == text
