"""Chinese said otherwise than a Mandarin phrasebook says it, put in its words.

Cantonese is written with characters of its own (喺 嗰 咗 嘅 唔); each stands for a word that
rules, votes and graph know. What is excepted from nothing is all that is wanted:
除了头什么都不要 is 只要头. A whole that its parts explain is gone (左下肢:髋膝踝 is
左髋左膝左踝), and a side that corrects a whole list turns all of it (左肩左肘,写错了,右边的).
"""

from __future__ import annotations

import re

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.binding import with_side
from posealign.instructions.found import found_in
from posealign.instructions.naming import names_parts
from posealign.instructions.query import Part, Scope
from posealign.instructions.sets import meant
from posealign.instructions.sides import SIDES_HAN

_CANTONESE = {
    "唔该晒": "谢谢", "唔该": "麻烦", "唔使": "不用", "唔好": "不要", "唔系": "不是",
    "唔计": "不算", "唔理": "不管", "唔": "不", "净系要": "只要", "净系": "只", "除咗": "除了",
    "同埋": "和", "喺边度": "在哪里", "喺边": "在哪", "嗰啲": "那些", "呢啲": "这些",
    "高啲": "高一点", "低啲": "低一点", "近啲": "近一点", "远啲": "远一点", "直啲": "直一点",
    "啲": "些", "嗰": "那", "喺": "在", "嘅": "的", "咗": "了", "俾我": "给我", "俾": "被",
    "畀晒我": "都给我", "畀": "给", "睇": "看", "佢哋": "他们", "佢": "他", "冇": "没有",
    "企喺度": "站着", "企喺": "站在", "企住": "站着", "坐喺度": "坐着",
    "喺度": "在这里", "瞓": "睡",
    "嚟": "来", "乜嘢": "什么", "咩": "什么", "嘢": "东西", "咁": "这么", "而家": "现在",
}  # fmt: skip
_WORDS = re.compile("|".join(sorted(_CANTONESE, key=len, reverse=True)))
_LETTERS = frozenset("唔咗嘅喺嗰啲冇佢畀俾睇嚟咩嘢咁净企瞓")
# 肩要左不要右 says the side twice.
_NOT_THAT_SIDE = re.compile(
    r"要(?P<side>[左右])(?:边|侧)?的?,?(?:不要|别要?|不看|不标|莫要?)[左右](?:边|侧)?的?(?=$|[,;。!])"
)
_ASPECT = re.compile("著(?![名作者称述录])")  # 抱著
_BELOW = re.compile("(?:以下|往下)(?=[到至])")  # 膝以下到踝 begins at the knee
# Quilts by their sorts; 夏凉被遮住的 are no joints that are hidden by nobody knows what.
_QUILT = re.compile(
    r"(?:羽绒|夏凉|空调|蚕丝|毛巾|抱|棉|凉|薄|厚)被(?=被?[遮盖压挡藏裹捂蒙罩]|[下底里中]|给|住)"
)
# 把左手从上半身的点里去掉
_OUT_OF = re.compile(
    r"(?:把|将)(?P<gone>[^,;。把将]{1,8}?)(?:都|全)?从(?P<whole>[^,;。]{1,6}?)(?:的[点关节部位]+)?"
    r"(?:里头?|里面|中间?|当中|上|那儿|之中)?(?:去掉|去了|拿掉|拿走|除掉|剔除|剔掉|删掉|删了|删除|排除|"
    r"扣掉|扣除|减掉|减去|摘掉|摘出去|移除|抠掉|划掉)了?[吧啊呀]?$"
)
# 左臂、左腿、头，腿当我没说
_UNSAID = re.compile(r"(?P<part>[^,;。、]{1,6}?)(?:就|都)?当我没(?:说|讲|提)过?")
# 两条腿都从髋到膝: the chain lies within the limb, which is not asked for as a whole.
_WITHIN = re.compile(
    r"(?<![^,;。])(?P<limb>[^,;。、]{1,5}?)(?:上|里)?(?:都|各)?从(?P<first>[^,;。]{1,4}?)[到至](?P<last>[^,;。]{1,4})$"
)
# 除了X什么都不要
_BUT_NOTHING = re.compile(
    r"除(?:了|开|去|却)?(?P<kept>[^,.;。]{1,16}?)(?:以外|之外|外)?,?"
    r"(?:(?:什么|啥|其他|其它|其余|别的|别处|旁的|剩下|余下)的?(?:点|关节|部位|地方)?"
    r"(?:一概|一律|全|通通|统统)?|一概|一律)"
    r"都?(?:不要|别要|不用|不看|不标|别标|不需要|甭标|不留|不给|不管)"
)
# 无头骨架, 没有手的全身
_LACKING = re.compile(
    r"(?:无|没有?|不带|不含|不包括)(?P<part>[^,;。的无]{1,3}?)(?:部|部分)?的?"
    r"(?P<whole>全身(?:关节|关键)?点?|骨架|骨骼)"
)


