"""What of a text's shape speaks for a wish, whatever its words are.

A clause that names a part and says nothing else is one, whatever is told around it: "New shoes! The
feet, please." Of the written lines with such a clause that deny nothing, 99 in 100 are answered,
which weighs against a gate that has not met the other words. So are somebody alone ("only the
baby") and whether a part is in the picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.found import Found, found_in
from posealign.instructions.idle import is_absent, is_idle
from posealign.instructions.keywords import asks_presence, is_of_people_alone
from posealign.instructions.ledger import settled

_STOP = re.compile(r"[.;:!?,\n–—]| - |-\s")
_SMALL = re.compile(
    r"\b(?:the|both|just|only|please|pls|plz|thanks|thank you|ta|cheers|show|mark|me|us|so|and|or|"
    r"her|his|their|its|that's|it's|i want|i need|i'd like|we need|we want|want|need|then|ok|okay|"
    r"all|of|give|find|plot|track|locate|for|now|joints?|points?|keypoints?|landmarks?|area|too|what"
    r" about|how about|but|um|uh|erm?|in 3d|3d|hence|therefore|look at|watch|check|where|do|that)\b"
    r"|[^\w]"
)
_NO = re.compile(
    r"\b(?:not|no|none|without|minus|except|excluding|leave|leaving|skip|skipping|drop|dropping|less)"
    r"\b|不|别|除|去掉|减|扣|没有"
)
# Between a part and the same part, where it is taken back; and what may stand around the two.
_DENIES = re.compile(
    r"(?:\W|\b(?:but|and|not|no|none of|without|minus|except|excluding|leave out|leaving out|skip|"
    r"skipping|drop|dropping|less|though|yet|the|her|his|of|either|both|any|only|please|also|then)\b|"
    r"[但可却而且又和也是的要给标个都别]|不|除了?|去[掉除]|减去?|扣掉?|没有|不含|除外|以外|之外)*"
)
_AROUND = re.compile(
    r"(?:\W|\b(?:the|her|his|only|just|both|all|please|pls|show|mark|me|give|i want|i need|but|and|"
    r"at all|whatsoever|though|joints?|points?|in 3d|left out|excluded)\b|"
    r"[只光要给我标的出个点都请但也不别除以外之了又掉去和]|而已|显示|关节)*"
)
_CHANGED = re.compile("nothing but|nothing except|no(?:t)?, |不是|别的|不,|不对")
# What may rule something out or filter it, in however loose a sense.
_DENIED = re.compile(
    r"\b(no\w*|only|just|without|but|except\w*|skip\w*|remov\w*|drop\w*|leav\w*|left (out|off)|"
    r"exclu\w*|visible|hidden|occluded|cover\w*|see|seen|both)\b|n't|[不没只除无别非去]|可见|看"
)


def wishes(clean: str, named: bool, plain: Mapping[str, str]) -> dict[str, float]:
    """What speaks for an answer, by the names of the gate's weights; `plain`: slots that the words
    alone settle.
    """
    if not named:
        somebody = float(bool(plain) or is_of_people_alone(clean))
        return {"people": somebody + float("subject" in plain)}
    return {
        "people": float("subject" in plain),
        "presence": float(asks_presence(clean)),
        "alone": float(names_alone(clean) or settled(clean) is not None),
        "errand": float(is_errand(clean) or is_idle(clean)),
    }


def is_errand(clean: str) -> bool:
    """ "Wipe his nose", "please crop the picture to the face": nobody asks where it is."""
    errand = patterns.ERRAND.search(clean) and not patterns.NO_ERRAND.search(clean)
    return bool(errand or patterns.STUDY.search(clean)) and not names_alone(clean)


def is_impossible(clean: str) -> bool:
    """A third arm, a hidden joint that is seen, "the left knee but not the left knee"."""
    return bool(patterns.IMPOSSIBLE.search(clean)) or _asks_nothing(clean)


def _asks_nothing(clean: str) -> bool:
    return takes_back(clean) or leaves_nothing(clean) or is_absent(clean)


def leaves_nothing(clean: str) -> bool:
    """Whether all that a text asks is taken back in the end."""
    outcome = settled(clean)
    return outcome is not None and outcome.scope is None


def takes_back(clean: str) -> bool:
    """Whether a text names one part twice and says little else than that it is not wanted."""
    if not _NO.search(clean):
        return False
    found = found_in(clean)
    parts = [one for one in found if one.scope is not None]
    if len(parts) != 2 or parts[0].scope != parts[1].scope:
        return False
    sides = [one for one in found if one.side]
    if len(sides) not in (0, 2) or len({one.side for one in sides}) > 1:
        return False
    first, last = parts
    between = _without(clean, sides, first.end, last.start)
    before, behind = clean[: found[0].start], clean[last.end :]
    denied = _NO.search(between) or (_NO.search(behind) and not _NO.search(before))
    if not denied or _CHANGED.search(clean) or not _DENIES.fullmatch(between):
        return False
    return bool(_AROUND.fullmatch(f"{before} {behind}"))


def _without(clean: str, sides: list[Found], start: int, end: int) -> str:
    """A piece of the text less the side that stands in it."""
    for one in sides:
        if start <= one.start < end:
            return f"{clean[start : one.start]} {clean[one.end : end]}"
    return clean[start:end]


def names_alone(clean: str) -> bool:
    """Whether some clause of an English text is a part and small words."""
    if patterns.LESS.search(clean):
        return False
    rest, at = "", 0
    for one in found_in(clean):
        rest += clean[at : one.start] + ("_" if one.scope is not None else "")
        at = one.end
    for clause in _STOP.split(rest + clean[at:]):
        if "_" in clause and not _SMALL.sub("", clause).strip("_"):
            return True
    return False


def denies(clean: str) -> bool:
    """Whether anything is taken back, ruled out or filtered: without, nothing is contradicted."""
    return _DENIED.search(clean) is not None
