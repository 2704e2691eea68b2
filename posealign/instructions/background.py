"""What is told before the wish: "The right foot is bandaged. I want the leg without the foot".

Such a sentence names parts that nobody asks for. It goes where a wish of its own follows that names
its parts and points to nothing before it; a side that the wish leaves open is left to those who
look for it in the sentence (elsewhere.py).
"""

from __future__ import annotations

import re

from posealign.instructions.binding import bind, is_unsided
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.mend_han import HAN

_CUT = re.compile(
    r"[.;!]+\s+|\s+[–—]+\s+|,?\s+(?:so|but)\b[ ,]*|,\s*(?=(?:just|only|please|i (?:just |only )?"
    r"(?:want|need)|can you|could you|give me|show me)\b)"
)
_COMMA = re.compile(r"[,.;!](?:\s|$)|\s[–—]\s")
_CUT_HAN = re.compile(r"[,;。!]+(?:所以|因此|但是?|不过|麻烦|那就|那么)?,?")
_WISH = re.compile(
    r"\b(?:i'd (?:just |only )?(?:like|want)|(?:i|we) (?:just |only |still )?(?:want|need)|give me"
    r"|show|mark|find|please|pls|just|only|(?:can|could|would|will) you|get me|return|plot|label"
    r"|(?:everything|all) (?:but|except|apart from|other than)|skip|leave|exclude|omit"
    r"|annotate|locate|detect|draw|outline|track|do|let's|keep to|stick to|interested in|(?:is"
    r"|are) (?:enough|fine|all i"
    r"|what (?:i|we))|will (?:do|suffice)|estimate|where (?:is|are))\b"
)
_STATES = re.compile(
    r"^(?:he|she|it|we|i|they|you|there)\b|\b(?:is|are|was|were|has|have|had|been|being|there's|hides?|covers?|blocks?|taken|shot|filmed"
    r"|recorded|photographed|comes?|came|goes|going|went|runs?|sits?|lies|holds?|holding|wearing"
    r"|wears|covered|wrapped|taped|bandaged|splinted|strapped|cables?|leads?|tubes?|lines|boards?"
    r"|cannula|drip|iv|picc|blanket|sheet|swaddled?|nappy|diaper|splint|cast|sensors?|probes?"
    r"|electrodes?|mask|cpap|hat|mitts?|socks?)\b|'s (?:got|been|on|in|under|covered|wrapped)\b"
)
_SMALL = re.compile(
    r"(?:[\W_]|\b(?:the|his|her|its|baby's|infant's|child's|of|and|or|for|me|on|in|at"
    r"|side|left|right|picture|image|photo|frame|to|camera|nearer|closer|closest)\b)*"
)
_POINTS = re.compile(
    r"\b(?:that|this|those|these|them|they|it|its|other|others|ones?|same|both|either|rest|there"
    r"|else|also|too|as well|again|anything|everything(?! (?:from|but|except|apart|other))|all"
    r"|affected|unaffected|opposite"
    r"|free|good"
    r"|bad|healthy|hidden|visible|occluded|covered)\b"
)
_WANTS = re.compile(
    r"\b(?:not|no|never|without|except|don't|ignore|skip|leave|want|need|please|show|mark|only|just"
    r"|label|track|find|give|draw|plot|first|sorry|wait|actually|meant|correction|compare|if|when"
    r"|which|what|where|who|how|left out|excluded|or"
    r"|coco|smil|halpe|openpose|body25|lsp|[23]d"
    # a posture is a premise of the answer
    r"|prone|supine|(?:belly|tummy)-(?:down|up)|face[- ](?:down|up)|lying|lies|lays?|sit(?:s"
    r"|ting)|stand(?:s|ing)|decubitus|crawling|held|holding|carried"
    r"|in (?:my|\w+'s) arms|on(?:to)? (?:his|her|its|the|their) (?:tummy|back|belly|left|right"
    r"|side)"
    r")\b|[?:=]"
)
_WISH_HAN = re.compile(
    r"^(?:请|我|就|只|仅|先|主要|还是|帮|麻烦|给我|你|都|来|再|把|想){0,4}(?:要|想要|标|看|画|找|取"
    r"|给|显示|输出|需要?|估计|检测|定位|圈|求|测|跟踪|只|关心|评估|除了)|(?:就够了?|就行|就好|即可|就?算了|在哪)"
    r"|(?:还是|都)(?:要|需要|标)[。!]*$"
)
_STATES_HAN = re.compile(
    r"[着了在被有是从包扎贴插挡缠裹吊绑夹]|(?<!膝)盖|怀疑|疑似|诊断|固定|留置|放置|戴|穿|采|拍|接|连|打"
)
_POINTS_HAN = re.compile(
    r"(?<!的)[那这]|[另其它他她同剩余没未]|别的|也|还有|一样|患|健|伤|对侧|露|可见|看得|看不|挡|遮|盖|藏"
)
_WANTS_HAN = re.compile(
    r"[要标请仅除需不没别勿甭?:=哪谁错]|(?<![两一几那这每])只|(?:改|换)[成为]|画(?!面)|显示|输出|关心|看(?![不起着来])|取|给|找|如果|对比|比较|先|算了|说|抱|趴|躺|坐|站|爬|卧|从.*到"
)
_FOR = re.compile(
    r"[,;.]? (?:so (?:that )?(?:i|we|she|he) can(?!'t|not)|to compare (?:it|them|this)"
    r"|in order to)\b"
    r"[^;.]*[\s.!]*$|[.;] (?:i'm|we're|i am|we are) (?:\w+ing)\b[^;.]*[\s.!]*$"
)
_TO_SEE = re.compile(
    r"(?<=[a-z])(?<!want)(?<!need)(?<!like)(?<!trying)(?<!have),? (?:in order )?to (?:see (?:if"
    r"|whether|how)|check|assess|measure|study|compare|find out"
    r"|work out|calculate|compute|determine|analy[sz]e|judge|monitor|quantify) [^;.]*[\s.!]*$"
    r"|[,;.–—-]+ ?(?:it's|it is|this is|that's|these are|they're) for [^;.,]*[\s.!]*$"
)
_FOR_HAN = re.compile(
    r"[,;。](?:因为|好让|我好|我(?:们)?(?:正)?在|用来|用于|以便|是?为了|方便|看看[^,;。]*(?:有没有|是不是|会不会|能不能))"
    r"(?:(?!不要|别|除|没有|只|要|标|也)[^,;。!])*[。!]*$"
)
_BODY = re.compile(
    r"\b(?:pose|skeleton|(?:whole|full|entire) body)\b|姿态|姿势|骨架|全身"
    r"|\b(?:only|just) (?:want |need |mark |show |do )?(?:the |my )?(?:baby|infant|child|newborn"
    r"|kid)\b"
    r"(?!'s)|\b(?:baby|infant|child|kid) only\b|只[要标看画]?(?:宝宝|婴儿|孩子|新生儿)的?(?=$"
    r"|[,。;])"
)
_SKIPS_HAN = re.compile("(?:跳过|别标|不标|别要|去掉)[了吧]*[。!]*$")
_PHRASE_HAN = re.compile("的[^,;。的]{1,4}$")  # 抬着的腿
_MIND = re.compile(  # whom or what to leave out, that nobody asked for
    r"\b(?:please )?(?:ignore|never mind|forget(?: about)?|don't (?:mark|mind|show|include)|not"
    r"|skip) "
    r"(?:her|him|them|hers|his|it|that|those|theirs)(?=\s*$)"
    r"|(?:别|不用|不必|甭)(?:去)?(?:管|理|标)(?:[她他它]们?|那些|这些)(?:的)?"
)
_LAST_CUT = re.compile(r"(?:[,.;] |\s[–—-] )(?P<told>[^,;.]+)[.!]*$")
_LAST_CUT_HAN = re.compile(r"[,;。](?P<told>[^,;。]+)[。!]*$")
_ONLY = re.compile(r"\b(?:only|just)\b|只|就(?:行|好|够)")
_TELLS_WHICH = re.compile(
    r"\b(?:those|these|both|bits|view|oh|ones?|that|which|this|other|same|where|with|left|right|visible|see|seen|guess\w*)\b"
    r"|[左右那这哪另又]|画面|必须|可见|看得|看不|露"
)
_PLACE = re.compile(r"\b(?:tummy|belly|waist)\b|腰|肚")


