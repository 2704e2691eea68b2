import pytest

from posealign.instructions.numbers import without_idle_numbers


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("14:20 左手", "左手"),
        ("4:25 am left knee", "left knee"),
        ("bed 25: right foot", "bed 1: right foot"),
        ("bug-2071, the left hand", "bug-1, the left hand"),
        ("2026-11-22 左手", "左手"),
        ("17床 左手", "1床 左手"),
        ("day 26 of life, head", "day 1 of life, head"),
        ("25 weeker, right hand", "1 weeker, right hand"),
        ("17 keypoints", "17 keypoints"),
        ("subject 017, trunk", "subject 1, trunk"),
        ("all 17 points in 3d", "all 17 points in 3d"),
        ("17个点", "17个点"),
        ("coco-17", "coco-17"),
    ],
)
def test_numbers_that_name_no_joints_go(text: str, left: str) -> None:
    assert without_idle_numbers(text) == left
