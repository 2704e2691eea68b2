"""ECE, AUROC, coverage and the fits: by hand and by what must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.metrics import calibration as c


def test_ece_by_hand() -> None:
    """Two bins: (0.2, 0.4 → 0) and (0.7 → 1, 0.9 → 0): gaps 0.3 and |0.8 − 0.5|, half each."""
    found = c.reliability(np.array([0.2, 0.4, 0.7, 0.9]), np.array([0.0, 0.0, 1.0, 0.0]), bins=2)
    assert found.confidence_B == pytest.approx([0.3, 0.8])
    assert found.similarity_B == pytest.approx([0.0, 0.5])
    assert found.ece == pytest.approx(0.3)
    assert np.isnan(c.ece(np.zeros(0), np.zeros(0)))
    assert c.reliability(np.array([1.0]), np.array([1.0])).count_B[-1] == 1


def test_auroc_by_hand() -> None:
    """Pairs (positive, negative): 3>1, 3>2, 2>1 and a tie 2=2 → 3.5 of 4."""
    score, positive = np.array([3.0, 2.0, 1.0, 2.0]), np.array([True, True, False, False])
    assert c.auroc(score, positive) == pytest.approx(3.5 / 4)
    assert np.isnan(c.auroc(score, np.ones(4, bool)))


@given(st.integers(0, 1000))
def test_auroc_is_the_share_of_right_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, positive = rng.integers(0, 5, 30).astype(float), rng.random(30) < 0.5
    high, low = score[positive], score[~positive]
    if not len(high) or not len(low):
        return
    pairs = (high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean()
    assert c.auroc(score, positive) == pytest.approx(pairs)


def test_errors_are_found_by_low_confidence() -> None:
    assert c.error_auroc(np.array([0.9, 0.8, 0.1]), np.array([0.95, 0.7, 0.2])) == 1.0


def test_conformal_scale_by_hand() -> None:
    """Ratios 0.1 … 0.9 of nine errors: rank ⌈10 · 0.9⌉ = 9, the largest."""
    errors = np.arange(1, 10) / 10
    assert c.conformal_scale(errors, np.ones(9)) == 0.9
    assert c.coverage(errors, np.full(9, 0.55)) == pytest.approx(5 / 9)


def test_conformal_radius_covers_new_errors() -> None:
    rng = np.random.default_rng(0)

    def draw() -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        spread = rng.uniform(0.5, 8, 4000)
        return np.abs(rng.normal(0, spread)) + 0.7, spread * rng.uniform(0.8, 1.2, 4000)

    errors, radii = draw()
    scale, offset = c.radius_line(errors, radii)
    fresh, radius = draw()
    assert 0.88 <= c.coverage(fresh, offset + scale * radius) <= 0.92
    small = radius < 2
    assert 0.8 <= c.coverage(fresh[small], offset + scale * radius[small]) <= 0.97


def test_temperature_is_found() -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(0.02, 0.98, 6000)
    shown = 1 / (1 + np.exp(-(3 * c.logit(true) + 1)))  # over-confident
    outcome = (rng.random(6000) < true).astype(float)
    weights, bias = c.fit_logistic(c.logit(shown)[:, None], outcome)
    assert weights[0] == pytest.approx(1 / 3, abs=0.03)
    assert bias == pytest.approx(-1 / 3, abs=0.06)
    assert c.ece(shown, outcome) > 0.1
    assert c.ece(c.logistic(c.logit(shown)[:, None], weights, bias), outcome) < 0.03


@given(st.integers(0, 1000))
def test_isotonic_rises_and_keeps_the_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, target = rng.integers(0, 10, 40) / 10, rng.random(40)
    fitted = c.fit_isotonic(score, target)
    assert (np.diff(fitted(np.linspace(0, 1, 50))) >= -1e-12).all()
    assert fitted(score).mean() == pytest.approx(target.mean())


def test_isotonic_by_hand() -> None:
    """1, 3, 2 pools the last two to 2.5."""
    fitted = c.fit_isotonic(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    assert fitted(np.array([1.0, 2.0, 3.0])).tolist() == [1, 2.5, 2.5]
