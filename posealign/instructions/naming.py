"""What a piece of text names, and whether it says anything else."""

from __future__ import annotations

import re

from posealign.instructions.binding import bind, is_unsided
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.query import Part, Scope
from posealign.instructions.sets import meant

_BETWEEN = re.compile(
    r"(?:\s|[,、/&+_]|\b(?:the|his|her|its|their|and|or|nor|both|any|baby's|s)\b|[和与跟及或的侧边])*"
)
_LIMBS = (Part("arm"), Part("leg"), Part("limbs"))


def names_parts(text: str) -> bool:
    return any(one.scope for one in found_in(text))


def is_name(text: str) -> bool:
    """Whether the text names parts and says nothing else."""
    return names_parts(text) and _BETWEEN.fullmatch(unnamed(text)) is not None


def scopes_in(text: str) -> list[Scope]:
    """The parts named, each with the side that is said for it."""
    return [one for one in bind(found_in(text), text) if one is not None]


def only_part(text: str) -> Part | None:
    """The one part that the text names, with its side."""
    named = scopes_in(text)
    one = named[0] if len(named) == 1 else None
    return one if isinstance(one, Part) else None


def leaves_side(text: str) -> bool:
    """Whether the first part that is named has sides, and none is told."""
    named = scopes_in(text)
    return bool(named) and is_unsided(named[0])


def is_apart(one: Scope, other: Scope) -> bool:
    """Whether these share nothing but the corners of the trunk."""
    trunk = Part("torso") in (one, other) and (one in _LIMBS or other in _LIMBS)
    return trunk or not meant(one) & meant(other)
