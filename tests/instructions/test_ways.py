"""Ways and uneven pairs are put plainly."""

from __future__ import annotations

import pytest

from posealign.instructions.ways import on_the_way


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("l hip -> l ankle", "from the left hip to the left ankle"),
        ("右髋~右踝", "右髋到右踝"),
        ("from one wrist to the other wrist", "from the left wrist to the right wrist"),
        ("从一侧肩膀到另一侧", "从左肩膀到右肩膀"),
        (
            "everything from one wrist, across the shoulders, to the other wrist",
            "everything from the left wrist to the right wrist",
        ),
        ("从一只手腕经过两肩到另一只手腕", "从左手腕到右手腕"),
        (
            "start at the left wrist, go over the shoulders and end at the right wrist",
            "from the left wrist to the right wrist",
        ),
        ("左手腕起,过肩膀,到右手腕为止", "从左手腕到右手腕"),
        ("right hip to ankle, with the knee in between", "from the right hip to the ankle"),
        (
            "both legs, but the left only from the knee down",
            "the right leg and the left shank and left foot",
        ),
        (
            "both legs, the left one without the ankle",
            "the right leg and the left leg without the ankle",
        ),
        ("双腿,左边那条不要脚踝", "右腿和左腿不要左脚踝"),
        ("两条腿都要,左腿只要膝盖以下", "右腿和左膝盖以下"),
    ],
)
def test_put_plainly(text: str, said: str) -> None:
    assert on_the_way(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "eyes -> ears",  # a correction
        "hip → right, shoulder → left",
        "both arms, left hand too",
        "不用两条胳膊,右边的就行",
        "left ear to right shoulder, only those two points",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert on_the_way(text) == text
