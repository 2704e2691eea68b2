"""Sets of joints back into the written form: the shortest way the published parts can say it.

Shapes: P named things, V vocabulary joints.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidQuery
from posealign.instructions.parts import PAIRED, PARTS, joints_of
from posealign.instructions.query import CHOOSING, Query, parse
from posealign.instructions.sets import as_mask, read

Mask = NDArray[np.bool_]


@cache
def _names() -> tuple[tuple[str, ...], Mask]:
    """Everything that has a name, large before small, both sides before one."""
    written = [(name, as_mask(joints_of(name))) for name in PARTS]
    for name in PAIRED:
        for side in ("left", "right"):
            written.append((f"{side}_{name}", as_mask(joints_of(name, side))))
    written.sort(key=lambda row: (-int(row[1].sum()), row[0]))
    return tuple(name for name, _ in written), np.stack([mask for _, mask in written])


def describe(asked_V: Mask) -> str | None:
    """A scope that means exactly these joints; None where no short one does."""
    return _described(asked_V.tobytes())


@lru_cache(maxsize=4096)
def _described(packed: bytes) -> str | None:
    asked_V = np.frombuffer(packed, dtype=bool)
    if not asked_V.any():
        return None
    names, masks_PV = _names()
    exact = np.flatnonzero((masks_PV == asked_V).all(axis=1))
    if exact.size:
        return names[int(exact[0])]
    options = [form for form in (_cover(asked_V), _without(asked_V)) if form is not None]
    good = [form for form in options if (read(_query(form)).asked_V() == asked_V).all()]
    return min(good, key=lambda form: (form.count("+") + form.count("-"), len(form)), default=None)


def _query(form: str) -> Query:
    query = parse(form)
    if not isinstance(query, Query):
        raise InvalidQuery(f"{form!r} is no scope")
    return query


def _cover(asked_V: Mask, most: int = 8) -> str | None:
    """A sum of parts, each time the one that adds most."""
    names, masks_PV = _names()
    inside_P = ~(masks_PV & ~asked_V).any(axis=1)
    missing_V = asked_V.copy()
    chosen: list[str] = []
    while missing_V.any():
        gains_P = np.where(inside_P, (masks_PV & missing_V).sum(axis=1), 0)
        best = int(gains_P.argmax())
        if gains_P[best] == 0 or len(chosen) == most:
            return None
        chosen.append(names[best])
        missing_V &= ~masks_PV[best]
    return " + ".join(chosen)


def _without(asked_V: Mask) -> str | None:
    """A part less some others: the smallest whole that holds everything asked."""
    names, masks_PV = _names()
    holding = np.flatnonzero(~(asked_V & ~masks_PV).any(axis=1))
    best: str | None = None
    for whole in holding[::-1][:12]:
        rest = _cover(masks_PV[whole] & ~asked_V, most=4)
        if rest is None:
            continue
        form = f"{names[whole]} - {f'({rest})' if '+' in rest else rest}"
        if not (read(_query(form)).asked_V() == asked_V).all():
            continue
        if best is None or form.count("+") < best.count("+"):
            best = form
    return best


def describe_query(
    asked_V: Mask,
    related_V: Mask,
    relation: str | None,
    options: dict[str, str | None],
    taken: bool = False,
) -> str | None:
    """The whole written form, the relation's part named where it has a name."""
    if relation is None:
        scope = describe(asked_V)
    else:
        part = describe(related_V)
        if (
            part is None
            or "+" in part
            or "-" in part
            or (relation in CHOOSING and part not in PAIRED)
        ):
            return None
        chosen = f"{relation}({part})"
        if taken:
            return _written(f"{describe(asked_V)} - {chosen}", options)
        rest = describe(asked_V & ~related_V)
        scope = chosen + (f" + {rest}" if rest else "")
    return None if scope is None else _written(scope, options)


def _written(scope: str, options: dict[str, str | None]) -> str | None:
    tail = " ".join(f"{key}={value}" for key, value in options.items() if value is not None)
    written = f"{scope} | {tail}" if tail else scope
    try:
        return str(parse(written))
    except InvalidQuery:
        return None
