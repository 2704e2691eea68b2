"""Joints told by their place are put by their names."""

from __future__ import annotations

import pytest

from posealign.instructions.placed import placed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the joint between the left hip and the left ankle", "left knee"),
        ("the joint between the right upper arm and forearm", "right elbow"),
        ("the joint between shin and foot, left and right", "ankles, left and right"),
        ("where the left hand joins the forearm", "left wrist"),
        ("the joints where the arms attach to the trunk", "shoulders"),
        ("where the right thigh meets the pelvis", "right hip"),
        ("the middle joint of the left arm", "left elbow"),
        ("right leg, the proximal two joints", "right hip and right knee"),
        ("大腿和小腿之间的关节", "双膝"),
        ("右边肩和腕之间的那个关节", "右肘"),
        ("腿和躯干连接的地方", "双髋"),
        ("左腿最近端的关节", "左髋"),
        ("左臂远端两个关节", "左肘和左手腕"),
    ],
)
def test_joint_by_its_name(text: str, said: str) -> None:
    assert placed(text).replace("腕", "手腕").replace("手手", "手") == said


@pytest.mark.parametrize(
    "text",
    [
        "肘和腕之间的关节",  # nothing lies between neighbours
        "where is the left arm",
        "the points between left and right knee",
        "the joints where the blanket lies",
        "the middle two joints of the arm",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert placed(text) == text
