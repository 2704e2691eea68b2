"""What stands behind a whole: its piece, or that it is meant throughout."""

from __future__ import annotations

import pytest

from posealign.instructions.clauses import read_clauses
from posealign.instructions.cleaning import cleaned
from posealign.instructions.normalise import normalise
from posealign.instructions.query import Query, parse
from posealign.instructions.sets import meant
from posealign.instructions.whole import of_whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("left hand, the thumb", "left thumb"),
        ("左手,大拇指", "左大拇指"),
        ("左侧躯干,从肩到髋", "左侧肩到髋"),
        ("从左手腕经过双肩一直到右手腕", "从左手腕到右手腕"),
        ("从左手腕顺着肩膀连到右手腕", "从左手腕到右手腕"),
        ("his right half, head to toe", "his right half"),
        ("他右半边,从头到脚", "他右半边身体"),
        ("from head to toe", "from head to toe"),  # the whole body
        ("hands, thumbs", "hands, thumbs"),  # no side: a list
        ("left hand, the knee", "left hand, the knee"),
    ],
)
def test_a_whole_and_what_follows(text: str, said: str) -> None:
    assert of_whole(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("无头骨架", "除了头都要"),
        ("不含手部的全身点", "除了手都要"),
        ("没有问题的骨架", "没有问题的骨架"),
        ("小朋友企喺度,全身", "小朋友站着,全身"),
        ("有条腿抬着", "有条腿抬着"),
        ("躯干去髋", "躯干,不要髋"),
        ("髋要有z轴", "髋要有z轴"),
    ],
)
def test_chinese_said_plainly(text: str, said: str) -> None:
    assert cleaned(normalise(text)) == said


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("torso minus hips, plus neck", "(torso - hip) + neck"),
        ("躯干不要髋,加上头", "(torso - hip) + head"),
        ("右腿去膝,左腿完整", "(right_leg - right_knee) + left_leg"),
        ("双腿,只缺左脚踝", "leg - left_ankle"),
        ("legs, short of just the left ankle", "leg - left_ankle"),
        ("右半边,右胳膊就免了", "right_side - right_arm"),
        ("凡不是脸的都要", "all - face"),
        ("everything except the head, plus the neck", "all - head - neck"),
    ],
)
def test_what_is_missing_and_what_is_added(text: str, query: str) -> None:
    read = read_clauses(cleaned(text))
    wanted = parse(query)
    assert read is not None
    assert isinstance(wanted, Query)
    assert meant(read) == meant(wanted.scope)
