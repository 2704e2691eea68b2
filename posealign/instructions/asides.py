"""Words beside the wish whose own words mislead: manners, and whose baby it is.

"Feet, if that's all right" asks for no right foot, and "my little sister's nose" is no nurse's.
"""

from __future__ import annotations

import re

_MANNERS = re.compile(
    r"[, ]*\bif (?:that's|that is|it's|it is|thats) (?:all ?right|alright|ok(?:ay)?|fine)"
    r"(?: (?:with|by|for) (?:you|everyone|everybody|them|her|him|mum|dad))?\b"
    r"|\b(?:am|was) i right (?:that|in (?:thinking|saying|assuming)(?: that)?)\b"
    r"|\b(?:you'?re|you are|that'?s|is that|quite) right[,?!.]+"
)
_KIN = re.compile(
    r"\b(?:(?:my|our|his|her|their|the) )?"
    r"(?:(?:little|baby|wee|kid|younger|newborn|infant|tiny)[ -](?:half-|step-)?|half-|step-)"
    r"(?:sister|brother|sibling|cousin|nephew|niece)'s\b"
)


def without_asides(clean: str) -> str:
    """A normalised text less such words."""
    if "right" in clean or "if " in clean:
        clean = _MANNERS.sub("", clean).strip(" ,") or clean
    return _KIN.sub("the", clean) if "'s" in clean else clean
