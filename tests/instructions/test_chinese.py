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
        ("双目", "eye"),
        ("把手标出来", "hand"),
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
