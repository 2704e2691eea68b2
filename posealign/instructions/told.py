"""What the words say so plainly that it counts beside the graph and the votes.

Relations that the rules read in plain words ("离镜头近", "screen left") speak for themselves: of
the written lines in which the rules read one of these, 19 in 20 mean it. So do "skip whatever is
hidden" (keywords.yaml, `plainly`) and an adult whose parts are named (owners.py). The logits hear
of it as so many more. What the rules often get wrong ("higher" may be said of a person) is left to
the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from posealign.instructions.decoding import Logits
from posealign.instructions.keyword_patterns import CORRECTION, PLAIN_STEMS, PLAINLY
from posealign.instructions.owners import owner
from posealign.instructions.query import PREMISES, RELATIONS, SUBJECTS, VISIBILITIES, Query, Refusal

PLAIN = frozenset(RELATIONS) - {
    "hidden_by_blanket", "higher", "lower", "more_bent", "farther_camera",
}  # fmt: skip
_WORTH = 3.0
_SURE = 30.0  # where the rows and the owners are right in 49 of 50 written lines
# Slot → its classes in the graph's order; the empty one is none.
_CLASSES = {
    "visibility": VISIBILITIES, "subject": SUBJECTS, "premise": ("", *PREMISES),
    "relation": ("", *RELATIONS), "dims": ("2", "3"),
}  # fmt: skip


def told(out: Logits, row: int, ruled: Query | Refusal | None, clean: str) -> Logits:
    """The logits with what is said plainly added."""
    plain = {} if ruled is None else plainly(clean)
    said = {slot: (value, _SURE) for slot, value in plain.items()}
    read = ruled.relations[:1] if isinstance(ruled, Query) else ()
    if read and read[0].relation in PLAIN:
        if plain.get("subject") in ("leftmost", "rightmost") and "image" in read[0].relation:
            said["relation"] = ("", _WORTH)  # "the child on the right of the photo"
        else:
            said["relation"] = (read[0].relation, _WORTH)
    if not said:
        return out
    changed = {name: np.array(out[name]) for name in said}
    for name, (value, worth) in said.items():
        changed[name][row, _CLASSES[name].index(value)] += worth
    return {**out, **changed}


@lru_cache(maxsize=1024)  # the slots hear of it, and so does the gate
def plainly(clean: str) -> Mapping[str, str]:
    """Slots that the words alone settle."""
    found: dict[str, str] = {}
    corrected = bool(CORRECTION.search(clean))
    silent = {slot for slot, stems in PLAIN_STEMS.items() if not any(s in clean for s in stems)}
    for slot, value, pattern in PLAINLY:
        if slot in found or (slot in silent and pattern.pattern.isascii()):
            continue
        if corrected and slot != "visibility":
            continue  # "prone … no, supine"
        if pattern.search(clean):
            found[slot] = value
    whose = owner(clean)
    return {**found, "subject": whose} if whose else found
