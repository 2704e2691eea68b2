"""Words beside the wish whose own words mislead: manners, goodbyes, counts, and what was dropped.

"Feet, if that's all right" asks for no right foot, "thanks, that's all for today" not for all, and
"shoulders and hips, all four of them" for no four limbs.
"""

from __future__ import annotations

import re

from posealign.instructions.naming import names_parts

_MANNERS = re.compile(
    r"[, ]*\bif (?:that's|that is|it's|it is|thats) (?:all ?right|alright|ok(?:ay)?|fine)"
    r"(?: (?:with|by|for) (?:you|everyone|everybody|them|her|him|mum|dad))?\b"
    r"|\b(?:only )?if (?:you|it) can (?:find|get|manage) (?:it|them|that)\b"
    r"|(?:如果|要是)?能(?:找|办|标|做)到的话"
    r"|\b(?:am|was) i right (?:that|in (?:thinking|saying|assuming)(?: that)?)\b"
    r"|\b(?:you'?re|you are|that'?s|is that|quite) right[,?!.]+"
)
_POLITE = re.compile(
    r"(?:^|(?<=[,.;] ))(?:sorry to (?:bother|trouble) you|excuse me|if you (?:don't|wouldn't) mind"
    r"|if (?:it's|it is) not too much (?:trouble|bother)|if i may),? (?:but )?"
    r"|,? (?:if you (?:don't|wouldn't) mind|if (?:it's|it is) not too much (?:trouble|bother))"
    r"(?=\s*(?:[,.;?!]|$))"
)
_POLITE_HAN = re.compile(
    r"(?:^|(?<=[,;。]))(?:(?:您|你)?(?:要是|如果|假如)(?:您|你)?(?:不(?:太)?麻烦|方便|可以|不介意|有空)(?:您|你)?(?:的话)?"
    r"|不好意思|打扰一下|打扰了|冒昧问一下|劳驾)[,;。]"
    r"|(?:^|(?<=[,;。]))(?:嗯|呃|额|唔)+(?:[.。…]{2,}|[,;。])(?=[^,;。]*也)"
)
_BYE = re.compile(
    r"[,;. ]*\b(?:(?:that's|that is|that was|that will be|that'll be|that would be) (?:all|it)"
    r"(?: folks| everyone)?|(?:we're|i'm|we are|i am) (?:all )?done) (?:for|with) (?:today"
    r"|tonight|now|the (?:day|moment|time being)|this (?:morning|afternoon|evening|week|session))\b"
    r"|[,;。 ]*今[天日晚](?:就|先|到此)(?:到|做到|弄到)?(?:这|此)(?:儿|里|吧|为止|了)*"
)
_ALL_FOUR = re.compile(
    r"[,:(–-]*\s*\ball (?:two|three|four|five|six|2|3|4|5|6)(?: of (?:them|those|these))?"
    r"\)?(?=[\s.!]*$)"
    r"|[,;]这?[两三四五六]个(?:点|关节|部位)?(?:全|都)+(?:要|标)?(?=[。!]*$)"
)
_DROP_THAT = re.compile(
    r"\b(?:drop|skip|ignore|leave|exclude) (?:that|this|the other) one(?: out)?,? and (?:keep|mark"
    r"|show|give me|take|do) (?=(?:just|only)\b)"
)
_ONLY_WITHOUT = re.compile(r",? (?:only|just|but)(?= without\b)")


def without_asides(clean: str) -> str:
    """A normalised text less such words."""
    if "right" in clean or "if " in clean or "到的话" in clean:
        clean = _MANNERS.sub("", clean).strip(" ,") or clean
    clean = (_POLITE if clean.isascii() else _POLITE_HAN).sub("", clean).strip(" ,") or clean
    if "for " in clean or "今" in clean:
        clean = _BYE.sub("", clean).strip(" ,") or clean
    if " without" in clean:
        clean = _ONLY_WITHOUT.sub("", clean)
    if " one" in clean:
        clean = _DROP_THAT.sub("", clean)
    match = _ALL_FOUR.search(clean)
    named = match is not None and names_parts(clean[: match.start()])
    return clean[: match.start()] + clean[match.end() :] if match and named else clean
