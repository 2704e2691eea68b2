"""What is said of all that is not the part named."""

from __future__ import annotations

import pytest

from posealign.instructions.others import spoken_of_others


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("anything not P1 can be binned", "only"),
        ("whatever is no P1 , throw it out", "only"),
        ("besides P1 and P2 you can keep A3", "only"),
        ("nothing but P1", "only"),
        ("no joint besides P1", "only"),
        ("nothing should be missing apart from P1", "but"),
        ("not joint to be left out but P1", "but"),
        ("whatever does not belong to P1", "but"),
        ("only P1 may be missing , nothing else", "but"),
        ("P1 being the sole omission", "but"),
    ],
)
def test_everything_or_nothing_is_kept_or_dropped(said: str, kind: str) -> None:
    found = spoken_of_others(said)
    assert found is not None
    assert found[0] == kind


@pytest.mark.parametrize(
    "said",
    ["only P1", "no need to do P1 , P2 only", "whatever is not P1 wiggles", "P1 and A2", "not P1"],
)
def test_more_or_less_than_that_is_left(said: str) -> None:
    assert spoken_of_others(said) is None
