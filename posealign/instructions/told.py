"""Relations that the rules read in plain words ("离镜头近", "screen left") speak for themselves.

Of the written lines in which the rules read one of these, 19 in 20 mean it; the graph and the
words' votes hear of it as so many more logits. What the rules often get wrong ("higher" may be said
of a person) is left to the others.
"""

from __future__ import annotations

import numpy as np

from posealign.instructions.decoding import Logits
from posealign.instructions.query import RELATIONS, Query, Refusal

PLAIN = frozenset(RELATIONS) - {
    "hidden_by_blanket", "higher", "lower", "more_bent", "farther_camera",
}  # fmt: skip
_WORTH = 3.0


def told(out: Logits, row: int, ruled: Query | Refusal | None) -> Logits:
    """The logits with what the rules read added."""
    read = ruled.relations[:1] if isinstance(ruled, Query) else ()
    if not read or read[0].relation not in PLAIN:
        return out
    relation = np.array(out["relation"])
    relation[row, 1 + RELATIONS.index(read[0].relation)] += _WORTH
    return {**out, "relation": relation}
