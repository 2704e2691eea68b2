"""Paired bootstrap over bodies: two models on the same views, resampled together.

A figure is a sum over views divided by a sum over views. Shapes: N views, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """From `before` to `after`: the relative change and its 95 % interval, and the absolute one."""

    before: float
    after: float
    relative: tuple[float, float, float]  # mean, low, high
    absolute: tuple[float, float, float]

    @property
    def verdict(self) -> str:
        """fell, rose or tie, by whether the interval of the difference excludes 0."""
        _, low, high = self.absolute
        if high < 0:
            return "fell"
        return "rose" if low > 0 else "tie"


def per_body(values_N: Floats, body_N: NDArray[np.int64]) -> Floats:
    """Sums over the views of each body."""
    _, index = np.unique(body_N, return_inverse=True)
    return np.bincount(index, weights=values_N).astype(np.float64)


def change(
    before: list[tuple[Floats, Floats]],
    after: list[tuple[Floats, Floats]],
    body_N: NDArray[np.int64],
    draws: int,
    seed: int = 0,
) -> Change:
    """`before` and `after` hold one (numerator, denominator) a seed of training.

    Seeds and bodies are resampled; the same draw serves both sides.
    """
    random = np.random.default_rng(seed)
    sides = [
        [tuple(per_body(values, body_N) for values in run) for run in side]
        for side in (before, after)
    ]
    bodies = len(sides[0][0][0])
    # [R, bodies]: how often a draw holds each body.
    picked = random.integers(0, bodies, (draws, bodies)) + bodies * np.arange(draws)[:, None]
    counts = np.bincount(picked.ravel(), minlength=draws * bodies).reshape(draws, bodies)
    weight = counts.astype(np.float64)
    found = np.stack([_resampled(side, weight, random) for side in sides], axis=1)
    first, second = (float(np.mean(_ratios(side, np.ones((1, bodies))))) for side in sides)
    apart = found[:, 1] - found[:, 0]
    share = apart / np.where(found[:, 0] == 0, np.nan, found[:, 0])
    return Change(
        first, second,
        ((second - first) / first if first else float("nan"), *_interval(share)),
        (second - first, *_interval(apart)),
    )  # fmt: skip


def _resampled(
    side: list[tuple[Floats, ...]], weight_RN: Floats, random: np.random.Generator
) -> Floats:
    """[R]: the mean over a draw of this side's seeds, on each draw of bodies."""
    draws, count = len(weight_RN), len(side)
    seeds = random.integers(0, count, (draws, count))
    return np.asarray(np.take_along_axis(_ratios(side, weight_RN), seeds, axis=1).mean(axis=1))


def _ratios(side: list[tuple[Floats, ...]], weight_RN: Floats) -> Floats:
    """[R, seeds]; NaN where nothing is counted."""
    tops, bottoms = (np.stack([run[part] for run in side], axis=1) for part in (0, 1))
    totals = weight_RN @ bottoms
    return np.asarray((weight_RN @ tops) / np.where(totals == 0, np.nan, totals))


def _interval(values_R: Floats) -> tuple[float, float]:
    known = values_R[np.isfinite(values_R)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)
