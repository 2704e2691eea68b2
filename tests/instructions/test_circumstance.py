"""What is told, and the wish behind it."""

from __future__ import annotations

import pytest

from posealign.instructions.circumstance import circumstances, less_lead


def test_the_longest_circumstance_comes_first() -> None:
    found = list(circumstances("mittens on the hands, bootees on the feet, so anything but those"))
    assert [one.behind for one in found] == [
        ", so anything but those",
        ", bootees on the feet, so anything but those",
    ]
    assert (found[0].parts, found[0].count) == (("hands", "feet"), 4)
    assert found[0].listed == "hands and feet"


def test_the_one_side_that_is_told_of() -> None:
    one = next(circumstances("她摔到了左胳膊,所以只标这一侧的前臂"))
    assert (one.side, one.language) == ("left", "zh")


@pytest.mark.parametrize(
    "text",
    [
        "i want the left leg, without it",  # a wish already
        "show the arms, so that i see them",
        "the arms, not them",
        "要左腿,别的不要",
    ],
)
def test_a_wish_is_no_circumstance(text: str) -> None:
    assert not list(circumstances(text))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one leg is raised in the air, skip it", ()),  # which?
        ("the legs are under the blanket, skip them", ()),  # those that it hides
        ("the left knee and the nose are taped, skip them", ("left knee", "nose")),
    ],
)
def test_the_parts_told_of(text: str, parts: tuple[str, ...]) -> None:
    assert next(circumstances(text)).parts == parts


@pytest.mark.parametrize("wish", [", so mark it", "mark it", ". but mark it"])
def test_what_joins_the_two_goes(wish: str) -> None:
    assert less_lead(wish) == "mark it"
