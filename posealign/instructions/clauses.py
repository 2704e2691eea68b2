"""Clauses and what joins them: a phrasebook's exceptions and chains, read backwards.

Wording fills "{x} with {y} left out"; here the same pattern takes a text apart, each piece is
read by itself and the pieces are put together by set algebra. So shapes that no training text
has, an exception inside a sum or a chain less something, need words but no examples. What is
found is one more reading for candidates.py to weigh.
"""

from __future__ import annotations

import re
from operator import add

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions import keywords
from posealign.instructions.binding import HALVES, bind, is_unsided, on_side, shares_side
from posealign.instructions.clause_chains import read_chain
from posealign.instructions.clause_patterns import (
    Pattern,
    exceptions,
    exceptions_by_start,
    said_by_mistake,
)
from posealign.instructions.clause_steps import (
    exchanged,
    parts_of,
    restricted,
    taken_back,
    without_echo,
)
from posealign.instructions.corrections import after_correction, corrects_list
from posealign.instructions.found import Found, found_in
from posealign.instructions.query import Chain, Except, Part, Scope, Union, union
from posealign.instructions.sets import CORE, Joints, candidates, instances, is_within, meant

ALL = Part("all")
_BREAK = re.compile(r"(?<=\w\w\w)[.;](?=\s|$)|(?<=[\u3400-\u9fff])[.;。]|\n")
_NO_SIDE = re.compile(r"\b(?:am i right|right now|right away|all ?right|that'?s right|right\?)")
# 膝盖只要左: a side behind its part, no correction.
_ONLY_SIDE = re.compile(
    r"[,，]?只?要([左右])(?:面|边|侧|方|手边)?的?(?=$|[^\w]|[~到至和与跟及也就两双别不除扣减去]|姿态|骨架|部位|坐标|区|那)"
)
# "L and R", "b/l": no side is both.
_BOTH = re.compile(
    r"[,(]?\s*(?<![a-z])(?:l|left|lt)\b\.?\s*(?:and|&|\+|/)\s*(?:r|right|rt)(?![a-z])\.?\)?"
    r"|[,(]?\s*(?<![a-z])(?:r|right|rt)\b\.?\s*(?:and|&|\+|/)\s*(?:l|left|lt)(?![a-z])\.?\)?"
    r"|(?<![a-z])(?:b/l|bilat\w*)(?![a-z])\.?"
    r"|[,(]?(?:左右都要|两边都要|左右两边都要|双侧\)|左右两侧的?|左右两边的?)"
)
_DENYING = re.compile(
    r"\s*(?:and |also |也)?(?:(?:no|nor|not|skip|without|drop|leave out)\b|不要|别|不用)"
)
# "The trunk minus the hips, plus the neck": what is added behind what is taken away.
_PLUS = re.compile(
    r"[,;]\s*(?:and |but |then )*(?:plus|add(?:ing|ed)?|in addition)\b|\bplus\b"
    r"|[,;]?(?:再加|外加|另加|加)上?(?!强)"
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
    """The same, and how sure a reading it is: "told" where what is left out and what is kept lie
    within each other, "joined" where words join or part its clauses, else "".
    """
    text = _ONLY_SIDE.sub(r"(\1)", _NO_SIDE.sub(" ", _BOTH.sub(" ", clean)))
    piece = _pieced(text)
    if piece is not None:
        return piece, "told"
    text = without_echo(text)
    for reader in (_returned, exchanged, _only, taken_back):
        special = reader(text)
        if special is not None:
            return special, "told"
    said = _exception(text, _DEPTH, _SURE)  # what is a remark is no correction
    if said is not None:
        return said, "joined"
    sure = corrects_list(text)
    text = after_correction(text)
    excepted = _all_on_side(_exception(text, _DEPTH), text)
    scope = excepted if excepted is not None else _read(text, 0)
    joined = excepted is not None or (scope is not None and is_joined(scope))
    joined = joined or shares_side(text)
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
    return restricted(text, lambda rest: _exception(rest, _DEPTH) or _read(rest, 0))


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


def _read(text: str, depth: int) -> Scope | None:
    if depth:
        excepted = _exception(text, depth)
        if excepted is not None:
            return excepted
    return read_chain(text) or keywords.read_sum(text)


def _exception(text: str, depth: int, remark: int = 0) -> Scope | None:
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
    surely = patterns.BACK_SURELY.search(rest)
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
    options = (_exception(kept, _DEPTH), gone)
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


def _excepted(match: re.Match[str], pattern: Pattern, depth: int) -> Scope | None:
    found = match.groupdict()
    if found.get("post") and match.string[match.start("post") - 1].isalpha():
        following = found_in(found["post"])
        if following and following[0].start == 0:
            return None  # 要胳膊,不要腿: it is the legs that are not wanted
    before = " , ".join(filter(None, (found.get("pre"), found.get("x"))))
    removed_text, after = found["y"] or "", found.get("post") or ""
    if not pattern.behind and not pattern.aside and "x" in found:
        added = _added(found["x"], removed_text, depth)
        if added is not None:
            return added
    ahead = pattern.behind and "x" in found and match.start("x") >= match.end("y")
    if ahead:
        after = f"{found['x']} {after}"  # "the arms aside, both legs"
    if pattern.behind:
        # "the arms, the wrists excluded": what is excluded begins behind a comma, or is all.
        pieces = re.split(r"[,;(]", match.string[: match.end("y")])
        options = [(",".join(pieces[:at]), ",".join(pieces[at:])) for at in range(len(pieces))]
        options = options[::-1]
    else:
        cut = _BREAK.split(removed_text)
        # "the torso but skip the left hip; head too": read with what goes, it is named beside.
        goes_on = (p for p in cut[1:] if _DENYING.match(p) or patterns.ALSO.search(p))
        further = list(goes_on)
        options = [(before, " , ".join([cut[0], *further]))]
    mistaken = pattern.aside and ahead
    if mistaken:
        options = options[-1:]
    for said_text, taken_text in options:
        kept_text = "" if said_by_mistake().search(said_text) else said_text
        removed = _read(taken_text, 0)
        if removed == ALL or (mistaken and isinstance(removed, Union)):
            continue  # of a list one part is corrected
        kept = _read(kept_text, depth - 1) if kept_text.strip() else None
        if removed is None:
            removed = keywords.side_of(taken_text, kept)  # "the feet, never mind the left"
            if removed is None:
                continue
        rest = _read(after, depth - 1) if after.strip() else None
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


def _added(kept_text: str, removed_text: str, depth: int) -> Scope | None:
    """A named whole less what stands before "plus", and with what stands behind it."""
    plus = _PLUS.search(removed_text)
    if plus is None:
        return None
    kept = _read(kept_text, depth - 1)
    less = _read(removed_text[: plus.start()], 0)
    more = _read(removed_text[plus.end() :], depth - 1)
    if kept in (None, ALL) or less is None or more in (None, ALL):
        return None
    if not _touches(less, meant(kept)) or is_within(more, less):
        return None
    if is_within(more, kept) and (meant(more) & CORE or plus[0][0] not in ",;"):
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
        if not meant(items[-1]) <= others:
            break
        moved.insert(0, items.pop())
    return union(items), union([*moved, removed])


def _touches(item: Scope, whole: Joints) -> bool:
    for joints in instances(item, candidates):
        core = joints & CORE or joints
        if core & whole:
            return True
    return False
