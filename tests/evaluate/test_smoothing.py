"""Smoothing on tracks whose noise and truth are known: the bars, with room for the network."""

from __future__ import annotations

import numpy as np
import pytest

from posealign.errors import InvalidInput
from posealign.evaluate import smoothing
from posealign.evaluate.smoothing import Track, effect
from posealign.metrics.temporal import movement_loss
from posealign.temporal import SmoothingSettings

DEFAULT = SmoothingSettings()


@pytest.mark.parametrize(
    "track",
    [
        Track(),
        Track(noise=0.003),
        Track(noise=0.02),
        Track(rate=15),
        Track(rate=60),
        Track(swing=0.3),
    ],
    ids=str,
)
def test_a_movement_of_3_hz_is_kept_and_a_joint_at_rest_is_still(track: Track) -> None:
    """Bars: 0.3 % of the torso at rest, 2 % of the movement lost, the network's share included."""
    found = effect(DEFAULT, track)
    assert found.jitter < 0.003
    assert abs(found.loss) < 0.015
    assert 0 <= found.lag < 0.01


def test_the_ends_of_a_swing_are_not_cut_off() -> None:
    """Without holding its speed, the filter closes where a small movement turns."""
    small = Track(swing=0.05)
    closing = effect(SmoothingSettings(hold=0.0), small)
    held = effect(DEFAULT, small)
    assert abs(held.loss) < 0.08 < abs(closing.loss)
    assert held.lag < closing.lag


def test_it_rests_again_once_a_movement_has_ended() -> None:
    """Two seconds of 3 Hz, then rest: a second later the joint is still."""
    times = np.arange(150) / 30
    random = np.random.default_rng(1)
    points_F2 = random.normal(0, 0.012 / np.sqrt(2), (150, 2))
    points_F2[:60, 0] += 0.15 * np.sin(2 * np.pi * 3 * times[:60])
    smooth_F2 = smoothing.smoothed(DEFAULT, points_F2, times)
    step_F = np.linalg.norm(np.diff(smooth_F2[90:], axis=0), axis=1)
    assert np.sqrt(np.mean(step_F**2) / 2) < 0.003
    assert abs(movement_loss(smooth_F2[15:60, 0], points_F2[15:60, 0], times[15:60])[0]) < 0.015


def test_its_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(smoothing, "TRIALS", (Track(),))
    monkeypatch.setattr("sys.argv", ["smoothing", "hold=0.2"])
    smoothing.main()
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.count("|") == row.count("|") == 5
    assert row.startswith("| 30 fps, noise 1.2%")


@pytest.mark.parametrize("change", ["halt=0.2", "hold=long", "hold=-1"])
def test_settings_that_are_none(change: str) -> None:
    with pytest.raises(InvalidInput, match=r"hold|halt"):
        smoothing.settings_from([change])
