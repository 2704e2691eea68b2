"""Sides and parts where a text names them: the longest match at each place.

The keyword rules, the clauses and the roles of words all begin here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

from posealign.instructions import keyword_patterns as patterns
from posealign.instructions.hints import TOKEN, compound_at, key_of, runs_on
from posealign.instructions.parts import PAIRED, joints_of
from posealign.instructions.phrases import LANGUAGES, phrasebook
from posealign.instructions.query import Part, Query, Scope, parse, part


@dataclass(frozen=True)
class Found:
    """A side or a part in the text. `both` marks "both …": a side before it does not bind."""

    start: int
    end: int
    scope: Scope | None = None
    side: str | None = None
    both: bool = False

    @property
    def own_side(self) -> str | None:
        """The side that it is, or that its part is named with."""
        return self.side or (self.scope.side if isinstance(self.scope, Part) else None)


@lru_cache(maxsize=1024)  # rules, clauses and roles look into the same words
def found_in(text: str) -> tuple[Found, ...]:
    """Sides and parts, the longest match at each place; compounds like 手机 hold no part."""
    words, longest = _index()
    people = [match.span() for match in patterns.SIDED_PEOPLE.finditer(text)]
    tokens = [(match[0], match.start(), match.end()) for match in TOKEN.finditer(text)]
    found, at = [], 0
    while at < len(tokens):
        start = tokens[at][1]
        compound = compound_at(text, start)
        if compound:
            while at < len(tokens) and tokens[at][1] < start + compound:
                at += 1
            continue
        for size in range(min(longest.get(tokens[at][0], 0), len(tokens) - at), 0, -1):
            meant = words.get(" ".join(token for token, _, _ in tokens[at : at + size]))
            if meant is not None and not runs_on(tokens, at, size, words, longest):
                end = tokens[at + size - 1][2]
                if isinstance(meant, str):
                    if not any(first <= start < last for first, last in people):
                        found.append(Found(start, end, side=meant))
                else:
                    both = bool(patterns.BOTH.search(text[max(0, start - 7) : start]))
                    both = both or bool(patterns.BOTH_WITHIN.match(text, start))  # 两个膝盖
                    found.append(Found(start, end, meant, both=both))
                at += size
                break
        else:
            at += 1
    return tuple(_owned(found, text))


def begins_with(text: str) -> Scope | None:
    """The part that a text begins with."""
    first = next(iter(found_in(text)), None)
    return first.scope if first is not None and first.start == 0 else None


def unnamed(text: str) -> str:
    """The words around sides and parts."""
    said, at = "", 0
    for item in found_in(text):
        said, at = f"{said}{text[at : item.start]} _ ", item.end
    return said + text[at:]


def _owned(found: list[Found], text: str) -> list[Found]:
    """Of a whole and its part the part: "the toes of the left foot", 左脚的大趾."""
    kept: list[Found] = []
    at = 0
    while at < len(found):
        here = found[at]
        following = found[at + 1] if at + 1 < len(found) else None
        last = found[at + 2] if at + 2 < len(found) else None
        if here.scope is None or following is None:
            kept.append(here)
            at += 1
            continue
        gap = text[here.end : following.start]
        side = following.side
        if side and last is not None and patterns.OF.fullmatch(gap):
            # the side stands between
            close = not text[following.end : last.start].strip()
            merged = _merged(last, here, side) if close else None
            if merged is not None:
                kept.append(replace(here, end=last.end, scope=merged))
                at += 3
                continue
        merged = None
        if patterns.OF.fullmatch(gap):
            merged = _merged(following, here)
        elif patterns.OWNS.fullmatch(gap) and not patterns.DENIED.match(text, following.end):
            merged = _merged(here, following)
        if merged is not None:
            both = here.both or following.both
            kept.append(Found(here.start, following.end, merged, both=both))
            at += 2
            continue
        kept.append(here)
        at += 1
    return kept


def _merged(outer: Found, inner: Found, side: str | None = None) -> Part | None:
    """The inner part with the outer one's side, where it is a part of that."""
    whole, one = outer.scope, inner.scope
    if not isinstance(whole, Part) or not isinstance(one, Part) or whole == Part("all"):
        return None
    sides = {side or whole.side, one.side} - {None}
    if len(sides) > 1 or not joints_of(one.name) < joints_of(whole.name):
        return None
    named = sides.pop() if sides else None
    return part(f"{named}_{one.name}") if named and one.name in PAIRED else Part(one.name)


@cache
def _index() -> tuple[dict[str, Scope | str], dict[str, int]]:
    """Words joined by spaces → a scope or a side; first word → the longest that begins so."""
    words: dict[str, Scope | str] = {key_of(word): side for word, side in patterns.SIDES.items()}
    for form, scope in _lexicon().items():
        words.setdefault(key_of(form), scope)
    longest: dict[str, int] = {}
    for key in words:
        first = key.split(" ", 1)[0]
        longest[first] = max(longest.get(first, 0), key.count(" ") + 1)
    return words, longest


def _is_side_and_part(form: str, words: dict[str, Scope]) -> bool:
    """左手 is found one by one, so that 左手肘 is an elbow and no hand."""
    return form[:1] in ("左", "右", "双", "两") and form[1:] in words


@cache
def _lexicon() -> dict[str, Scope]:
    words: dict[str, Scope] = {}
    for language in LANGUAGES:
        book = phrasebook(language)
        for name in book.parts:
            for forms in book.forms(name):
                for form in forms:
                    words.setdefault(form.lower(), part(name))
        for written, phrases in book.fixed.items():
            query = parse(written)
            for form in phrases:
                if isinstance(query, Query) and not _is_side_and_part(form.lower(), words):
                    words.setdefault(form.lower(), query.scope)
        for form, written in book.derived():
            if not _is_side_and_part(form.lower(), words):
                words.setdefault(form.lower(), part(written))
    for word in patterns.NOT_PARTS:
        words.pop(word, None)
    return words
