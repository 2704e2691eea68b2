"""A relation that is denied is not answered with the very one that is not meant."""

from __future__ import annotations

import pytest

from posealign.instructions.negated import denied
from tests.instructions.test_resolve import shipped


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("the leg that isn't raised", "the leg that is not raised"),
        ("the hand which doesn't touch the face", "the hand which does not touch the face"),
        ("没抬起来的那条腿", "腿,抬起来的那条不要"),
        ("请标没碰到脸的手", "请标手,碰到脸的那只不要"),
    ],
)
def test_the_denial_stands_where_it_is_looked_for(said: str, plain: str) -> None:
    assert denied(said) == plain


@pytest.mark.parametrize(
    "said",
    [
        "the joints that aren't hidden",  # a state, and no choice
        "arms that don't rest on the mat",
        "the arm that isn't raised but hanging",
        "没被遮住的手",
        "没打点滴的那只手",
        "没弯的那条腿",  # straight
        "没抬起来的左腿",
    ],
)
def test_what_denies_no_relation_stays(said: str) -> None:
    assert denied(said) == said


@pytest.mark.parametrize("said", ["the leg that isn't raised", "没抬起来的那条腿"])
def test_the_bundle_asks_for_the_other_one(said: str) -> None:
    assert shipped().resolve(said).query == "leg - raised(leg)"
