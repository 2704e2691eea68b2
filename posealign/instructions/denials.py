"""A text that names nothing but what is not wanted: "don't show the legs", 别标手, "feet off".

All the rest is asked then; it is put as "everything except the legs", 除了手都要. And a text that
names nothing but what is seen or hidden ("visible ones", 挡住的也要) is of all joints.
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in
from posealign.instructions.naming import is_apart, is_name
from posealign.instructions.query import ALL

_WISHES_HAN = re.compile("[要标看画给取]|返回|输出|关心|需|显示")
_OUTPUT = (
    r"(?: (?:from|in|off|on|of) (?:the |my |your |any )?(?:results?|output|skeleton|overlay|"
    r"annotations?|list|answer|response|keypoints|points|labels?|plot|drawing|json))?"
)
_POLITE = (
    r"(?:,? (?:they|it|he|she|those)(?:'re|'s| are| is) [^,;.]*)?"
    r"(?:,? ?(?:please|pls|thanks|thank you|cheers|a lot|so much|very much|at all|this time|for now"
    r"|today))*[\s.!]*"
)
_DENIED = re.compile(
    r"(?:(?:please|pls|just|ok|hi|hello|can you|could you)[, ]+)*"
    r"(?:(?:i )?(?:don't|do not|dont|never|no need to|needn't|shouldn't|wouldn't)"
    r" (?:show|mark|draw|plot|include|label|output|return|give me|display|want|need|detect|track|"
    r"annotate|use|report|bother with)(?: to see)?"
    r"|ignore|delete|remove|hide|suppress|disregard|exclude|omit|skip|leave (?:out|off)|drop"
    r"|no need for|get rid of|cut out|filter out|mask out)"
    rf" (?P<some>[^,;.!?:]+?)(?: points?| joints?| keypoints?| markers?)?{_OUTPUT}{_POLITE}"
)
_OFF = re.compile(
    r"(?P<some>[^,;.!?:]+?)(?: points?| joints?)? (?:off|out|not (?:needed|wanted|required"
    r"|included)"
    rf"|excluded|omitted|can (?:go|stay out|be (?:left out|skipped|ignored))|unwanted){_POLITE}"
)
_LESS = re.compile(
    r"(?:everything|all|all joints|all points|whole body|full body|entire body)"
    rf" ?[–−-] ?(?P<some>[^,;.!?:–−]+?){_POLITE}"
)
_VERB_HAN = (
    r"(?:再|给我|去|来)?(?:标[注出]?|画出?|看|显示|输出|管|检测|取|加|放|带|弄|点|算|返回|识别"
    r"|理)"
)
_OUT_HAN = (
    r"(?:去掉|去除|删掉|删去|删除|移除|拿掉|剔除|除掉|除去|排除|忽略掉?|跳过|略过|隐藏|抹掉|扣掉"
    r"|扣除)"
)
_DENIED_HAN = re.compile(
    rf"(?:请|麻烦|帮我|给我|您|你|就)*(?:(?:别|不要|不用|不必|无需|勿|甭|不许){_VERB_HAN}|{_OUT_HAN})"
    r"(?:一下)?(?:他|她|它|宝宝|孩子)?的?(?P<some>[^,;。!?:]{1,12}?)(?:的?(?:点|关键点|关节点))?(?:了|吧|啦|啊|哈)*[。!]*"
    r"|(?:请|麻烦|帮我|给我)*(?:把|将)?(?:整个|整条|他|她|它|宝宝|孩子)?的?(?P<behind>[^,;。!?:把将]{1,12}?)"
    r"(?:的?(?:点|关键点|关节点))?(?:从(?:结果|输出|骨架|标注|列表|里面|答案)(?:里面?|中|上)?)?"
    rf"(?:都|全|全都|统统|也|就|先)?(?:{_OUT_HAN}|(?:别|不要|不用|不必|甭)(?:要|{_VERB_HAN}(?:出来)?)?|就?不用|就?算了|就?免了|不标)"
    r"(?:了|吧|啦|啊|哈)*(?:[,;。](?:盖着|包着|裹着|被|谢谢|多谢|辛苦)[^,;。]*)?[。!]*"
)
_SEEN = re.compile(
    r"(?:(?:only|just|show|mark|give me|please|all|the|what(?:'s| is| you can)|whatever(?:'s| is)|"
    r"anything|those) )*(?P<said>(?:in)?visible|hidden|occluded|covered|unseen)"
    r"(?: (?:ones|bits|stuff|parts))?(?: only)?[\s.!]*"
)
_SEE_HAN = (
    r"(?:可见|看得[见到清]|看不[见到清]|不可见|被?(?:遮|挡|盖|藏)[住着挡起来]*了?"
    r"|露[出在外面着来]*)"
)
_SEEN_HAN = re.compile(
    r"(?:只|就|请|要|标|看|仅|光|给我)*"
    rf"(?:可见不可见|看得见看不见|{_SEE_HAN}(?:的?(?:和|跟|与|、){_SEE_HAN})?)"
    r"的?(?:点|地方|部位|部分)?"
    r"(?:就行|就好|也|都|全)*(?:要|标|算|不要|不标|别标)?(?:上|出来)?[。!]*"
)
_MENDED = re.compile(
    r"(?P<but>除了|不要|去掉|别标|不含|不包括)(?P<wrong>[^,;。]{1,8})[,;。!…]+(?:哦|啊|呃|哎呀?|噢|喔)*[,]?"
    r"(?:不(?:对|是)?|错了|说错了|写错了)[,]?(?:我是说|应该|是)*(?=(?P=but))(?!.*留)"
    r"|(?P<no>\b(?:not|no|without|except|but not|skip|minus) )(?P<slip>(?:the )?(?:[a-z]+ )?[a-z]+)"
    r",? (?:no|sorry|wait|oops|i mean|pardon|rather)[,:]? (?:no|sorry|wait|i mean)?,? ?(?=(?P=no))"
)
_NO_OTHERS = re.compile(
    r"[,;.]?\s*(?:and |then |but )?(?:please )?(?:ignore|skip|drop|leave out|disregard|discard|omit"
    r"|forget|hide|no)(?: about)? (?:(?:all|any) )?(?:the )?(?:others?|other (?:joints|points"
    r"|keypoints"
    r"|parts)|rest|remaining [a-z]+|everything else|anything else)[\s.!]*$"
)
_MISSING_HAN = re.compile(
    r"[,;。](?:其余|其他|其它|剩下|别)的?(?:点|关节)*我?(?:会|都|就|全|先)*(?:按|当作?|算作?|视为|记为?)[^,;。]*"
    r"(?:缺|空|没有|nan|null|无)[^,;。]*[。!]*$"
)
_NONE_OF_HAN = re.compile(
    r"[,;。](?P<some>[^,;。]{1,10}?)(?:就|都|也|则|统统)*(?:不需要|不用标|不用画|不用|不必标|不要|不标"
    r"|不看)(?:了)?[。!]*$"
)


def all_but(clean: str) -> str:
    """A normalised text with what is to be left out as an exception from all."""
    clean = _MISSING_HAN.sub("", _less_idle(_MENDED.sub(_unsaid, clean)))
    seen = _SEEN.fullmatch(clean)
    if seen is not None:
        return f"all {seen['said']} joints"
    if not clean.isascii() and _SEEN_HAN.fullmatch(clean):
        return f"所有关节,{clean}"
    match = _DENIED.fullmatch(clean) or _LESS.fullmatch(clean) or _OFF.fullmatch(clean)
    if match is not None:
        return f"everything except {match['some']}" if is_name(match["some"]) else clean
    han = None if clean.isascii() else _DENIED_HAN.fullmatch(clean)
    if han is None:
        return clean
    some = han["some"] or han["behind"]
    return f"除了{some}都要" if is_name(some) else clean


def _less_idle(clean: str) -> str:
    """A text that names what it wants, less the clause that takes away what it did not ask for."""
    match = _NO_OTHERS.search(clean)
    if match is not None:
        asked = any(one.scope and one.scope != ALL for one in found_in(clean[: match.start()]))
        return clean[: match.start()] if asked else clean
    han = None if clean.isascii() else _NONE_OF_HAN.search(clean)
    if han is None or not is_name(han["some"]):
        return clean
    before = clean[: han.start()]
    asked_for = [one.scope for one in found_in(before) if one.scope]
    gone = [one.scope for one in found_in(han["some"]) if one.scope]
    if not asked_for or re.search("[不别没除只到]", before) or not _WISHES_HAN.search(before):
        return clean
    apart = all(is_apart(one, whole) for one in gone for whole in asked_for)
    return before if apart else clean


def _unsaid(match: re.Match[str]) -> str:
    """Nothing, for what was left out by a slip: 除了手,不是,除了脚."""
    return "" if is_name(match["wrong"] or match["slip"]) else match[0]
