"""The honest baseline: a rule parser over the phrasebook's words, in both languages.

It finds parts by the longest match, binds sides, and knows exceptions, corrections, chains,
relations, visibility, dims, skeletons, subjects, premises and the usual near misses. It never
learnt anything; it stands beside the model in every table.
"""

from __future__ import annotations

from functools import lru_cache

from posealign.errors import InvalidQuery
from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.binding import bind
from posealign.instructions.corrections import after_correction, is_corrected
from posealign.instructions.found import found_in, unnamed
from posealign.instructions.normalise import normalise
from posealign.instructions.parts import PAIRED
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
from posealign.instructions.sets import read


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
    return asked is not None and not unnamed(asked["part"]).strip(" _")


def is_structured(text: str, query: Query) -> bool:
    """Whether grammar was found, not parts alone: an exception, a chain, a correction."""
    return isinstance(query.scope, Except | Chain) or is_corrected(text)


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
    kept, removed = split_exception(text)
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


def split_exception(text: str) -> tuple[str, str | None]:
    """What a text keeps, and what it takes away; nothing where no exception is told."""
    for pattern in patterns.EXCEPTIONS:
        if text.isascii() and not pattern.pattern.isascii():
            continue  # that one looks for Chinese words
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
