"""The one that is not: "the leg that isn't raised", 没抬起来的那条腿.

A relation that is denied chooses the other one, and readers who miss the denial answer with the
very one that is not meant. English is put with its "not" apart, Chinese with what goes behind the
part: 腿,抬起来的那条不要.
"""

from __future__ import annotations

import re

from posealign.instructions.found import found_in
from posealign.instructions.keyword_patterns import RELATIONS
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import CHOOSING, Part

_SHORT = re.compile(
    r"\b(?P<who>that|which|who) (?P<verb>is|are|was|were|does|do|did|has|have)n't (?P<said>[^,;.]+)"
)
_HAN = re.compile(
    r"(?P<before>^|.*[,;。要看标给])(?:没有?|未|不是?)(?P<said>[^,;。没未不那这]{1,8}?)的"
    r"(?P<one>(?:那|这)?一?[只条个边侧])?(?P<part>[^,;。]{1,4})$"
)
_BLANKET = next(pattern for name, pattern in RELATIONS if name == "hidden_by_blanket")
_EVERY = ("所有关节", "全部关节", "关节", "所有点", "所有的点", "所有的关节", "所有关键点", "点")
_BENT = ("more_bent", "straighter")  # who is not bent is straight: each denies the other


def denied(clean: str) -> str:
    """A normalised text with such denials where readers look for them."""
    if "n't" in clean:
        return _SHORT.sub(_apart, clean)
    match = _HAN.fullmatch(clean)
    if match is None:
        return clean
    if match["part"] in _EVERY and not match["one"] and _BLANKET.search(match["said"]):
        return f"{match['before']}{match['part']},{match['said']}的不要"
    named = found_in(match["part"])
    scope = named[0].scope if len(named) == 1 else None
    if not isinstance(scope, Part) or scope.name not in PAIRED or scope.side:
        return clean
    chosen = f"{match['said']}的{match['one'] or '那只'}"
    if not _chooses(f"{chosen}{match['part']}"):
        return clean
    return f"{match['before']}{match['part']},{chosen}不要"


def _apart(match: re.Match[str]) -> str:
    said = match["said"]
    plain = " but " not in said and _chooses(f"the one that is {said}")
    return f"{match['who']} {match['verb']} not {said}" if plain else match[0]


def _chooses(text: str) -> bool:
    return any(
        name in CHOOSING and name not in _BENT and pattern.search(text)
        for name, pattern in RELATIONS
    )
