"""What is told behind a wish goes, unless it is one."""

from __future__ import annotations

import pytest

from posealign.instructions.purposes import without_purpose


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "the lower body, so that i can compare it with last week's standing pose",
            "the lower body",
        ),
        ("i need neck and shoulders to check the head alignment.", "i need neck and shoulders"),
        ("要胳膊和腿,我好拿来做火柴人动画", "要胳膊和腿"),
        ("right wrist, i'd like to measure how long the arm is", "right wrist"),
        ("右肩膀和右手腕,我想量量胳膊有多长", "右肩膀和右手腕"),
        ("肩和髋,我想看躯干有没有扭转", "肩和髋"),
        ("heels and big toes. i want to detect foot contact.", "heels and big toes"),
        ("show her right leg, it seems to move less than the other one", "show her right leg"),
        ("只要手肘和手腕,下面全被尿布和导线挡住了", "只要手肘和手腕"),
    ],
)
def test_what_a_wish_is_for_goes(text: str, said: str) -> None:
    assert without_purpose(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "only the baby's feet, those bits under the cover",
        "just the left foot, oh let's have both",
        "relax that hand, it looks like a claw",  # no wish
        "两只手臂,被挡住的关节就略过",
        "i want to compare with the other shoulder",
        "只要左腿,被挡住的也要",
    ],
)
def test_a_wish_behind_a_wish_stays(text: str) -> None:
    assert without_purpose(text) == text
