"""Manners, counts and what was dropped beside a wish ask for nothing."""

from __future__ import annotations

import pytest

from posealign.instructions.asides import without_asides
from tests.instructions.test_resolve import shipped


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("feet, if that's all right", "feet"),
        ("the toes, if it's ok with you", "the toes"),
        ("am i right that the hips are under there? show me", "the hips are under there? show me"),
        ("shoulders and hips, all four of them", "shoulders and hips"),
        ("肩和髋,四个都要", "肩和髋"),
        ("能找到的话,要右边的膝盖骨", "要右边的膝盖骨"),
        (
            "i'd like the upper body, only without the arms",
            "i'd like the upper body without the arms",
        ),
        ("drop that one and keep just the left leg", "just the left leg"),
        ("sorry to bother you, but the knees if you don't mind", "the knees"),
        ("您要是不介意,标一下膝盖", "标一下膝盖"),
        ("左髋先给我吧。嗯......右边那个也给", "左髋先给我吧。右边那个也给"),
    ],
)
def test_they_go(said: str, plain: str) -> None:
    assert without_asides(said) == plain


@pytest.mark.parametrize(
    "said",
    [
        "右手,呃,左手",
        "the right foot",
        "the ward sister's left hand",
        "if the left arm is up, the right one",
    ],
)
def test_wishes_stay(said: str) -> None:
    assert without_asides(said) == said


def test_the_bundle_takes_no_manners_for_a_side() -> None:
    assert shipped().resolve("feet, if that's all right").query == "foot"
    assert shipped().resolve("my little sister's nose").subject == "all"
