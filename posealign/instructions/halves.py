"""Halves and ends: "the upper half of the left arm", "left half of the lower body", "the lower end
of the shin", "left knee and ankle, same on the right", 右半边身子.

They are put as the parts they are.
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import Part
from posealign.instructions.sides import OTHER, SIDE_OF, called

_UP = {
    "upper": True, "top": True, "proximal": True,
    "lower": False, "bottom": False, "distal": False,
}  # fmt: skip
_SEGMENTS = {
    ("arm", True): "upper arm", ("arm", False): "forearm",
    ("leg", True): "thigh", ("leg", False): "shank",
}  # fmt: skip
_ENDS = {
    "upper_arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"), "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"), "arm": ("shoulder", "wrist"), "leg": ("hip", "ankle"),
}  # fmt: skip
_WAY = r"(?P<way>upper|top|lower|bottom|proximal|distal)"
_OF_LIMB = re.compile(
    rf"\b{_WAY} (?:half|halves|segments?|portions?|section|bit|part)s? of"
    r" (?:(?:the|each|every|both|his|her|its|their) )*(?:(?P<side>left|right) )?(?P<limb>arm"
    r"|leg)s?\b"
)
_END = re.compile(
    rf"\b(?:the )?{_WAY}(?:most)? (?:end|ends|tip) of (?:(?:the|each|both|his|her|its) )*"
    r"(?P<part>(?:(?:left|right) )?[a-z]+(?: (?:arm|leg))?)"
)
_QUARTER = re.compile(
    r"\b(?:the )?(?P<side>left|right) (?:half|side) of (?:the|his|her) (?P<half>upper|lower) body\b"
    r"|\b(?:the )?(?P<half2>upper|lower) half of (?:the|his|her) (?P<side2>left|right) (?:side"
    r"|half)"
    r"(?: of (?:the |his |her )?body)?"
)
_SIDE = re.compile(
    r"^(?P<before>(?:(?:only|just|show|mark|please|give me|the|his|her) )*)(?P<side>left"
    r"|right) side"
    r"(?=,? (?:but|without|except|minus|excluding|less|all of it|in full|completely)\b)"
)
_EVERYTHING = re.compile(
    r"\b(?:everything|all(?: of)?(?: the)?(?: points| joints| keypoints)?|(?:the )?(?:points|joints"
    r"|keypoints)|every (?:joint|(?:key)?point)) (?:on|along|down|of) (?:his|her|its|their|the"
    r"|the \w+'s)"
    r" (?:(?:healthy|good|sound|strong|weak|affected|unaffected|bad) )?(?P<side>left|right)"
    r"(?:-hand)? side(?: of (?:the |his |her )?body)?(?=[\s.!]*$)"
)
_OF_BODY = re.compile(
    r"\bon (?:the|his|her|its|their) (?P<side>left|right) of (?:the|his|her|its|their) body\b"
)
_SAME = re.compile(
    r"[,;.]?\s*(?:and |then )*(?:(?:the )?(?:same|likewise|ditto|also|again)(?: again)?"
    r" (?:for|on|with) (?:the |his |her )?(?P<side>left|right)(?: side| one| hand side)?"
    r"|(?:on|for) the (?P<side2>left|right)(?: side)? the same"
    # "… and the leg on the right as well" is of the leg alone
    r"|(?<=[,;.] )(?:on|for) the (?P<side3>left|right)(?: side)? (?:too|likewise|as well))[\s.!]*$"
)
_SAME_HAN = re.compile(
    r"[,;。]?(?:然后)?(?P<side>[左右])(?:边|侧|面)?(?:的)?(?:也)?(?:一样|同样|同上|照样|也要|也标|也来)(?:标|要|的)?[。!]*$"
)
_HALF_HAN = re.compile(r"(?P<side>[左右])半(?:边|拉|个|侧)?身[子体]")


def halved(clean: str) -> str:
    """A normalised text with such halves and ends by their names."""
    if " of " in clean:
        clean = _OF_LIMB.sub(_segment, clean)
        clean = _END.sub(_end, clean)
        clean = _QUARTER.sub(_quarter, clean)
    clean = _OF_BODY.sub(r"on the \g<side> side of the body", clean)
    if " side" in clean:
        clean = _EVERYTHING.sub(r"everything on the \g<side> side of the body", clean)
        clean = _SIDE.sub(r"\g<before>\g<side> side of the body", clean)
    if not clean.isascii():
        clean = _HALF_HAN.sub(r"\g<side>半身", clean)
    same = _SAME.search(clean) or (None if clean.isascii() else _SAME_HAN.search(clean))
    return clean if same is None else _both(clean, same)


def _segment(match: re.Match[str]) -> str:
    name = _SEGMENTS[match["limb"], _UP[match["way"]]]
    return f"{match['side']} {name}" if match["side"] else f"{name}s"


def _end(match: re.Match[str]) -> str:
    found = found_in(match["part"])
    scope = found[-1].scope if found else None
    if not isinstance(scope, Part) or scope.name not in _ENDS:
        return match[0]
    side = next((one.own_side for one in reversed(found) if one.own_side), None)
    joint = _ENDS[scope.name][0 if _UP[match["way"]] else 1]
    return f"{side} {joint}" if side else f"{joint}s"


def _quarter(match: re.Match[str]) -> str:
    side, half = match["side"] or match["side2"], match["half"] or match["half2"]
    return f"{side} leg" if half == "lower" else f"{side} side of the body without the {side} leg"


def _both(clean: str, same: re.Match[str]) -> str:
    """ "Left knee and left ankle, same on the right" → both knees and both ankles."""
    before = clean[: same.start()]
    asked = next(side for side in same.groups() if side)
    han = not asked.isascii()
    found = found_in(before)
    named = [one.scope for one in found if one.scope]
    if not named or not all(isinstance(one, Part) and one.name in PAIRED for one in named):
        return clean
    if {one.own_side for one in found} - {None} != {OTHER[SIDE_OF[asked]]}:
        return clean
    for one in reversed(found):
        if one.side:
            before = f"{before[: one.start]}{before[one.end :].lstrip(' 边侧的')}"
        elif isinstance(one.scope, Part):
            name = one.scope.name
            said = called(name, None, "zh") if han else f"both {called(name, None, 'en')}"
            before = f"{before[: one.start]}{said}{before[one.end :]}"
    return re.sub(r"\bthe (?=both)", "", before)
