"""Joints over time: jitter at rest, what is lost of a movement, lag, gaps.

Shapes: F frames, J joints. Times are in seconds, places in pixels or metres, sizes in the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posealign.metrics.oks import Floats


def jitter(points_FJ2: NDArray[np.floating], size: float) -> Floats:
    """[J]: how much a joint at rest moves from frame to frame, as a share of `size` (the torso).

    The root of the mean squared step between frames, over √2: the standard deviation of
    independent noise around a place that does not move. Slow drift does not count.
    """
    steps = np.diff(np.asarray(points_FJ2, np.float64), axis=0)
    squared = (steps**2).sum(axis=-1)
    there = np.isfinite(squared)
    count = there.sum(axis=0)
    mean = np.where(there, squared, 0).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, np.sqrt(mean / 2) / size, np.nan)


def tone(signal_F: NDArray[np.floating], times_F: NDArray[np.floating], hertz: float) -> complex:
    """The amplitude and phase of one frequency (least squares with a constant and a slope)."""
    signal, times = np.asarray(signal_F, np.float64), np.asarray(times_F, np.float64)
    there = np.isfinite(signal)
    angle = 2 * np.pi * hertz * times[there]
    columns = np.stack([np.cos(angle), np.sin(angle), np.ones_like(angle), times[there]], axis=1)
    weights = np.linalg.lstsq(columns, signal[there], rcond=None)[0]
    return complex(weights[0], -weights[1])


def movement_loss(
    points_F: NDArray[np.floating],
    truth_F: NDArray[np.floating],
    times_F: NDArray[np.floating],
    hertz: float = 3.0,
) -> tuple[float, float]:
    """(share of the amplitude that is lost, lag in seconds) of a movement of one frequency.

    A negative loss is an overshoot; a negative lag runs ahead.
    """
    found, real = tone(points_F, times_F, hertz), tone(truth_F, times_F, hertz)
    if abs(real) == 0:
        return float("nan"), float("nan")
    ratio = found / real
    return 1 - abs(ratio), float(-np.angle(ratio) / (2 * np.pi * hertz))


def missing_rate(points_FJ2: NDArray[np.floating], expected_FJ: NDArray[np.bool_]) -> float:
    """The share of joints in the picture that an answer left without a place."""
    expected = np.asarray(expected_FJ, bool)
    gone = np.isnan(np.asarray(points_FJ2)[..., 0])
    return float((gone & expected).sum() / expected.sum()) if expected.any() else float("nan")
