"""Is a confidence honest? Reliability, ranking of errors, coverage of radii, and the fits.

A confidence predicts a joint's OKS similarity. Everything is fitted on one half of the data and
reported on the other. Shapes: N joints of all people in one row, F features, B bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.metrics.oks import Floats

ERROR_BELOW = 0.5  # a joint's similarity under which its place is called an error


@dataclass(frozen=True)
class Reliability:
    """What a reliability plot shows: bins of equal width with their counts."""

    confidence_B: Floats
    similarity_B: Floats
    count_B: NDArray[np.int64]

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean gap, weighted by count."""
        total = self.count_B.sum()
        if total == 0:
            return float("nan")
        gap = np.abs(np.nan_to_num(self.confidence_B - self.similarity_B))
        return float((gap * self.count_B).sum() / total)


def reliability(
    confidence_N: NDArray[np.floating], similarity_N: NDArray[np.floating], bins: int = 15
) -> Reliability:
    """Bins of equal width over [0, 1]; a confidence of exactly 1 falls into the last."""
    confidence = np.asarray(confidence_N, np.float64)
    bin_N = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(bin_N, minlength=bins)
    safe = np.maximum(count, 1)
    mean = np.bincount(bin_N, confidence, bins) / safe
    similar = np.bincount(bin_N, np.asarray(similarity_N, np.float64), bins) / safe
    empty = np.where(count > 0, 0.0, np.nan)
    return Reliability(mean + empty, similar + empty, count)


def ece(
    confidence_N: NDArray[np.floating], similarity_N: NDArray[np.floating], bins: int = 15
) -> float:
    return reliability(confidence_N, similarity_N, bins).ece


def auroc(score_N: NDArray[np.floating], positive_N: NDArray[np.bool_]) -> float:
    """The chance that a positive scores above a negative; ties count half. NaN without both."""
    score, positive = np.asarray(score_N, np.float64), np.asarray(positive_N, bool)
    count, others = int(positive.sum()), int((~positive).sum())
    if count == 0 or others == 0:
        return float("nan")
    _, inverse, sizes = np.unique(score, return_inverse=True, return_counts=True)
    rank_N = (np.cumsum(sizes) - (sizes - 1) / 2)[inverse]  # mean rank of equal scores
    return float((rank_N[positive].sum() - count * (count + 1) / 2) / (count * others))


def error_auroc(confidence_N: NDArray[np.floating], similarity_N: NDArray[np.floating]) -> float:
    """How well low confidence finds the misplaced joints."""
    return auroc(-np.asarray(confidence_N), np.asarray(similarity_N) < ERROR_BELOW)


def coverage(error_N: NDArray[np.floating], radius_N: NDArray[np.floating]) -> float:
    """The share of errors within the radius."""
    if len(error_N) == 0:
        return float("nan")
    return float(np.mean(np.asarray(error_N) <= np.asarray(radius_N)))


def conformal_scale(
    error_N: NDArray[np.floating], radius_N: NDArray[np.floating], share: float = 0.9
) -> float:
    """The factor under which `share` of new errors lie within factor · radius (split conformal)."""
    ratio = np.sort(np.asarray(error_N, np.float64) / np.maximum(radius_N, 1e-9))
    rank = int(np.ceil((len(ratio) + 1) * share))
    return float(ratio[min(rank, len(ratio)) - 1]) if len(ratio) else 1.0


def radius_line(
    error_N: NDArray[np.floating], radius_N: NDArray[np.floating], share: float = 0.9
) -> tuple[float, float]:
    """(scale, offset ≥ 0) of a radius that covers `share` whether it is small or large.

    Quantile regression on a grid of offsets, each with its conformal scale: the offset with the
    smallest pinball loss wins.
    """
    errors, radii = np.asarray(error_N, np.float64), np.asarray(radius_N, np.float64)
    best = (np.inf, 1.0, 0.0)
    for offset in np.quantile(errors, np.linspace(0, 0.6, 25)):
        scale = max(conformal_scale(np.maximum(errors - offset, 0), radii, share), 1e-3)
        gap = errors - (offset + scale * radii)
        loss = float(np.mean(np.maximum(share * gap, (share - 1) * gap)))
        best = min(best, (loss, scale, float(offset)))
    _, scale, offset = best
    # The offset may shift the share a little; the last word is again a conformal factor.
    factor = conformal_scale(errors, offset + scale * radii, share)
    return scale * factor, offset * factor


def logistic(features_NF: NDArray[np.floating], weights_F: Floats, bias: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(np.asarray(features_NF) @ weights_F + bias))), np.float64)


def fit_logistic(
    features_NF: NDArray[np.floating], target_N: NDArray[np.floating], ridge: float = 1e-4
) -> tuple[Floats, float]:
    """(weights, bias) of the sigmoid nearest to soft targets in [0, 1], by Newton's method.

    One feature, the logit of a confidence, makes it temperature (Platt) scaling.
    """
    features = np.asarray(features_NF, np.float64)
    columns = np.hstack([features, np.ones((len(features), 1))])
    solution = np.zeros(columns.shape[1])
    penalty = np.eye(columns.shape[1]) * ridge * len(features)
    penalty[-1, -1] = 0.0
    for _ in range(50):
        guess = 1 / (1 + np.exp(-columns @ solution))
        slope = columns.T @ (guess - target_N) + penalty @ solution
        curve = (columns * (guess * (1 - guess))[:, None]).T @ columns + penalty
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(curve)), slope)
        solution -= step
        if np.abs(step).max() < 1e-9:
            break
    return solution[:-1], float(solution[-1])


def logit(confidence_N: NDArray[np.floating]) -> Floats:
    safe = np.clip(np.asarray(confidence_N, np.float64), 1e-6, 1 - 1e-6)
    return np.log(safe) - np.log1p(-safe)


@dataclass(frozen=True)
class Isotonic:
    """A rising step function, linear between its knots."""

    knots_K: Floats
    values_K: Floats

    def __call__(self, score_N: NDArray[np.floating]) -> Floats:
        return np.interp(np.asarray(score_N, np.float64), self.knots_K, self.values_K)


def fit_isotonic(score_N: NDArray[np.floating], target_N: NDArray[np.floating]) -> Isotonic:
    """The rising function nearest to the targets in squares (pool adjacent violators)."""
    order = np.argsort(score_N, kind="mergesort")
    knots, sums, counts, lasts = [], [], [], []
    for score, target in zip(
        np.asarray(score_N, np.float64)[order], np.asarray(target_N, np.float64)[order], strict=True
    ):
        knots.append(score)
        sums.append(target)
        counts.append(1)
        lasts.append(score)
        while len(sums) > 1 and (
            sums[-2] / counts[-2] >= sums[-1] / counts[-1] or lasts[-2] == knots[-1]
        ):
            sums[-2] += sums[-1]
            counts[-2] += counts[-1]
            lasts[-2] = lasts[-1]
            for stack in (knots, sums, counts, lasts):
                stack.pop()
    values = np.array(sums) / np.array(counts)
    # Each pooled block is flat: a knot at both of its ends.
    ends = np.stack([np.array(knots), np.array(lasts)], axis=1).reshape(-1)
    return Isotonic(ends, np.repeat(values, 2))
