"""A side told behind its part: "one ear, namely the right", 一只脚,脚要左边, 胳膊:左。腿:右。

The side is put where readers look for it ("the right ear", 左脚), so that none of them spreads it
over the other parts of the list or keeps both of the pair. What is switched (左腿开,右腿关;
"show the left hand and hide the right one") is put as wanted and unwanted.
"""

from __future__ import annotations

import re

from posealign.instructions.binding import is_unsided
from posealign.instructions.found import found_in
from posealign.instructions.naming import names_parts
from posealign.instructions.query import Part
from posealign.instructions.sides import called

_ONE = re.compile(
    r"(?<!but )\b(?:one|a single)(?: of)?(?: (?:the|her|his|its))? (?P<part>[a-z]+(?: [a-z]+)?)"
    r"(?: only)?\s*[,:;(–—-]+\s*(?:and )?"
    r"(?:(?:namely|that is|that's|it's|i\.?e\.?|specifically|viz\.?|being|to be precise)[, ]+)?"
    r"(?:(?:the|her|his) )?(?:one on (?:the|her|his) )?(?P<side>left|right)"
    r"(?:[ -]hand)?(?: (?:one|side|(?P<again>[a-z]+)))?\)?(?=\s*(?:[,.;!]|$)|\s+(?:and|plus)\b)"
)
_ONE_HAN = re.compile(
    r"(?:一[只条个边侧]的?(?P<part>[^,;。:(一两双个只条]{1,4})|(?P<counted>[^,;。:(一两双]{1,3})一[只条个])"
    r"[,;:(—]+(?:(?P=part))?(?:就|只|要|是|取|具体|也|即|选|用|标)*(?P<side>[左右])(?:边|侧|面)?的?"
    r"(?:那?一?[只条个边侧]的?)?(?P<again>[^,;。)]{0,4}?)\)?(?=$|[,;。!])"
)
_TABLE_HAN = re.compile(
    r"(?P<part>[^,;。:=\s]{1,4}?)\s*[:=]\s*(?P<side>[左右])(?:边|侧)?(?P<stop>\s*(?:[,;。]|$))"
)
_OFF = re.compile(r"(?:,| and| but|;)*\s*(?<![=:])\b(?:hide|switch off|turn off) (?P<rest>[a-z].*)")
_PART, _ON = r"[左右][^,;。=左右]{1,4}?", r"[=:]?(?:显示|打开|开|y(?:es)?|on)"
_NOT = r"[=:]?(?:隐藏|不显示|关闭|关掉|关|no?|off)"
_SWITCH_HAN = re.compile(
    rf"(?P<first>{_PART}){_ON}[,;](?P<then_off>{_PART}){_NOT}[。!]*$"
    rf"|(?P<first_off>{_PART}){_NOT}[,;](?P<then>{_PART}){_ON}[。!]*$"
)
_OF_PAIR = re.compile(
    r"(?:,? but|,)?\s*\b(?:of|from) (?:the|his|her|both|two)(?: two)? (?P<part>[a-z]+),?"
    r" (?:just|only|nothing but|take)(?: the)? (?P<side>left|right)(?: one)?(?=\s*(?:[,.;!]|$))"
)
_SHORT = re.compile(r"(?<=\b[lr]) sh\b|\bsh\b(?=[ ,/+&]+(?:elb|wr)\b)")


def singled(clean: str) -> str:
    """A normalised text with such sides before their parts."""
    if "one " in clean or "single" in clean:
        clean = _ONE.sub(lambda match: _said(match, match["part"], "the {side} {part}"), clean)
    if " of the" in clean or "from the" in clean:
        clean = _OF_PAIR.sub(_one_of, clean)
    if "sh" in clean:
        clean = _SHORT.sub(lambda match: match[0].replace("sh", "shoulder"), clean)
    if "hide" in clean or " off " in clean:
        clean = _hidden(clean)
    if clean.isascii():
        return clean
    if "一" in clean:
        clean = _ONE_HAN.sub(
            lambda match: _said(match, match["part"] or match["counted"], "{side}{part}"), clean
        )
    if (":" in clean or "=" in clean) and len(_TABLE_HAN.findall(clean)) > 1:
        clean = _TABLE_HAN.sub(
            lambda match: _said(match, match["part"], "{side}{part}{stop}"), clean
        )
    return _SWITCH_HAN.sub(_switched, clean)


def _said(match: re.Match[str], part: str, form: str) -> str:
    """The part with its side, where it is one of a pair and what is said again is the same."""
    again, named = match.groupdict().get("again"), _pair(part)
    if named is None or (again and again not in ("one", "side") and _pair(again) != named):
        return match[0]
    return form.format(part=part, side=match["side"], stop=match.groupdict().get("stop"))


def _one_of(match: re.Match[str]) -> str:
    """ "Both hips, but of the knees just the left one" → "both hips and the left knee"."""
    name = _pair(match["part"])
    before = found_in(match.string[: match.start()])
    if name is None or any(
        isinstance(one.scope, Part) and one.scope.name == name for one in before
    ):
        return match[0]
    one = f"the {called(name, match['side'], 'en')}"
    return f" and {one}" if before else one


def _pair(text: str) -> str | None:
    """The name of the pair that a text is a word for."""
    found = found_in(text)
    whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(text))
    scope = found[0].scope if whole else None
    return scope.name if is_unsided(scope) else None


def _hidden(clean: str) -> str:
    """ "Show the left hand and hide the right" → "show the left hand without the right"."""
    match = _OFF.search(clean)
    if match is None or not found_in(clean[: match.start()]):
        return clean
    named = found_in(match["rest"])
    if not named or match["rest"][: named[0].start].strip() not in ("", "the", "his", "her"):
        return clean
    return f"{clean[: match.start()]} without {match['rest']}"


def _switched(match: re.Match[str]) -> str:
    wanted = match["first"] or match["then"]
    unwanted = match["then_off"] or match["first_off"]
    known = names_parts(wanted) and names_parts(unwanted)
    return f"{wanted}要,{unwanted}不要" if known else match[0]
