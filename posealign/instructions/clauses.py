"""Clauses and what joins them: a phrasebook's exceptions and chains, read backwards.

Wording fills "{x} with {y} left out"; here the same pattern takes a text apart, each piece is
read by itself and the pieces are put together by set algebra (clause_exceptions.py). So shapes
that no training text has, an exception inside a sum or a chain less something, need words but no
examples. What is found is one more reading for candidates.py to weigh.
"""

from __future__ import annotations

import re

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions import keywords
from posealign.instructions.binding import HALVES, bind, is_unsided, on_side, shares_side
from posealign.instructions.clause_chains import read_chain
from posealign.instructions.clause_exceptions import read_exception, read_piece
from posealign.instructions.clause_steps import (
    exchanged,
    parts_of,
    restricted,
    taken_back,
    without_echo,
)
from posealign.instructions.corrections import after_correction, corrects_list
from posealign.instructions.found import Found, found_in, unnamed
from posealign.instructions.ledger import settled
from posealign.instructions.query import ALL, Chain, Except, Part, Scope, Union, union
from posealign.instructions.sets import (
    is_within,
)

_NO_SIDE = re.compile(r"\b(?:am i right|right now|right away|all ?right|that'?s right)|,\s*right\?")
# 膝盖只要左: a side behind its part, no correction.
_ONLY_SIDE = re.compile(
    r"[,，]?只?要([左右])(?:半?边儿?|面|侧|方|手边)?的?(?=$|[^\w]|[~到至和与跟及也就两双别不除扣减去]|姿态|骨架|部位|坐标|区|那)"
)
# "L and R", "b/l": no side is both.
_BOTH = re.compile(
    r"[,(]?\s*(?<![a-z])(?:l|left|lt)\b\.?\s*(?:and|&|\+|/)\s*(?:r|right|rt)(?![a-z])\.?\)?"
    r"|[,(]?\s*(?<![a-z])(?:r|right|rt)\b\.?\s*(?:and|&|\+|/)\s*(?:l|left|lt)(?![a-z])\.?\)?"
    r"|(?<![a-z])(?:b/l|bilat\w*)(?![a-z])\.?"
    r"|[,(]?(?:左右都要|两边都要|左右两边都要|双侧\)|左右两侧的?|左右两边的?)"
)
# Where a clause may begin that gives back what was taken away.
_CLAUSE = re.compile(
    r"[,;.:(。、]|\b(?:but|though|although|yet|however|except|save|apart|aside|barring|other|and|while|whereas)\b"
    r"|但|不过|可|却|只|唯独|倒"
)
# A side that stands by itself at the end.
_APART = re.compile(r"[,;:、]|除外|以外")
_SMALL_END = re.compile(
    r"(?:[\s).!。]|\b(?:only|ones?|side|hand|please|thanks)\b|[的侧边就行吧]|那|即可)*"
)
_DEPTH = 3  # exceptions inside exceptions
_SURE = 12  # fixed letters that leave no doubt


def read_clauses(clean: str) -> Scope | None:
    """The scope of a text, read clause by clause; None where it names no part."""
    return weigh_clauses(clean)[0]


def weigh_clauses(clean: str) -> tuple[Scope | None, str]:
    """The same, and how sure a reading it is: "settled" where every word of it is known, "told"
    where what is left out and what is kept lie within each other, "joined" where words join or
    part its clauses, else "".
    """
    outcome = settled(clean)
    if outcome is not None and outcome.scope is not None:
        return outcome.scope, "settled"
    text = _ONLY_SIDE.sub(r"(\1)", _NO_SIDE.sub(" ", _BOTH.sub(" ", clean)))
    piece = _pieced(text)
    if piece is not None:
        return piece, "told"
    text = without_echo(text)
    for reader in (_returned, exchanged, _only, taken_back):
        special = reader(text)
        if special is not None:
            return special, "told"
    said = read_exception(text, _DEPTH, _SURE)  # what is a remark is no correction
    if said is not None:
        return said, "joined"
    sure = corrects_list(text)
    text = after_correction(text)
    excepted = _all_on_side(read_exception(text, _DEPTH), text)
    scope = excepted if excepted is not None else read_piece(text, 0)
    joined = excepted is not None or (scope is not None and is_joined(scope))
    joined = joined or shares_side(text)
    if isinstance(excepted, Except) and isinstance(excepted.removed, Chain):
        return scope, "told"  # what is left out has two ends: nobody names those for less
    return scope, "told" if sure and excepted is None else "joined" if joined else ""


