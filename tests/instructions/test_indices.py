"""Joints by their numbers, where a skeleton is named."""

from __future__ import annotations

import pytest

from posealign.instructions.indices import by_name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coco-17 indices 7 to 8", "coco-17 left elbow and right elbow"),
        (
            "give me keypoints 7-8 of the coco skeleton",
            "give me left elbow and right elbow of the coco skeleton",
        ),
        ("coco keypoints 5, 7 and 9", "coco left shoulder and left elbow and left wrist"),
        ("openpose points 2, 3", "openpose right shoulder and right elbow"),
        ("coco-17 的第 5 到第 6 号点", "coco-17 的左肩和右肩"),
        ("coco17 关键点 15-16", "coco17 左踝和右踝"),
        ("第 5、7 号点,coco 骨架", "左肩和左肘,coco 骨架"),
    ],
)
def test_numbers_become_names(text: str, said: str) -> None:
    assert by_name(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "keypoints 5 and 7",  # of which skeleton?
        "coco17 index 40",
        "coco 17 keypoints",
        "joints 3d, coco",
        "3 points on coco",
        "the left arm",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert by_name(text) == text
