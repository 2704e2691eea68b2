"""What stands behind a wish and is none: what it is for ("the lower body, so that I can compare it
with last week's standing pose", 要腿,我好做动画), or what is so ("just the wrists, the nappy
hides the rest").
"""

from __future__ import annotations

import re

from posealign.instructions.background import asks, is_told, states
from posealign.instructions.found import found_in
from posealign.instructions.mend_han import is_han
from posealign.instructions.naming import leaves_side, names_parts

_FOR = re.compile(
    r"[,;.]? (?:so (?:that )?(?:i|we|she|he) can(?!'t|not)|to compare (?:it|them|this)"
    r"|in order to)\b[^;.]*[\s.!]*$"
    r"|[.;] (?:i'm|we're|i am|we are) (?:\w+ing)\b[^;.]*[\s.!]*$"
)
_TO_SEE = re.compile(
    r"(?<=[a-z])(?<!want)(?<!need)(?<!like)(?<!trying)(?<!have),? (?:in order )?to"
    r" (?:see (?:if|whether|how)|check|assess|measure|study|compare|find out|work out|calculate"
    r"|compute|determine|analy[sz]e|judge|monitor|quantify) [^;.]*[\s.!]*$"
    r"|[,;.–—-]+ ?(?:it's|it is|this is|that's|these are|they're) for [^;.,]*[\s.!]*$"
)
_TO_MEASURE = re.compile(
    r"[,;.] (?:i'd like|i would like|i want|i need|we want|we need|we'd like|i'm trying"
    r"|we're trying)"
    r" to (?:measure|calculate|compute|work out|find out|know|compare|assess|quantify|detect"
    r"|see (?:if|how"
    r"|whether)) (?!.*\b(?:other|opposite|same)\b)[^;]*[\s.!]*$"
)
_TO_MEASURE_HAN = re.compile(
    r"[,;。](?:我们?)?(?:想|要|需要|打算|准备)要?(?:量|测|计?算|比较?|知道|了解|评估)"
    r"[^,;。]*(?:多[长宽高大远少重]|角度?|距离|长度|幅度|是否|是不是|对称|差)[^,;。]*[。!]*$"
    r"|[,;。](?:我们?)?想看[^,;。]*(?:有没有|是不是|会不会|是否)[^,;。]*[。!]*$"
)
_SEEMS = re.compile(
    r"[,;.–—-]+ ?(?:because )?(?:it|they|he|she|that one) (?:seems?|looks?|appears?|moves?|keeps?"
    r"|hurts?|feels?|behaves?)\b[^;.]*[\s.!]*$"
)
_FOR_HAN = re.compile(
    r"[,;。](?:因为|好让|我好|我们?正?在|用来|用于|以便|是?为了|方便"
    r"|看看[^,;。]*(?:有没有|是不是|会不会|能不能))"
    r"(?:(?!不要|别|除|没有|只|要|标|也)[^,;。!])*[。!]*$"
)
_LAST = re.compile(r"(?:[,.;] |\s[–—-] )(?P<told>[^,;.]+)[.!]*$")
_LAST_HAN = re.compile(r"[,;。](?P<told>[^,;。]+)[。!]*$")
_ONLY = re.compile(r"\b(?:only|just)\b|(?<![两一几那这每双])只|就(?:行|好|够)")
_TELLS_WHICH = re.compile(
    r"\b(?:those|these|both|bits|view|oh|ones?|that|which|this|other|same|where|with|left|right"
    r"|visible|see|seen|guess\w*)\b|[左右那这哪另又]|画面|必须|可见|看得|看不|露"
)


def without_purpose(text: str) -> str:
    """A mended text less what is told behind its wish."""
    han = is_han(text)
    behind = (_FOR_HAN, _TO_MEASURE_HAN) if han else (_FOR, _TO_SEE, _TO_MEASURE, _SEEMS)
    match = next((found for one in behind if (found := one.search(text))), None)
    if match is None:
        return _less_state(text, han)
    wish = text[: match.start()]
    if not names_parts(wish) or (han and states(wish)):
        return _less_state(text, han)
    if any(one.own_side for one in found_in(match[0])) and leaves_side(wish):
        return text
    if match.re is _SEEMS and not asks(wish):
        return text  # "relax that hand, it looks like a claw"
    return text if not han and not asks(wish) and is_told(wish) else wish


def _less_state(text: str, han: bool) -> str:
    cut = (_LAST_HAN if han else _LAST).search(text)
    if cut is None:
        return text
    wish, told = text[: cut.start()], cut["told"]
    if _ONLY.search(wish) is None or not names_parts(wish):
        return text
    return text if not is_told(told) or names_parts(told) or _TELLS_WHICH.search(told) else wish
