"""Lists written otherwise than with commas: "Knees. Elbows. Nose.", "the wrists, and so are the
hips", 先右后左，前臂.

They are put as the plain list they are, so that no reader takes the last of them for a correction.
"""

from __future__ import annotations

import re

from posealign.instructions.found import begins_with, found_in, unnamed
from posealign.instructions.query import Part
from posealign.instructions.sets import meant

_STOPS = re.compile(r"(?:[\s_.。]|\b(?:the|and|both)\b|的|和)*")
_STOP = re.compile(r"\s*[.。]\s*(?=\S)")
_SO_TOO = re.compile(
    r"\s*[,;.–—-]*\s*(?:and )?\bso,?(?: (?:too|also|equally|likewise|as well),?)? "
    r"(?:are|is|do|does|will|would|should) (?P<more>[^,;.]+)[.!]*$"
)
_ADD_TOO = re.compile(
    r"(?:,? please)?[,.;] (?:(?:oh|and|actually|also|sorry|hm+),? )*(?:would|could|can) you"
    r" (?:(?:also|please|just) )*add (?:in )?(?P<more>[^,;.?]+?)(?: as well| too| please)*[\s?.!]*$"
)
_NEGATED = re.compile(r"n't\b|\b(?:not|no|never|nor|without|less)\b")
_IN_TURN = re.compile(
    r"先(?:标|看|要|给|画)?(?P<first>[左右])(?:边|侧|手边)?(?:的)?,?(?:再|后|然后|接着)(?:标|看|要|给|画)?"
    r"(?!(?P=first))[左右](?:边|侧|手边)?的?,?(?P<rest>[^,;。]+)"
)


def listed(clean: str) -> str:
    """A normalised text with such lists put plainly."""
    also = _SO_TOO.search(clean) if "so" in clean else None
    if also is not None:
        clean = _joined(clean, also)
    if " add " in clean:
        clean = _ADD_TOO.sub(r" and \g<more>", clean)
    if "先" in clean:
        clean = _IN_TURN.sub(_both, clean)
    return _STOP.sub(", ", clean).rstrip(" .。") if _is_bare(clean) else clean


def _is_bare(clean: str) -> bool:
    """Nothing but parts, each a sentence of its own and none a part of another."""
    if _STOP.search(clean) is None or _STOPS.fullmatch(unnamed(clean)) is None:
        return False
    parts = [meant(one.scope) for one in found_in(clean) if one.scope is not None]
    return len(parts) > 1 and not any(a < b for a in parts for b in parts)


def _joined(clean: str, match: re.Match[str]) -> str:
    """ "Wrists matter; so do elbows" → "wrists and elbows matter"."""
    before, more = clean[: match.start()], match["more"]
    first, added = ([one for one in found_in(text) if one.scope] for text in (before, more))
    if not first or not added or added[-1].end < len(more) or _NEGATED.search(before):
        return clean
    return f"{before[: first[-1].end]} and {more}{before[first[-1].end :]}"


def _both(match: re.Match[str]) -> str:
    named = begins_with(match["rest"])
    return f"双侧{match['rest']}" if isinstance(named, Part) else match[0]