def _all_on_side(scope: Scope | None, text: str) -> Scope | None:
    """ "The leg minus the knee, left only": the one side that is said behind all holds for all."""
    if not isinstance(scope, Except) or not is_unsided(scope.scope):
        return scope
    found = found_in(text)
    last, sides = found[-1], sum(_side_of(item) is not None for item in found)
    side = _side_of(last)
    apart = side and _APART.search(text, found[-2].end, last.start)
    if sides != 1 or not apart or not _SMALL_END.fullmatch(text, last.end):
        return scope
    whole, gone = scope.scope, parts_of(scope.removed)
    if any(isinstance(one, Part) and one.name == whole.name for one in gone):
        return scope  # "feet, never mind the left"
    return Except(on_side(whole, side), union([on_side(one, side) for one in gone]))


def _side_of(item: Found) -> str | None:
    return item.side or (HALVES.get(item.scope) if item.scope is not None else None)


def _pieced(text: str) -> Scope | None:
    return restricted(text, lambda rest: read_exception(rest, _DEPTH) or read_piece(rest, 0))


def is_joined(scope: Scope) -> bool:
    """Whether grammar is in it, not parts and their sums alone."""
    if isinstance(scope, Union):
        return any(is_joined(item) for item in scope.items)
    return isinstance(scope, Except | Chain)


def is_composed(scope: Scope) -> bool:
    """Whether one kind of joint stands inside another."""
    if isinstance(scope, Union):
        return any(is_joined(item) for item in scope.items)
    return isinstance(scope, Except) and (
        is_joined(scope.scope)
        or is_joined(scope.removed)
        or (scope.scope != ALL and not isinstance(scope.scope, Part))
        or (scope.scope != ALL and isinstance(scope.removed, Union))
    )


def _returned(text: str) -> Scope | None:
    """ "All but the arms, though keep the hands": a part of what was taken away is given back."""
    named = [item for item in found_in(text) if item.scope is not None]
    for at in range(1, len(named)):
        stops = [
            stop.start() for stop in _CLAUSE.finditer(text, named[at - 1].end, named[at].start)
        ]
        for stop in dict.fromkeys(stops[-1:] + stops[:1]):
            scope = _given_back(text[:stop], text[stop:])
            if scope is not None:
                return scope
    return None


def _given_back(kept: str, rest: str) -> Scope | None:
    surely = patterns.BACK_SURELY.search(unnamed(rest))  # "the backs of the feet" give nothing
    if not surely and not (patterns.CONTRAST.search(rest) and patterns.BACK.search(rest)):
        return None
    back = keywords.read_sum(rest)
    if back is None or patterns.NOT_BACK.search(rest):
        return None
    wholes = [one for one in bind(found_in(kept), kept) if one != ALL]
    for whole in wholes:
        if isinstance(whole, Part) and is_within(on_side(back, whole.side), whole):
            back = on_side(back, whole.side)
    if not any(is_within(back, whole) for whole in wholes):
        return None
    gone = _gone(kept)
    options = (read_exception(kept, _DEPTH), gone)
    for less in options[::-1] if gone is not None and gone.scope != ALL else options:
        if isinstance(less, Except) and is_within(back, less.removed):
            return union([less, back])
    return None


def _only(text: str) -> Scope | None:
    """ "Of the left leg just the ankle": a whole is named for the part of it that is wanted."""
    named = [item for item in found_in(text) if item.scope is not None]
    tail = patterns.ENOUGH.search(text, named[-1].end) if len(named) > 1 else None
    for at in range(1, len(named)):
        gap = text[named[at - 1].end : named[at].start]
        if not patterns.ONLY.search(gap) and not (tail and at == len(named) - 1):
            continue
        cut = named[at - 1].end
        if patterns.LESS.search(text, cut) or patterns.ADDED.search(gap):
            return None
        if patterns.OUT_BEHIND.match(gap.lstrip(" 全都")):
            return None  # "the right arm is out, only leave the wrist"
        if read_chain(text[cut:]) is not None:
            return None
        whole = keywords.parts_in(text[:cut])
        wanted = keywords.parts_in(text[cut:])
        if isinstance(whole, Part) and wanted is not None:
            inner = [on_side(item, whole.side) for item in parts_of(wanted)]
            if all(whole == ALL or is_within(item, whole) for item in inner):
                return union(list(dict.fromkeys(inner)))
        return None
    return None


def _gone(text: str) -> Except | None:
    """ "The arms can go": all but what is named."""
    named = keywords.read_sum(text) if patterns.GONE.search(text) else None
    if named is None or named == ALL:
        return None
    whole, *inner = parts_of(named)
    if inner and all(is_within(item, whole) for item in inner):
        return Except(whole, union(inner))  # "the upper half, arms out"
    return Except(ALL, named)
