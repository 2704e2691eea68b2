"""Texts in Chinese that name a part and ask for no point of it.

Questions for a doctor (胳膊肘要拍片吗), errands (把毯子给她盖回脚上), praise (小手真可爱) and
orders to a picture editor (把头缩小点). A clause that does state a wish (statement_kinds.py), or
words for points and marks, speak against it. And what no body here has (触手, 肝脏的三维坐标) is
found by the phrasebooks' words for it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from posealign.instructions.mend_han import HAN
from posealign.instructions.mentions import LETTER, masked, mentions_in
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.statement_kinds import CUTS, KINDS

_ASKS = re.compile(
    r"为什么|为啥|为何|(?<!不)要紧[吗么不]|正不正常|什么科|哪个科|哪位|多少次合适"
    r"|要不要(?:查|拍|看医生|去|做|治|补|干预|复查|担心|紧|就医)"
    r"|(?:拍[个张]?片子?|b超|超声|手术|冰敷|热敷|打针|医院|看医生|挂号|补钙|复查|治疗|就医|涂药|"
    r"贴膏药)[^,。]{0,2}[吗么不]"
    r"|(?:恢复|愈合|长好|好起来|长高)[^,。]{0,2}[吗么不]|缺钙|缺锌|怎么(?:剪|洗|擦|治|护理|保暖)|"
    r"合适[吗?]*$"
)
_DOES = re.compile(
    r"(?:握住?|按住|擦|洗|剪|盖[上好住回]|塞回?|滴|涂|抹|揉|包扎|抱起|摁住|扶住|掖|捂|拍打|p掉|p图)"
    r"|(?:放大|缩小|打码|马赛克|磨皮|美白|修图|调亮|模糊|虚化|裁掉|修掉|抠图)"
    r"|[上里]画(?:颗|个|朵|一)|加个皇冠|上加个(?!点)"
)
_ORDERS = re.compile(
    r"^(?:请|你|您|麻烦|帮我?|快|去|来|护士|医生)*(?:把|给|将|替|帮|握|按|摁|扶|擦|洗|涂)"
    r"|[^,]*换尿布|你帮?我?(?:按|握|扶)|给它|[上里]画|上加"
)
_PRAISES = re.compile(
    r"(?:真|好|太|特别|挺|超|多么?|so |这么)(?:地)? ?(?:可爱|香|圆|有劲|萌|胖|软|嫩|白|招人|稀罕|"
    r"mini|cute|大长|暖|乖|漂亮|结实|有力)"
    r"|标得(?:特别|挺|真|很|还|都|不)?(?:错|准|好|对)|笑死|melt|米其林|肉嘟嘟|胖乎乎|香香的|藕节|"
    r"抱酸|亲一口"
)
# Words of one who wants points, whatever is asked or told around them.
_WISHES = re.compile(
    r"标(?!得|错|志|准)|画(?![颗个朵面])|(?<!一)点(?![滴头呀啊儿心吧快]|$)|骨架|坐标|显示|关键|"
    r"关节|看看|看一下|瞧|"
    r"我(?:只|就)?(?:要|想)|打个?点|点一|个点|定位|在哪|出来|摆|姿|拿来|要要|\b(?:mark|show|"
    r"points?|joints?|skeleton)\b"
)
_ABSENT_ROUND = re.compile(
    r"(?:请|麻烦|给我|帮我|我|要|想|看|看看|标注?|画|找|定位|显示|出来?|一下|在|哪里?|哪个|位置|点|"
    r"个|的|把|将|左|右|边|那|这|根|条|只|对|"
    r"两|四|八|三|二|几|双|坐标|三维|二维|3d|2d|关键点|关节|尖|根部|都|也|全|上|和|与|,|。|\?|!|、|"
    r"它|他|她|宝宝|孩子|最|靠近|镜头|离|近|远|"
    r"show|me|the|mark|where|is|are|please|of|in|position|point|and|left|right|both|its|his|her| )*"
)
_ORGANS = (
    "肝脏", "肝", "脾脏", "脾", "胃", "肾脏", "肾", "肺", "胰腺", "肚脐", "肚脐眼", "蹄子", "爪子",
    "触须", "liver", "spleen", "kidney", "kidneys", "pancreas", "stomach lining", "belly button",
    "navel", "appendix", "bladder", "gallbladder", "lungs", "lung", "hooves", "hoof", "paws", "paw",
    "snout",
)  # fmt: skip


def is_idle(clean: str) -> bool:
    """Whether a mended text with Han asks, orders or praises, and wants no points."""
    if not HAN.search(clean) or _WISHES.search(clean):
        return False
    said = _ASKS.search(clean) or _PRAISES.search(clean)
    if not said and not (_DOES.search(clean) and _ORDERS.search(clean)):
        return False
    return not _states(clean)


@lru_cache(maxsize=256)
def _states(clean: str) -> bool:
    """Whether some clause states that a part is wanted."""
    mentions = mentions_in(clean)
    if not mentions:
        return False
    clauses = CUTS.split(masked(clean, mentions))[::2]
    return any(
        re.search(LETTER, clause) and any(pattern.fullmatch(clause) for _, pattern in KINDS)
        for clause in clauses
    )


def is_absent(clean: str) -> bool:
    """Whether nothing is asked for but what no body here has: 触手, liver 的 3d 位置."""
    match = _absent().search(clean)
    if match is None:
        return False
    rest = _absent().sub("", clean)
    return _ABSENT_ROUND.fullmatch(rest) is not None


@cache
def _absent() -> re.Pattern[str]:
    words = [*_ORGANS]
    for language in LANGUAGES:
        refusals = phrasebook(language).refusals
        words += refusals.slots["animal"] if refusals is not None else []
    options = "|".join(re.escape(word.lower()) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![a-z])(?:{options})(?![a-z])")
