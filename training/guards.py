"""When a tuned checkpoint is not taken: limits that nothing is trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import Field

from posealign.config import Config


class Guards(Config):
    """Allowed changes against the starting point, on validation views."""

    pck_drop: float = Field(0.005, ge=0)  # PCK@0.1, as a share
    recall_drop: float = Field(0.01, ge=0)  # of the joints that are there, the share given a place
    yes_ratio: float = Field(0.05, ge=0)
    kl: float = Field(0.5, gt=0)  # nats a joint
    held_out: tuple[str, ...] = ("asymmetry", "pose_prior")  # lower is better
    held_out_rise: float = Field(0.05, ge=0)  # relative: below it is noise


def reasons(
    before: Mapping[str, float], now: Mapping[str, float], kl: float, guards: Guards
) -> list[str]:
    """Why these figures are not acceptable; an empty list takes them.

    `reward` is the trained reward on the same views, `labelled` the share of joints that are there.
    """
    found = []
    if now["pck"] < before["pck"] - guards.pck_drop:
        found.append(f"PCK@0.1 fell from {before['pck']:.4f} to {now['pck']:.4f}")
    # The yes-ratio alone would take a head that trades joints that are there for absent ones.
    if now["recall"] < before["recall"] - guards.recall_drop:
        found.append(
            f"the recall of joints that are there fell from {before['recall']:.4f} "
            f"to {now['recall']:.4f}"
        )
    moved = abs(now["yes_ratio"] - before["yes_ratio"]) > guards.yes_ratio
    # A start that gives too few or too many joints may move towards the labelled share.
    further = abs(now["yes_ratio"] - now["labelled"]) > abs(
        before["yes_ratio"] - before["labelled"]
    )
    if moved and further:
        found.append(f"the yes-ratio went from {before['yes_ratio']:.3f} to {now['yes_ratio']:.3f}")
    if not kl <= guards.kl:
        found.append(f"{kl:.3f} nats a joint from the start, allowed are {guards.kl}")
    better = now["reward"] > before["reward"]
    for name in guards.held_out:
        old, new = before.get(name, math.nan), now.get(name, math.nan)
        if better and new > old * (1 + guards.held_out_rise):
            found.append(f"the reward rose while {name} got worse: {old:.4f} to {new:.4f}")
    return found
