"""Ways from joint to joint, written otherwise: "l hip -> l ankle", "hip to ankle with the knee in
between", "from one wrist to the other"; and pairs of which one is followed less far: "both legs,
but the left only from the knee down", 双腿,左边那条不要脚踝.
"""

from __future__ import annotations

import re

from posealign.instructions.binding import is_unsided
from posealign.instructions.entries import name_of
from posealign.instructions.found import Found, found_in
from posealign.instructions.naming import is_name
from posealign.instructions.parts import LIMB_JOINTS
from posealign.instructions.sides import OTHER
from posealign.instructions.stretches import stretched

_ARROW = re.compile(r"\s*(?:-{1,2}>|=>|→|~>|⟶|➡|[~～])\s*")
_BETWEEN = re.compile(
    r",? (?:and )?(?:with|via|including|incl\.?) (?:the |his |her )?(?:knee|elbow)s?"
    r" (?:in between|between(?: them)?|in the middle|on the way|included)"
)
_BARE = re.compile(
    r"(?:(?:the|show|mark|give me|only|just) )*(?P<one>(?:left|right|l|r) [a-z]+)"
    r" to (?:the )?(?P<other>(?:(?:left|right|l|r) )?[a-z]+)[.!]?"
)
_OTHER = re.compile(
    r"\bfrom one (?P<part>[a-z]+)(?:,? [a-z ]+,)? (?:[a-z]+ )*?to the (?:other"
    r"|opposite)(?: (?P=part)| one)?"
    r"(?=\s*(?:[,.;!]|$))"
)
_OTHER_HAN = re.compile(
    r"从一[侧边只个条]的?(?P<part>[^,;。到至]{1,4}?)(?:,?经过?[^,;。到至]{1,6},?)?(?:一直)?[到至]另外?一?[侧边只个条]的?(?:(?P=part))?(?=$|[,;。!])"
)
_START = re.compile(
    r"\b(?:start(?:ing)?|begin(?:ning)?) (?:at|from|with) (?:the |his |her )?(?P<first>[a-z ]+?)"
    r"(?:,? (?:then )?(?:go|run|pass|follow)(?:ing|ning)?\b[a-z ]*?)?,? (?:and )?(?:then )?"
    r"(?:end|finish|stop)(?:ing|ping)? (?:up )?(?:at|with|on) (?:the |his |her )?"
    r"(?P<last>[a-z]+(?: [a-z]+)?)"
)
_START_HAN = re.compile(
    r"(?:从|由|自)?(?P<first>[^,;。从由自]{1,5})(?:起始?|开始|出发)(?:,?(?:经?过|沿着?|顺着)[^,;。到至]{1,6})?"
    r",?(?:一直)?[到至](?P<last>[^,;。]{1,5}?)(?:为止|结束|止)"
)
_LETTER = re.compile(r"^([lr]) ")
_LESS = re.compile(
    r"(?P<lead>.*?)\bboth (?P<pair>[a-z]+)[,;]?(?: and| but| though| with| only)*"
    r" (?:(?:of |on |for )?the )?(?P<side>left|right)(?: (?:one|side|[a-z]+))?[,:]?"
    r" (?P<rest>(?:(?:only|just) )?(?:from|below|above|without|minus|except|not|no|less)\b.+)"
)
_LESS_HAN = re.compile(
    r"(?P<lead>.*?)(?:双|两[条只个]?|左右)(?P<pair>[^,;。]{1,3}?)(?:都要|都标|都)?[,;](?:但|不过|其中|只是)?"
    r"(?P<side>[左右])(?:(?:边|侧)?(?:那?[条只个])?|[^,;。只不就]{1,3})"
    r"(?P<rest>(?:只|就|仅)?(?:要|标|看|取)?(?:不要|去掉|不含|除掉)[^,;。]+|(?:只|就|仅)(?:要|标|看|取|到)?[^,;。]+)[。!]*"
)
_LESS_OF = re.compile(r"不要|去掉|不含|除掉")


