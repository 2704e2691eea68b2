"""What a text says after it has corrected itself: "left arm, no, the right one".

Of a list the part goes that is named anew, else the last; a side alone corrects the part before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.binding import bind, takes_side, with_side
from posealign.instructions.found import Found, found_in
from posealign.instructions.query import Part
from posealign.instructions.sets import CORE, is_within, meant
from posealign.instructions.sides import called


@lru_cache(maxsize=1024)
def is_corrected(text: str) -> bool:
    return bool(patterns.CORRECTION.search(text)) or after_correction(text) != text


@lru_cache(maxsize=1024)
def after_correction(text: str) -> str:
    """What stands after the last correction; a bare side there corrects the part before."""
    if patterns.REST.search(text):
        return text
    matches = list(patterns.CORRECTION.finditer(text))
    for match in reversed(matches):
        before, after = text[: match.start()], text[match.end() :]
        found = found_in(after)
        if any(item.scope for item in found):
            stop = after[:1] in _STOPS
            if (
                match[0].endswith("no")
                and not stop
                and (_within(found, before) or _is_bare(found, after))
            ):
                continue  # "the whole body, no shoulders"; "arms. no legs"
            skipped = _NOS.match(after)
            if skipped is not None and skipped.end():
                after = after[skipped.end() :]
                found = found_in(after)
            if _is_added(match[0], after, found):
                continue
            return (
                _carried(before, after, found)
                or _turned_first(before, after, found)
                or _listed(before, after, found)
                or after
            )
        turned = _turned(before, found)
        if turned is not None:
            return turned
    negated = patterns.NOT_BUT.search(text)
    if negated:
        found = found_in(negated[1])
        if any(item.scope for item in found):
            return negated[1]
        return _turned(text[: negated.start(1)], found) or negated[1]
    return text


_STOPS = (",", ".", "!", ":", ";", "—", "–")
# "Hang on, no: the whole leg" takes nothing away, "no legs" does.
_NOS = re.compile(
    r"\W*(?:\b(?:no|nope|nah)\b(?=\s*[,:;.!—–]|\s+(?:the|her|his|its|i|it's|that's|wait|left|right|"
    r"sorry|make|no|just|only)\b)\W*)+"
)
_MILD = ("actually", "wait", "hang on", "i mean", "等等", "其实是", "还是", "应该是", "等一下")


def _turned_first(before: str, after: str, found: Sequence[Found]) -> str | None:
    """ "Left arm, no, right, and the foot": the side alone corrects, and more is named behind."""
    if not _leads(found, after):
        return None
    turned = _turned(before, found[:1])
    return f"{turned} , {after[found[0].end :]}" if turned is not None else None


def _carried(before: str, after: str, found: Sequence[Found]) -> str | None:
    """ "The left need, I mean knee": the side of a slip that names no part is the part's."""
    slipped = found_in(before)
    if len(slipped) != 1 or slipped[0].side is None or any(item.side for item in found):
        return None
    return with_side(after, found, f"{slipped[0].side} ")


def _leads(found: Sequence[Found], after: str) -> bool:
    """Whether a side stands first that is of no part behind it."""
    alone = found[0].side is not None
    return alone and not takes_side(found[1], after[found[0].end : found[1].start])


@lru_cache(maxsize=1024)
def corrects_list(text: str) -> bool:
    """Whether a correction changes one part of a list, or says the whole list anew."""
    matches = [] if patterns.REST.search(text) else list(patterns.CORRECTION.finditer(text))
    for match in reversed(matches):
        before, after = text[: match.start()], text[match.end() :]
        items, found = found_in(before), found_in(after)
        if not any(item.scope for item in found):
            continue
        if _turned_first(before, after, found) is None and _listed(before, after, found):
            return True
        bound, anew = bind(items, before), bind(found, after)
        names = [one.name for one in bound if isinstance(one, Part)]
        said = [one.name for one in anew if isinstance(one, Part)]
        whole = names == said or (len(said) > 1 and set(bound) & set(anew))
        return len(names) > 1 and bool(whole) and bound != anew and is_list(items, before)
    return False


def _listed(before: str, after: str, found: Sequence[Found]) -> str | None:
    """ "Head, left elbow, no, right elbow, and hips": of a list what goes is the part that is named
    anew, else the last; who names another of them again says the whole list anew.
    """
    items = found_in(before)
    bound, anew = bind(items, before), bind(found, after)
    places = [at for at, item in enumerate(items) if item.scope is not None]
    if len(places) < 2 or len(bound) != len(places) or not is_list(items, before):
        return None
    names = [one.name for one in bound if isinstance(one, Part)]
    said = [one.name for one in anew if isinstance(one, Part)]
    closed = patterns.JOINS_LAST.search(before[items[places[-2]].end : items[places[-1]].start])
    if "all" in names or set(anew) & set(bound) or len(set(said) & set(names)) > 1:
        return None
    if all(is_within(one, anew[0]) for one in bound) or len(set(bound)) < 2:
        return None
    if closed and len(anew) >= len(bound) and not set(said) & set(names):
        return None
    if patterns.OUT_BEFORE.search(after[: found[0].start]):
        return None  # "…, wait, not the knees" takes one back
    same = [at for at, name in enumerate(names) if said and name == said[0]]
    place = places[same[-1] if same else -1]
    lone = items[place - 1].side is not None and place > 0
    start = items[place - 1].start if lone else items[place].start
    rest = before[items[place].end : items[places[-1]].end]
    return f"{before[:start]} ; {rest} ; {after}"


def is_list(items: Sequence[Found], text: str) -> bool:
    """Whether nothing but what joins a list stands between the parts, and nothing is left out."""
    gaps = (text[a.end : b.start] for a, b in pairwise(items))
    lead = text[: items[0].start]
    return not patterns.OUT_BEFORE.search(lead) and all(
        patterns.LISTED.fullmatch(gap) for gap in gaps
    )


def _is_bare(found: Sequence[Found], after: str) -> bool:
    """Whether a part follows at once, without article or side: "no legs" takes nothing back."""
    return found[0].scope is not None and not after[: found[0].start].strip(" ")


def _is_added(word: str, after: str, found: Sequence[Found]) -> bool:
    """ "The left foot, hmm, actually the right foot too": no correction."""
    alone = sum(item.scope is not None for item in found) == 1 and not _leads(found, after)
    return alone and word.strip(" ,.:") in _MILD and bool(patterns.ALSO.search(after))


def _within(found: Sequence[Found], before: str) -> bool:
    """Whether the first part found is a part of what was named before."""
    first = next(item.scope for item in found if item.scope)
    named = [meant(item.scope) for item in found_in(before) if item.scope]
    return any(meant(first) & CORE < joints & CORE for joints in named)


def _turned(before: str, found: Sequence[Found]) -> str | None:
    """The part named before on the side that was found alone: "… left wrist. The right." """
    sides = [item.side for item in found if item.side]
    parts = [item for item in found_in(before) if item.scope]
    named = parts[-1].scope if parts else None
    if not sides or not isinstance(named, Part):
        return None
    return called(named.name, sides[0], "en")
