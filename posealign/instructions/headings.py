"""Sides as headings: "left: knee + ankle, right: just the knee", 左边要手腕,右边要肘和腕.

Each part of a list gets the side that stands over it.
"""

from __future__ import annotations

import re
from itertools import pairwise

from posealign.instructions.binding import is_unsided
from posealign.instructions.found import Found, found_in
from posealign.instructions.sides import SIDES_HAN

_BOTH_SIDES = re.compile(r"\b(?:left|l|lt)\b.*\br|\b(?:right|r|rt)\b.*\bl|左.*右|右.*左")
_HEAD = re.compile(
    r"[\s,;.:(–-]*(?:(?:and|but|while)\b ?)?(?:(?:on|from|for|of)\b ?)?(?:the|his|her)?\s*$"
)
_BEHIND = re.compile(
    r"(?:[ -]hand)?(?: side)?\s*(?:[:=,]|\b(?:only|just|the|i (?:only |just )?(?:want"
    r"|need))\b)"
    r"(?:\s|[,:]|\b(?:only|just|the|his|her|want|need|show|mark|i)\b)*$"
)
_ON_THE = re.compile(r"(?:^|[\s,;.])(?:on|for|from|of) (?:the|his|her) $")
_BETWEEN = re.compile(r"(?:[\s,+&/]|\b(?:and|the|plus|joints?)\b)*")
_HEAD_HAN = re.compile(r"[,;。:\s]*(?:而|但|,)?$")
_BEHIND_HAN = re.compile(
    r"(?:手?边|侧)?(?:[:=]|的?(?:只|就)?[要标看画取给])(?:只|就)?[要标看画取给]?$"
)
_BETWEEN_HAN = re.compile(r"[\s、+&/,和跟与及的]*")


def headed(clean: str) -> str:
    """A normalised text with the sides at each part; as it is where they are no headings."""
    if _BOTH_SIDES.search(clean) is None:
        return clean
    found = found_in(clean)
    sides = [one for one in found if one.side]
    parts = [one for one in found if one.scope]
    if len(sides) != 2 or len(parts) < 3 or sides[0].side == sides[1].side:
        return clean
    han = not clean.isascii()
    split = sum(one.start < sides[1].start for one in parts)
    lists = parts[:split], parts[split:]
    if clean[: sides[0].start].strip(" ,:") not in ("", "on the", "the", "请标", "请"):
        return clean
    if clean[sides[1].end : parts[-1].start].strip() == "" and len(lists[1]) == 1:
        return clean
    ends = (sides[1].start, len(clean))
    if not all(
        _is_list(clean, side, row, end, han)
        for side, row, end in zip(sides, lists, ends, strict=True)
    ):
        return clean
    return ("和" if han else " and ").join(
        f"{SIDES_HAN[side.side or ''] if han else f'{side.side} '}{clean[one.start : one.end]}"
        for side, row in zip(sides, lists, strict=True)
        for one in row
    )


def _is_list(clean: str, side: Found, row: list[Found], end: int, han: bool) -> bool:
    """Whether a side stands over a list of parts of pairs, and nothing else is said there."""
    if not row or not all(is_unsided(one.scope) for one in row) or row[0].start < side.end:
        return False
    gaps = [clean[a.end : b.start] for a, b in pairwise(row)]
    between, behind, head = (
        (_BETWEEN_HAN, _BEHIND_HAN, _HEAD_HAN) if han else (_BETWEEN, _BEHIND, _HEAD)
    )
    gap = clean[side.end : row[0].start]
    bare = not gap.strip() and _ON_THE.search(clean[: side.start]) is not None
    return (
        (bare or behind.fullmatch(gap) is not None)
        and all(between.fullmatch(gap) for gap in gaps)
        and head.fullmatch(clean[row[-1].end : end].rstrip(".。!")) is not None
    )
