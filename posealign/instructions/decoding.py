"""Logits of the text graph → what was understood, with the rules that keep it consistent.

Shapes: B texts, V vocabulary joints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.query import (
    FILTERING,
    PREMISES,
    REASONS,
    RELATIONS,
    SKELETONS,
    SUBJECTS,
    VISIBILITIES,
)
from posealign.instructions.sets import CORE, as_mask

Logits = Mapping[str, NDArray[np.float32]]
CORE_V = as_mask(CORE)


@dataclass(frozen=True)
class Heads:
    """One text's decoded heads; masks are over the vocabulary."""

    answered: bool
    confidence: float
    reason: str
    asked_V: NDArray[np.bool_]
    related_V: NDArray[np.bool_]
    dims: int
    visibility: str
    subject: str
    skeleton: str | None
    relation: str | None
    premise: str | None
    taken: bool = False  # what the relation chooses goes; the rest of what is asked stays


def decode(out: Logits, row: int = 0) -> Heads:
    def best(name: str) -> int:
        return int(out[name][row].argmax())

    asked_V = out["asked"][row] > 0
    relation = best("relation")
    related_V = (out["related"][row] > 0) & asked_V if relation else np.zeros_like(asked_V)
    name = RELATIONS[relation - 1] if relation else None
    if name is not None and not related_V.any():
        related_V = asked_V.copy() if name in FILTERING or asked_V.any() else related_V
    skeleton, premise = best("skeleton"), best("premise")
    gate = float(out["gate"][row])
    answered = gate > 0 and bool(asked_V.any())
    return Heads(
        answered=answered,
        confidence=_confidence(out, row, gate),
        reason=REASONS[best("reason")],
        asked_V=asked_V,
        related_V=related_V,
        dims=2 + best("dims"),
        visibility=VISIBILITIES[best("visibility")],
        subject=SUBJECTS[best("subject")],
        skeleton=SKELETONS[skeleton - 1] if skeleton else None,
        relation=name,
        premise=PREMISES[premise - 1] if premise else None,
    )


def _confidence(out: Logits, row: int, gate: float) -> float:
    """How sure the gate and the least sure COCO joint are."""
    sure = 1 / (1 + np.exp(-abs(gate)))
    if gate > 0:
        sure *= float((1 / (1 + np.exp(-np.abs(out["asked"][row][CORE_V])))).min())
    return float(sure)


def calibrate_gate(gate_B: NDArray[np.float32], answered: Sequence[bool]) -> tuple[float, float]:
    """(shift, scale): zero becomes the threshold with the best refusal F1 that refuses at most
    1.5 % of the answerable; the scale makes sigmoid(gate) a frequency.
    """
    truth = np.array(answered)
    best, threshold = -1.0, 0.0
    for candidate in np.linspace(-4, 4, 161):
        refused = gate_B <= candidate
        wrong = (refused & truth).sum() / max(1, truth.sum())
        hit = (refused & ~truth).sum()
        f1 = 2 * hit / max(1, refused.sum() + (~truth).sum())
        score = f1 - (10.0 if wrong > 0.015 else 0.0) - 1e-3 * abs(candidate)
        if score > best:
            best, threshold = score, float(candidate)
    scales = np.linspace(0.2, 2.0, 37)
    losses = [
        np.logaddexp(0, np.where(truth, -1, 1) * s * (gate_B - threshold)).mean() for s in scales
    ]
    scale = float(scales[int(np.argmin(losses))])
    return -threshold * scale, scale
