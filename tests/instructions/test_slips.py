"""Slips that only their neighbours give away are mended; words that may well be meant are not."""

from __future__ import annotations

import pytest

from posealign.instructions.cleaning import cleaned
from posealign.instructions.mend import mend, spelling
from posealign.instructions.neighbours import PART, SIDE, Unit, neighbours, units
from posealign.instructions.normalise import normalise
from posealign.instructions.slips import unslipped
from posealign.instructions.written import load


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("let elbow up to the shoulder", "left elbow up to the shoulder"),
        ("nose, shoulders, his", "nose, shoulders, hips"),
        ("node to neck", "nose to neck"),
        ("noes to neck", "nose to neck"),
        ("left arm and let ear", "left arm and left ear"),
        ("the let femur", "the left femur"),
        ("left firearm", "left forearm"),
        ("lft abkel", "lft ankle"),
        ("everything but the had", "everything but the head"),
        ("eah joint that is no eye", "each joint that is no eye"),  # no ear joint
        ("rihft kneee", "right knee"),  # two slips beside another
        ("shoulder until ellbwo", "shoulder until elbow"),
        ("耳朵到尖", "耳朵到肩"),
        ("右周至右腕", "右肘至右腕"),
        ("两个手万一个不落", "两个手腕一个不落"),  # though 万一 is a word
        ("左臂左退还有脑袋", "左臂左腿还有脑袋"),
        ("佐 wrist、有 ankle 忽略", "左 wrist、右 ankle 忽略"),
        ("佐ue", "左ue"),
    ],
)
def test_what_the_neighbours_tell_is_mended(slip: str, meant: str) -> None:
    assert unslipped(slip) == meant


@pytest.mark.parametrize("before", ["she fell asleep at last. ", "孩子总算睡着了。"])
def test_a_long_text_is_mended_where_the_slip_is(before: str) -> None:
    long = before * (200 // len(before))
    for slip, meant in (("nose, shoulders, his", "hips"), ("左周，佐膝", "左肘，左膝")):
        assert unslipped(long + slip).endswith(meant)
        assert unslipped(f"{long}{slip}. {long}").startswith(long)


@pytest.mark.parametrize(
    "text",
    [
        "let me see the left arm",
        "a firearm",
        "his hips and her nose",
        "the baby had a bath",
        "the right to vote",
        "which hops go in a pale ale",
        "we took the farm road and the tow truck",
        "anke's left knee",
        "有手机吗",
        "万一他醒了叫我",
        "墙角那盏灯坏了",
        "脊柱有没有弯",
        "左腿比右腿细,拍个照片",
        "周医生要左膝",
        "鱼鳍,从根到尖",
        "完全被挡住的脚踝",
    ],
)
def test_what_may_well_be_meant_stays(text: str) -> None:
    assert unslipped(text) == text


def test_right_texts_hardly_change() -> None:
    lines = [normalise(line.text) for line in load("dev")]
    changed = sum(mend(unslipped(line)) != mend(line) for line in lines)
    assert changed <= 0.02 * len(lines)  # some of them are slips on purpose


def test_a_text_is_mended_once_and_for_all() -> None:
    for line in load("dev")[::5]:
        once = unslipped(normalise(line.text))
        assert unslipped(once) == once


def test_pinyin_with_a_slip_is_read_too() -> None:
    assert cleaned("zuo gebozohu") == cleaned("zuo gebozhou") == "左胳膊肘"
    assert cleaned("you qianib") == "右前臂"


def test_a_name_is_one_unit_and_a_compound_holds_none() -> None:
    assert units("左手腕") == [Unit(SIDE, "左"), Unit(PART, "手腕")]
    assert [unit.kind for unit in units("left knee")] == [SIDE, PART]
    assert units("手机") == [Unit("手机", "手机")]


def test_what_is_written_often_is_likelier() -> None:
    table = neighbours()
    said, meant = units("the right to vote"), units("the right knee")
    assert table.gain(units("the let knee"), meant, spelling().known) > 5
    assert table.gain(said, said, spelling().known) == 0


def test_the_chances_behind_a_word_are_no_more_than_one() -> None:
    table = neighbours()
    for run, spare in table.spare.items():
        assert 0 < spare < 1, run