def foreground(text: str) -> str:
    """A mended text less the sentences that tell what is so before a wish, or what it is for."""
    han = HAN.search(text) is not None
    text, at = _less_purpose(text, han), 0
    for cut in (_CUT_HAN if han else _CUT).finditer(text):
        if not _is_told(text[at : cut.start()], han):
            break
        at = cut.end()
        if _wishes(text[at:], han):
            return text[at:] if _is_free(text[:at], text[at:]) else text
    return text


def _less_purpose(text: str, han: bool) -> str:
    """ "The lower body, so that I can compare it with last week's standing pose"."""
    match = _FOR_HAN.search(text) if han else _FOR.search(text) or _TO_SEE.search(text)
    wish = text[: match.start()] if match is not None else text
    if match is None or not _names(wish) or (han and _STATES_HAN.search(wish)):
        return _less_state(text, han)
    aside = found_in(match[0])
    if any(one.own_side for one in aside) and _leaves_side(wish):
        return text
    told = not han and _WISH.search(wish) is None and _is_told(wish, han)
    return text if told else wish


def _less_state(text: str, han: bool) -> str:
    """ "Just the elbows and wrists, the nappy hides the rest": told behind a wish."""
    cut = (_LAST_CUT_HAN if han else _LAST_CUT).search(text)
    if cut is None or _ONLY.search(text[: cut.start()]) is None or not _names(text[: cut.start()]):
        return text
    wish, told = text[: cut.start()], cut["told"]
    if not _is_told(told, han) or _names(told) or _TELLS_WHICH.search(told):
        return text
    return wish


