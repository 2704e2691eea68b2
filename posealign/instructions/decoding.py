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
    Query,
    parse,
)
from posealign.instructions.sets import CORE, as_mask
from posealign.instructions.targets import target_of

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


def scores(out: Logits, queries: Sequence[str]) -> dict[str, float]:
    """Figures over written Queries; sets are compared on the whole vocabulary (the strict way)."""
    heads = [decode(out, row) for row in range(len(queries))]
    return figures(heads, queries)


def figures(heads: Sequence[Heads | None], queries: Sequence[str]) -> dict[str, float]:
    """`None` stands for a refusal by a reader without heads."""
    rows = [
        (head, target_of(query), parse(query)) for head, query in zip(heads, queries, strict=True)
    ]
    asked = [(head, target, q) for head, target, q in rows if isinstance(q, Query)]
    refused = [(head, target) for head, target, q in rows if not isinstance(q, Query)]
    exact, core, f1 = [], [], []
    slots: dict[str, list[bool]] = {"dims": [], "visibility": [], "subject": [], "skeleton": [],
                                    "relation": [], "premise": []}  # fmt: skip
    for head, target, query in asked:
        got = head.asked_V if head is not None and head.answered else np.zeros_like(target.asked_V)
        exact.append(bool((got == target.asked_V).all()))
        core.append(bool((got == target.asked_V)[CORE_V].all()) and bool(got.any()))
        both = (got & target.asked_V).sum()
        f1.append(2 * both / max(1, got.sum() + target.asked_V.sum()))
        if head is not None and head.answered:
            relation = query.relations[0].relation if query.relations else None
            slots["dims"].append(head.dims == query.dims)
            slots["visibility"].append(head.visibility == query.visibility)
            slots["subject"].append(head.subject == query.subject)
            slots["skeleton"].append(head.skeleton == query.skeleton)
            slots["relation"].append(head.relation == relation)
            slots["premise"].append(head.premise == query.premise)
    said_no = sum(head is None or not head.answered for head, _ in refused)
    false_no = sum(head is None or not head.answered for head, _, _ in asked)
    precision, recall = said_no / max(1, said_no + false_no), said_no / max(1, len(refused))
    return {
        "exact": float(np.mean(exact)) if exact else float("nan"),
        "exact_core": float(np.mean(core)) if core else float("nan"),
        "f1": float(np.mean(f1)) if f1 else float("nan"),
        **{name: float(np.mean(rows)) if rows else float("nan") for name, rows in slots.items()},
        "refusal_p": precision,
        "refusal_r": recall,
        "refusal_f1": 2 * precision * recall / max(1e-9, precision + recall),
        "false_refusals": false_no / max(1, len(asked)),
    }


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
