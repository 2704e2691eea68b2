"""A side that is said once holds for the list under it, limb by limb."""

from __future__ import annotations

import pytest

from posealign.instructions.per_limb import with_sides


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("r elbow rom: shoulder/elbow/wrist", "right shoulder and right elbow and right wrist"),
        ("lt knee flex angle, need hip/knee/ankle", "left hip and left knee and left ankle"),
        ("the left hip, but on the other side the knee.", "left hip and right knee"),
        ("the whole left leg, but on the right just the thigh.", "left leg and right thigh"),
        (
            "right side, everything from hip to ankle",
            "from the right hip to the right ankle",
        ),
        ("右臂:肩和腕要,肘不要", "右肩和右手腕"),
        (
            "for the left leg the knee will do, for the right one i need the ankle.",
            "left knee and right ankle",
        ),
        ("左腿给膝盖就行,右腿我要的是脚踝", "左膝和右踝"),
        (
            "trace the left side from the wrist all the way to the ankle",
            "trace from the left wrist to the left ankle",
        ),
        ("the arm on her right and the leg on her left", "the right arm and the left leg"),
        (
            "on the right, everything from the hip down to the ankle",
            "from the right hip to the right ankle",
        ),
    ],
)
def test_the_side_goes_to_each(text: str, said: str) -> None:
    assert with_sides(text).replace("踝关节", "踝") == said


def test_a_bracket_is_no_heading() -> None:
    assert with_sides("[right hip, right knee]") == "[right hip, right knee]"


@pytest.mark.parametrize(
    "text",
    [
        "left shoulder, elbow, wrist",  # others know such lists
        "left arm, head",
        "left knee and right ankle",
        "right leg: hip and nose",
    ],
)
def test_other_lists_stay(text: str) -> None:
    assert with_sides(text) == text
