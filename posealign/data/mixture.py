"""Several sources in one stream: which source and which row stand at each position.

A pure function of (seed, position), so a run can be resumed anywhere and read by any number of
workers. Sources are interleaved evenly, and each is gone through in a new order every epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidConfig

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Mixture:
    """`lengths` are rows a source has, `weights` its share of the stream (normalised)."""

    lengths: Mapping[str, int]
    weights: Mapping[str, float]
    seed: int = 0

    def __post_init__(self) -> None:
        if set(self.lengths) != set(self.weights) or not self.lengths:
            raise InvalidConfig(
                f"every source needs a weight: sources {sorted(self.lengths)}, "
                f"weights for {sorted(self.weights)}"
            )
        for name, weight in self.weights.items():
            if weight < 0 or self.lengths[name] <= 0:
                raise InvalidConfig(f"{name}: weight {weight}, {self.lengths[name]} rows")
        if sum(self.weights.values()) <= 0:
            raise InvalidConfig("a mixture needs a source with a weight above zero")

    def pick(self, position: int) -> tuple[str, int]:
        """The source and its row."""
        total = sum(self.weights.values())
        start, where = 0.0, (position * _GOLDEN) % 1.0
        chosen, share = "", 0.0
        for name in sorted(self.weights):
            share = self.weights[name] / total
            if share == 0:
                continue
            chosen = name
            if where < start + share:
                break
            start += share
        epoch, row = divmod(int(position * self.weights[chosen] / total), self.lengths[chosen])
        return chosen, int(_order(self.lengths[chosen], self.seed, epoch)[row])

    def random(self, position: int) -> np.random.Generator:
        """The dice of this position."""
        return np.random.default_rng((self.seed, position))


@lru_cache(maxsize=32)
def _order(length: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch, length)).permutation(length)
