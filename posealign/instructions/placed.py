"""A joint told by its place: "the joint between hip and ankle", "where the hand meets the forearm",
"the middle joint of the left arm", 大腿和小腿连接处的关节, 左臂远端两个关节.

It is put by its name. Between two joints of a limb lies the third one; two parts that meet share a
joint; and a limb has three, told from the trunk on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from posealign.instructions.found import Found, found_in
from posealign.instructions.parts import LIMB_JOINTS, LIMBS, joints_of
from posealign.instructions.query import Part
from posealign.instructions.sides import AND, called

_JOINT = r"(?:joints?|hinges?|points?|spots?|places?)"
_MEET = re.compile(
    rf"(?:(?:\bthe |\bwhat(?:ever)? |\bwhich(?:ever)? )?(?:one |single "
    rf"|very )?\b{_JOINT}(?:,? (?:that|"
    r"which|lies|lie|lying|is|are|sits?|located|right|halfway|midway|in))* (?:between|connecting"
    r"|linking|joining|connects?|links?|joins?) (?P<pair>.+)"
    rf"|\b(?:the {_JOINT} |at the {_JOINT} )?where (?P<meeting>.+))"
)
_AND = re.compile(r"[,\s]*(?:and|to|with)(?: (?:the|his|her|both|its))*\s*")
_MEETS = re.compile(
    r"\s*(?:(?:is |are )?(?:meets?|joins?|joined|attach(?:es|ed)?|connect(?:s|ed)?|becomes?|"
    r"turns into|articulates?|runs into|goes into|hangs? (?:off|on)|ends? and)(?: to| with| on)?)"
    r"(?: (?:the|his|her|its))*\s*"
)
_ARTICLES = re.compile(r"(?:\s|\b(?:the|his|her|its|their|both|each|a|an|of)\b)*")
_ON_SIDE = re.compile(r",? (?:on|at|of) (?:the|his|her) (?P<side>left|right)(?: side)?\b")
_MEET_HAN = re.compile(
    r"(?:[,的]|上|也|是)*(?:(?:之间|中间|当中)的?(?:那一?个|那)?(?:关节|点)"
    r"|(?:相?连接?|交界|交接|相接|衔接|接)(?:着)?的?(?:那一?个|那)?(?:关节|地方|部位|位置|处|点)+)"
)
_AND_HAN = re.compile(r"\s*(?:和|与|跟|同|、|及|连着|连接|接)\s*")
_NTH = {"first": slice(0, 1), "middle": slice(1, 2), "last": slice(2, 3)}
_TWO = {"first": slice(0, 2), "last": slice(1, 3)}
_ORDER = (
    r"(?:(?P<first{n}>(?:most )?proximal|first|root|topmost|uppermost|nearest the trunk)"
    r"|(?P<middle{n}>middle|intermediate|central)"
    r"|(?P<last{n}>(?:most )?distal|last|end|terminal|outermost|lowest))"
)
_OF_LIMB = re.compile(
    rf"\b(?:the )?(?:(?P<two>two|2) )?{_ORDER.format(n='')} (?:(?P<also>two|2) )?joints?"
    r" (?:of|in|on) |(?P<behind>[,:]\s*(?:only |just )?(?:the )?)"
    rf"(?:(?P<two_behind>two|2) )?{_ORDER.format(n='_behind')} (?:(?P<also_behind>two"
    rf"|2) )?joints?\b"
)
_OF_LIMB_HAN = re.compile(
    r"(?:的|,|上)*(?:最)?(?:(?P<first>近端|近心端|根部|靠近躯干|靠躯干)|(?P<middle>中间|居中|正中)"
    r"|(?P<last>远端|远心端|末端|末尾))的?(?:那|这)?(?P<two>[两2])?一?个?(?:关节|点)"
)


def placed(clean: str) -> str:
    """A normalised text with the joints by their names."""
    if clean.isascii() or "joint" in clean or "where" in clean:
        if "joint" in clean:
            clean = _in_order(clean)
        if "where" in clean or "between" in clean or "join" in clean or "link" in clean:
            clean = _met(clean)
        return clean
    if "关节" in clean or "点" in clean or "接" in clean or "交" in clean:
        clean = _in_order_han(_met_han(clean))
    return clean


def _met(clean: str) -> str:
    match = _MEET.search(clean)
    if match is None:
        return clean
    kind = "pair" if match["pair"] else "meeting"
    rest = match[kind]
    two = [one for one in found_in(rest) if one.scope][:2]
    between = _AND if kind == "pair" else _MEETS
    if len(two) < 2 or not between.fullmatch(_less_sides(rest[two[0].end : two[1].start])):
        return clean
    if not _ARTICLES.fullmatch(_less_sides(rest[: two[0].start])):
        return clean
    sides = [one.side for one in found_in(rest) if one.side and one.start < two[1].start]
    behind = _ON_SIDE.match(rest, two[1].end)
    name = _named(two, [*sides, behind["side"]] if behind else sides, "en")
    end = behind.end() if behind else two[1].end
    return clean if name is None else f"{clean[: match.start()]}{name}{rest[end:]}"


def _met_han(clean: str) -> str:
    match = _MEET_HAN.search(clean)
    if match is None:
        return clean
    found = found_in(clean[: match.start()])
    two = [one for one in found if one.scope][-2:]
    if len(two) < 2 or two[1].end != match.start():
        return clean
    if not _AND_HAN.fullmatch(_less_sides(clean[two[0].end : two[1].start])):
        return clean
    sides = [one for one in found if one.side and one.start < two[1].start][-2:]
    name = _named(two, [one.side for one in sides], "zh")
    if name is None:
        return clean
    before = [one for one in sides if one.start < two[0].start]
    start = before[0].start if before else two[0].start
    return f"{clean[:start]}{name}{clean[match.end() :]}"


def _named(two: Sequence[Found], sides: Sequence[str | None], language: str) -> str | None:
    """The joint that two parts share, or that lies between them."""
    parts = [one.scope for one in two]
    told = {side for side in [*sides, *(one.own_side for one in two)] if side}
    if len(told) > 1 or not all(isinstance(one, Part) for one in parts):
        return None
    names = [one.name for one in parts if isinstance(one, Part)]
    joint = next((limb[1] for limb in LIMBS.values() if set(names) == {limb[0], limb[2]}), None)
    if joint is None and not set(names) <= set(LIMB_JOINTS):
        shared = _reach(names[0]) & _reach(names[1])
        joint = next((name for name in LIMB_JOINTS if joints_of(name) == shared), None)
    return None if joint is None else called(joint, told.pop() if told else None, language)


def _reach(name: str) -> frozenset[str]:
    return joints_of("hip") if name == "pelvis" else joints_of(name) & _all_shared()


@cache
def _all_shared() -> frozenset[str]:
    return frozenset[str]().union(*(joints_of(name) for name in LIMB_JOINTS))


def _in_order(clean: str) -> str:
    match = _OF_LIMB.search(clean)
    if match is None:
        return clean
    behind = match["behind"] is not None
    tail = "_behind" if behind else ""
    near = found_in(clean[: match.start()]) if behind else found_in(clean[match.end() :])
    limbs = [one for one in near if one.scope]
    if not limbs:
        return clean
    limb = limbs[-1] if behind else limbs[0]
    gap = clean[limb.end : match.start()] if behind else clean[match.end() :][: limb.start]
    if not _ARTICLES.fullmatch(_less_sides(gap)):
        return clean
    kind = next(name for name in _NTH if match[f"{name}{tail}"])
    two = bool(match[f"two{tail}"] or match[f"also{tail}"])
    said = _joints(limb, [one for one in near if one.side], kind, two, "en")
    if said is None:
        return clean
    if behind:
        sided = [one.start for one in near if one.side] + [limb.start]
        return f"{clean[: min(sided)]}{said}{clean[match.end() :]}"
    return f"{clean[: match.start()]}{said}{clean[match.end() + limb.end :]}"


def _in_order_han(clean: str) -> str:
    match = _OF_LIMB_HAN.search(clean)
    near = found_in(clean[: match.start()]) if match is not None else ()
    limb = next((one for one in reversed(near) if one.scope), None)
    if match is None or limb is None or limb.end != match.start():
        return clean
    kind = next(name for name in _NTH if match[name])
    sides = [one for one in near if one.side and one.end == limb.start]
    said = _joints(limb, sides, kind, bool(match["two"]), "zh")
    start = sides[0].start if sides else limb.start
    return clean if said is None else f"{clean[:start]}{said}{clean[match.end() :]}"


def _joints(limb: Found, sides: Sequence[Found], kind: str, two: bool, language: str) -> str | None:
    """The joints of a limb by their order."""
    if (
        not isinstance(limb.scope, Part)
        or limb.scope.name not in LIMBS
        or (two and kind == "middle")
    ):
        return None
    told = {side for side in [limb.scope.side, *(one.side for one in sides)] if side}
    if len(told) > 1:
        return None
    side = told.pop() if told else None
    names = LIMBS[limb.scope.name][(_TWO if two else _NTH)[kind]]
    return AND[language].join(called(n, side, language) for n in names)


def _less_sides(text: str) -> str:
    for one in reversed(found_in(text)):
        text = text[: one.start] + text[one.end :] if one.side else text
    return text.replace("侧", "").replace("边", "")
