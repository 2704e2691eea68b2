"""What a ledger holds while a text is worked out: what is kept, lost and given back so far.

And what the names of an outline (`outline.py`) stand for by then: "the other one", "the last".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from posealign.instructions.mentions import within
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import Part, Scope
from posealign.instructions.sets import CORE, meant
from posealign.instructions.sides import OTHER

_ITEM = re.compile(r"[PASN]\d+|O|B")


@dataclass
class Ledger:
    items: dict[str, Scope | str]
    plural: set[str]  # names of parts that are said in the plural
    kept: list[Scope] = field(default_factory=list)
    lost: list[Scope] = field(default_factory=list)
    ahead: list[Scope] = field(default_factory=list)  # lost before anything was kept
    back: list[Scope] = field(default_factory=list)
    topic: Part | None = None  # the paired part named last
    pending: list[Scope] | None = None  # what the next part takes the place of; [] the last
    out: bool = False  # whether the clause before took something away
    emptied: bool = False  # whether the last that was kept was taken
    denied: str | None = None  # the side of what was asked and is no longer
    turned: bool = False


def named_in(ledger: Ledger, words: str | None) -> list[Scope] | None:
    """What the names in a piece stand for; None where a side has no part to be of."""
    scopes: list[Scope] = []
    for name in _ITEM.findall(words or ""):
        if name[0] == "N":
            scope = _at_place(ledger, int(name[1:]))
        elif name[0] in "PA":
            scope = ledger.items.get(name)  # type: ignore[assignment]  # "wrist3" is no item
            if isinstance(scope, Part) and scope.name in PAIRED:
                ledger.topic = scope
        else:
            scope = _of_topic(ledger.topic, name, ledger.items.get(name))
            if isinstance(scope, Part) and name != "O":
                ledger.topic = scope
        if scope is None:
            return None
        scopes.append(scope)
    nested = any(is_inside(one, whole) for one in scopes for whole in scopes)
    return None if nested else scopes


def _of_topic(topic: Part | None, name: str, side: Scope | str | None) -> Part | None:
    if topic is None:
        return None
    if name == "B":
        return Part(topic.name)
    if name == "O":
        return Part(topic.name, OTHER[topic.side]) if topic.side else None  # type: ignore[arg-type]
    return Part(topic.name, side)  # type: ignore[arg-type]


def _at_place(ledger: Ledger, place: int) -> Scope | None:
    kept = ledger.kept
    if len(kept) < 2 or (place == 0 and len(kept) % 2 == 0) or len(kept) < place < 9:
        return None
    return kept[len(kept) // 2 if place == 0 else -1 if place == 9 else place - 1]


def name_of(scope: Scope) -> str | None:
    return scope.name if isinstance(scope, Part) else None


def side_of(scope: Scope) -> str | None:
    return scope.side if isinstance(scope, Part) else None


def is_one_of(one: Scope, whole: Scope) -> bool:
    """Whether this is the same part, or one of the pair."""
    if not isinstance(one, Part) or not isinstance(whole, Part) or one.name != whole.name:
        return False
    return None in (side_of(whole), side_of(one)) or side_of(whole) == side_of(one)


def is_inside(one: Scope, whole: Scope) -> bool:
    return one != whole and within(one, whole)


def touches(one: Scope, whole: Scope) -> bool:
    gone = meant(one)
    return bool((gone & CORE or gone) & meant(whole))
