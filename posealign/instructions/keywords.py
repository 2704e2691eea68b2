"""The honest baseline: a rule parser over the phrasebook's words, in both languages.

It finds parts by the longest match, binds sides, and knows exceptions, corrections, chains,
relations, visibility, dims, skeletons, subjects, premises and the usual near misses. It never
learnt anything; it stands beside the model in every table.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from posealign.errors import InvalidQuery
from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.found import Found, found_in
from posealign.instructions.normalise import normalise
from posealign.instructions.parts import PAIRED
from posealign.instructions.phrases import phrasebook
from posealign.instructions.query import (
    CHOOSING,
    Chain,
    Except,
    Part,
    Query,
    Refusal,
    Related,
    Scope,
    part,
    union,
)
from posealign.instructions.sets import CORE, meant, read


def parse_text(text: str) -> Query | Refusal:
    clean = normalise(text)
    if not clean:
        return Refusal("unclear")
    for reason, pattern in patterns.REFUSALS:
        if pattern.search(clean):
            return Refusal(reason)
    rest, options = _options(clean)
    try:
        scope = _scope(rest)
        if scope is None and is_of_people_alone(clean):
            scope = Part("all")
        if scope is None and options and not patterns.ONLY_WISHES.fullmatch(rest.strip()):
            scope = Part("all") if patterns.BODY_HINT.search(clean) else None
        if scope is None:
            return Refusal("no_such_part" if patterns.ASKING.search(clean) else "not_pose")
        query = Query(scope, **options)  # type: ignore[arg-type]
    except InvalidQuery:
        return Refusal("unclear")
    return query if read(query).asked else Refusal("contradictory")


@lru_cache(maxsize=1024)  # the rules ask, and so does who weighs them
def is_of_people_alone(text: str) -> bool:
    """ "Only the nurse", 只要婴儿: no part is named, and all of somebody is meant."""
    rest, options = _options(normalise(text))
    somebody = "subject" in options or bool(patterns.PERSON.search(rest))
    return somebody and bool(patterns.PEOPLE_ALONE.fullmatch(rest))


@lru_cache(maxsize=1024)
def asks_presence(text: str) -> bool:
    """ "Is the nose in the picture?": nothing but a part, and whether it is there."""
    asked = patterns.PRESENCE.fullmatch(text)
    rest = list(asked["part"]) if asked else ["?"]
    for one in found_in(asked["part"]) if asked else ():
        rest[one.start : one.end] = " " * (one.end - one.start)
    return not "".join(rest).strip()


def is_structured(text: str, query: Query) -> bool:
    """Whether grammar was found, not parts alone: an exception, a chain, a correction."""
    return isinstance(query.scope, Except | Chain) or is_corrected(text)


@lru_cache(maxsize=1024)
def is_corrected(text: str) -> bool:
    return bool(patterns.CORRECTION.search(text)) or after_correction(text) != text


def _options(text: str) -> tuple[str, dict[str, object]]:
    """Wishes other than the scope; what was understood is taken out of the text."""
    options: dict[str, object] = {}
    for key, value, pattern in patterns.OPTIONS:
        match = pattern.search(text)
        if match is None or key in options:
            continue
        options[key] = value
        if key != "dims" or value == 3:
            text = text[: match.start()] + " , " + text[match.end() :]
    if options.get("dims") == 2:
        del options["dims"]
    return text, options


def _scope(text: str) -> Scope | None:
    text = after_correction(text)
    chain = _chain(text)
    if chain is not None:
        return chain
    text = patterns.REST_GONE.sub(" ", text)
    kept, removed = _split_exception(text)
    if removed is not None:
        inner = read_sum(removed) or side_of(removed, read_sum(kept))
        whole = any(item.scope == Part("all") for item in found_in(removed))
        if whole and read_sum(kept) is None:
            return inner  # "ignore the body, just the head", "no exceptions, every joint"
        if inner is not None:
            return Except(read_sum(kept) or Part("all"), _shared_side(inner, kept))
    named = read_sum(text)
    if named is not None and named != Part("all") and patterns.REST.search(text):
        return Except(Part("all"), named)
    return named


def side_of(text: str, scope: Scope | None) -> Scope | None:
    """ "The feet, but never mind the left": a side alone is that of the part before."""
    found = found_in(text)
    sides = {item.side for item in found if item.side}
    if len(sides) != 1 or any(item.scope for item in found):
        return None
    if not isinstance(scope, Part) or scope.name not in PAIRED or scope.side:
        return None
    return part(f"{sides.pop()}_{scope.name}")


def _shared_side(inner: Scope, kept: str) -> Scope:
    """ "the left arm without the wrist" means the left wrist."""
    outer = read_sum(kept)
    sides = isinstance(outer, Part) and outer.side
    if sides and isinstance(inner, Part) and inner.name in PAIRED and inner.side is None:
        return part(f"{sides}_{inner.name}")
    return inner


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
            if match[0].endswith("no") and (_within(found, before) or _is_bare(found, after)):
                continue  # "the whole body, no shoulders"; "arms. no legs"
            if _is_added(match[0], after, found):
                continue
            return _turned_first(before, after, found) or _partly(before, after, found) or after
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


_MILD = ("actually", "wait", "hang on", "i mean", "等等", "其实是", "还是", "应该是", "等一下")


def _turned_first(before: str, after: str, found: Sequence[Found]) -> str | None:
    """ "Left arm, no, right, and the foot": the side alone corrects, and more is named behind."""
    if not _leads(found, after):
        return None
    turned = _turned(before, found[:1])
    return f"{turned} , {after[found[0].end :]}" if turned is not None else None


def _leads(found: Sequence[Found], after: str) -> bool:
    """Whether a side stands first that is of no part behind it."""
    alone = found[0].side is not None
    return alone and not _takes_side(found[1], after[found[0].end : found[1].start])


def _partly(before: str, after: str, found: Sequence[Found]) -> str | None:
    """ "Left knee and left ankle, no, right ankle": what is named anew on another side goes, and
    what stood beside it stays.
    """
    bound, items = bind(found_in(before), before), found_in(before)
    named = [item for item in items if item.scope is not None]
    anew = [one for one in bind(found, after) if isinstance(one, Part) and one.side]
    if len(anew) != 1 or len(bound) != len(named) or len(named) < 2 or anew[0] in bound:
        return None
    if sum(item.scope is not None for item in found) > 1:
        return None
    last = bound[-1]
    if not isinstance(last, Part) or last.name != anew[0].name or last.side is None:
        return None
    cut = items[-2].start if items[-2].side is not None else items[-1].start
    return f"{before[:cut]} {after}"


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
    return any(meant(first) & CORE < joints for joints in named)


def _turned(before: str, found: Sequence[Found]) -> str | None:
    """The part named before on the side that was found alone: "… left wrist. The right." """
    sides = [item.side for item in found if item.side]
    parts = [item for item in found_in(before) if item.scope]
    named = parts[-1].scope if parts else None
    if not sides or not isinstance(named, Part):
        return None
    return f"{sides[0]} {phrasebook('en').forms(named.name)[0][0]}"


def _chain(text: str) -> Scope | None:
    for pattern in patterns.CHAINS:
        match = pattern.search(text)
        if match is None:
            continue
        first, last = read_sum(match[1]), read_sum(match[2])
        if isinstance(first, Part) and isinstance(last, Part) and first != last:
            if first.side and last.side is None and last.name in PAIRED:
                last = part(f"{first.side}_{last.name}")
            return Chain(first, last)
    return None


def _split_exception(text: str) -> tuple[str, str | None]:
    for pattern in patterns.EXCEPTIONS:
        match = pattern.search(text)
        if match is None:
            continue
        groups = match.groupdict()
        removed = groups.get("removed") or text[match.end() :]
        kept = text[: match.start()] + " " + (groups.get("kept") or "")
        if groups.get("removed"):
            kept += " " + text[match.end() :]
        return kept, removed
    return text, None


@lru_cache(maxsize=1024)
def read_sum(text: str) -> Scope | None:
    """All parts that are named, with their sides and relations."""
    relation = next((name for name, pattern in patterns.RELATIONS if pattern.search(text)), None)
    found = found_in(text)
    parts = bind(found, text)
    unique = list(dict.fromkeys(parts))
    if len(unique) > 1 and Part("all") in unique:
        unique.remove(Part("all"))
    if relation is None:
        return union(unique) if unique else None
    return _related(relation, unique)


def parts_in(text: str) -> Scope | None:
    """As `read_sum`, whatever the text says of them."""
    unique = list(dict.fromkeys(bind(found_in(text), text)))
    return union(unique) if unique else None


_SOUNDS_LIKE = {
    "in_upper_half": "upper_body", "in_lower_half": "lower_body",
    "in_left_half": "left_side", "in_right_half": "right_side",
}  # fmt: skip


def _related(relation: str, parts: list[Scope]) -> Scope | None:
    plain = [scope for scope in parts if isinstance(scope, Part)]
    if relation in ("nearest_face", "touching_face"):
        plain = [scope for scope in plain if scope.name not in ("face", "mouth", "nose", "head")]
    if relation not in CHOOSING:
        # "The top half of the pic" names no upper body.
        plain = [scope for scope in plain if scope.name != _SOUNDS_LIKE.get(relation)]
        return Related(relation, plain[0] if plain else Part("all"))
    paired = [scope for scope in plain if scope.name in PAIRED]
    if not paired:
        return Related(relation, Part("hand")) if "face" in relation else None
    return Related(relation, Part(paired[0].name))


def bind(found: Sequence[Found], text: str) -> list[Scope]:
    scopes: list[Scope] = []
    side: str | None = None
    for at, item in enumerate(found):
        if item.side is not None:
            # "arm on the left", "膝关节（右）": a side behind its part.
            before = found[at - 1] if at else None
            behind = before is not None and before.scope is not None and scopes
            gap = text[before.end : item.start] if before is not None else ""
            follows = found[at + 1] if at + 1 < len(found) else None
            near = follows is not None and _takes_side(follows, text[item.end : follows.start])
            if behind and not near and patterns.BEHIND.fullmatch(gap):
                last = scopes[-1]
                if isinstance(last, Part) and last.side is None and last.name in PAIRED:
                    scopes[-1] = part(f"{item.side}_{last.name}")
                continue
            both = patterns.BOTH_SIDES.fullmatch(gap) and side is not None and not behind
            side = None if both else item.side
            continue
        if item.scope is None:
            continue
        scope = item.scope
        named = scopes[-1] if scopes else None
        gap = text[found[at - 1].end : item.start] if at else ""
        unsided = isinstance(named, Part) and named.name in PAIRED and not named.side
        if scope in _HALVES and unsided and gap.strip() in ("on", "of", "at"):
            # "the hip on the right side"
            scopes[-1] = part(f"{_HALVES[scope]}_{named.name}")  # type: ignore[union-attr]
            continue
        if side and isinstance(scope, Part) and scope.name in PAIRED and scope.side is None:
            scope = scope if item.both else part(f"{side}_{scope.name}")
        elif isinstance(scope, Part) and scope.name == "eyebrow" and side:
            scope = part(f"{side}_eyebrow")
        scopes.append(scope)
        between = text[item.end : found[at + 1].start] if at + 1 < len(found) else ""
        if not patterns.KEEPS_SIDE.fullmatch(between):
            side = None
    return scopes


_HALVES: dict[Scope, str] = {Part("left_side"): "left", Part("right_side"): "right"}


def _takes_side(item: Found, gap: str) -> bool:
    """Whether a side just before belongs to this part rather than to the one behind it."""
    if not isinstance(item.scope, Part) or item.scope.name not in PAIRED or item.scope.side:
        return False
    return len(gap) <= 6 and not patterns.JOINS.search(gap)
