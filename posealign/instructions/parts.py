"""The parts table: which vocabulary joints a word like "leg" means (parts.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from posealign.skeletons.load import vocabulary

_ROWS: Mapping[str, dict[str, Any]] = MappingProxyType(
    yaml.safe_load(files(__package__).joinpath("parts.yaml").read_text("utf-8"))
)
PAIRED: frozenset[str] = frozenset(name for name, row in _ROWS.items() if row.get("paired"))
LIMBS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}  # from the trunk
LIMB_JOINTS = tuple(joint for limb in LIMBS.values() for joint in limb)
# Single joints are parts under their own names, except those a paired row covers (left_knee).
PARTS: frozenset[str] = frozenset(_ROWS) | {
    joint
    for joint in vocabulary().names
    if not (joint.startswith(("left_", "right_")) and joint.split("_", 1)[1] in PAIRED)
}


@cache
def joints_of(name: str, side: str | None = None) -> frozenset[str]:
    """The vocabulary joints of a part; an unsided paired part is both sides."""
    row = _ROWS.get(name)
    if row is None:
        return frozenset({name})
    if name in PAIRED and side is None:
        return joints_of(name, "left") | joints_of(name, "right")
    joints = {joint for word in row.get("joints", ()) for joint in _match(word.format(s=side))}
    for word in row.get("parts", ()):
        joints |= _joints_of_word(word.format(s=side))
    return frozenset(joints)


def _joints_of_word(word: str) -> frozenset[str]:
    side, _, name = word.partition("_")
    return (
        joints_of(name, side) if name in PAIRED and side in ("left", "right") else joints_of(word)
    )


def _match(pattern: str) -> list[str]:
    """`left_thumb*`, `face_0:16` or a plain name → vocabulary joints."""
    names = vocabulary().names
    if pattern.endswith("*"):
        return [name for name in names if name.startswith(pattern[:-1])]
    if ":" in pattern:
        stem, _, span = pattern.rpartition("_")
        first, last = (int(number) for number in span.split(":"))
        return [f"{stem}_{number}" for number in range(first, last + 1)]
    return [name for name in names if name == pattern]
