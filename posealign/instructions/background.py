"""What is told before the wish: "The right foot is bandaged. I want the leg without the foot".

Such a sentence names parts that nobody asks for. It goes where a wish of its own follows that names
its parts and points to nothing before it; a side that the wish leaves open is left to those who
look for it in the sentence (elsewhere.py).
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in, unnamed
from posealign.instructions.mend_han import is_han
from posealign.instructions.naming import leaves_side, names_parts

_CUT = re.compile(
    r"[.;!]+\s+|\s+[–—]+\s+|,?\s+(?:so|but)\b[ ,]*|\s+and\s+(?=(?:just|only)\b)"
    r"|,\s*(?=(?:just|only|please|i (?:just |only )?(?:want|need)|can you|could you|give me"
    r"|show me)\b)"
)
_CUT_HAN = re.compile(r"[,;。!]+(?:所以|因此|但是?|不过|麻烦|那就|那么)?,?")
_COMMA = re.compile(r"[,.;!](?:\s|$)|\s[–—]\s")
_WISH = re.compile(
    r"\b(?:i'd (?:just |only )?(?:like|want)|(?:i|we) (?:just |only |still )?(?:want|need)"
    r"|(?:can|could|would|will) you|give me|get me|show|mark|find|please|pls|just|only|return|plot"
    r"|don't (?:bother|mark|show|include|need)|label|annotate|locate|detect|draw|outline|track"
    r"|estimate|do|let's|keep to|stick to|interested in|(?:have|take) a look"
    r"|what(?:'s| is) (?:still |left )?(?:under|hidden|covered)"
    r"|will (?:do|suffice)|where (?:is|are)|(?:is|are) (?:enough|fine|all i|what (?:i|we))|skip"
    r"|leave|exclude|omit|(?:everything|all) (?:but|except|apart from|other than))\b"
)
_WISH_HAN = re.compile(
    r"^(?:请|我|现在|今天|就|只|仅|先|主要|还是|帮|麻烦|给我|你|都|来|再|把|想){0,4}"
    r"(?:要|想要|标|看|画|找|取|给|显示|输出|需要?|估计|检测|定位|圈|求|测|跟踪|只|关心|评估|除了)"
    r"|(?:就够了?|就行|就好|即可|就?算了|在哪|有?哪些)|(?:(?:还是|都)(?:要|需要|标)|(?<!的)给我)[。!]*$"
)
_LEAVES = re.compile("skip|leave|exclude|omit")
_SKIPS_HAN = re.compile(
    "(?:跳过|别标|不标|不用标?|不必标|别画|别要|去掉|就不要|就算|就免)[了吧]*[。!]*$"
)
_LEAVES_ALL = re.compile(  # all the rest is asked
    r"^(?:please )?(?:don't (?:bother|mark|show|include|need)|no need|skip|ignore|leave out)\b"
    r"|^[^,;。]{1,6}(?:就|都|也)?(?:不用|不必|别|不要)[标画看要]?[了吧]*[。!]*$"
)
_SMALL = re.compile(  # what a wish of nothing but a part has beside it
    r"(?:[\W_]|\b(?:the|his|her|its|baby's|infant's|child's|of|and|or|for|me|on|in|at|side|left"
    r"|right|picture|image|photo|frame|to|camera|nearer|closer|closest)\b)*"
)
_BODY = re.compile(
    r"\bwhat(?:'s| is) (?:still |left )?(?:under|hidden|covered)\b"
    r"|(?:被子|毯子|被单)(?:底下|下面|下|里)的?有?(?:哪些|什么)"
    r"|\b(?:pose|skeleton|(?:whole|full|entire) body)\b|姿态|姿势|骨架|全身"
    r"|\b(?:only|just) (?:want |need |mark |show |do )?(?:the |my )?"
    r"(?:baby|infant|child|newborn|kid)\b(?!'s)|\b(?:baby|infant|child|kid) only\b"
    r"|只(?:需要?|想要|[要标看画])?(?:我家|我们家)?(?:宝宝|婴儿|孩子|新生儿)的?(?=$|[,。;])"
)
_POINTS = re.compile(
    r"\b(?:that|this|those|these|them|they|it|its|others?|ones?|same|both|either|rest|there|else"
    r"|also|too|as well|again|anything|all|everything(?! (?:from|but|except|apart|other))"
    r"|affected|unaffected|opposite|free|good|bad|healthy)\b"
)
_SEEN = re.compile(r"\b(?:hidden|visible|occluded|covered)\b|露|看不|挡|遮|盖|藏")
_POINTS_HAN = re.compile(r"(?<!的)[那这]|[另其它他她同剩余没未]|别的|也|还有|一样|患|健|伤|对侧")
_STATES = re.compile(
    r"^(?:he|she|it|we|i|they|you|there)\b|'s (?:got|been|on|in|under|covered|wrapped)\b"
    r"|\b(?:is|are|was|were)n't\b|\b(?:is|are|was|were|has|have|had|been|being|there's|hides?|covers?|blocks?|taken|shot"
    r"|filmed|recorded|photographed|comes?|came|goes|going|went|runs?|sits?|lies|holds?|holding"
    r"|wearing|wears|covered|wrapped|taped|bandaged|splinted|strapped|cables?|leads?|tubes?|lines"
    r"|boards?|cannula|drip|iv|picc|blanket|sheet|swaddled?|nappy|diaper|splint|cast|sensors?"
    r"|probes?|electrodes?|mask|cpap|hat|mitts?|socks?)\b"
)
_STATES_HAN = re.compile(
    r"[着了在被是从包扎贴插挡缠裹吊绑夹戴穿采拍接连打]|(?<!所)有|(?<!膝)盖|怀疑|疑似|诊断|固定|留置|放置"
)
_WANTS = re.compile(
    r"\b(?:not|no|never|without|except|don't|ignore|skip|leave|left out|excluded|want|need|please"
    r"|show|mark|only|just|label|track|find|give|draw|plot|first|sorry|wait|actually|meant"
    r"|correction|compare|if|when|which|what|where|who|how|or"
    r"|coco|smil|halpe|openpose|body25|lsp|[23]d"
    # a posture is a premise of the answer
    r"|prone|supine|(?:belly|tummy)-(?:down|up)|face[- ](?:down|up)|decubitus|crawling"
    r"|lying|lies|lays?|sit(?:s|ting)|stand(?:s|ing)|held|holding(?! up)|carried|in (?:my"
    r"|\w+'s) arms"
    r"|on(?:to)? (?:his|her|its|the|their) (?:tummy|back|belly|left|right|side))\b|[?:=]"
)
_WANTS_HAN = re.compile(
    r"[要标请仅除需不没别勿甭?:=哪谁错先取给找说]|跳过|略过|忽略|(?<![两一几那这每])只|(?:改|换)[成为]|画(?!面)"
    r"|看(?![不起着来])|显示|输出|关心|如果|对比|比较|算了|从.*到|[抱趴躺坐站爬卧]"
    r"|coco|smil|halpe|openpose|body25|lsp|骨架|[23]d"
)
_MIND = re.compile(  # whom or what to leave out, that nobody asked for
    r"\b(?:please )?(?:ignore|never mind|forget(?: about)?|don't (?:mark|mind|show|include)|not"
    r"|skip) (?:her|him|them|hers|his|it|that|those|theirs|me|us|mine|ours)(?=\s*$|\s+and\b)"
    r"|(?:别|不用|不必|甭)去?(?:管|理|标)(?:[她他它我]们?|那些|这些)的?"
)
_PHRASE_HAN = re.compile("的[^,;。的]{1,4}$")  # 抬着的腿 states nothing
_THERE_HAN = re.compile("(?:画面|照片|图片?|镜头)[里中上内]?(?:还|也)?有")
_PLACE = re.compile(r"\b(?:tummy|belly|waist)\b|腰|肚")


def foreground(text: str) -> str:
    """A mended text less the sentences that tell what is so before a wish."""
    at, cut = 0, _CUT_HAN if is_han(text) else _CUT
    for end in cut.finditer(text):
        if not is_told(text[at : end.start()]):
            break
        at = end.end()
        if "but" in end[0] and _LEAVES.match(text, at):
            break  # it takes away from what stands before
        if _wishes(text[at:]):
            return text[at:] if _is_free(text[:at], text[at:]) else text
    return text


def asks(text: str) -> bool:
    return _WISH.search(text) is not None


def states(clause: str) -> bool:
    return (_STATES_HAN if is_han(clause) else _STATES).search(clause) is not None


def is_told(clause: str) -> bool:
    """Whether a clause states something and wishes for nothing."""
    clause = _MIND.sub("", clause)
    if not clause.strip():
        return True
    if is_han(clause):
        phrase = _PHRASE_HAN.search(clause) and not _THERE_HAN.search(clause)
        return states(clause) and not (phrase or _WANTS_HAN.search(clause))
    return states(clause) and _WANTS.search(clause) is None


def _wishes(rest: str) -> bool:
    """Whether the rest begins with a wish that needs nothing said before."""
    han = is_han(rest)
    first = (_CUT_HAN if han else _COMMA).split(rest, maxsplit=1)[0]
    if not (names_parts(first) or _BODY.search(first)):
        return False
    if (_POINTS_HAN if han else _POINTS).search(first):
        return False
    if _SEEN.search(first) and not names_parts(first):
        return False  # of what was told
    if not han:
        return asks(first) or _SMALL.fullmatch(unnamed(first)) is not None
    alone = first.rstrip("。! ") == rest.rstrip("。! ")
    return _WISH_HAN.search(first) is not None or (alone and _SKIPS_HAN.search(first) is not None)


def _is_free(told: str, rest: str) -> bool:
    """Whether the told names parts, and no side that the wish leaves open."""
    sided = any(one.own_side for one in found_in(told))
    whole = _BODY.search(rest) or _LEAVES_ALL.search(rest)
    names = names_parts(told) or _PLACE.search(told) is not None or whole is not None
    return names and not (sided and leaves_side(rest))
