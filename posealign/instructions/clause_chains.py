"""Chains: the way between the parts on both sides of joining words, and what stands around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from posealign.errors import InvalidQuery
from posealign.instructions import keyword_patterns as patterns
from posealign.instructions import keywords
from posealign.instructions.binding import HALVES, is_unsided, on_side
from posealign.instructions.clause_patterns import chains
from posealign.instructions.found import Found, found_in
from posealign.instructions.parts import joints_of
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.query import ALL, Chain, Except, Part, Scope, Union, union

# More is named behind a chain.
_MORE = re.compile(
    r"[\s,;.]*(?:(?:\b(?:segment|stretch|section|part|span)\b|这?一?段)[\s,;.]*)?"
    r"(?:\b(?:and|plus|with|together with|as well as|also|then)\b|[加和跟]|还有|另|外加|再)"
)
_STOP = re.compile(r"\s*[,;/、]")
_WORDS = re.compile(r"[^\W\d_]+")
_FAR = 8  # characters between a part and 到


def read_chain(text: str) -> Scope | None:
    """The way between the parts on both sides of the joining words, and what stands before it."""
    best: tuple[int, Scope] | None = None
    for pattern in chains():
        if pattern.needle not in text:
            continue
        match = pattern.regexes[-1].search(text)
        if match is None or (best is not None and pattern.weight <= best[0]):
            continue
        before, after = match["a"], text[match.start("b") :]
        firsts, lasts = found_in(before), found_in(after)
        a = next((item for item in reversed(firsts) if item.scope is not None), None)
        b = next((item for item in lasts if item.scope not in (None, ALL)), None)
        if a is None or b is None:
            continue
        if pattern.bare and not (_close(before[a.end :]) and _close(after[: b.start])):
            continue
        until = _until(after, lasts)
        try:
            linked = _linked(_end(before), _end(after[:until]))
        except InvalidQuery:
            continue
        if linked is None:
            continue
        scope: Scope = linked
        lead = f"{match.groupdict().get('pre') or ''} , {before[: _since(firsts)]}"
        rest = keywords.read_sum(lead)
        if rest is not None and _left_out(lead, after[until:]):
            scope = Except(rest, _on_side(linked, rest) if isinstance(rest, Part) else linked)
        elif isinstance(rest, Part) and rest != ALL and _holds(rest, linked):
            scope = _on_side(linked, rest)  # "the left leg from hip to ankle"
        elif rest is not None and rest != ALL and not isinstance(rest, Chain):
            scope = union([rest, scope])
        more = after[until:] if _MORE.match(after, until) else ""
        further = read_chain(more) or keywords.read_sum(more) if more else None
        if not more and _STOP.match(after, until):  # "left shoulder to elbow; right hip to knee"
            next_way = read_chain(after[until:])
            denied = patterns.OUT_BEFORE.search(after, until) or patterns.OUT_BEHIND.search(
                after, until
            )
            further = next_way if isinstance(next_way, Chain) and not denied else None
        if further is not None and further != ALL:
            scope = union([scope, further])
        elif not more:
            scope = _less(scope, after[until:])
        best = (pattern.weight, scope)
    return best[1] if best else None


def _left_out(lead: str, behind: str) -> bool:
    """ "Everything that isn't between …", 全身,…到…去掉: whether the words around deny it."""
    named = [item for item in found_in(lead) if item.scope is not None]
    if not named:  # the sum speaks of the whole body in other words
        return False
    at = 0 if named[0].scope == ALL else -1  # "the whole skeleton, skip everything from …"
    if patterns.OUT_BEFORE.search(lead, named[at].end):
        return True
    follows = found_in(behind)
    close = behind[: follows[0].start if follows else None]
    return named[-1].scope == ALL and bool(patterns.OUT_BEHIND.search(close))


def _less(scope: Scope, behind: str) -> Scope:
    """ "From hip to ankle, only not the knee": less what is denied behind it."""
    found = found_in(behind)
    if not found:
        return scope
    until = max(item.end for item in found)
    before, after = behind[: found[0].start], behind[until:]
    if patterns.OUT_BEFORE.search(before) or patterns.OUT_BEHIND.search(
        after.lstrip(" ,就都也本身")
    ):
        removed = keywords.read_sum(behind)
        return scope if removed is None or removed == ALL else Except(scope, removed)
    return scope


def _holds(whole: Part, chain: Chain) -> bool:
    """Whether both ends are parts of it."""
    if whole in HALVES:  # "the right side from hip to ankle"
        return all(is_unsided(end) for end in (chain.start, chain.end))
    sides = {chain.start.side, chain.end.side} - {None, whole.side}
    inside = joints_of(whole.name)
    return not sides and all(joints_of(end.name) <= inside for end in (chain.start, chain.end))


def _on_side(chain: Chain, whole: Part) -> Chain:
    side = HALVES.get(whole, whole.side)
    return Chain(on_side(chain.start, side), on_side(chain.end, side))


def _since(found: Sequence[Found]) -> int:
    """The start of the last part found, with a side before or behind it."""
    at = max(n for n, item in enumerate(found) if item.scope is not None)
    if at and found[at].scope in HALVES and is_unsided(found[at - 1].scope):
        at -= 1  # "the hip of the left side"
    return found[at - 1 if at and found[at - 1].side is not None else at].start


def _until(text: str, found: Sequence[Found]) -> int:
    """The end of the first part in the text, with a side behind it."""
    at = next(n for n, item in enumerate(found) if item.scope not in (None, ALL))
    following = found[at + 1] if at + 1 < len(found) else None
    gap = text[found[at].end : following.start] if following is not None else ""
    if following is None or not (patterns.BEHIND.fullmatch(gap) or gap.strip() in ("on", "of")):
        return found[at].end
    if following.side is not None or following.scope in HALVES:
        return following.end
    return found[at].end


def _end(text: str) -> Part | None:
    scope = keywords.parts_in(text)
    if isinstance(scope, Union):
        scope = scope.items[-1]
    return scope if isinstance(scope, Part) and scope != ALL else None


def _linked(first: Part | None, last: Part | None) -> Chain | None:
    if first is None or last is None or first == last:
        return None
    first, last = on_side(first, last.side), on_side(last, first.side)
    return Chain(first, last) if joints_of(first.name) and joints_of(last.name) else None


@cache
def _small() -> frozenset[str]:
    books = [phrasebook(name) for name in LANGUAGES]
    forms = [(b.determiners, b.owners, b.points, b.single, b.both, b.sided) for b in books]
    said = " ".join(text for rows in forms for row in rows for text in row)
    sides = " ".join(word for book in books for row in book.sides.values() for word in row)
    extra = "joint joints point points keypoint keypoints side both down downward downwards up"
    extra += " upward upwards all way one just only of on that is s baby infant newborn neonate bub"
    return frozenset(_WORDS.findall(f"{said} {sides} {extra}".lower()))


def is_small(text: str) -> bool:
    """Whether its Latin words only help to name a part."""
    return all(word in _small() for word in _WORDS.findall(text) if word.isascii())


def _close(gap: str) -> bool:
    """Nothing but small words between a part and the word that links it."""
    return (
        is_small(gap)
        and sum(len(word) for word in _WORDS.findall(gap) if not word.isascii()) <= _FAR
    )
