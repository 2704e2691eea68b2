"""A phrasebook's exceptions, corrections and remarks read backwards: what is taken from what.

"{x} with {y} left out" takes a text apart and the pieces are read by themselves. Of the parts that
an exception names those go that the whole has; the others were named beside it.
"""

from __future__ import annotations

import re
from operator import add

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions import keywords
from posealign.instructions.clause_chains import is_small, read_chain
from posealign.instructions.clause_patterns import (
    Pattern,
    exceptions,
    exceptions_by_start,
    said_by_mistake,
)
from posealign.instructions.clause_steps import parts_of
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.query import ALL, Chain, Except, Part, Scope, Union, union
from posealign.instructions.sets import (
    CORE,
    Joints,
    candidates,
    instances,
    is_within,
    meant,
    subtract,
)

_BREAK = re.compile(r"(?<=\w\w\w)[.;](?=\s|$)|(?<=[\u3400-\u9fff])[.;。]|\n")
_DENYING = re.compile(
    r"\s*(?:and |also |也)?(?:(?:no|nor|not|skip|without|drop|leave out)\b|不要|别|不用)"
)
# "The trunk minus the hips, plus the neck": what is added behind what is taken away.
_PLUS = re.compile(
    r"[,;]\s*(?:and |but |then )*(?:plus|add(?:ing|ed)?|in addition)\b|\bplus\b"
    r"|[,;]?(?:再加|外加|另加|加)上?(?!强)"
)
# Between what is asked and what is not; what a joining word begins goes on with the list.
_CUT = re.compile(r"[,;(]")
_JOINING = re.compile(
    r"\s*(?:(?:and|also|then|plus|together with|along with|as well as|besides)\b"
    r"|还有|以及|再[加来]|另外|外加|[和跟与同及加])"
)


def read_piece(text: str, depth: int) -> Scope | None:
    if depth:
        excepted = read_exception(text, depth)
        if excepted is not None:
            return excepted
    return read_chain(text) or keywords.read_sum(text)


def read_exception(text: str, depth: int, remark: int = 0) -> Scope | None:
    """The reading by the pattern that fixes most of the text; with `remark`, by remarks alone."""
    known = exceptions_by_start()
    starts = known.keys() & {*text, *map(add, text, text[1:])}
    places = sorted(place for start in starts for place in known[start])
    for pattern in (exceptions()[place] for place in places):
        if pattern.needle not in text or (remark and not pattern.aside):
            continue
        if pattern.weight < remark:
            break
        if pattern.regexes[-1].search(text) is None:
            continue  # the loosest of them
        for regex in pattern.regexes:
            match = regex.search(text)
            if match is None:
                continue
            scope = _excepted(match, pattern, depth)
            if scope is not None:
                return scope
    return None


def _excepted(match: re.Match[str], pattern: Pattern, depth: int) -> Scope | None:
    found = match.groupdict()
    if found.get("post") and match.string[match.start("post") - 1].isalpha():
        following = found_in(found["post"])
        if following and following[0].start == 0:
            return None  # 要胳膊,不要腿: it is the legs that are not wanted
    before = " , ".join(filter(None, (found.get("pre"), found.get("x"))))
    removed_text, after = found["y"] or "", found.get("post") or ""
    if not pattern.behind and _JOINING.match(removed_text):
        return None  # 脖子不要和左胯: it is the neck that is not wanted
    if "x" in found and match.end("y") < match.start("x") and _ends_in_side(removed_text):
        return None  # 不算脚踝的左侧的小腿: the side is that of what follows
    if not pattern.behind and not pattern.aside and "x" in found:
        added = _added(found["x"], removed_text, depth)
        if added is not None:
            return added
    ahead = pattern.behind and "x" in found and match.start("x") >= match.end("y")
    if ahead:
        after = f"{found['x']} {after}"  # "the arms aside, both legs"
    if pattern.behind:
        # "the arms, the wrists excluded": what is excluded begins behind a comma, or is all.
        said = match.string[: match.end("y")]
        cuts = [cut.span() for cut in _CUT.finditer(said) if not _in_chain(said, cut)][::-1]
        cuts.sort(key=lambda cut: bool(_JOINING.match(said, cut[1])))
        options = [(said[:at], said[end:]) for at, end in (*cuts, (0, 0))]
    else:
        gone = _BREAK.split(removed_text)
        # "the torso but skip the left hip; head too": read with what goes, it is named beside.
        further = [one for one in gone[1:] if _goes_on(one)]
        options = [(before, " , ".join([gone[0], *further]))]
    mistaken = pattern.aside and ahead
    if mistaken:
        options = options[-1:]
    for said_text, taken_text in options:
        kept_text = "" if said_by_mistake().search(said_text) else said_text
        removed = read_piece(taken_text, 0)
        if removed == ALL or (mistaken and isinstance(removed, Union)):
            continue  # of a list one part is corrected
        kept = read_piece(kept_text, depth - 1) if kept_text.strip() else None
        if removed is None:
            removed = keywords.side_of(taken_text, kept)  # "the feet, never mind the left"
            if removed is None:
                continue
        rest = read_piece(after, depth - 1) if after.strip() else None
        if kept is None:
            kept, rest = rest, None
        if kept == ALL:
            return Except(ALL, removed)
        if kept is None:
            if pattern.whole and said_text == options[-1][0]:
                return Except(ALL, removed)
            continue
        if pattern.behind:
            kept, removed = _pulled(kept, removed)
        scope = kept if pattern.aside else _without(kept, removed)
        if scope is not None:
            return union([scope, rest]) if rest is not None and rest != ALL else scope
    return None


