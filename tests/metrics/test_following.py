from __future__ import annotations

import pytest

from posealign.errors import InvalidInput
from posealign.metrics.following import following


def test_whole_sets_and_shares() -> None:
    found = following([["a", "b"], ["c"], []], [["a"], ["c", "d"], []])
    assert found is not None
    assert found.count == 3
    assert found.exact == pytest.approx(1 / 3)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)


def test_nothing_and_mismatch() -> None:
    assert following([], []) is None
    empty = following([[]], [[]])
    assert empty is not None
    assert empty.exact == empty.f1 == 1.0
    with pytest.raises(InvalidInput, match="1 questions"):
        following([["a"]], [])