# 把手标出来 marks hands; a handle is a 门把手, and 一把手 and 手把手 are no hands.
_TAKES_HANDS = re.compile(
    r"(?<![一门手搭柜车个])把手(?=(?:给我|帮我|都|全|也|就)*"
    r"(?:标|圈|点|框|画|找|列|描|勾|弄|显示|输出|去掉|去了|除|排除|拿掉|留|加|放进|算))"
)

_MERELY = re.compile("(?:(?<=^)|(?<=[,;。]))光(?=[标看要画取])")
_HOW_FAR = re.compile(
    r"(?P<first>[^,;。离]{1,6})(?:离|距离?|到)(?P<second>[^,;。离]{1,6}?)(?:到底)?(?:有|是)?"
    r"(?:多远|多少距离|多近)[?]?$"
)
_WIDE = re.compile(r"之间(?:的)?(?:离|相?距|隔|距离)?(?:得|着|开)?(?:有|是)?多(?:远|少|宽|大)[?]?$")
_HOW_BENT = re.compile(r"胳膊弯(?=[得着])")
_THAT_IS = re.compile(
    r"^(?P<first>[^,;。]{2,16}),?(?:也就是|即|亦即|就是指)(?P<second>[^,;。]{2,16})[。!]*$"
)


def in_mandarin(clean: str) -> str:
    """A normalised text with such words and phrases put plainly."""
    if not _LETTERS.isdisjoint(clean):
        clean = _WORDS.sub(lambda match: _CANTONESE[match[0]], clean)
    clean = _NOT_THAT_SIDE.sub(r"要\g<side>", clean)
    clean = _WIDE.sub("", clean)
    clean = _THAT_IS.sub(_named_last, clean)
    if "著" in clean:
        clean = _ASPECT.sub("着", clean)
    clean = _BELOW.sub("", _MERELY.sub("只", clean))
    clean = _HOW_FAR.sub(_two, _HOW_BENT.sub("胳膊弯曲", clean))
    if "被" in clean:
        clean = _QUILT.sub("被子", clean)
    clean = _WITHIN.sub(_chained, clean)
    clean = _OUT_OF.sub(_less, clean)
    clean = _UNSAID.sub(_taken_back, clean)
    clean = _LACKING.sub(_without, clean)
    clean = _TAKES_HANDS.sub("把双手", clean)
    return _BUT_NOTHING.sub(r"只要\g<kept>", clean) if "除" in clean else clean


def _named_last(match: re.Match[str]) -> str:
    """肩带和骨盆带,也就是肩关节和髋关节: the latter."""
    first, second = (found_in(match[name]) for name in ("first", "second"))
    sided = any(one.own_side for one in first)
    named = any(one.scope for one in first) and sum(one.scope is not None for one in second) > 1
    return match["second"] if named and not sided else match[0]


def _two(match: re.Match[str]) -> str:
    """右手腕离鼻子有多远 is of these two, 膝盖离镜头多远 of one."""
    first, second = match["first"], match["second"]
    return f"{first}和{second}" if names_parts(second) else match[0]


def _chained(match: re.Match[str]) -> str:
    """两条腿都从髋到膝 → 从髋到膝; a limb with a side stays, for it is the chain's."""
    parts = [_only_part(match[name]) for name in ("limb", "first", "last")]
    if not all(isinstance(one, Part) and one.side is None for one in parts):
        return match[0]
    limb, first, last = (meant(one) for one in parts if one is not None)
    within = first < limb and last < limb
    return f"从{match['first']}到{match['last']}" if within else match[0]


