"""Words that hold a part's character and name none; 把 before hands is no handle."""

from __future__ import annotations

import pytest

from posealign.instructions.chinese import in_mandarin
from tests.instructions.test_resolve import shipped


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("目标：左右肘", "elbow"),
        ("目前只要左膝", "left_knee"),
        ("目的是看左脚", "left_foot"),
        ("题目里说的左膝", "left_knee"),
        ("右手腕离鼻子有多远?", "nose + right_wrist"),
        ("膝盖离镜头多远", "knee | dims=3"),
        ("他两个膝盖之间离得有多远?", "knee"),
        ("肩带和骨盆带,也就是肩关节和髋关节", "hip + shoulder"),
        ("双目", "eye"),
        ("把手标出来", "hand"),
        ("光标娃", "all | subject=infant"),
        ("帮我把右脚指出来", "right_foot"),
        ("哪只胳膊弯得厉害就要哪只", "more_bent(arm)"),
        ("他身上现在哪些部位被毯子盖住了", "hidden_by_blanket(all)"),
        ("把手去掉，其他都要", "all - hand"),
    ],
)
def test_what_such_words_ask_for(text: str, query: str) -> None:
    assert shipped().resolve(text).query == query


@pytest.mark.parametrize("text", ["门把手标一下", "手把手教我", "把手坏了"])
def test_a_handle_is_no_hand(text: str) -> None:
    assert shipped().resolve(text).refused


def test_hands_that_are_taken_are_put_plainly() -> None:
    assert in_mandarin("把手和脚标出来") == "把手和脚标出来"
    assert in_mandarin("把手标出来") == "把双手标出来"
    assert in_mandarin("一把手标准") == "一把手标准"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("两条腿都从髋往下到膝", "从髋到膝"),
        ("左腿从髋到膝", "左腿从髋到膝"),  # its side is the chain's
        ("右手臂巴整根啊从肩胛到手腕", "右手臂巴整根啊从肩胛到手腕"),
        ("左臂,左腿,头,腿当我没说", "左臂,左腿,头,不要腿"),
        ("把左手从上半身的点里去掉", "上半身,不要左手"),
        ("把左手从被子里拿出来", "把左手从被子里拿出来"),
        ("夏凉被遮住的膝盖", "被子遮住的膝盖"),
        ("被抱被盖着的点", "被被子盖着的点"),
        ("宝宝抱被遮住", "宝宝被子遮住"),
    ],
)
def test_what_lies_within_and_what_is_taken_out(text: str, plain: str) -> None:
    assert in_mandarin(text) == plain
