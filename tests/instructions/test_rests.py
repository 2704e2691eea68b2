"""What is left when something goes is put plainly."""

from __future__ import annotations

import pytest

from posealign.instructions.rests import without_gone


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "i'd rather not have anything on the face, all the rest is fine",
            "everything except the face",
        ),
        ("everything except the head, i don't need that.", "everything except the head"),
        ("全部,不要手,不要脚", "除了手和脚都要"),
        ("除了头都要。哦对了,脚踝也别要。", "除了头和脚踝都要"),
        ("leave the ears out and give me the rest of the head", "the head without the ears"),
        ("leave the limbs and the head and just give me the torso", "the torso"),
        ("眼睛跳过,脸上别的点留着", "脸,不要眼睛"),
        ("左腿除了脚踝,其余的我都要", "左腿,不要脚踝"),
        ("the head doesn't matter today, i'd like all the rest.", "everything except the head"),
        (
            "you can leave the left arm alone, my hand's in the way. the others, please.",
            "everything except the left arm",
        ),
        (
            "i've seen enough of the left side, thank you. everything apart from that.",
            "everything except the left side",
        ),
        (
            "whatever is under the blanket we can skip, everything else please.",
            "everything except what is under the blanket",
        ),
        ("左胳膊就不用了,挡着了,别的都要", "除了左胳膊都要"),
        (
            "the parents didn't consent to the face, so give me the rest of the body.",
            "everything except the face",
        ),
        (
            "ignore the legs, they're in the hip spica; i want everything else",
            "everything except the legs",
        ),
        ("家长不希望有脸和手,除此之外都要", "除了脸和手都要"),
        ("我们不太想让脸进到研究里,其他的点都没关系", "除了脸都要"),
        ("四肢和头都不用,只要躯干", "躯干"),
        ("整条左臂用不着,只要肘部就行", "左肘"),
    ],
)
def test_what_is_left_is_put_plainly(text: str, said: str) -> None:
    assert without_gone(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "leave the door open and show the rest of the room",
        "不要手,要左手",
        "skip hips, knees and ankles, everything else",  # a list goes
        "头不要,鼻子保留,其他都标",
        "leave the arm and just give me the hand",  # a piece of what was to go
    ],
)
def test_what_is_no_rest_stays(text: str) -> None:
    assert without_gone(text) == text
