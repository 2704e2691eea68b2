"""What a text leaves unsaid: the part of a lone side, the side of "the same side"."""

from __future__ import annotations

import pytest

from posealign.instructions.found import found_in
from posealign.instructions.keywords import parse_text
from posealign.instructions.mirror import mirror_text
from posealign.instructions.normalise import normalise
from posealign.instructions.query import Query
from posealign.instructions.unsaid import complete


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("the right shin and the left one too", "the right shin and the left shank too"),
        ("wrists, minus the right one", "wrists, minus the right wrist"),
        ("right ankle with the opposite hip", "right ankle with the left hip"),
        ("left heel and the knee on the same side", "left heel and the knee on the left"),
        ("her right ear is taped, mark the other ear", "her right ear is taped, mark the left ear"),
        ("left thigh. And its twin.", "left thigh. and the right thigh."),
        ("the left heel and its right fellow", "the left heel and the right heel"),
        ("右踝,左边那个也要", "右踝,左踝也要"),
        ("脚踝,去掉右边那个", "脚踝,去掉右踝"),
        ("右肘和同侧的髋", "右肘和右侧的髋"),
        ("左膝和它下面的脚踝", "左膝和左侧的脚踝"),
        ("左臂和对角线那一侧的腿", "左臂和右侧的腿"),
        ("左腿打了石膏,标另一条腿", "左腿打了石膏,标右侧的腿"),
    ],
)
def test_parts_and_sides_left_unsaid_are_put_in(text: str, completed: str) -> None:
    assert complete(normalise(text)) == completed


@pytest.mark.parametrize(
    "text",
    [
        "both hips plus one knee, the left one",  # which knee is meant is said
        "the leg crossing over the other one",
        "the baby on the left: shoulders",
        "the knee on the right",
        "双肩加一个肘,左边那个",
        "左边那个宝宝的手",
    ],
)
def test_what_is_said_or_open_stays(text: str) -> None:
    assert complete(normalise(text)) == normalise(text)


def test_completing_and_mirroring_exchange() -> None:
    text = "the right shin, the left one too, and the hip on the same side"
    mirrored = mirror_text(complete(text))
    assert mirrored is not None
    assert mirrored == complete(mirror_text(text) or "")


def test_a_side_alone_corrects_and_more_is_named_behind() -> None:
    read = parse_text("left thumb, no wait, right, and the left heel too")
    assert isinstance(read, Query)
    assert str(read.scope) == "right_thumb + left_heel"


@pytest.mark.parametrize("text", ["右耳和两个膝盖", "右耳和双膝", "right ear and two knees"])
def test_a_name_that_says_both_takes_no_side_from_before(text: str) -> None:
    assert found_in(text)[-1].both
