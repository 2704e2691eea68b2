"""What a piece of text names."""

from __future__ import annotations

import pytest

from posealign.instructions.naming import is_apart, is_name, leaves_side, names_parts, scopes_in
from posealign.instructions.query import Part


@pytest.mark.parametrize(
    "text", ["the left knee", "hands and feet", "左手和右脚", "his left elbow"]
)
def test_a_name_says_nothing_else(text: str) -> None:
    assert names_parts(text)
    assert is_name(text)


@pytest.mark.parametrize("text", ["the knee please", "show the arm", "", "the cot", "标左手"])
def test_what_says_more_is_no_name(text: str) -> None:
    assert not is_name(text)


def test_the_side_that_is_left_open() -> None:
    assert leaves_side("the knee and the left hip")
    assert not leaves_side("the left knee and the hip")
    assert not leaves_side("the nose")
    assert scopes_in("the left knee") == [Part("knee", "left")]


def test_limbs_and_trunk_share_nothing_but_its_corners() -> None:
    assert is_apart(Part("arm"), Part("torso"))
    assert is_apart(Part("torso"), Part("limbs"))
    assert is_apart(Part("head"), Part("leg"))
    assert not is_apart(Part("hand"), Part("arm"))
