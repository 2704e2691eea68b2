from collections import Counter

import pytest

from posealign.data.mixture import Mixture
from posealign.errors import InvalidConfig


def test_sources_come_in_their_shares_and_every_row_in_turn() -> None:
    mixture = Mixture({"real": 50, "drawn": 20}, {"real": 0.7, "drawn": 0.3}, seed=3)
    picks = [mixture.pick(position) for position in range(1000)]
    counts = Counter(name for name, _ in picks)
    assert counts["drawn"] == pytest.approx(300, abs=10)
    rows = Counter(row for name, row in picks if name == "real")
    assert len(rows) == 50
    assert min(rows.values()) >= 9


def test_a_position_is_always_the_same() -> None:
    one = Mixture({"a": 9, "b": 5}, {"a": 1.0, "b": 1.0}, seed=1)
    two = Mixture({"a": 9, "b": 5}, {"a": 1.0, "b": 1.0}, seed=1)
    assert [one.pick(p) for p in range(60)] == [two.pick(p) for p in range(60)]
    assert one.random(7).random() == two.random(7).random()
    assert one.random(7).random() != one.random(8).random()


def test_a_source_without_weight_never_comes() -> None:
    mixture = Mixture({"a": 9, "b": 5}, {"a": 1.0, "b": 0.0})
    assert {mixture.pick(p)[0] for p in range(100)} == {"a"}


@pytest.mark.parametrize(
    ("lengths", "weights"),
    [({"a": 1}, {"b": 1.0}), ({}, {}), ({"a": 0}, {"a": 1.0}), ({"a": 3}, {"a": 0.0})],
)
def test_impossible_mixtures_are_errors(lengths: dict[str, int], weights: dict[str, float]) -> None:
    with pytest.raises(InvalidConfig):
        Mixture(lengths, weights)
