"""Signs and abbreviations of programs, in words."""

from __future__ import annotations

import pytest

from posealign.instructions.notation import in_words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lshoulder, rhip", "left shoulder, right hip"),
        ("lsho rsho lelb relb", "left shoulder right shoulder left elbow right elbow"),
        ("+left_arm +right_leg -left_wrist", "left_arm and right_leg without left_wrist"),
        ("upper_body && !right_arm", "upper_body without right_arm"),
        ('{"subject": "largest", "joints": "head"}', '{the largest person, "joints": "head"}'),
        ("lue & contralat le", "lue & contralateral le"),
        ("kpts under blanket", "keypoints under blanket"),
        ("which upper-limb points", "which upper limb points"),
        ("ignore: feet", "ignore feet"),
        ("忽略:脚", "忽略脚"),
        ("ignore list: l elbow, l wrist", "ignore l elbow and l wrist"),
        ("include: legs; exclude: left knee", "include: legs without left knee"),
        ('exclude=["hands"]', "ignore hands"),
        ("coco-wholebody,跳过:手、脚", "coco-wholebody,不要手、脚"),
        ("drop every keypoint with v<2.", "drop every keypoint hidden."),
        ("只留 v==2", "只留 visible"),
        ("return keypoints where part in (elbow, wrist)", "return keypoints elbow, wrist"),
        ("腿 && !脚", "腿,不要脚"),
        ("!头部", "不要头部"),
    ],
)
def test_signs_become_words(text: str, said: str) -> None:
    assert in_words(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "rear view, the leg",
        "-left_arm",
        "wow! the legs!",
        "relief",
        "要左腿!右腿不要",
        "黑名单:其余一切",
    ],
)
def test_what_is_no_sign_stays(text: str) -> None:
    assert in_words(text) == text
