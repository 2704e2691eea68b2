"""What is named in contrast takes nothing from the wish."""

from __future__ import annotations

import pytest

from posealign.instructions.contrasts import uncontrasted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("i meant the left forearm, not the whole arm", "the left forearm"),
        ("no, i meant the upper arms, not the forearms", "the upper arms"),
        ("我说的是左前臂,不是整条胳膊", "左前臂"),
        ("我要她身体的右半边,不要左半边", "我要她身体的右半边"),
        ("not his left arm, his right.", "the right arm"),
        (
            "the leg on the right as i look at the photo, not the child's right leg.",
            "the leg on the right as i look at the photo",
        ),
        ("arms and legs, leave the head and face alone", "arms and legs"),
        ("all four limbs, no trunk or head", "all four limbs"),
        ("arms and legs... scratch the legs", "arms and legs without the legs"),
        ("标胳膊和腿,头和脸不用管", "标胳膊和腿"),
        ("both arms and legs, never mind the trunk for now", "both arms and legs"),
        ("胳膊和腿,头先不管", "胳膊和腿"),
        ("画面左边的那条手臂,不是她自己的左手臂", "画面左边的那条手臂"),
        ("下半身,只是左膝跳过,包着纱布呢", "下半身,不要左膝"),
    ],
)
def test_a_contrast_takes_nothing(text: str, said: str) -> None:
    assert uncontrasted(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "i meant the leg, not the foot, please",  # an exception
        "from the left hip to the left ankle, no knee",
        "left arm and head. not the left arm, the right one.",
        "not left_hand and not right_hand",
        "左右髋到踝,膝盖跳过",
        "the arms, not too fast",
        "darn the heel, leave the toe",
        "上半身被挡的那些,头不管",
    ],
)
def test_what_is_no_contrast_stays(text: str) -> None:
    assert uncontrasted(text) == text
