"""Left and right, and the usual words for a part on a side."""

from __future__ import annotations

import pytest

from posealign.instructions.found import found_in
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import Part
from posealign.instructions.sides import OTHER, called


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("side", ["left", "right", None])
@pytest.mark.parametrize("name", sorted(PAIRED))
def test_what_a_part_is_called_is_read_as_that_part(name: str, side: str, language: str) -> None:
    found = found_in(called(name, side, language))
    assert [one.scope.name for one in found if isinstance(one.scope, Part)] == [name]
    assert {one.own_side for one in found if one.own_side} == ({side} if side else set())


def test_the_other_of_the_other_is_the_same() -> None:
    assert all(OTHER[OTHER[side]] == side for side in OTHER)
