"""A wish that does nothing but point: "… on the left elbow and the right knee, so mark those two",
"the wrists are jittery, drop them", 石膏从左膝打到左踝,把这一段给我.

What it points at is put in its place; where the wish takes it away, all the rest is asked.
"""

from __future__ import annotations

import re

from posealign.instructions.circumstance import Circumstance, circumstances

_POINTS = re.compile(
    r"\b(?:it|them|both|those|these|that|this|rest|others?|else|left|two|remaining)\b"
)
_POINTS_HAN = re.compile("[这那它两俩二其剩别余]|跳过|略过|忽略|不|去掉|算了|免了|排除")
_AND = r"[,;.!–—-]*\s*(?:(?:and|so|then|but|therefore|hence|that's why|please|now|just|also),? )*"
_PLACES = (
    r"(?:spots?|joints?|parts?|points?|places?|areas?|limbs?|keypoints?|regions?|ones?|sites?)"
)
_IT = rf"(?:it|them|both|these|those|that|this)(?: (?:two|three|both))?(?: of them)?(?: {_PLACES})?"
_BOTH = rf"(?:both|(?:those|these|the) two|the two of them)(?: of them)?(?: {_PLACES})?"
_MANNERS = r"(?:,? ?(?:please|pls|for me|thanks|then|now|only|too|as well|there))*[\s.!?]*"
_REST = (
    r"(?:the rest|the others?|everything else|all the rest|whatever(?:'s| is) left"
    r"|(?:all other|the remaining) (?:joints|points|keypoints))"
)
_POLITE = r"(?:(?:please|can you|could you|i'd like you to|we|i|you can|let's|just|better) )*"
_GETS = (
    r"(?:mark|show|give(?: me)?|want|need|track|label|annotate|find|plot|send(?: me)?|return|draw"
    r"|get(?: me)?|keep|locate|do|have|output)"
)
_SKIP = (
    r"(?:skip|drop|ignore|leave (?:out|off)|exclude|omit|discard|remove"
    r"|(?:don't|do not) (?:mark|show|include|label|bother with|need|want|track))"
)
_MARK_BOTH = re.compile(rf"{_AND}{_POLITE}{_GETS} {_BOTH}{_MANNERS}")
_SKIP_IT = re.compile(
    rf"{_AND}{_POLITE}(?:{_SKIP} {_IT}|leave {_IT} (?:out|off|alone))"
    rf"(?:(?:,| and|, and|;|\.)* ?{_POLITE}{_GETS} (?:me )?{_REST})?{_MANNERS}"
)
_MARK_REST = re.compile(rf"{_AND}{_POLITE}(?:(?:{_GETS}|only) )+{_REST}{_MANNERS}")
_IT_HAN = (
    r"(?:[这那](?:里|儿|边)"
    r"|[这那]?一?[两俩二三四些几]?[个处只条段边侧]?(?:部位|关节|地方|位置|点|处)?)"
)
_SO_HAN = r"[,;。!]+(?:所以|因此|那么?|就|请|麻烦|帮我|给我|我|你|把|直接|先|,)*"
_MARK_HAN = r"(?:标|要|给|看|画|取|显示|输出|需要|找|留|保留)"
_MARKED_HAN = rf"(?:{_MARK_HAN}(?:一?下|出来?|给我|上)*)"
_ALSO_HAN = "(?:我|也|都|全部?|就|给我?|帮我|照常)*"
_END_HAN = "(?:看看|看一下|瞧瞧)?(?:(?:行|可以|好|成)?[吗么]\\??)?(?:就行|即可|吧|了|就好)*[。!]*"
_REST_HAN = (
    rf"{_MARKED_HAN}?(?:其余|其他|其它|剩下|别的|剩余|余下)的?(?:点|关节|部位|地方|关键)*"
    rf"{_ALSO_HAN}(?:{_MARKED_HAN}|发给?我)?"
)
_MARK_BOTH_HAN = re.compile(
    rf"(?=.*[这那标要给看画取]){_SO_HAN}{_MARKED_HAN}?[这那]?[两俩二][个处只条]?"
    rf"(?:部位|关节|地方|位置|点|处|者)?{_ALSO_HAN}{_MARKED_HAN}?{_END_HAN}"
)
_MARK_WAY_HAN = re.compile(
    rf"{_SO_HAN}{_MARKED_HAN}?[这那]一?段{_ALSO_HAN}{_MARKED_HAN}?{_END_HAN}"
)
_SKIP_HAN = r"(?:跳过|略过|忽略|不要|别标|不标|别要|不用标?|不用管|去掉|算了|免了|排除|别管|不算)"
_SKIP_IT_HAN = re.compile(
    rf"{_SO_HAN}(?:{_SKIP_HAN}[了掉]?(?:它们?|{_IT_HAN})"
    rf"|(?:它们?|{_IT_HAN})?(?:就|都|也|先|请|给我)*{_SKIP_HAN})[了掉吧]*"
    rf"(?:[,;。]*(?:把|给我|请)*{_REST_HAN})?{_END_HAN}"
)
_MARK_REST_HAN = re.compile(rf"{_SO_HAN}(?:只|就|{_MARK_HAN})*{_REST_HAN}{_END_HAN}")
_WAY_HAN = re.compile(
    r"从(?P<first>[^,;。从到]{1,5}?)(?:一直|都|打|裹|缠)*[到至](?P<last>[^,;。]{1,5})$"
)
_LISTS = re.compile("[,;]")  # a list before what is told may be the wish


def in_place(text: str) -> str:
    """A mended text with what is pointed at, or with all but that."""
    if not (_POINTS.search(text) or _POINTS_HAN.search(text)):
        return text
    for one in circumstances(text):
        put = _put(one)
        if put is not None:
            return put
    return text


def _put(one: Circumstance) -> str | None:
    if (_MARK_BOTH_HAN if one.han else _MARK_BOTH).fullmatch(one.behind) and one.count == 2:
        return one.listed
    gone = (_SKIP_IT_HAN, _MARK_REST_HAN) if one.han else (_SKIP_IT, _MARK_REST)
    takes = not _LISTS.search(one.told) and any(rest.fullmatch(one.behind) for rest in gone)
    if takes and one.covered:
        return f"除了{one.listed}都要" if one.han else f"everything except the {one.listed}"
    way = _WAY_HAN.search(one.told) if _MARK_WAY_HAN.fullmatch(one.behind) else None
    return f"从{way['first']}到{way['last']}" if way else None
