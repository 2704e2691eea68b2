"""Reading a text and its mirror image as one: what holds for a left arm holds for a right one.

The text with its side words exchanged must mean the exchanged set. So one of the two is read,
whichever was given, and what it means is mirrored for the other: they cannot contradict each other.
"Right" is a word of many meanings, a left side is nearly always one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from posealign.instructions.decoding import Heads
from posealign.instructions.mirror import mirror_text
from posealign.instructions.votes import TWINS
from posealign.skeletons.load import vocabulary


@dataclass(frozen=True)
class Twofold:
    """The text that is read; `turned`: it is the mirror image of the one that was given."""

    text: str
    turned: bool


def twofold(clean: str) -> Twofold:
    """Of a text and its mirror image the one whose first side is left is read."""
    image = mirror_text(clean)
    if image is None or image == clean:
        return Twofold(clean, False)
    at = next(at for at, (a, b) in enumerate(zip(clean, image, strict=False)) if a != b)
    return Twofold(image, True) if clean[at] in "r右" else Twofold(clean, False)


def mirrored(heads: Heads) -> Heads:
    """What the mirror image means."""
    swap_V = vocabulary().swap_J
    return replace(
        heads,
        asked_V=heads.asked_V[swap_V],
        related_V=heads.related_V[swap_V],
        subject=_OTHER.get(heads.subject, heads.subject),
        relation=_OTHER.get(heads.relation or "", heads.relation),
        premise=_OTHER.get(heads.premise or "", heads.premise),
    )


_OTHER = {a: b for pair in TWINS for a, b in (pair, pair[::-1])}
