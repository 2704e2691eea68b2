"""A text in outline: a name for each part and lone side it mentions, and the words between them.

"Both arms, but not the right one" becomes "P1 , but not S2". `turns.py` tells what the names stand
for.
"""

from __future__ import annotations

import re

from posealign.instructions.binding import is_unsided, on_side
from posealign.instructions.found import found_in
from posealign.instructions.query import ALL, Scope
from posealign.instructions.turns import IDLE, PHRASES

_STOPS = re.compile(r"\.{2,}|[.;!?\n*]")
_PAUSES = re.compile(r"[,:()\[\]\"–—]|\s-+\s|-(?=\s|$)")
_OTHER_ONE = re.compile(
    r"\b(?:the )?(?:other|opposite)(?: ones?| side)?(?: P\d+)?\b"
    r"|\b(?:its|her|his) (?:brother|sister|twin|counterpart|fellow|mate|partner|opposite number)\b"
)
_EACH = re.compile(r"\beach (?:and every )?(?:joint|point|keypoint)\b")
_SIDES_ONE = re.compile(r"(S\d+)(?:-hand)?(?: (?:ones?|side))?\b")
_BOTH = re.compile(r"\bboth\b(?! P| of P)")
_PLACES = {"first": 1, "former": 1, "second": 2, "third": 3, "middle": 0, "last": 9, "latter": 9}
_PLACE = re.compile(
    r"\b(?:the )?(?:(first|second|third|middle|last|former|latter)(?: (?:one|item|word|part))?"
    r"|(?:one|thing) (?:in the )?(?P<mid>middle))(?: of (?:them|those|which))?\b"
)
_NO_THE = re.compile(r"(?<!but )\bno (?=(?:the|her|his|its|it's|make|i)\b)")
_NO_SIDE = re.compile(r" (?:out|off|alone|aside|in|as|to|there|over)\b")
_KEEPS_SIDE = re.compile(r"\s*(?:and|&|\+|,|/|plus)?\s*")
_PLURAL = re.compile(r"(?:s|feet|teeth)$")
_PHRASES = tuple((re.compile(pattern), word) for pattern, word in PHRASES)


def outlined(text: str) -> tuple[str, dict[str, Scope | str], set[str]]:
    """The text with a name for each part and lone side, less idle words; and what they name."""
    found, said, at, count = found_in(text), "", 0, 0
    items: dict[str, Scope | str] = {"A0": ALL}
    plural: set[str] = set()
    side_before: str | None = None
    place = 0
    while place < len(found):
        here = found[place]
        after = found[place + 1] if place + 1 < len(found) else None
        gap = text[here.end : after.start] if after is not None else ""
        said += text[at : here.start]
        at = here.end
        count += 1
        if here.side is not None and _NO_SIDE.match(text, here.end) and here.side == "left":
            said += text[here.start : at]
            place += 1
            continue
        if here.side is not None:
            if after is not None and is_unsided(after.scope) and gap in (" ", "-", ". "):
                side_before, at = here.side, after.start
            else:
                items[f"S{count}"] = here.side
                said += f"S{count}"
            place += 1
            continue
        scope = here.scope
        assert scope is not None
        if side_before is not None:
            scope = on_side(scope, side_before)
        elif (
            after is not None
            and after.side
            and gap in (" ", " (")
            and is_unsided(scope)
            and (not _NO_SIDE.match(text, after.end))
        ):
            behind = found[place + 2] if place + 2 < len(found) else None
            if behind is None or text[after.end : behind.start] != " ":
                scope, at = on_side(scope, after.side), after.end
                place += 1
        name = f"{'A' if scope == ALL else 'P'}{count}"
        items[name] = scope
        if here.both or _PLURAL.search(text[here.start : here.end]):
            plural.add(name)
        said += name
        place += 1
        follows = text[at : found[place].start] if place < len(found) else "-"
        singular = place < len(found) and not _PLURAL.search(
            text[found[place].start : found[place].end]
        )
        if not (side_before and singular and _KEEPS_SIDE.fullmatch(follows)):
            side_before = None
    said += text[at:]
    return _tidied(said), items, plural


def _tidied(said: str) -> str:
    said = _EACH.sub("A0", _NO_THE.sub("no , ", said))
    for pattern, word in _PHRASES:
        said = pattern.sub(word, said)
    said = _STOPS.sub(" . ", _PAUSES.sub(" , ", said))
    said = _PLACE.sub(lambda match: f"N{_PLACES[match[1] or match[2]]}", said)
    said = _SIDES_ONE.sub(r"\1", said)
    said = _OTHER_ONE.sub("O", said)
    said = IDLE.sub(" ", _BOTH.sub("B", said.replace("+", " and ").replace("&", " and ")))
    return re.sub(r"\s+", " ", said).strip()
