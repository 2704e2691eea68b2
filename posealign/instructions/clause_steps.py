"""What a clause does to the parts named before it: it takes one back, or keeps a piece of one.

"Hips, knees, ankles, wait, not the knees" and "both arms, but of the left one only the wrist" are
read here, whatever the parts are; clauses.py reads the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions import keywords
from posealign.instructions.binding import bind, on_side
from posealign.instructions.clause_chains import read_chain
from posealign.instructions.corrections import is_corrected, is_list
from posealign.instructions.found import Found, found_in
from posealign.instructions.query import ALL, Except, Part, Scope, Union, union
from posealign.instructions.sets import is_within, meant

Reader = Callable[[str], Scope | None]
_STOP = re.compile(r"[,;:.!?。、(（—]")
_OF = re.compile(r"(?:\b(?:of|from|on|in)\s+)?(?:(?:the|his|her|its|their)\s+)?$")
_INSIDE = re.compile(r"(?:里面?|当中|中|上)?[的把将]?")
# One part takes the place of another, named before or behind it.
_FOR = re.compile(
    r"\b(?:instead of|in place of|in lieu of|rather than|where i (?:said|wrote|put))\b|,? not\b"
)
_SWAP = re.compile(r"\b(?:swap|replace|change|exchange|trade|turn)\b|把|将")
_INTO = re.compile(r"\b(?:for|with|by|to|into)\b|换成|改成|改为|换为|变成|应该是|应该写|应为|要换")
_PLAINLY_INTO = re.compile(r"换成|改成|改为|换为|应该是|应为|should (?:have been|be|say)")
_HAN = re.compile("[\u3400-\u9fff]")
_OTHERS = re.compile(r"\b(?:my|our|own|nurse|mum|mom|dad|adult)(?:'s)?\b|妈|爸|护士|大人")
_NOT_GIVEN = re.compile(
    r" (?:is|are) (?:not|out|gone)\b"
    r"|(?:就|都)?(?:不用|不要|不算|不需|不纳|别)(?![^,。;]*[别其余剩])"
)
_FAR = 14  # characters behind a part that may still deny it


@dataclass(frozen=True)
class _Named:
    """A part as the text names it: `start` and `end` with its side."""

    scope: Scope
    start: int
    end: int
    found: Found


@lru_cache(maxsize=1024)
def _named(text: str) -> tuple[_Named, ...]:
    """The parts of a text with their sides; none where sides and parts do not fit together."""
    found = found_in(text)
    places = [at for at, item in enumerate(found) if item.scope is not None]
    bound = bind(found, text)
    if len(bound) != len(places):
        return ()
    rows = []
    for scope, at in zip(bound, places, strict=True):
        start, end = found[at].start, found[at].end
        side = scope.side if isinstance(scope, Part) else None
        before = found[at - 1] if at else None
        behind = found[at + 1] if at + 1 < len(found) else None
        if before is not None and before.side == side and side and start - before.end < 2:
            start = before.start
        elif behind is not None and behind.side == side and side:
            gap = text[end : behind.start]
            end = behind.end if patterns.BEHIND.fullmatch(gap) else end
        rows.append(_Named(scope, start, end, found[at]))
    return tuple(rows)


def parts_of(scope: Scope) -> list[Scope]:
    return list(scope.items) if isinstance(scope, Union) else [scope]


# One is taken back ----------------------------------------------------------------------------


def taken_back(text: str) -> Scope | None:
    """ "Shoulders, elbows, scratch the elbows, knees": a list without what it names twice."""
    named = _named(text)
    for at in range(len(named) - 1, 1, -1):
        between = text[named[at - 1].end : named[at].start]
        if not _STOP.search(between) or _OTHERS.search(between) or not _denied(text, named, at):
            continue
        last = at
        while last + 1 < len(named) and _named_before(named, last + 1, at):
            if not patterns.LISTED.fullmatch(text[named[last].end : named[last + 1].start]):
                break
            last += 1
        again = {n for one in range(at, last + 1) for n in _named_before(named, one, at)}
        listed = [item for item in found_in(text) if item.start < named[at - 1].end]
        if not again or not is_list(listed, text) or read_chain(text[: named[at - 1].end]):
            continue
        kept = [item.scope for n, item in enumerate(named[:at]) if n not in again]
        if last + 1 < len(named):
            later = keywords.read_sum(text[named[last].end :])
            kept += parts_of(later) if later is not None else []
        if not kept or any(is_within(named[n].scope, one) for n in again for one in kept):
            return None
        return union(list(dict.fromkeys(kept)))
    return None


def _named_before(named: Sequence[_Named], one: int, until: int) -> list[int]:
    return [n for n in range(until) if _same(named[n].scope, named[one].scope)]


def _same(earlier: Scope, later: Scope) -> bool:
    if not isinstance(earlier, Part) or not isinstance(later, Part):
        return earlier == later
    return earlier.name == later.name and later.side in (None, earlier.side)


def _denied(text: str, named: Sequence[_Named], at: int) -> bool:
    before = text[named[at - 1].end : named[at].start]
    last = named[at + 1].start if at + 1 < len(named) else len(text)
    behind = text[named[at].end : min(last, named[at].end + _FAR)].lstrip(" ,")
    stop = _STOP.search(behind)
    behind = behind[: stop.start()] if stop else behind
    return bool(patterns.OUT_BEFORE.search(before) or patterns.OUT_BEHIND.search(behind))


def exchanged(text: str) -> Scope | None:
    """ "Knees and hips; elbows where I said knees", 头和手,手换成脚: one of a list by another."""
    named = _named(text)
    for at in range(2, len(named) - 1):
        first, second = named[at], named[at + 1]
        gap = text[first.end : second.start]
        lead = text[named[at - 1].end : first.start]
        if _FOR.search(gap):
            old, new = second, first
        elif _PLAINLY_INTO.search(gap) or (_SWAP.search(lead) and _INTO.search(gap)):
            old, new = first, second
        else:
            continue
        listed = [item for item in found_in(text) if item.start < named[at - 1].end]
        places = [n for n in range(at) if _same(named[n].scope, old.scope)]
        if not places or not is_list(listed, text):
            continue
        kept = [new.scope if n in places else item.scope for n, item in enumerate(named[:at])]
        kept += [item.scope for item in named[at + 2 :]]
        return union(list(dict.fromkeys(kept)))
    return None


# A whole is named again, for what is not wanted of it -----------------------------------------


def without_echo(text: str) -> str:
    """ "Shoulders and left leg, from the leg no foot" without the second leg."""
    named = () if is_corrected(text) else _named(text)
    for at in range(1, len(named) - 1):
        whole, inner = named[at], named[at + 1]
        if not any(_same(item.scope, whole.scope) for item in named[:at]):
            continue
        if not _inside(inner.scope, whole.scope):
            continue
        gap = text[whole.end : inner.start]
        inside = _INSIDE.fullmatch(gap) and _denied(text, named, at + 1)
        between = text[named[at - 1].end : whole.start]
        if not _STOP.search(between) or not (inside or patterns.OUT_BEFORE.search(gap)):
            continue
        lead = _OF.search(text, 0, whole.start)
        start = lead.start() if lead else whole.start
        if inside:
            return text[:start] + text[inner.start :]
        without = "不要" if _HAN.search(gap) else "without "
        return text[:start] + without + text[inner.start :]
    return text


# Of a whole only a piece ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """What is wanted of a whole, and where the text says so."""

    whole: Part
    parts: tuple[Scope, ...]
    start: int
    end: int
    less: bool = False  # the parts are taken from it, not kept of it

    def scopes(self) -> tuple[Scope, ...]:
        return (Except(self.whole, union(list(self.parts))),) if self.less else self.parts


def restricted(text: str, read: Reader) -> Scope | None:
    """ "Both arms, but of the left one only the wrist": the rest is read as if it stood alone."""
    pieces = _pieces(text)
    if not pieces:
        return None
    at, rest = 0, ""
    for piece in pieces:
        rest += f"{text[at : piece.start]} ; "
        at = piece.end
    rest += text[at:]
    wanted = [scope for piece in pieces for scope in piece.scopes()]
    if _only_denies(rest, pieces):
        return union(list(dict.fromkeys(wanted)))
    others = read(rest) if found_in(rest) else None
    if others is None:
        alone = len(pieces) == 1 and not pieces[0].less
        return None if alone else union(list(dict.fromkeys(wanted)))
    for piece in pieces:
        if meant(others) & meant(piece.whole):
            others = Except(others, piece.whole)
    return union(list(dict.fromkeys([*parts_of(others), *wanted])))


def _only_denies(rest: str, pieces: Sequence[_Piece]) -> bool:
    """ "Of the left leg hip and knee, ankle not needed": what is denied was not given anyway."""
    named = _named(rest)
    wholes = [piece.whole for piece in pieces if not piece.less]
    return bool(named) and all(
        any(_inside(item.scope, whole) for whole in wholes)
        and (
            patterns.OUT_BEHIND.search(_STOP.split(rest[item.end :])[0])
            or _denied_at(rest, named, at)
        )
        for at, item in enumerate(named)
    )


def _pieces(text: str) -> list[_Piece]:
    named = _named(text)
    found: list[_Piece] = []
    plain: list[_Piece] = []
    at = 1
    while at < len(named):
        whole, first = named[at - 1], named[at]
        gap = text[whole.end : first.start]
        given = patterns.GIVEN.fullmatch(gap) and not _denied_at(text, named, at - 1)
        taken = not given and patterns.TAKEN.fullmatch(gap)
        if not (given or taken) or not _inside(first.scope, whole.scope):
            at += 1
            continue
        meant_whole = _as_before(named, at - 1)
        last = at
        while last + 1 < len(named) and _goes_on(text, named, last, meant_whole):
            last += 1
        wanted = tuple(on_side(item.scope, meant_whole.side) for item in named[at : last + 1])
        lead = _OF.search(text, 0, whole.start)
        start = lead.start() if lead else whole.start
        owned = text[start : whole.start].startswith(("of ", "from "))
        end = named[last].end
        if given and _NOT_GIVEN.match(text, end):
            at = last + 2
            continue  # "the upper arm, only the shoulder is not needed"
        if taken:
            tail = text[end:]
            skipped = len(tail) - len(tail.lstrip(" 都也全就"))
            behind = patterns.OUT_BEHIND.match(tail, skipped)
            if not (owned if gap.isascii() else behind):
                at = last + 2
                continue
            end += behind.end() if behind else 0
        piece = _Piece(meant_whole, wanted, start, end, bool(taken))
        told = bool(taken) or patterns.ONLY.search(gap) or owned
        (found if told else plain).append(piece)
        at = last + 2
    sided = all(piece.whole.side for piece in plain)
    if plain and (len(plain) + len(found) > 1) and sided:
        found = sorted([*found, *plain], key=lambda piece: piece.start)
    return found


def _as_before(named: Sequence[_Named], at: int) -> Part:
    """The whole at this place; with the side it was named with before: "left leg; of the leg …"."""
    scope = named[at].scope
    earlier = [item.scope for item in named[:at] if _same(item.scope, scope)]
    found = earlier[-1] if earlier else scope
    assert isinstance(found, Part)
    return found


def _denied_at(text: str, named: Sequence[_Named], at: int) -> bool:
    lead = text[named[at - 1].end if at else 0 : named[at].start]
    return bool(patterns.OUT_BEFORE.search(lead))


def _inside(inner: Scope, whole: Scope) -> bool:
    if not isinstance(whole, Part) or whole == ALL:
        return False
    one = on_side(inner, whole.side)
    return one != whole and is_within(one, whole)


def _goes_on(text: str, named: Sequence[_Named], at: int, whole: Part) -> bool:
    gap = text[named[at].end : named[at + 1].start]
    joined = patterns.LISTED.fullmatch(gap) and not re.search(r"[,;]\s*(?:and|then|also|plus)", gap)
    return bool(joined) and _inside(named[at + 1].scope, whole)
