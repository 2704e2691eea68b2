"""Which side each part in a text has: before it, behind it, or behind the list it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard, TypeVar

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.found import Found, found_in
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import Part, Scope, Union, part, union

Named = TypeVar("Named", bound=Scope)


def bind(found: Sequence[Found], text: str) -> list[Scope]:
    """The parts with their sides."""
    return _bind(found, text)[0]


def shares_side(text: str) -> bool:
    """ "Hip and knee on the left": whether a side behind a list is that of all of it."""
    return _bind(found_in(text), text)[1]


def _bind(found: Sequence[Found], text: str) -> tuple[list[Scope], bool]:
    scopes: list[Scope] = []
    shared = False
    side: str | None = None
    carried = False  # whether the side is that of the part before
    lent = False  # whether the last part has such a side: one of its own counts for more
    for at, item in enumerate(found):
        if item.side is not None:
            if _is_of_both(found, at):
                side = None
                continue
            # "arm on the left", "膝关节（右）": a side behind its part.
            before = found[at - 1] if at else None
            behind = before is not None and before.scope is not None and scopes
            gap = text[before.end : item.start] if before is not None else ""
            follows = found[at + 1] if at + 1 < len(found) else None
            near = follows is not None and takes_side(follows, text[item.end : follows.start])
            if behind and not near and patterns.BEHIND.fullmatch(gap):
                last = before.scope if lent and before is not None else scopes[-1]
                if is_unsided(last):
                    scopes[-1] = on_side(last, item.side)
                    shared = _share(scopes, found[:at], text, item.side) or shared
                continue
            both = patterns.BOTH_SIDES.fullmatch(gap) and side is not None and not behind
            side, carried = None if both else item.side, False
            continue
        if item.scope is None:
            continue
        scope = item.scope
        named = found[at - 1].scope if lent and at else scopes[-1] if scopes else None
        gap = text[found[at - 1].end : item.start] if at else ""
        if scope in HALVES and is_unsided(named) and gap.strip() in ("on", "of", "at"):
            # "the hip on the right side"
            scopes[-1] = on_side(named, HALVES[scope])
            shared = _share(scopes, found[:at], text, HALVES[scope]) or shared
            continue
        lent = carried and is_unsided(scope)
        if side and is_unsided(scope):
            scope = scope if item.both else on_side(scope, side)
        elif side and isinstance(scope, Union):
            scope = union([on_side(one, side) for one in scope.items])  # 左膝以下
        elif isinstance(scope, Part) and scope.name == "eyebrow" and side:
            scope = part(f"{side}_eyebrow")
        scopes.append(scope)
        between = text[item.end : found[at + 1].start] if at + 1 < len(found) else ""
        carried = bool(side) and bool(patterns.KEEPS_SIDE.fullmatch(between))
        side = side if carried else None
    return scopes, shared


def _is_of_both(found: Sequence[Found], at: int) -> bool:
    """左右: a side beside the other is none."""
    beside = (found[at - 1] if at else None, found[at + 1] if at + 1 < len(found) else None)
    here = found[at]
    return any(
        one is not None
        and one.side not in (None, here.side)
        and here.end - here.start == 1
        and (one.end == here.start or here.end == one.start)
        for one in beside
    )


def is_unsided(scope: Scope | None) -> TypeGuard[Part]:
    """Whether this is a part that has sides and names none."""
    return isinstance(scope, Part) and scope.name in PAIRED and scope.side is None


def on_side(scope: Named, side: str | None) -> Named:
    """A part that has sides and names none, on this side; anything else as it is."""
    named = side is not None and is_unsided(scope)
    return part(f"{side}_{scope.name}") if named else scope  # type: ignore[union-attr,return-value]


def with_side(text: str, found: Sequence[Found], word: str | None) -> str:
    """The text with this side said before each of the parts found in it that names none."""
    for one in reversed(found if word else ()):
        if is_unsided(one.scope):
            text = f"{text[: one.start]}{word}{text[one.start :]}"
    return text


def _share(scopes: list[Scope], found: Sequence[Found], text: str, side: str) -> bool:
    """Gives the parts before the last one its side, as far as the list goes back."""
    shared = False
    for back in range(2, min(len(scopes), len(found)) + 1):
        one, item, behind = scopes[-back], found[-back], found[-back + 1]
        gap = text[item.end : behind.start]
        plain = is_unsided(one) and not item.both
        plural = text[item.start : item.end].endswith("s")
        if item.scope is None or not plain or plural or not patterns.SHARES.fullmatch(gap):
            break
        if gap.strip() == "," and (back == 2 or not text[item.end - 1].isascii()):
            break
        scopes[-back] = on_side(one, side)
        shared = True
    return shared


HALVES: dict[Scope, str] = {Part("left_side"): "left", Part("right_side"): "right"}


def takes_side(item: Found, gap: str) -> bool:
    """Whether a side just before belongs to this part rather than to the one behind it."""
    return is_unsided(item.scope) and len(gap) <= 6 and not patterns.JOINS.search(gap)