def on_the_way(clean: str) -> str:
    """A normalised text with such ways and pairs put plainly."""
    clean = _without_arrows(_across(clean))
    if "between" in clean or "middle" in clean or " way" in clean or "incl" in clean:
        clean = _between(clean)
    if " to " in clean and "from" not in clean:
        clean = _bare(clean)
    if "both" in clean:
        return _unequal(clean, _LESS.fullmatch(clean.rstrip(" .!")))
    if "双" in clean or "两" in clean or "左右" in clean:
        return _unequal(clean, _LESS_HAN.fullmatch(clean))
    return clean


def _across(clean: str) -> str:
    """ "From one wrist to the other" → from the left wrist to the right one."""
    if "from one " in clean:
        clean = _OTHER.sub(r"from the left \g<part> to the right \g<part>", clean)
    if "start" in clean or "begin" in clean:
        clean = _START.sub(_whole_way, clean)
    if "止" in clean or "结束" in clean:
        clean = _START_HAN.sub(_whole_way, clean)
    if "从一" in clean:
        clean = _OTHER_HAN.sub(r"从左\g<part>到右\g<part>", clean)
    return clean


def _whole_way(match: re.Match[str]) -> str:
    """ "Start at the left wrist and end at the right wrist" → from … to …"""
    if not (is_name(match["first"]) and is_name(match["last"])):
        return match[0]
    if match.re is _START_HAN:
        return f"从{match['first']}到{match['last']}"
    return f"from the {match['first']} to the {match['last']}"


def _without_arrows(clean: str) -> str:
    """ "L hip -> l ankle": nothing but two joints of limbs, and the way."""
    match = _ARROW.search(clean)
    if match is None or "," in clean:
        return clean
    ends = found_in(clean[: match.start()]), found_in(clean[match.end() :])
    for end in ends:
        named = [one.scope for one in end if one.scope]
        if len(named) != 1 or name_of(named[0]) not in LIMB_JOINTS:
            return clean
    way = " to " if clean[match.start() - 1].isascii() else "到"
    return f"{clean[: match.start()]}{way}{clean[match.end() :]}"


def _between(clean: str) -> str:
    match = _BETWEEN.search(clean)
    if match is None or " to " not in clean[: match.start()]:
        return clean
    return clean[: match.start()] + clean[match.end() :]


def _bare(clean: str) -> str:
    match = _BARE.fullmatch(clean)
    if match is None:
        return clean
    if None in (_only(match["one"]), _only(match["other"])):
        return clean
    first, last = (_LETTER.sub(_side, match[name]) for name in ("one", "other"))
    return f"from the {first} to the {last}"


def _side(match: re.Match[str]) -> str:
    return "left " if match[1] == "l" else "right "


def _only(text: str) -> Found | None:
    named = [one for one in found_in(text) if one.scope]
    return named[0] if len(named) == 1 and named[0].end == len(text) else None


def _unequal(clean: str, match: re.Match[str] | None) -> str:
    """ "Both legs, the left without the ankle" → "the right leg and the left leg without …"."""
    pair = _only(match["pair"]) if match is not None else None
    if match is None or pair is None or not is_unsided(pair.scope):
        return clean
    if match["side"] in OTHER:
        one = match["pair"].removesuffix("s") if match["pair"] != "feet" else "foot"
        rest = re.sub(r"^(?:only|just) ", "", match["rest"])
        less = stretched(f"{match['side']} {one} {rest}")
        return f"{match['lead']}the {OTHER[match['side']]} {one} and the {less}"
    if not found_in(match["rest"]) or re.search("[不别没]", match["lead"]):
        return clean
    other = "右" if match["side"] == "左" else "左"
    rest = _LESS_OF.sub(rf"\g<0>{match['side']}", match["rest"])
    less = stretched(f"{match['side']}{match['pair']}{rest}")
    if less.startswith(f"{match['side']}{match['pair']}"):
        narrowed = re.fullmatch(r"(?:只|就|仅)(?:要|标|看|取)?(.+)", match["rest"])
        less = f"{match['side']}{narrowed[1]}" if narrowed else less
    return f"{match['lead']}{other}{match['pair']}和{less}"
