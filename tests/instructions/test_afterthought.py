"""Sides and parts told behind what they narrow."""

from __future__ import annotations

import pytest

from posealign.instructions.afterthought import put_together
from posealign.instructions.mirror import mirror_text


@pytest.mark.parametrize(
    ("text", "put"),
    [
        ("the arm in the splint, left", "the left arm in the splint"),
        ("the foot with the sensor. that's the right.", "the right foot with the sensor"),
        ("the thigh with the bruise, i think it's the left", "the left thigh with the bruise"),
        ("legs: knees and ankles only", "knees and ankles only"),
        ("left foot, i.e. ankle and heel", "left ankle and left heel"),
        ("lower body (hips only)", "hips only"),
        ("hands, to be precise the thumbs", "the thumbs"),
        ("hip to knee, the left", "left hip to left knee"),
        ("the left thumb. both, in fact.", "both thumbs"),
        ("her right ear, no wait, both", "both ears"),
        ("右肘,算了两个都要", "双肘"),
        ("an armless and legless skeleton", "skeleton without the arms and the legs"),
        ("upper body, headless", "upper body without the head"),
    ],
)
def test_afterthoughts_go_where_they_belong(text: str, put: str) -> None:
    assert put_together(text) == put
    mirrored = mirror_text(text) or text
    assert put_together(mirrored) == (mirror_text(put) or put)


@pytest.mark.parametrize(
    "text",
    [
        "arm, left",  # read as it is
        "left hand and foot, both",
        "the left thumb, not both",
        "the left thumb, regardless",
        "legs: not the knees",
        "arms (without wrists)",
        "arms (wrists too)",
        "legs: the left one",
        "the arm on the picture's edge, left",
        "the child lying on one side, legs, left",
        "head: ears, eyes excluded",
        "the knee, no, the hip, left",
    ],
)
def test_where_more_is_said_the_text_stays(text: str) -> None:
    assert put_together(text) == text
