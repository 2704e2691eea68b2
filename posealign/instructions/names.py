"""Where a person's name stands: what looks like a slip for a part there is none.

周医生 is no 肘, 希希 no 膝, and neither "Anke's arms" nor "Dr Handel" names an ankle or a hand.
"""

from __future__ import annotations

import re

_TITLES = frozenset({"dr", "mr", "mrs", "ms", "miss", "prof", "called", "named"})
# What does own parts and is often typed wrong, and what stands before it.
_OWNERS = frozenset(
    re.findall(r"\w+", "baby babies infant child kid nurse mum mom dad doctor adult person patient")
)
_NO_NAME_BEHIND = frozenset(
    re.findall(r"\w+", "the her his their its my your of s left right both lt rt")
)
_BEFORE_HAN = frozenset("叫姓阿")
_TITLES_HAN = tuple(
    re.findall(
        r"\w+",
        "医生 大夫 医师 老师 护士 主任 教授 博士 师傅 先生 女士 太太 小姐 阿姨 叔 姐 哥 姨 妈 爸",
    )
)
_NO_ELBOW = frozenset("这那上下每本几小老")  # 这周, 小周
_COUNTED = frozenset("左右双只")  # 左叫 may well be 左脚


def unless_name(mended: str, match: re.Match[str], before: str) -> str:
    """The mended word of a match that follows the word `before`, or a name as it is written."""
    if mended in _OWNERS or mended == match[0]:
        return mended
    owns = match.string.startswith(("'s ", "’s "), match.end()) and before not in _NO_NAME_BEHIND
    return match[0] if owns or before in _TITLES else mended


def is_named(run: str, at: int) -> bool:
    """Of one character in a run of Han."""
    written, before = run[at], run[max(0, at - 1) : at]
    if written in _BEFORE_HAN:
        return before not in _COUNTED
    if before in _BEFORE_HAN or run.startswith(_TITLES_HAN, at + 1):
        return True
    return written in (before, run[at + 1 : at + 2]) or (written == "周" and before in _NO_ELBOW)
