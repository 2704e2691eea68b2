"""Why a part is wanted, or was at first: "ears, since the eyes are closed" asks for no eyes.

A clause that begins with a reason's word and says something of a part is no wish where the rest of
the text names a part itself and points to nothing in the clause ("… that one", "… the other").
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in
from posealign.instructions.naming import names_parts

_STEMS = ("since", "because", "seeing", "given", "now that", "as the", "as her", "as his", "cause")
_VERBS = (
    r"(?:is|are|isn't|aren't|was|were|has|have|had|keeps?|kept|won't|can't|cannot|would|confuse|confuses|mislead|misleads|doesn't|don't|"
    r"didn't|gets?|got|stays?|looks?|moves?|comes?|came|goes|went|hurts?|clicks?|alone|seems?)\b"
)
_REASON = re.compile(
    r"[,;:.–—-]*\s*\b(?:(?:just )?(?:be)?cause|since|seeing (?:as|that|how)|given(?: that)?"
    r"|now that|as(?= (?:the|her|his|both)\b))\s+"
    r"(?P<said>(?:(?:the|her|his|its|their|both|all|two|of) )*"
    rf"(?:[a-z-]+ ){{1,3}}{_VERBS}[^,;.!?–—]*)[,;.!?–—]*"
)
_POINTS = re.compile(
    r"\b(?:that|this|those|these|them|they|it|its|other|one|ones|same|both|either|rest|there|so)\b"
)
_DENIES = re.compile(r"\b(?:except|without|not|no|but|minus|skip|leave|don't|only|ignore|drop)\b")
_PURPOSE = re.compile(
    r"^(?:i'm|i am|we're|we are|i want to|we want to|i'd like to|i need to|to) "
    r"(?:measur|assess|check|study|analy[sz]|quantif|compar|evaluat|follow|work out|look at"
    r"|looking at|calculat|comput)[a-z]*"
    r" [^,;.]+[,;.] ?(?:so|hence|therefore|thus|for that|that's why)?,? ?"
    r"(?=(?:please )?(?:i|we|give|show|mark|return|plot|let|need|can)\b)"
)
_SEEN = re.compile(r"\b(?:guess\w*|hidden|covered|occluded|invisible|blocked)\b")
_JOINTS = re.compile(r"\b(?:joints?|points?|keypoints?)\b")
_PURPOSE_HAN = re.compile(
    r"^(?:我|我们)?(?:是?想|需?要|打算|正?在|为了)(?:量|测量?|算|计算|评估|分析|研究|统计|数|观察|了解|检查|筛查)"
    r"(?:一下)?[^,;。要标]{1,12}[,;。](?:所以|因此|请|就|那)*(?=.)"
    r"|^(?:我们?)?(?:想|需?要|打算|准备)?(?:给|为|帮)(?:她|他|它|宝宝|孩子|娃|患儿|病人)(?:配|做|买|订|定|选|换|装|戴|穿)"
    r"[^,;。]{1,8}[,;。](?=需?要|请|标|给|麻烦|只)"
    r"|^(?:用来|拿来|是)?(?:看|查|量|测|评估|做|研究)[^,;。]{1,8}用的?[,;。]"
    r"|^(?:这次|今天|今次|本次)(?:主要|只|就|是|要)*(?:检?查|评估|研究|练|做)[^,;。要标]{1,8}[,;。](?!.*[也还另再])"
)
_STUDY = re.compile(
    r" for (?:this|my|our|the|a|an|today's) (?:[a-z]+ )?(?:study|exam|check|scan|x-?ray|test|paper"
    r"|assessment|project|review|clinic|session|report|trial|analysis)(?=\s*[,;.])"
)
_FIRST = re.compile(
    r"^(?:at )?(?:first|initially|originally),? (?:i|we) (?:wanted|said|asked for|meant|had)"
    r" [^,;.]+[,;.]? but (?P<rest>.+?),? instead[\s.!]*$"
    r"|^i (?:first|initially|originally|just) (?:asked for|wanted|said|meant) [^,;.]+[,;.]"
    r" (?:but |now |please )*(?:change|switch|make) (?:that|it|them) (?:to"
    r"|into)? ?(?P<now>[^,;.]+?)[\s.!]*$"
)


def without_reasons(text: str) -> str:
    """A mended text less the clauses that only give a reason, or what was wanted at first."""
    first = _FIRST.match(text)
    wish = (first["rest"] or first["now"]) if first is not None else ""
    text = wish if names_parts(wish) else text
    text = _less_purpose(_less_purpose(text, _PURPOSE), _PURPOSE_HAN)
    study = _STUDY.search(text)
    if study is not None and names_parts(text[: study.start()]):
        text = text[: study.start()] + text[study.end() :]
    if not any(stem in text for stem in _STEMS):
        return text
    for match in _REASON.finditer(text):
        said = match["said"]
        if not (found_in(said) or _SEEN.search(said)) or _DENIES.search(said):
            continue
        rest = f"{text[: match.start()]} , {text[match.end() :]}".strip(" ,")
        if _POINTS.search(rest) or not names_parts(rest):
            continue
        return rest
    return text


def _less_purpose(text: str, pattern: re.Pattern[str]) -> str:
    """A wish less the purpose before it; a side that only the purpose tells keeps that."""
    match = pattern.match(text)
    if match is None:
        return text
    wish = text[match.end() :]
    if not (names_parts(wish) or _JOINTS.search(wish)):
        return text
    sided = any(one.own_side for one in found_in(wish))
    return wish if sided or not any(one.own_side for one in found_in(match[0])) else text
