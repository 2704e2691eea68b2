"""The onlooker's left and the person's own."""

import pytest

from posealign.instructions.viewpoint import from_within

PLAIN = {
    "站在镜头这边看,右边的脚": "画面右侧的脚",
    "我们看着是右边的那只手": "画面右侧的手",
    "以看照片的人为准,右边那条腿": "画面右侧的腿",
    "面对屏幕,左边的膝盖": "画面左侧的膝盖",
    "左手,按他自己的身子分左右": "左手",
    "left foot, from the patient's own point of view and not mine": "left foot",
    "arm on the left of the photo, i mean left as i look at it": "arm on the left of the photo",
}


@pytest.mark.parametrize("text", PLAIN)
def test_the_sides_of_one_who_looks_on_are_the_pictures(text: str) -> None:
    assert from_within(text) == PLAIN[text]


@pytest.mark.parametrize("text", ["他自己的左手,不是我看过去的左", "看看左手", "给我看右边的脚"])
def test_a_persons_own_side_stays(text: str) -> None:
    assert from_within(text) == text
