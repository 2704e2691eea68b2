"""Words beside the wish whose own words mislead: manners, goodbyes, and whose baby it is.

"Feet, if that's all right" asks for no right foot, "thanks, that's all for today" not for all, and
"my little sister's nose" is no nurse's.
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in

_MANNERS = re.compile(
    r"[, ]*\bif (?:that's|that is|it's|it is|thats) (?:all ?right|alright|ok(?:ay)?|fine)"
    r"(?: (?:with|by|for) (?:you|everyone|everybody|them|her|him|mum|dad))?\b"
    r"|\b(?:only )?if (?:you|it) can (?:find|get|manage) (?:it|them|that)\b|(?:如果"
    r"|要是)?能(?:找|办|标|做)到的话"
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
_LITTLE = re.compile(
    r"\b(?:my|our|your|the|her|his) (?:little|wee|tiny) (?:one|man|girl|boy|lad|lass|fella|guy"
    r"|angel"
    r"|monkey|bean|patient)(?='s)"
)
_UNSEEN = (
    r"(?:under|beneath|behind|covered|hidden|occluded|out of (?:sight|view)|not visible|can't)"
)
_EVEN_IF = re.compile(
    r",? (?:even (?:if|though|when)|regardless of whether|no matter (?:if|whether)|whether or not"
    r"|although|though) (?:they|it|he|she|you|those|that)(?:'re|'s| are| is| can't| cannot"
    r"| might be"
    rf"| may be)?(?: \w+)? {_UNSEEN}\b[^,;.]*"
)
_STILL = re.compile(
    rf"^(?P<wish>(?:the |his |her |its )?(?:both )?[a-z ]{{3,20}}?) (?:is|are) (?:\w+ )?{_UNSEEN}\b"
    r"[^,;.]*?[,;.]? (?:but|so) (?:please |can you |could you |just )*(?:still )?(?:estimate|guess"
    r"|include|mark|show|give(?: me)?|infer|label|predict|do|try) (?:them|it)\b[^,;.]*[\s.!?]*$"
)
_ALL_FOUR = re.compile(
    r"[,:(–-]*\s*\ball (?:two|three|four|five|six|2|3|4|5|6)(?: of (?:them|those"
    r"|these))?\)?(?=[\s.!]*$)"
    r"|[,;]这?[两三四五六]个(?:点|关节|部位)?(?:全|都)+(?:要|标)?(?=[。!]*$)"
)
_SEVERAL = re.compile(
    r"\b(?:two|three|four|several|many|(?:a )?few|both|couple of) (?:\w+ )?(?:people|persons"
    r"|babies|infants"
    r"|children|kids|twins|patients|runners|players|swimmers|dancers|athletes|girls|boys|men|women)\b"
    r"|(?:[两三四几]个|好几个|一群|多个)[^,;。]{0,6}(?:人|宝宝|孩子|婴儿|娃|运动员|选手)"
)
_ONE_OF_THEM = re.compile(
    r"\bthe one (?:on|to|at) the (?:far )?(?P<side>left|right)\b(?! side)"
    r"|(?P<han>最?[左右])(?:手?边|侧)(?:的)?那[位个]"
)
_DROP_THAT = re.compile(
    r"\b(?:drop|skip|ignore|leave|exclude) (?:that|this|the other) one(?: out)?,? and (?:keep"
    r"|mark|show|give me"
    r"|take|do) (?=(?:just|only)\b)"
)
_ONLY_WITHOUT = re.compile(r",? (?:only|just|but)(?= without\b)")
_PLAYER = re.compile(
    r"\b(?:player|athlete|dancer|swimmer|runner|skater|gymnast|boxer|keeper|goalkeeper|skier|climber"
    r"|pupil|performer|fighter)(?=s? (?:on|to|at|furthest|farthest|nearest|closest|in|who)\b)"
)
_EVEN_HAN = re.compile(
    r"[,;]?(?:即使|就算|哪怕|即便|不管|甭管|无论)(?:[^,;。]*?)(?:遮|(?<!膝)盖|挡|藏|看不[见到清]|毯|被子)"
    r"[^,;。也都]*[,;]?(?:也|都|照样|仍|还是)*(?:要|标|算|给|画|估计|猜)?(?:出来|上)?(?=$|[,;。!])"
)


def without_asides(clean: str) -> str:
    """A normalised text less such words."""
    if "right" in clean or "if " in clean or "到的话" in clean:
        clean = _MANNERS.sub("", clean).strip(" ,") or clean
    if "for " in clean or "今" in clean:
        clean = _BYE.sub("", clean).strip(" ,") or clean
    if "er " in clean or "te " in clean:
        clean = _PLAYER.sub("person", clean)
    if " without" in clean:
        clean = _ONLY_WITHOUT.sub("", clean)
    if " one" in clean:
        clean = _DROP_THAT.sub("", clean)
    if _SEVERAL.search(clean):
        clean = _ONE_OF_THEM.sub(_person, clean)
    if "'s" in clean:
        clean = _LITTLE.sub("the baby", _KIN.sub("the", clean))
    return _unseen_too(_less_count(clean))


def _person(match: re.Match[str]) -> str:
    """Of several people the one on a side."""
    if match["side"]:
        return f"the person on the far {match['side']}"
    return f"最{match['han'].removeprefix('最')}边的人"


def _less_count(clean: str) -> str:
    """ "Shoulders and hips, all four of them": no four limbs."""
    match = _ALL_FOUR.search(clean)
    named = match is not None and any(one.scope for one in found_in(clean[: match.start()]))
    return clean[: match.start()] + clean[match.end() :] if match and named else clean


def _unseen_too(clean: str) -> str:
    """Less the words that ask for a part although it is hidden, as every wish does."""
    still = _STILL.match(clean)
    if still is not None and any(one.scope for one in found_in(still["wish"])):
        return still["wish"]
    for even in (_EVEN_IF, _EVEN_HAN):
        match = even.search(clean)
        if match is not None and any(one.scope for one in found_in(clean[: match.start()])):
            clean = clean[: match.start()] + clean[match.end() :]
    return clean