def _less(match: re.Match[str]) -> str:
    whole = _only_part(match["whole"])
    named = whole is not None and found_in(match["gone"])
    return f"{match['whole']},不要{match['gone']}" if named else match[0]


def _taken_back(match: re.Match[str]) -> str:
    return f"不要{match['part']}" if _only_part(match["part"]) is not None else match[0]


def _only_part(text: str) -> Scope | None:
    found = found_in(text)
    return found[0].scope if len(found) == 1 and found[0].end == len(text) else None


def _without(match: re.Match[str]) -> str:
    found = found_in(match["part"])
    named = len(found) == 1 and found[0].scope is not None
    return f"{match['whole']},不要{match['part']}" if named else match[0]


# Between a whole and the parts that say what of it is meant.
_EXPLAINS = re.compile(
    r"(?:的)?(?:[一二三四五六几各]?[个大]?(?:主要)?关节)?(?:上面?|里头?|那边)?"
    r"(?:[:,]?(?:即|也就是|就是|具体是?|具体说是?|指的是|分别是)|:|[,]?(?:只|就|单|仅|光)+(?:要|看|标|给|取|留|需)的?)"
)
_TURNED = re.compile(
    r"[,;.。…!—、\s]*(?:哎|啊|哦|诶|呃|额|嗯|等下|等等)?[,\s]*(?:都|全)?"
    r"(?:更正|写错|说错|打错|弄错|搞错|弄反|说反|写反|搞反|标反|错|反|不对|不是)(?:了|啦)?[,:;。\s]*"
    r"(?:应该|应|都|全|均|该|其实)*(?:是|为|改)?(?P<side>[左右])(?:手?边|侧|面)?的?[吧啊哈呀。!]*$"
)
_ALL_SIDED = re.compile(
    r"[,;。](?:这|那)?(?:[两二三四几]个|俩|仨)?(?:全|都|统统|一律|归|通通)+(?:要|是|在|取|看|标)?"
    r"(?P<side>[左右])(?:手?边|侧|面)?的?(?:那?[俩仨些]|那[两三几]个)?[。!]*$"
)
_MIRRORED = str.maketrans("左右", "右左")


def turned_list(clean: str) -> str:
    """A list whose side is corrected as a whole, on the other side."""
    match = _TURNED.search(clean)
    if match is None or match["side"] in (before := clean[: match.start()]):
        return clean
    parts = [one for one in found_in(before) if one.scope is not None]
    sided = before.translate(_MIRRORED)
    return sided if len(parts) > 1 and match["side"] in sided else clean


def sided_list(clean: str) -> str:
    """A list whose side is told behind it, with the side at each part."""
    match = _ALL_SIDED.search(clean)
    if match is None:
        return clean
    before = clean[: match.start()]
    found = found_in(before)
    one_sided = any(one.side for one in found)
    return clean if one_sided or len(found) < 2 else with_side(before, found, match["side"])


def explained(clean: str) -> str:
    """The parts alone, each with the side of the whole that they explain."""
    found = found_in(clean)
    wholes = [at for at, one in enumerate(found) if one.scope is not None]
    if len(wholes) < 2 or patterns.CORRECTION.search(clean):
        return clean
    first, rest = found[wholes[0]], found[wholes[0] + 1 :]
    gap = clean[first.end : rest[0].start]
    if not _EXPLAINS.fullmatch(gap) or patterns.REST.search(clean):
        return clean
    tail = clean[first.end :]
    if any(p.search(tail) for p in (patterns.LESS, patterns.ALSO, patterns.LINKED)):
        return clean
    whole = first.scope
    parts = [one for one in rest if one.scope is not None]
    if not isinstance(whole, Part) or any(one.side for one in rest):
        return clean
    if not all(one.scope and meant(one.scope) < meant(Part(whole.name)) for one in parts):
        return clean
    start = found[wholes[0] - 1].start if wholes[0] else first.start
    side: str | None = whole.side
    for one in found[: wholes[0]]:
        side = side or one.side
    said = with_side(clean, rest, SIDES_HAN[side] if side else None)
    return clean[:start] + said[rest[0].start :]
