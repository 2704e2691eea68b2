"""Whose left a text means, where it says so beside the part.

A side as the onlooker sees it is one of the picture: 站在镜头这边看,右边的脚 is 画面右侧的脚. What
only repeats that sides are the person's own (按他自己的身子分左右) is set aside.
"""

from __future__ import annotations

import re

_STEMS = ("看", "瞧", "瞅", "望", "眼里", "眼中", "面对", "对着", "为准", "自己")
_EYES = (
    r"(?:我们?|咱们?|你|您|大家|旁人|别人|观众|看客|观察者|观看者|看(?:图|照片|屏幕|片|"
    r"画面)的?(?:人|者)|拍照的?(?:人)?)"
)
_GLASS = r"(?:镜头|相机|屏幕|画面|照片|图片?|显示器|摄像头)"
_PLACE = r"(?:这一?[边头侧]|那边|这儿|这里|跟前|面前|前面?|正面|的?角度|的?视角|的?方向)?"
_SEES = (
    r"(?:看(?:过去|过来|来|着|上去|去|见|到|起来)?|望(?:过去|去)?|瞧(?:着|过去)?|瞅(?:着|过去)?|"
    r"为准|来说|来讲|而言|的话|眼[里中])"
)
_SURELY_SEES = _SEES.replace("起来)?", "起来)")
_VIEW = (
    rf"(?:(?:从|由|打|在|站在?|坐在|以|按|照|依)(?:{_EYES}|{_GLASS}){_PLACE}{_SEES}"
    rf"|(?<![给帮替让叫跟为])(?:{_EYES}|{_GLASS}){_PLACE}{_SURELY_SEES}"
    rf"|(?:面对着?|对着|冲着|朝着|正对着?){_GLASS}(?:{_SEES})?)"
)
_SEEN = re.compile(
    rf"(?<![不非是])(?<!不要)(?<!而非){_VIEW}(?:的)?,?(?:是|在|靠|偏|位于|居|处于|最)*"
    r"(?P<side>[左右])(?!右)(?:手?边|侧|面|方|半边)?(?:儿)?(?:靠)?的?(?:那|"
    r"这)?(?:一)?[个只条根]?(?=[^,;。左右])"
)
_OWN = re.compile(
    r"[,(]?(?:就?是|我(?:说|指)的?是|指的?是)?(?:按照?|以|照|依)(?:着)?(?:他|她|它|宝宝|孩子|娃|"
    r"病人|患者|婴儿|本人)"
    r"(?:自己|本人|自身)?的?(?:身子|身体|角度|方向|方位|身上)?(?:来)?(?:分|论|说|算|"
    r"定)?的?(?:左右)(?:为准|来分|分|算|来)?\)?"
)
_OWN_VIEW = re.compile(
    r",? (?:as seen )?from (?:the |his |her )?(?:patient|child|baby|infant|person"
    r"|subject)'s(?: own)?"
    r" (?:point of view|perspective|side|viewpoint|view)(?:,? (?:and |but )?not (?:mine|ours|yours"
    r"|(?:the )?(?:camera|viewer|observer)(?:'s)?))?(?=\s*(?:[,.;!]|$))"
)
_AS_SEEN = re.compile(
    r"(?P<seen>\b(?:picture|image|photo|frame|screen|shot)),? (?:(?:i mean|that is"
    r"|i'm talking),? )?"
    r"(?:the )?(?:left|right) as (?:i|you|we) (?:look at|see|view) (?:it|him|her|this|the \w+)"
)


def from_within(text: str) -> str:
    """A mended text with the onlooker's sides as sides of the picture."""
    if " as " in text:
        text = _AS_SEEN.sub(r"\g<seen>", text)
    if "'s" in text:
        text = _OWN_VIEW.sub("", text)
    if not any(stem in text for stem in _STEMS):
        return text
    return _SEEN.sub(r"画面\g<side>侧的", _OWN.sub("", text))
