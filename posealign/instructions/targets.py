"""What the text graph should say for a Query: class indices and masks, no picture needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.query import (
    PREMISES,
    REASONS,
    RELATIONS,
    SKELETONS,
    SUBJECTS,
    VISIBILITIES,
    Query,
    Refusal,
    parse,
)
from posealign.instructions.sets import read
from posealign.skeletons.load import vocabulary

SLOTS = ("reason", "dims", "visibility", "subject", "skeleton", "relation", "premise")


@dataclass(frozen=True)
class Target:
    """`slots` in the order of SLOTS; a refusal has only a reason."""

    answered: bool
    asked_V: NDArray[np.bool_]
    related_V: NDArray[np.bool_]
    slots: tuple[int, ...]


@lru_cache(maxsize=65536)
def target_of(written: str) -> Target:
    """From the written form of a Query or a Refusal."""
    query = parse(written)
    nothing_V = np.zeros(len(vocabulary()), dtype=bool)
    if isinstance(query, Refusal):
        return Target(False, nothing_V, nothing_V, (REASONS.index(query.reason), 0, 0, 0, 0, 0, 0))
    reading = read(query)
    return Target(
        bool(reading.asked), reading.asked_V(), reading.related_V(), (0, *_classes(query))
    )


def _classes(query: Query) -> tuple[int, ...]:
    relations = query.relations
    return (
        int(query.dims == 3),
        VISIBILITIES.index(query.visibility),
        SUBJECTS.index(query.subject),
        0 if query.skeleton is None else 1 + SKELETONS.index(query.skeleton),
        1 + RELATIONS.index(relations[0].relation) if relations else 0,
        0 if query.premise is None else 1 + PREMISES.index(query.premise),
    )
