"""A limb from a joint on: "the left leg below the knee", "arms from the elbows down", 膝盖以上.

They are put as the segments they are: shank and foot, forearm and hand, thigh, upper arm; the joint
itself belongs to them. A limb named before gives the side and goes. Who says more of the way ("from
the knee down to the ankle"), or takes it away, is left to those who read ways and exceptions.
"""

from __future__ import annotations

import re

from posealign.instructions.found import Found, found_in
from posealign.instructions.query import Part
from posealign.instructions.sides import SIDES_HAN

_WAYS = {  # joint and direction → the segments, in the words that stand for them
    ("knee", "down"): ("shank", "foot"),
    ("knee", "up"): ("thigh",),
    ("elbow", "down"): ("forearm", "hand"),
    ("elbow", "up"): ("upper arm",),
    ("ankle", "down"): ("foot",),
    ("wrist", "down"): ("hand",),
    ("shoulder", "up"): ("head",),
    ("neck", "up"): ("head",),
    ("neck", "down"): ("all but the head",),
}
_LIMB_OF = {"knee": "leg", "ankle": "leg", "elbow": "arm", "wrist": "arm"}
_ALONE = {  # no limb, and no pair
    "head": ("head", "头"),
    "all but the head": ("everything except the head", "除了头都要"),
}
_HAN = {
    "shank": "小腿", "foot": "脚", "thigh": "大腿", "forearm": "前臂", "hand": "手",
    "upper arm": "上臂", "ankle": "踝", "wrist": "腕", "hip": "髋", "shoulder": "肩",
}  # fmt: skip
_STEMS = ("low", "dist", "neath", "above", "from", "down", "xim")  # one is in every stretch
_STRETCH = re.compile(
    r"(?:\b(?P<all>everything|all|anything|whatever(?:'s| is)?|the (?:part|bit|piece|portion|rest))"
    r"(?: of (?:it|them))? )?"
    r"(?:\b(?:(?P<below>below|beneath|underneath|distal to)|(?P<above>above|proximal to)) "
    r"(?P<named>(?:[a-z]+ ){0,2}?(?:knee|elbow|ankle|wrist|shoulder|neck)s?)\b"
    r"|(?:\bfrom |(?<=, )|^(?=neck (?:down|up)\b))(?P<first>(?:[a-z]+ ){0,2}?(?:knee|elbow|ankle"
    r"|wrist|shoulder"
    r"|neck)s?)(?: joints?)?(?: and| on)? "
    r"(?:(?P<down>down(?:wards?)?|below|distally|on(?:wards?)?)|(?P<up>up(?:wards?)?|above|proximally))\b"
    r"|\b(?P<start>(?:(?:left|right) )?(?:knee|elbow|ankle|wrist)s?) and (?:everything |all "
    r"|what's )?"
    r"(?:(?P<on>below|down(?:wards?)?|distal)|above|proximal)(?: to)?(?: it| them)?\b)"
    r"(?! (?:to|till|until|through|as far|into|over|past|via|the|his"
    r"|her)\b)(?P<alone> segments?\b)?"
)
_STRETCH_HAN = re.compile(
    r"[从自由]?(?P<named>[左右双两]?[侧边个]?的?(?:膝|手?肘|胳膊肘|脚?踝|手?腕|肩膀?|脖子|颈)[盖部]?(?:关节)?)"
    r"(?:处|开始|起)?(?:(?P<down>(?:以?及其?)?以下|往下|之下|向下)|(?P<up>(?:以?及其?)?以上|往上|之上|向上))"
    r"的?(?:部[分位]|那[一]?[截段])?(?P<alone>段)?(?![到至直、和脚踝连截剪裁])"
)
_PLAIN = re.compile(
    r"(?:\W|\b(?:only|just|do|show|mark|give|get|plot|draw|display|label|return|output|want|need|see|i|"
    r"me|please|pls|can|could|you|would|like|the|his|her|its|their|both|joints?|points?|keypoints?|"
    r"of|for|on|in|baby's|infant's|child's|baby|skeleton|track|detect|find|locate|us|we|and|then)\b)*"
)
_PLAIN_HAN = re.compile(
    r"(?:\W|请|只|仅|就|单|要|看|标|画|给|我|出|注|取|显示|输出|检测|定位|帮|麻烦|把|的|想|和|宝宝|"
    r"婴儿|孩子|他|她|它|需|双|两[条只个]?)*"
)
# What lies behind the joint, where that is not to belong to it.
_FIRST_OF = {
    ("shank", "foot"): "ankle", ("shank",): "ankle", ("thigh",): "hip", ("foot",): "foot",
    ("forearm", "hand"): "wrist", ("forearm",): "wrist", ("upper arm",): "shoulder",
    ("hand",): "hand", ("head",): "head",
    ("all but the head",): "all but the head",
}  # fmt: skip
_ITSELF = re.compile(
    r"[\s,(]*(?:(?P<less>(?:the )?(?:knee|elbow)s? (?:itself |themselves )?(?:not included"
    r"|excluded|excl\.?)"
    r"|(?:not including|excluding|without|minus|excl\.?|but not) (?:the )?(?:knee"
    r"|elbow)s?(?: itself)?"
    r"|[但,]?不[含包]括?(?:膝盖?|手?肘)(?:本身|关节)*|(?:膝盖?|手?肘)(?:本身|关节)*(?:不算|不要|除外|不含))"
    r"|(?:the )?(?:knee|elbow)s? (?:itself |themselves )?(?:included|inclusive|incl\.?)"
    r"|(?:including|incl\.?) (?:the )?(?:knee|elbow)s?(?: itself)?"
    r"|含(?:膝盖?|手?肘)(?:关节)?|(?:膝盖?|手?肘)(?:关节)?(?:也算|包括在内|在内))\)?"
)
_PAIR_HAN = re.compile(r"(?:双|两[条只个]?)$")
_GAP = re.compile(
    r"[\s,.;。:(–-]*(?:的|(?:but )?(?:only|just)|(?:the )?(?:part|bit|piece)"
    r"|more (?:precisely|exactly|specifically)|to be (?:exact|precise)|specifically"
    r"|(?:更?准确|确切|具体)(?:地|来)?(?:说|讲)?(?:就?是)?)?[\s,]*"
)


