"""The parts that a text names, each with its side, and the text with a letter for each of them.

A side by itself is that of the part before ("胳膊,右边那条先放放"), and of a whole and its piece
the piece is meant (左腿的脚).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from posealign.instructions.binding import is_unsided, on_side
from posealign.instructions.found import Found, found_in
from posealign.instructions.keyword_patterns import KEEPS_SIDE
from posealign.instructions.query import ALL, Part, Scope
from posealign.instructions.sets import is_within
from posealign.instructions.sides import SIDES_HAN

FIRST = 0xE000  # from here on a letter stands for a part: normalised texts have none of these
WHOLE = "\ue0ff"
LETTER = "[\ue000-\ue0fe]"
_MOST = 12
_BETWEEN = ("", "的", " ", "边", "边的")  # a side and its part
_OWNS = ("的", "上的", "里的", "那边的", "它的", "上", "里")
_CHOSEN = re.compile("(?:就|只|仅|光|单)?[要看取标是留]?")  # 腕要左
# What makes a side one of a pair: 右边那条, left那个, 左边的.
_ONE = re.compile(r"(?:手?边|侧)?(?: ?的| ?那?[个只条边截侧俩半根头]| ?one| ?那)+|(?=$|[,;。!?])")


@dataclass(frozen=True)
class Mention:
    """A part, the words for it, and where they stand."""

    scope: Scope
    word: str
    start: int
    end: int
    both: bool = False  # "both …" was said

    @property
    def side(self) -> str | None:
        return self.scope.side if isinstance(self.scope, Part) else None


def mentions_in(text: str) -> tuple[Mention, ...] | None:
    """Parts with their sides; None where a side stands by itself and no part is before it."""
    found = found_in(text)
    if len(found) > _MOST:
        return None
    rows: list[Mention] = []
    at = 0
    while at < len(found):
        here, following = found[at], found[at + 1] if at + 1 < len(found) else None
        if here.side is None:
            assert here.scope is not None
            word = text[here.start : here.end]
            one = Mention(here.scope, word, here.start, here.end, here.both)
            carried = rows and not one.both and KEEPS_SIDE.fullmatch(text, rows[-1].end, one.start)
            rows.append(sided(one, rows[-1].side) if carried else one)
        elif following is not None and _is_of(here, following, text):
            word = text[following.start : following.end]
            assert following.scope is not None
            rows.append(sided(Mention(following.scope, word, here.start, following.end), here.side))
            at += 1
        else:
            alone = _alone(here, rows, text)
            if alone is None:
                return None
            if _CHOSEN.fullmatch(text, rows[-1].end, alone.start):
                alone = replace(alone, start=rows.pop().start)
            elif sum(is_unsided(row.scope) for row in rows) > 1:
                return None  # the side of one of them, or of all
            rows.append(alone)
        at += 1
    return tuple(_merged(rows, text))


def masked(text: str, mentions: Sequence[Mention]) -> str:
    """The text with a letter for each part."""
    said, at = "", 0
    for place, one in enumerate(mentions):
        said += text[at : one.start] + (WHOLE if one.scope == ALL else chr(FIRST + place))
        at = one.end
    return said + text[at:]


def listed(clause: str) -> list[int]:
    """The places of the parts that a masked clause names."""
    return [ord(letter) - FIRST for letter in clause if FIRST <= ord(letter) < ord(WHOLE)]


def same(before: Mention, later: Mention) -> bool:
    """Whether a part is named once more, perhaps without its side."""
    one, other = before.scope, later.scope
    if later.both or not isinstance(one, Part) or not isinstance(other, Part):
        return one == other
    return one.name == other.name and other.side in (None, one.side)


def within(inner: Scope, whole: Scope) -> bool:
    """Whether one is a piece of the other, on its side where it names none."""
    return is_within(on_side(inner, whole.side if isinstance(whole, Part) else None), whole)


def sided(one: Mention, side: str | None) -> Mention:
    """The mention on this side, where it names none."""
    if side is None or not is_unsided(one.scope):
        return one
    word = SIDES_HAN[side] + one.word
    return replace(one, scope=on_side(one.scope, side), word=word, both=False)


def _is_of(side: Found, one: Found, text: str) -> bool:
    return is_unsided(one.scope) and text[side.end : one.start] in _BETWEEN


def _alone(here: Found, rows: Sequence[Mention], text: str) -> Mention | None:
    """A side that is of the pair named before; of no other part between."""
    one = _ONE.match(text, here.end)
    pairs = [row for row in rows if is_unsided(row.scope)]
    if one is None or not pairs or not same(pairs[-1], rows[-1]):
        return None
    return replace(sided(pairs[-1], here.side), start=here.start, end=one.end())


def _merged(rows: list[Mention], text: str) -> list[Mention]:
    """Of a whole and its piece the piece, on the whole's side."""
    kept: list[Mention] = []
    for one in rows:
        before = kept[-1] if kept else None
        if (
            before is not None
            and (text[before.end : one.start] or text[before.end - 1]) in _OWNS
            and isinstance(before.scope, Part)
            and before.scope != ALL
            and within(one.scope, before.scope)
        ):
            piece = sided(one, before.scope.side)
            kept[-1] = replace(piece, start=before.start)
        else:
            kept.append(one)
    return kept
