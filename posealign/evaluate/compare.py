"""Two sets of answers about the same people: paired differences with bootstrap intervals.

Pictures are drawn with replacement, with all their people and both answers, so what both find hard
cancels. Shapes: P people both judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidInput
from posealign.evaluate.figures import per_person, resampled
from posealign.evaluate.judged import Judged
from posealign.metrics.oks import Floats

LOWER_IS_BETTER = ("swapped",)


@dataclass(frozen=True)
class Difference:
    """B minus A over the same people; `better` is None where the interval holds zero."""

    figure: str
    first: float
    second: float
    low: float
    high: float
    people: int

    @property
    def difference(self) -> float:
        return self.second - self.first

    @property
    def better(self) -> str | None:
        if self.low <= 0 <= self.high:
            return None
        rises = self.difference > 0
        return "B" if rises != (self.figure in LOWER_IS_BETTER) else "A"


def compare(first: Judged, second: Judged, draws: int = 2000, seed: int = 0) -> list[Difference]:
    """Every figure of a person that both sides have."""
    left, right = _keys(first), _keys(second)
    shared = sorted(left.keys() & right.keys())
    if not shared:
        raise InvalidInput("the two runs share no labelled person; were they on the same pictures?")
    one = np.array([left[key] for key in shared])
    other = np.array([right[key] for key in shared])
    if not np.allclose(first.truth_PJ2[one], second.truth_PJ2[other], equal_nan=True):
        raise InvalidInput("the two runs have other labels for the same people")
    pictures = first.index_P[one]
    mine, theirs = per_person(first), per_person(second)
    return [
        _difference(name, mine[name][one], theirs[name][other], pictures, draws, seed)
        for name in mine
        if name in theirs
    ]


def _keys(judged: Judged) -> dict[tuple[int, int], int]:
    return {
        (int(index), int(person)): row
        for row, (index, person) in enumerate(zip(judged.index_P, judged.person_P, strict=True))
    }


def _difference(
    name: str,
    first: Floats,
    second: Floats,
    pictures: NDArray[np.int64],
    draws: int,
    seed: int,
) -> Difference:
    known = np.isfinite(first) & np.isfinite(second)
    if not known.any():
        return Difference(name, np.nan, np.nan, np.nan, np.nan, 0)
    first, second = first[known], second[known]
    means = resampled(second - first, pictures[known], draws, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(
        name, float(first.mean()), float(second.mean()), float(low), float(high), int(known.sum())
    )