def stretched(clean: str) -> str:
    """A normalised text with such stretches put as segments."""
    if any(stem in clean for stem in _STEMS):
        clean = _put(clean, _STRETCH, False)
    if not clean.isascii() and ("下" in clean or "上" in clean):
        clean = _put(clean, _STRETCH_HAN, True)
    return clean


def _put(clean: str, pattern: re.Pattern[str], han: bool) -> str:
    match = pattern.search(clean)
    told = match.groupdict() if match is not None else {}
    joint = _only(told.get("named") or told.get("first") or told.get("start") or "")
    if match is None or joint is None:
        return clean
    way = "down" if told["down"] or told.get("below") or told.get("on") else "up"
    segments = _WAYS.get((joint.name, way))
    limb = _limb(clean[: match.start()], joint.name) if joint.name in _LIMB_OF else None
    head = clean[: limb.start if limb is not None else match.start()]
    plain = _less_side(head)
    if segments is None or not (_PLAIN_HAN if han else _PLAIN).fullmatch(plain):
        return clean
    if told.get("all") and way == "up" and limb is None and segments[0] not in _ALONE:
        return clean  # everything above the knees is more than two thighs
    side = joint.side or _side_before(head, limb)
    body, tail = plain if side else _PAIR_HAN.sub("", head), clean[match.end() :]
    segments = segments[:1] if told["alone"] else segments
    itself = _ITSELF.match(tail)
    if itself is not None:
        tail = tail[itself.end() :]
        segments = (_FIRST_OF[segments], *segments[1:]) if itself["less"] else segments
    words = [_word(one, side, han) for one in segments]
    return f"{body}{('和' if han else ' and ').join(words)}{tail}"


def _only(said: str) -> Part | None:
    """The one joint that these words name, with its side."""
    found = found_in(said)
    named = [one.scope for one in found if isinstance(one.scope, Part)]
    sides = [one.side for one in found if one.side]
    if len(named) != 1 or len(sides) > 1:
        return None
    return Part(named[0].name, sides[0] if sides else named[0].side)  # type: ignore[arg-type]


def _limb(before: str, joint: str) -> Found | None:
    """The limb of that joint, where the text names it right before."""
    last = next(reversed(found_in(before)), None)
    if last is None or not isinstance(last.scope, Part) or last.scope.name != _LIMB_OF[joint]:
        return None
    return last if _GAP.fullmatch(before[last.end :]) else None


def _side_before(head: str, limb: Found | None) -> str | None:
    if limb is not None and isinstance(limb.scope, Part) and limb.scope.side:
        return limb.scope.side
    last = next(reversed(found_in(head)), None)
    return last.side if last is not None and not head[last.end :].strip(" 侧边的") else None


def _less_side(head: str) -> str:
    """The words before a limb less its side."""
    last = next(reversed(found_in(head)), None)
    if last is None or last.side is None or head[last.end :].strip(" 侧边的"):
        return head
    return head[: last.start]


def _word(segment: str, side: str | None, han: bool) -> str:
    if segment in _ALONE:
        return _ALONE[segment][han]
    if han:
        return f"{SIDES_HAN[side] if side else '双'}{_HAN[segment]}"
    plural = {"foot": "feet"}.get(segment, f"{segment}s")
    return f"{side} {segment}" if side else plural