def _names(text: str) -> bool:
    return any(one.scope for one in found_in(text))


def _leaves_side(text: str) -> bool:
    """Whether the first part that is named has sides, and none is told."""
    named = bind(found_in(text), text)
    return bool(named) and is_unsided(named[0])


def _is_told(clause: str, han: bool) -> bool:
    """Whether a clause states something and wishes for nothing."""
    clause = _MIND.sub("", clause)
    if not clause.strip():
        return True
    states, wants = (_STATES_HAN, _WANTS_HAN) if han else (_STATES, _WANTS)
    if han and _PHRASE_HAN.search(clause):
        return False
    return states.search(clause) is not None and wants.search(clause) is None


def _wishes(rest: str, han: bool) -> bool:
    """Whether the rest begins with a wish that needs nothing said before."""
    first = (_CUT_HAN if han else _COMMA).split(rest, maxsplit=1)[0]
    wish, points = (_WISH_HAN, _POINTS_HAN) if han else (_WISH, _POINTS)
    if not (_names(first) or _BODY.search(first)) or points.search(first):
        return False
    if han and first.rstrip("。! ") == rest.rstrip("。! ") and _SKIPS_HAN.search(first):
        return True
    return wish.search(first) is not None or (
        not han and _SMALL.fullmatch(unnamed(first)) is not None
    )


def _is_free(told: str, rest: str) -> bool:
    """Whether the told names parts, and no side that the wish leaves open."""
    sided = any(one.own_side for one in found_in(told))
    names = _names(told) or _PLACE.search(told) is not None or _BODY.search(rest) is not None
    return names and not (sided and _leaves_side(rest))
