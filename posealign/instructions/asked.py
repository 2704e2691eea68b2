"""What a query asks of one labelled person, and for which joints the labels can tell.

Training draws its triples with it. Shapes: V vocabulary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.instructions.execute import execute_people
from posealign.instructions.query import Query, Refusal
from posealign.instructions.sets import as_mask, read
from posealign.skeletons.load import vocabulary

FILTERS = ("in_upper_half", "in_lower_half", "in_left_half", "in_right_half", "hidden_by_blanket")


def answer(
    query: Query | Refusal, person: Person, size: tuple[float, float]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Asked joints and how sure they are, by the code that grades answers too."""
    count = len(vocabulary())
    if isinstance(query, Refusal):
        return np.zeros(count, np.float32), np.ones(count, np.float32)
    asked = execute_people(query, [person], size)[0]
    weights = np.ones(count, np.float32)
    if query.relations:
        reading = read(query)
        undecided = as_mask(asked.unknown) & reading.related_V()
        weights[reading.related_V() if not asked.clear else undecided] = 0.0
        if any(relation.relation in FILTERS for relation in query.relations):
            # A joint without a place is on no side of the picture.
            nowhere = person.states_V < State.OCCLUDED
            weights[nowhere & reading.related_V()] = 0.0
    return as_mask(asked.scope).astype(np.float32), weights
