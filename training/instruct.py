"""Instruction triples on the fly: (picture, words, exact answer) from any labelled person.

LLaVA's recipe without a large model: a Query is drawn, put into words by a phrasebook, and
answered by `execute` on the labels. A close call, or a relation the labels cannot decide, teaches
nothing (weight 0). Shapes: V vocabulary, K triples of one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.space import torso_units
from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.instructions.asked import answer
from posealign.instructions.phrases import Phrasebook
from posealign.instructions.query import Except, Part, Query, Refusal, Scope, union
from posealign.instructions.sampling import sample, sample_related
from posealign.instructions.wording import word
from posealign.skeletons.load import vocabulary


@dataclass(frozen=True)
class Triple:
    """`weight_V` is 0 for joints whose answer is not known; a refusal asks for nothing."""

    text: str
    query: Query | Refusal
    asked_V: NDArray[np.float32]
    weight_V: NDArray[np.float32]

    @property
    def refused(self) -> bool:
        return isinstance(self.query, Refusal)

    @property
    def related(self) -> bool:
        return isinstance(self.query, Query) and bool(self.query.relations)


def triple(
    person: Person,
    size: tuple[float, float],
    books: Sequence[Phrasebook],
    rng: Random,
    relations: float = 0.45,
    refusals: float = 0.08,
) -> Triple:
    """One triple; `relations` is the share of queries that need the picture."""
    query = Query(_relational(rng)) if rng.random() < relations else sample(rng, refusals)
    if isinstance(query, Query):
        query = replace(query, subject="all")  # which person is meant is settled before the crop
    text = word(query, rng, rng.choice(books))
    return Triple(text, query, *answer(query, person, size))


def _relational(rng: Random) -> Scope:
    related: Scope = sample_related(rng)
    roll = rng.random()
    if roll < 0.08:
        return Except(Part("all"), related)
    if roll < 0.16:
        return union([related, Part(rng.choice(("head", "torso", "face", "nose")))])
    return related


def person_in_view(
    points_V2: NDArray[np.float32],
    states_V: NDArray[np.int64],
    known_V: NDArray[np.bool_],
    z_V: NDArray[np.float32],
    box: tuple[float, float, float, float],
    extra: Mapping[str, Any],
    mirrored: bool,
) -> Person:
    """The person as a picture shows them: what a relation is judged on.

    z is in torso lengths; x and y are brought to the same unit by the torso's length in space.
    """
    swap = vocabulary().swap_J
    states = np.where(known_V, states_V, int(State.UNLABELLED)).astype(np.int8)
    placed = (states >= State.OCCLUDED) & np.isfinite(points_V2[:, 0])
    states = np.where((states >= State.OCCLUDED) & ~placed, int(State.UNLABELLED), states)
    hidden, points3 = extra.get("hidden_by_V"), extra.get("points_V3")
    if points3 is None and np.isfinite(z_V[:17]).all():
        points3 = torso_units(points_V2[None], z_V[None], vocabulary().names)[0].astype(np.float32)
    elif points3 is not None and mirrored:
        points3 = points3[swap] * np.array([-1, 1, 1], np.float32)
    if hidden is not None and mirrored:
        hidden = hidden[swap]
    told = dict(extra.get("relations", {}))
    if mirrored:
        other = {"left": "right", "right": "left"}
        told = {key: tuple(other[side] for side in sides) for key, sides in told.items()}
    return Person(
        points_V2.astype(np.float32), states.astype(np.int8), box, points_V3=points3,
        hidden_by_V=hidden, posture=extra.get("posture"), role=extra.get("role"),
        facts={"relations": told},
    )  # fmt: skip


def turned_back(
    points_V2: NDArray[np.float32], degrees: float, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Input pixels of a turned crop → pixels of the same size as the picture lies."""
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    turn = np.deg2rad(degrees)
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned: NDArray[np.float64] = (points_V2 - middle) @ back.T + middle
    return turned.astype(np.float32)
