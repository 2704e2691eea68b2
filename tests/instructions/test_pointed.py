"""A wish that only points at what was told gets its parts."""

from __future__ import annotations

import pytest

from posealign.instructions.pointed import in_place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "he's got a bandage on the left elbow and one on the right knee, so mark those two.",
            "left elbow and right knee",
        ),
        (
            "the wrists and ankles are far too jittery, so drop them and send me whatever is left.",
            "everything except the wrists and ankles",
        ),
        ("the nose is taped, give me the rest please", "everything except the nose"),
        ("血氧探头从右手换到了左脚,所以这两个部位我都要", "右手和左脚"),
        ("左手腕绑着臂板,那里别标,其他都要", "除了左手腕都要"),
        ("石膏从左膝一直打到左踝,把这一段给我", "从左膝到左踝"),
        ("左手有留置针,右脚夹着探头,这两处给我看看行吗?", "左手和右脚"),
    ],
)
def test_what_is_pointed_at_is_named(text: str, said: str) -> None:
    assert in_place(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "both legs; left ankle is under the sat probe wrap, drop it",  # a list is the wish
        "the hand closest to the camera, which one is it, mark it",
        "one leg is propped up off the mattress, which, mark it",
        "legs are under the blanket, plot those points",  # what is hidden
        "both arms, skip the rest",
        "有条腿翘老高了,就要那条",
        "悬着的那只脚免了,别的都给",
        "膝盖,画面里高的那个不要",
    ],
)
def test_what_others_read_stays(text: str) -> None:
    assert in_place(text) == text
