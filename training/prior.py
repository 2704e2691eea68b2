"""How usual a pose is among labelled ones: a guard that nothing is trained on.

A Gaussian over the directions and lengths of the eight limb bones in the trunk's own frame; the
score is the mean squared deviation a dimension (1 for poses like the labelled ones).
Shapes: N poses, J joints, F the 24 numbers of a pose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import HIPS, SHOULDERS
from posealign.anatomy.bones import BONES
from posealign.errors import InvalidInput

Floats = NDArray[np.float64]
RIDGE = 0.05  # of the mean variance, so that a small sample has an inverse


def limb_features(space_NJ3: Floats, names: Sequence[str]) -> Floats:
    """[N, F]; NaN where the pose lacks a joint."""
    order = list(names)

    def of(*wanted: str) -> Floats:
        return np.asarray(space_NJ3[:, [order.index(name) for name in wanted]].mean(axis=1))

    up = of(*SHOULDERS) - of(*HIPS)
    across = of(SHOULDERS[0]) + of(HIPS[0]) - of(SHOULDERS[1]) - of(HIPS[1])
    up = up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)
    across = across - (across * up).sum(-1, keepdims=True) * up
    across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    frame = np.stack([across, up, np.cross(across, up)], axis=1)  # N, axes, xyz
    limbs = np.stack([of(end) - of(start) for start, end in BONES.values()], axis=1)
    turned = np.einsum("nax,nbx->nba", frame, limbs).reshape(len(space_NJ3), -1)
    return np.asarray(turned, np.float64)


@dataclass(frozen=True)
class Prior:
    mean_F: Floats
    inverse_FF: Floats

    @classmethod
    def fit(cls, space_NJ3: Floats, names: Sequence[str]) -> Prior:
        rows = limb_features(space_NJ3, names)
        rows = rows[np.isfinite(rows).all(axis=1)]
        if len(rows) < rows.shape[1]:
            raise InvalidInput(
                f"a pose prior needs {rows.shape[1]} whole poses at least, got {len(rows)}"
            )
        covariance = np.cov(rows.T)
        covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        return cls(rows.mean(axis=0), np.asarray(np.linalg.inv(covariance), np.float64))

    def score(self, space_NJ3: Floats, names: Sequence[str]) -> Floats:
        """[N]: lower is more usual; NaN where a joint is missing."""
        off = limb_features(space_NJ3, names) - self.mean_F
        return np.asarray(np.einsum("nf,fg,ng->n", off, self.inverse_FF, off) / off.shape[1])
