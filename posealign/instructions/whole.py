"""What stands behind a whole and a comma: the piece of it that is meant, or that all of it is.

"Left hand, the thumb" is the left thumb, "his right half, head to toe" is the right half,
and 右腿去膝 is the leg less the knee.
"""

from __future__ import annotations

import re
from itertools import pairwise

from posealign.instructions.binding import HALVES, is_unsided
from posealign.instructions.found import found_in
from posealign.instructions.query import Part
from posealign.instructions.sets import meant

_THROUGHOUT = re.compile(
    r",?\s*\b(?:from )?(?:head|top|crown) (?:down )?to (?:the )?(?:toes?|foot|feet|bottom)\b"
    r"|,?从(?:头|上)(?:顶|部)?(?:一直)?[到至](?:脚尖|脚趾头?|脚底|脚|尾|下)"
)
# 右半边 alone is half of the body, unless it is of the picture.
_HALF = re.compile(r"(?<![面片图像幕头里的])([左右]半边)(?=$|[,;。!])")
# What a way leads through: the shortest one is meant all the same.
_VIA = re.compile(
    r",? (?:and )?(?:down |up )?(?:via|by way of|past|over|across|through|along|down|up) "
    r"(?:the |her |his )?(?P<over>[a-z]+)(?=,? (?:and )?(?:down |up |out |on |then )?(?:to|till"
    r"|until) )"
)
_VIA_HAN = re.compile(
    r"(?<=[^从由])[,]?(?:再|先)?(?:经过?|途经|穿过|越过|绕过|通过|顺着|沿着)(?P<over>[^,;。从到至]{1,6}?)[,]?(?:再|一直|直|连|拉)*(?=[到至])"
)
_NARROWS = re.compile(
    r",\s*(?:(?:just|only) )?(?:from )?(?:(?:the|her|his|its) )?(?:只?要|就|从|由|自)?"
)
_WAY = re.compile(r"\s*(?:(?:down |up )?(?:to|till|until)(?: the)?|[-–~到至])\s*")
_TAIL = re.compile(r"[\s.!。]*(?:这一?[段截]|那一?[段截]|(?:only|please)\b)?[\s.!。]*")


def of_whole(text: str) -> str:
    """A normalised text with the whole, or its piece, alone."""
    if "半边" in text:
        text = _HALF.sub(r"\1身体", text)
    if "去" in text:
        text = _less(text)
    if " to " in text:
        text = _VIA.sub(_passed, text)
    if "从" in text:
        text = _VIA_HAN.sub(_passed, text)
    if " to " in text or "从" in text:
        text = _THROUGHOUT.sub(_of_half, text)
    return _narrowed(text) if "," in text else text


def _less(text: str) -> str:
    """右腿去膝 → 右腿去掉膝."""
    for whole, piece in reversed(list(pairwise(found_in(text)))):
        gap = text[whole.end : piece.start]
        if gap == "去" and whole.scope is not None and piece.scope is not None:
            text = f"{text[: whole.end]}去掉{text[piece.start :]}"
    return text


def _of_half(match: re.Match[str]) -> str:
    """Nothing, where it is of half a body that it is said."""
    before = [one.scope for one in found_in(match.string[: match.start()]) if one.scope]
    return "" if len(before) == 1 and before[0] in HALVES else match[0]


def _passed(match: re.Match[str]) -> str:
    """Nothing, where a way leads from a part through another one to a third."""
    before, behind = match.string[: match.start()], match.string[match.end() :]
    ends = found_in(before)[-1:], found_in(behind)[:1]
    through = match["over"] in ("chest", "flank", "back", "body") or found_in(match["over"])
    starts = ends[0] and ends[0][0].scope is not None and ends[0][0].end == len(before)
    return "" if starts and ends[1] and through else match[0]


def _narrowed(text: str) -> str:
    found = list(found_in(text))
    named = [at for at, one in enumerate(found) if one.scope is not None]
    last = found[-1] if found else None
    if len(named) == 3 and _WAY.fullmatch(text[found[named[1]].end : found[named[2]].start]):
        found, named = found[:-1], named[:2]  # "left arm, elbow to wrist"
    if last is None or len(named) != 2 or named[1] != len(found) - 1:
        return text
    whole, piece = found[named[0]], found[named[1]]
    one = whole.scope  # "left arm" may be one name
    own = one.side if isinstance(one, Part) else None
    side = own or (found[named[0] - 1].side if named[0] else None)
    outer = Part(one.name) if isinstance(one, Part) and own else one
    trunk = outer == Part("torso")
    if side is None or not (trunk or is_unsided(outer)) or not is_unsided(piece.scope):
        return text
    gap, tail = text[whole.end : piece.start], text[last.end :]
    inside = all(meant(inner.scope) < meant(outer) for inner in (piece, last) if inner.scope)
    if not inside or not _NARROWS.fullmatch(gap) or _TAIL.fullmatch(tail) is None:
        return text
    return f"{text[: whole.start]}{f'{own} ' if own else ''}{text[piece.start :]}"
