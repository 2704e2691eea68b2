"""Joints by their numbers in a named skeleton: "COCO-17 indices 5 to 10", COCO 的第 5、7、9 号点.

They become the names that the skeleton gives them. Where no skeleton is named, or one has no such
joint, or parts are named as well, the text stays as it is.
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in
from posealign.instructions.keyword_patterns import OPTIONS
from posealign.instructions.query import ALL
from posealign.instructions.sides import AND
from posealign.skeletons.load import skeleton

_ROW = r"\d{1,3}(?:\s*(?:to|through|and|&|,|-|–|~|[到至、和])+\s*第?\s*\d{1,3})*"
_INDICES = re.compile(
    r"\b(?:(?:indices|index(?:es)?|ids?|nos?\.?|numbers?|(?:key)?points?|joints?|kpts?|landmarks?)"
    rf"\s+)+#?(?P<row>{_ROW})(?![a-z%\d])"
    rf"|(?:关键点|关节点|索引|编号|序号|下标)\s*(?P<behind>{_ROW})(?![\d.个])"
    rf"|第\s*(?P<han>{_ROW})\s*[号个]?(?:关键点|关节点|点|关节)"
)
_RUN = re.compile(r"(?P<first>\d+)(?:\s*(?:to|through|-|–|~|[到至])\s*第?\s*(?P<last>\d+))?")


def by_name(text: str) -> str:
    """A normalised text with such numbers as names."""
    match = _INDICES.search(text) if any(map(str.isdigit, text)) else None
    if match is None:
        return text
    around = f"{text[: match.start()]} {text[match.end() :]}"
    named = _skeleton(around)
    if named is None or any(one.scope not in (None, ALL) for one in found_in(around)):
        return text
    places: list[int] = []
    for run in _RUN.finditer(match["row"] or match["han"] or match["behind"]):
        first = int(run["first"])
        places += range(first, int(run["last"] or first) + 1)
    joints = skeleton(named).joints
    if not places or max(places) >= len(joints):
        return text
    language = "en" if match["row"] else "zh"
    chosen = [joints[place] for place in dict.fromkeys(places)]
    names = AND[language].join(one.en if match["row"] else one.zh for one in chosen)
    return f"{text[: match.start()]}{names}{text[match.end() :]}"


def _skeleton(text: str) -> str | None:
    """The skeleton that a text names."""
    rows = ((value, pattern) for key, value, pattern in OPTIONS if key == "skeleton")
    return next((str(value) for value, pattern in rows if pattern.search(text)), None)