def _ends_in_side(text: str) -> bool:
    """Whether a side comes last that no part before it takes."""
    found = found_in(text)
    if len(found) < 2 or found[-1].side is None or found[-2].scope is None:
        return False
    return not patterns.BEHIND.fullmatch(text[found[-2].end : found[-1].start])


def _in_chain(text: str, cut: re.Match[str]) -> bool:
    """ "From the shoulder (left) to the hand": whether a cut would part the ends of a chain."""
    if not patterns.LINKED.search(text, cut.end()):
        return False
    pieces = (text, text[: cut.start()], text[cut.end() :])
    linked = [_has_chain(read_chain(piece)) for piece in pieces]
    return linked == [True, False, False]


def _has_chain(scope: Scope | None) -> bool:
    return scope is not None and any(isinstance(one, Chain) for one in parts_of(scope))


def _goes_on(clause: str) -> bool:
    """Whether a clause behind what is left out names more: "not the left hip; the knees"."""
    if _DENYING.match(clause) or patterns.ALSO.search(clause):
        return True
    return bool(found_in(clause)) and is_small(unnamed(clause))


def _added(kept_text: str, removed_text: str, depth: int) -> Scope | None:
    """A named whole less what stands before "plus", and with what stands behind it."""
    plus = _PLUS.search(removed_text)
    if plus is None:
        return None
    kept = read_piece(kept_text, depth - 1)
    less = read_piece(removed_text[: plus.start()], 0)
    more = read_piece(removed_text[plus.end() :], depth - 1)
    if kept in (None, ALL) or less is None or more in (None, ALL):
        return None
    if not _touches(less, meant(kept)) or is_within(more, less):
        return None
    if meant(more) & meant(kept) and (meant(more) & CORE or plus[0][0] not in ",;"):
        return None  # 没有骨盆加个双髋的躯干: nobody adds what the whole has
    scope = _without(kept, less)
    return None if scope is None else union([scope, more])


def _without(kept: Scope, removed: Scope) -> Scope | None:
    """`kept` less `removed`; what cannot be taken from it was named beside it."""
    if kept == ALL:
        return Except(ALL, removed)
    items = parts_of(kept)
    taken = parts_of(removed)
    whole = meant(kept)
    inside = [item for item in taken if _touches(item, whole) and not _beside(item, items)]
    beside = [item for item in taken if item not in inside]
    if not inside:
        return kept  # nobody asked for it
    loss = union(inside)
    last = items[-1]
    holders = [item for item in items[:-1] if _touches(loss, meant(item))]
    if len(items) > 1 and _touches(loss, meant(last)) and set(holders) <= {loss}:
        parts: list[Scope] = [*items[:-1], Except(last, loss)]
    else:
        parts = [Except(kept, loss)]
    return union([*parts, *beside])


def _beside(item: Scope, kept: list[Scope]) -> bool:
    """Limbs hold a trunk's corners, but nobody takes the trunk out of limbs."""
    torso = Part("torso")
    wholes = ("all", "torso", "left_side", "right_side")
    return item == torso and not any(isinstance(k, Part) and k.name in wholes for k in kept)


def _pulled(kept: Scope, removed: Scope) -> tuple[Scope, Scope]:
    """ "The head, the ears, the eyes excluded": nobody names ears beside a head to have them."""
    items = parts_of(kept)
    moved: list[Scope] = []
    while len(items) > 1:
        others = frozenset[str]().union(*(meant(item) for item in items[:-1]))
        if not _is_lost(items[-1], others):
            break
        moved.insert(0, items.pop())
    return union(items), union([*moved, removed])


def _is_lost(item: Scope, whole: Joints) -> bool:
    """Whether something of it could be taken from the whole."""
    return meant(item) <= whole or subtract(whole, instances(item, candidates)) != whole


def _touches(item: Scope, whole: Joints) -> bool:
    for joints in instances(item, candidates):
        core = joints & CORE or joints
        if core & whole:
            return True
    return False
