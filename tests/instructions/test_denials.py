"""What is named to be left out, alone, asks for all the rest."""

from __future__ import annotations

import pytest

from posealign.instructions.denials import all_but


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ignore the head", "everything except the head"),
        ("please don't show the legs", "everything except the legs"),
        ("delete the left hand from the result", "everything except the left hand"),
        ("everything - face", "everything except face"),
        ("feet off", "everything except feet"),
        ("hidden ones only", "all hidden joints"),
        ("left wrist and right wrist, ignore all others", "left wrist and right wrist"),
        ("返回躯干和双腿,头和手臂都不需要", "返回躯干和双腿"),
        ("别标手", "除了手都要"),
        ("手就算了", "除了手都要"),
        ("ignore the legs, they're under a towel", "everything except the legs"),
        ("no need for legs, thanks a lot!", "everything except legs"),
        ("腿不用管,盖着毛巾呢", "除了腿都要"),
        ("腿就不用啦,谢谢哈!", "除了腿都要"),
        ("挡住的也要", "所有关节,挡住的也要"),
        ("删掉左手和右脚", "除了左手和右脚都要"),
        ("下肢关节里只要可见的,其余的我按缺失值处理", "下肢关节里只要可见的"),
        ("把左手从结果里删掉", "除了左手都要"),
        ("整个右半身都去掉", "除了右半身都要"),
        ("除了手,不是,除了脚,别的都标", "除了脚,别的都标"),
        ("all, not the arms, sorry, not the legs", "all, not the legs"),
    ],
)
def test_all_the_rest_is_asked(text: str, said: str) -> None:
    assert all_but(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "don't forget the elbows",
        "don't show me anything but the head",
        "delete the left hand from the photo",  # an errand
        "ignore the face and do the others",
        "不要只标手",
        "只要被遮挡的可见点",  # contradictory
        "take your shoes off",
        "all, ignore the rest",
        "躯干,肩不要",  # a piece of it
        "坐着的宝宝要躯干,髋部不要",
        "别的都标",
        "把手抬高",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert all_but(text) == text
