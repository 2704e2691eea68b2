"""Manners and kin beside a wish ask for nothing."""

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
        ("my little sister's nose", "the nose"),
        ("wee brother's ears", "the ears"),
        ("my half-sister's hands", "the hands"),
    ],
)
def test_they_go(said: str, plain: str) -> None:
    assert without_asides(said) == plain


@pytest.mark.parametrize(
    "said",
    ["the right foot", "the ward sister's left hand", "if the left arm is up, the right one"],
)
def test_wishes_stay(said: str) -> None:
    assert without_asides(said) == said


def test_the_bundle_takes_no_manners_for_a_side() -> None:
    assert shipped().resolve("feet, if that's all right").query == "foot"
    assert shipped().resolve("my little sister's nose").subject == "all"
