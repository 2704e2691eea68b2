"""Parts with their sides, as a Chinese text names them."""

import pytest

from posealign.instructions.mentions import FIRST, listed, masked, mentions_in

WORDS = {
    "左膝和右踝": ["左膝", "右踝"],
    "左边的髋膝踝": ["左髋", "左膝", "左踝"],
    "胳膊,右边那条不要": ["胳膊", "右胳膊"],
    "左腿上的脚": ["左腿上的脚"],
    "腕要左": ["左腕"],
    "左手,双脚": ["左手", "脚"],
}


@pytest.mark.parametrize("text", WORDS)
def test_a_part_takes_the_side_that_is_its(text: str) -> None:
    mentions = mentions_in(text)
    assert mentions is not None
    assert [one.word for one in mentions] == WORDS[text]


def test_a_side_of_nothing_is_no_mention() -> None:
    assert mentions_in("左边那个不要") is None


def test_a_letter_stands_for_each_part() -> None:
    text = "左膝和全身"
    mentions = mentions_in(text)
    assert mentions is not None
    said = masked(text, mentions)
    assert said[0] == chr(FIRST)
    assert len(said) == 3
    assert listed(said) == [0]


def test_a_side_behind_a_list_is_of_nobody_knows_which() -> None:
    assert mentions_in("髋和膝,右边的不要") is None
