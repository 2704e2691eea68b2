"""Words beside the wish whose own words mislead: manners, goodbyes, and whose baby it is.

"Feet, if that's all right" asks for no right foot, "thanks, that's all for today" not for all, and
"my little sister's nose" is no nurse's.
"""

from __future__ import annotations

import re

_MANNERS = re.compile(
    r"[, ]*\bif (?:that's|that is|it's|it is|thats) (?:all ?right|alright|ok(?:ay)?|fine)"
    r"(?: (?:with|by|for) (?:you|everyone|everybody|them|her|him|mum|dad))?\b"
    r"|\b(?:am|was) i right (?:that|in (?:thinking|saying|assuming)(?: that)?)\b"
    r"|\b(?:you'?re|you are|that'?s|is that|quite) right[,?!.]+"
)
_BYE = re.compile(
    r"[,;. ]*\b(?:(?:that's|that is|that was|that will be|that'll be|that would be) (?:all|it)"
    r"(?: folks| everyone)?|(?:we're|i'm|we are|i am) (?:all )?done) (?:for|with) (?:today"
    r"|tonight|now"
    r"|the (?:day|moment|time being)|this (?:morning|afternoon|evening|week|session))\b"
    r"|[,;。 ]*今[天日晚](?:就|先|到此)(?:到|做到|弄到)?(?:这|此)(?:儿|里|吧|为止|了)*"
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
    if "for " in clean or "今" in clean:
        clean = _BYE.sub("", clean).strip(" ,") or clean
    return _KIN.sub("the", clean) if "'s" in clean else clean
