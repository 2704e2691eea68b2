"""What a relation is said of, and from what it is taken away: "everything but the raised arm".

The graph's sets are the same for that arm beside the rest and for all but that arm, so the words
are asked: they except the relation, or its part, or "the higher one" of a part that stands before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.corrections import is_corrected
from posealign.instructions.found import found_in
from posealign.instructions.keyword_patterns import RELATIONS
from posealign.instructions.keywords import read_sum, split_exception
from posealign.instructions.masks import Mask, mask_of, paired_parts, shares, wholes
from posealign.instructions.query import CHOOSING, Except, Query, Refusal, Scope


def choose_related(related_V: NDArray[np.float32], relation: str, asked_V: Mask) -> Mask:
    """The part under a relation: always one that has a name."""
    logits_V = np.clip(related_V, -6, 6) * shares()
    masks_CV = paired_parts() if relation in CHOOSING else wholes()
    best: Mask = masks_CV[int((masks_CV @ logits_V).argmax())]
    return best & asked_V if (best & asked_V).any() else best


def taken_from(
    clean: str, relation: str, related_V: Mask, asked_V: Mask, ruled: Query | Refusal | None
) -> Scope | None:
    """The scope from which the relation's choice goes; none where that is what is asked."""
    kept, removed = split_exception(clean)
    if removed is not None and not found_in(removed) and found_in(kept):
        said = _said(removed, relation) and not is_corrected(clean)
        return read_sum(kept) if said else None
    if not isinstance(ruled, Query) or not isinstance(ruled.scope, Except):
        return None
    if ruled.relations:
        gone = ruled.takes_away and ruled.relations[-1].relation == relation
    else:
        gone = bool((mask_of(ruled.scope.removed) >= related_V).all())
    whole_V = mask_of(ruled.scope.scope)
    sure = (asked_V & ~related_V).any() or (related_V == whole_V).all()
    return ruled.scope.scope if gone and sure else None


def _said(text: str, relation: str) -> bool:
    return any(name == relation and pattern.search(text) for name, pattern in RELATIONS)
