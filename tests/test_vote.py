"""Sights vote: what most of them stand behind is the place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from posealign.people import Seen
from posealign.vote import Voted, voted
from tests.sights import seen

BOX = (20.0, 10.0, 100.0, 80.0)
TURNS = (0.0, 90.0, -37.0, 171.0)


def person(count: int) -> Seen:
    return seen(np.zeros((1, 3), np.float32), (200, 150), BOX, TURNS[:count])


def located(places_SK2: NDArray[np.float64], sure_SK: NDArray[np.float64], one: Seen) -> Voted:
    """As if `locate` had seen these places of the picture through each crop."""
    xy = [sight.crop.apply(xy) for sight, xy in zip(one.sights, places_SK2, strict=True)]
    radius = np.full(sure_SK.shape, 3.0)
    return voted({"xy": np.stack(xy), "confidence": sure_SK, "radius": radius}, one)


@given(st.lists(st.tuples(st.floats(0, 199), st.floats(0, 149)), min_size=1, max_size=5))
def test_sights_that_agree_change_nothing(places: list[tuple[float, float]]) -> None:
    points = np.array(places)
    sure = np.linspace(0.2, 0.9, len(points))
    alone = located(points[None], sure[None], person(1))
    four = located(np.stack([points] * 4), np.stack([sure] * 4), person(4))
    np.testing.assert_allclose(four.points_K2, points, atol=1e-6)
    np.testing.assert_allclose(alone.points_K2, points, atol=1e-6)
    np.testing.assert_allclose(four.confidence_K, alone.confidence_K, atol=1e-6)
    np.testing.assert_allclose([four.support_K, alone.support_K], 1, atol=1e-6)


def test_the_place_that_most_stand_behind_wins_and_is_no_mean() -> None:
    here, there = (40.0, 40.0), (110.0, 80.0)
    places = np.array([[here], [there], [there], [(111.0, 80.0)]])
    found = located(places, np.full((4, 1), 0.5), person(4))
    np.testing.assert_allclose(found.points_K2, [[110.3, 80.0]], atol=0.1)
    assert found.support_K[0] == pytest.approx(0.75, abs=0.01)


def test_between_two_the_surer_one_is_right_and_both_say_how_sure() -> None:
    places = np.array([[(40.0, 40.0)], [(110.0, 80.0)]])
    found = located(places, np.array([[0.2], [0.8]]), person(2))
    np.testing.assert_allclose(found.points_K2, [[110.0, 80.0]], atol=0.1)
    assert found.confidence_K[0] == pytest.approx(0.5)


def test_a_radius_is_in_pixels_of_the_picture() -> None:
    one = person(2)
    places = np.array([[(70.0, 50.0)], [(70.0, 50.0)]])
    found = located(places, np.array([[0.5], [0.5]]), one)
    sizes = [sight.crop.pixel for sight in one.sights]
    assert found.radius_K[0] == pytest.approx(3.0 * np.mean(sizes))
