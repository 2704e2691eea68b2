"""Combinations kept out of training: known words in shapes that no training text has.

`shaped` tells them, so that the training mixture can leave written lines of these shapes out.
"""

from __future__ import annotations

from random import Random

from posealign.instructions.parts import PAIRED
from posealign.instructions.query import (
    Chain,
    Except,
    Part,
    Query,
    Refusal,
    Scope,
    Union,
    part,
    union,
)
from posealign.instructions.sampling import WITHIN, sample_chain, sample_except, sample_part
from posealign.instructions.sets import read


def shaped(query: Query | Refusal) -> bool:
    """A chain less something, a sum with an exception inside, a part less two things."""
    return isinstance(query, Query) and _shaped(query.scope)


def _shaped(scope: Scope) -> bool:
    if isinstance(scope, Union):
        return any(isinstance(item, Except) or _shaped(item) for item in scope.items)
    if not isinstance(scope, Except):
        return False
    whole, removed = scope.scope, scope.removed
    return (
        isinstance(whole, Chain | Union)
        or isinstance(removed, Chain)
        or (isinstance(removed, Union) and whole != Part("all"))
        or _shaped(whole)
        or _shaped(removed)
    )


def sample_composition(rng: Random) -> Query:
    """One such Query with something left in it."""
    while True:
        query = Query(_MAKERS[rng.randrange(len(_MAKERS))](rng))
        whole = query.scope
        if not shaped(query) or not read(query).asked:
            continue
        if isinstance(whole, Except) and read(Query(whole.scope)).asked == read(query).asked:
            continue  # nothing was taken away: no test of anything
        return query


def _chain_less(rng: Random) -> Scope:
    chain = sample_chain(rng)
    middle = {"hip": "knee", "knee": "ankle", "shoulder": "elbow", "elbow": "wrist"}
    name = middle.get(chain.start.name) or middle.get(chain.end.name) or "knee"
    same = chain.start.side if chain.start.side == chain.end.side else None
    return Except(chain, part(f"{same}_{name}") if same else Part(name))


def _sum_with_exception(rng: Random) -> Scope:
    while True:
        inner, other = sample_except(rng), sample_part(rng)
        if inner.scope == Part("all") or isinstance(inner.scope, Except):
            continue
        # "The upper body without the wrist and the eyes" can be read in two ways: no test.
        if read(Query(inner.scope)).asked.isdisjoint(read(Query(other)).asked):
            break
    pair: list[Scope] = [inner, other] if rng.random() < 0.5 else [other, inner]
    return union(pair)


def _part_less_two(rng: Random) -> Scope:
    whole = rng.choice([name for name, inside in WITHIN.items() if len(inside) > 2])
    first, second = rng.sample(WITHIN[whole], 2)
    side = rng.choice(("left_", "right_", "", "")) if whole in PAIRED else ""
    names = [f"{side}{name}" if name in PAIRED else name for name in (first, second)]
    return Except(part(f"{side}{whole}"), union([part(name) for name in names]))


def _all_less_chain(rng: Random) -> Scope:
    return Except(Part("all"), sample_chain(rng))


_MAKERS = (_chain_less, _sum_with_exception, _part_less_two, _all_less_chain)
