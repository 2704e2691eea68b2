"""Clauses and what joins them: a phrasebook's exceptions and chains, read backwards.

Wording fills "{x} with {y} left out"; here the same pattern takes a text apart, each piece is
read by itself and the pieces are put together by set algebra. So shapes that no training text
has, an exception inside a sum or a chain less something, need words but no examples. What is
found is one more reading for candidates.py to weigh.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from posealign.errors import InvalidQuery
from posealign.instructions import keyword_patterns as patterns
from posealign.instructions import keywords
from posealign.instructions.clause_patterns import Pattern, chains, exceptions, exceptions_by_start
from posealign.instructions.found import Found, found_in
from posealign.instructions.parts import PAIRED, joints_of
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.query import Chain, Except, Part, Scope, Union, part, union
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
# Where a clause may begin that gives back what was taken away.
_CLAUSE = re.compile(
    r"[,;.:(。、]|\b(?:but|though|although|yet|however|except|save|apart|aside|barring|other|and|while|whereas)\b"
    r"|但|不过|可|却|只|唯独|倒"
)
# More is named behind a chain.
_MORE = re.compile(
    r"[\s,;.]*(?:\b(?:and|plus|with|together with|as well as|also|then)\b|[加和跟]|还有|另|外加|再)"
)
_WORDS = re.compile(r"[^\W\d_]+")
_DEPTH = 3  # exceptions inside exceptions
_SURE = 12  # fixed letters that leave no doubt
_FAR = 8  # characters between a part and 到


def read_clauses(clean: str) -> Scope | None:
    """The scope of a text, read clause by clause; None where it names no part."""
    return weigh_clauses(clean)[0]


def weigh_clauses(clean: str) -> tuple[Scope | None, str]:
    """The same, and how sure a reading it is: "told" where what is left out and what is kept lie
    within each other, "joined" where words join or part its clauses, else "".
    """
    text = _ONLY_SIDE.sub(r"(\1)", _NO_SIDE.sub(" ", _BOTH.sub(" ", clean)))
    for reader in (_returned, _only):
        special = reader(text)
        if special is not None:
            return special, "told"
    said = _exception(text, _DEPTH, _SURE)  # what is a remark is no correction
    if said is not None:
        return said, "joined"
    text = keywords.after_correction(text)
    excepted = _exception(text, _DEPTH)
    scope = excepted if excepted is not None else _read(text, 0)
    joined = excepted is not None or (scope is not None and is_joined(scope))
    return scope, "joined" if joined else ""


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
    return _chain(text) or keywords.read_sum(text)


def _exception(text: str, depth: int, remark: int = 0) -> Scope | None:
    """The reading by the pattern that fixes most of the text; with `remark`, by remarks alone."""
    starts = {text[at : at + 2] for at in range(len(text))} | set(text)
    known = exceptions_by_start()
    places = sorted(place for start in starts for place in known.get(start, ()))
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
    for at in range(len(named) - 1, 0, -1):
        stops = [
            stop.start() for stop in _CLAUSE.finditer(text, named[at - 1].end, named[at].start)
        ]
        rest = text[stops[-1] :] if stops else ""
        surely = patterns.BACK_SURELY.search(rest)
        if not surely and not (patterns.CONTRAST.search(rest) and patterns.BACK.search(rest)):
            continue
        back = keywords.read_sum(rest)
        wholes = [one.scope for one in named[:at] if one.scope is not None and one.scope != ALL]
        if back is None or not any(is_within(back, whole) for whole in wholes):
            continue
        if patterns.NOT_BACK.search(rest):
            continue
        kept = text[: stops[-1]]
        less = _exception(kept, _DEPTH) or _gone(kept)
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
        if _chain(text[cut:]) is not None:
            return None
        whole = keywords.parts_in(text[:cut])
        wanted = keywords.parts_in(text[cut:])
        if isinstance(whole, Part) and wanted is not None:
            inner = [_on_its_side(item, whole) for item in parts_of(wanted)]
            if all(whole == ALL or is_within(item, whole) for item in inner):
                return union(list(dict.fromkeys(inner)))
        return None
    return None


def parts_of(scope: Scope) -> list[Scope]:
    return list(scope.items) if isinstance(scope, Union) else [scope]


def _on_its_side(scope: Scope, whole: Part) -> Scope:
    plain = isinstance(scope, Part) and scope.name in PAIRED and scope.side is None
    return part(f"{whole.side}_{scope.name}") if plain and whole.side else scope  # type: ignore[union-attr]


def _gone(text: str) -> Scope | None:
    """ "The arms can go": all but what is named."""
    named = keywords.read_sum(text) if patterns.GONE.search(text) else None
    return Except(ALL, named) if named is not None and named != ALL else None


def _excepted(match: re.Match[str], pattern: Pattern, depth: int) -> Scope | None:
    found = match.groupdict()
    if found.get("post") and match.string[match.start("post") - 1].isalpha():
        following = found_in(found["post"])
        if following and following[0].start == 0:
            return None  # 要胳膊,不要腿: it is the legs that are not wanted
    before = " , ".join(filter(None, (found.get("pre"), found.get("x"))))
    removed_text, after = found["y"] or "", found.get("post") or ""
    if pattern.behind:
        # "the arms, the wrists excluded": what is excluded begins behind a comma, or is all.
        pieces = re.split(r"[,;]", match.string[: match.end("y")])
        options = [(",".join(pieces[:at]), ",".join(pieces[at:])) for at in range(len(pieces))]
        options = options[::-1]
    else:
        cut = _BREAK.split(removed_text)
        further = [piece for piece in cut[1:] if _DENYING.match(piece)]
        options = [(before, " , ".join([cut[0], *further]))]
    for kept_text, taken_text in options:
        removed = _read(taken_text, 0)
        if removed == ALL:
            continue
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
            if pattern.whole and kept_text == options[-1][0]:
                return Except(ALL, removed)
            continue
        if pattern.behind:
            kept, removed = _pulled(kept, removed)
        scope = kept if pattern.aside else _without(kept, removed)
        if scope is not None:
            return union([scope, rest]) if rest is not None and rest != ALL else scope
    return None


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


def _chain(text: str) -> Scope | None:
    """The way between the parts on both sides of the joining words, and what stands before it."""
    best: tuple[int, Scope] | None = None
    for pattern in chains():
        if pattern.needle not in text:
            continue
        match = pattern.regexes[-1].search(text)
        if match is None or (best is not None and pattern.weight <= best[0]):
            continue
        before, after = match["a"], match["b"]
        firsts, lasts = found_in(before), found_in(after)
        a = next((item for item in reversed(firsts) if item.scope is not None), None)
        b = next((item for item in lasts if item.scope is not None), None)
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
        if isinstance(rest, Part) and rest != ALL and _holds(rest, linked):
            scope = _on_side(linked, rest)  # "the left leg from hip to ankle"
        elif rest is not None and rest != ALL and not isinstance(rest, Chain):
            scope = union([rest, scope])
        more = after[until:] if _MORE.match(after, until) else ""
        further = _chain(more) or keywords.read_sum(more) if more else None
        if further is not None and further != ALL:
            scope = union([scope, further])
        best = (pattern.weight, scope)
    return best[1] if best else None


def _holds(whole: Part, chain: Chain) -> bool:
    """Whether both ends are parts of it."""
    sides = {chain.start.side, chain.end.side} - {None, whole.side}
    inside = joints_of(whole.name)
    return not sides and all(joints_of(end.name) <= inside for end in (chain.start, chain.end))


def _on_side(chain: Chain, whole: Part) -> Chain:
    if whole.side is None:
        return chain
    ends = (
        part(f"{whole.side}_{end.name}") if end.name in PAIRED and end.side is None else end
        for end in (chain.start, chain.end)
    )
    return Chain(*ends)


def _since(found: Sequence[Found]) -> int:
    """The start of the last part found, with a side before it."""
    at = max(n for n, item in enumerate(found) if item.scope is not None)
    return found[at - 1 if at and found[at - 1].side is not None else at].start


def _until(text: str, found: Sequence[Found]) -> int:
    """The end of the first part in the text, with a side behind it."""
    at = next(n for n, item in enumerate(found) if item.scope is not None)
    following = found[at + 1] if at + 1 < len(found) else None
    gap = text[found[at].end : following.start] if following is not None else ""
    if following is not None and following.side is not None and patterns.BEHIND.fullmatch(gap):
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
    if first.side and last.side is None and last.name in PAIRED:
        last = part(f"{first.side}_{last.name}")
    elif last.side and first.side is None and first.name in PAIRED:
        first = part(f"{last.side}_{first.name}")
    return Chain(first, last) if joints_of(first.name) and joints_of(last.name) else None


@cache
def _small() -> frozenset[str]:
    books = [phrasebook(name) for name in LANGUAGES]
    said = " ".join(text for book in books for text in (*book.determiners, *book.owners))
    sides = " ".join(word for book in books for row in book.sides.values() for word in row)
    extra = "joint joints point points keypoint keypoints side both down up all way one just only"
    extra += " of on that is s"
    return frozenset(_WORDS.findall(f"{said} {sides} {extra}".lower()))


def _close(gap: str) -> bool:
    """Nothing but small words between a part and the word that links it."""
    words = _WORDS.findall(gap)
    latin = [word for word in words if word.isascii()]
    return (
        all(word in _small() for word in latin)
        and sum(len(word) for word in words if not word.isascii()) <= _FAR
    )
