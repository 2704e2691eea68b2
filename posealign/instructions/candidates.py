"""The masks a text can reasonably mean, and the one the graph finds likeliest.

A threshold on each joint alone gives sets that no words describe ("the left leg and one toe").
Here whole readings compete: parts the text names, sums, exceptions and chains of them, every part
there is, and what the keyword rules read. The graph's logits judge; a reading no word speaks for
pays a price, and the bare threshold stays as the way out for what nobody foresaw.
Shapes: C candidates, V vocabulary joints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.clauses import is_composed, weigh_clauses
from posealign.instructions.decoding import Heads, Logits, decode
from posealign.instructions.hints import LEFT, NEAR, RIGHT, Hint
from posealign.instructions.keywords import is_corrected, is_structured, parse_text
from posealign.instructions.parts import PAIRED, PARTS, joints_of
from posealign.instructions.query import (
    CHOOSING,
    Chain,
    Except,
    Part,
    Query,
    Scope,
    union,
)
from posealign.instructions.sets import as_mask, candidates, evaluate
from posealign.instructions.votes import vote
from posealign.skeletons.load import vocabulary

Mask = NDArray[np.bool_]
MOST_MENTIONS = 6


@dataclass(frozen=True)
class Prices:
    """Fitted on dev: what a reading pays (or gets) beside what the logits say of its joints."""

    unnamed: float = 1.0  # a part that the text does not name
    bare: float = 2.0  # the threshold's own set
    rules: float = 2.0  # what the keyword rules read gets this much
    grammar: float = 4.0  # and this where they found an exception, a chain, a correction
    named: float = 5.0  # what clauses name
    clauses: float = 18.0  # and where an exception or a chain joins them
    composed: float = 24.0  # and where one stands inside another: the graph never saw that
    cap: float = 3.0  # logits are trusted no further
    gate_no: float = 1.0  # the rules would refuse: off the gate
    gate_yes: float = 1.0  # the rules would answer: onto the gate
    vote: float = 1.0  # the words' votes on whether joints are asked for: onto the gate
    foreign: float = 4.0  # a language of a further phrasebook: naming a part is asking for it


PRICES = Prices()


def settle(
    out: Logits,
    row: int,
    hints: list[Hint],
    clean: str,
    prices: Prices = PRICES,
    foreign: bool = False,
) -> Heads:
    """One text's heads, with the likeliest whole reading in place of the bare thresholds."""
    heads = decode(out, row)
    ruled = None if foreign else parse_text(clean)  # the rules speak English and Chinese
    gate = float(out["gate"][row])
    if foreign:
        prices = replace(prices, unnamed=20.0, bare=20.0)  # nothing but what it names
        gate += prices.foreign if mentions(hints) else -prices.foreign
    elif ruled is not None:
        gate += prices.gate_yes if isinstance(ruled, Query) else -prices.gate_no
        gate += prices.vote * vote(clean, hints)
    asked_V = out["asked"][row]
    related_V = heads.related_V
    if heads.relation is not None:
        related_V = choose_related(out["related"][row], heads.relation, heads.asked_V)
    extra = [related_V] if heads.relation is not None else []
    gains: list[float] = [0.0] * len(extra)
    clauses, joined = (None, False) if foreign else weigh_clauses(clean)
    if clauses is not None:
        extra.append(as_mask(evaluate(clauses, candidates)))
        sure = joined or is_corrected(clean)
        gains.append(
            prices.composed if is_composed(clauses) else prices.clauses if sure else prices.named
        )
    if isinstance(ruled, Query):
        extra.append(as_mask(evaluate(ruled.scope, candidates)))
        gains.append(prices.grammar if is_structured(clean, ruled) else prices.rules)
    firsts: list[Scope] = [options[0] for options in mentions(hints)] if foreign else []
    if firsts:  # a side beside a part is that part's, in whatever language
        extra.append(_mask_of(union(list(dict.fromkeys(firsts)))))
        gains.append(prices.foreign)
    mask_V = choose_mask(asked_V, hints, extra, gains, prices)
    if heads.relation is not None:
        related_V = related_V & mask_V if (related_V & mask_V).any() else mask_V
    if heads.relation in CHOOSING and not (related_V & related_V[vocabulary().swap_J]).any():
        # "the left knee in the picture" leaves no side to choose: its left is not the picture's.
        heads, related_V = replace(heads, relation=None), np.zeros_like(related_V)
    answered = gate > 0 and bool(mask_V.any())
    return replace(heads, answered=answered, asked_V=mask_V, related_V=related_V)


def choose_mask(
    asked_V: NDArray[np.float32],
    hints: list[Hint],
    extra: Sequence[Mask] = (),
    gains: Sequence[float] = (),
    prices: Prices = PRICES,
) -> Mask:
    """The likeliest reading of `asked`, given the logits and the text's mentions; each of the
    `extra` readings has its gain.
    """
    logits_V = np.clip(asked_V, -prices.cap, prices.cap) * _weights()
    bare_V = asked_V > 0
    masks, every = [bare_V, *extra], [-prices.bare, *(gains or (0.0 for _ in extra))]
    for scope in readings(mentions(hints)):
        masks.append(_mask_of(scope))
        every.append(0.0)
    named_CV = _named()
    every_CV = np.concatenate((np.stack(masks), named_CV))
    every_C = np.concatenate((np.array(every), np.full(len(named_CV), -prices.unnamed)))
    scores_C = every_CV @ logits_V + np.where(every_CV.any(axis=1), every_C, -1e9)
    best: Mask = every_CV[int(scores_C.argmax())]
    return best


def choose_related(related_V: NDArray[np.float32], relation: str, asked_V: Mask) -> Mask:
    """The part under a relation: always one that has a name."""
    logits_V = np.clip(related_V, -6, 6) * _weights()
    masks_CV = _paired() if relation in CHOOSING else _named_wholes()
    best: Mask = masks_CV[int((masks_CV @ logits_V).argmax())]
    return best & asked_V if (best & asked_V).any() else best


@cache
def _weights() -> NDArray[np.float64]:
    """Points of one part share one vote, as in training."""
    names = vocabulary().names
    keys = [_crowd(name) for name in names]
    return np.array([1 / keys.count(key) for key in keys])


def _crowd(name: str) -> str:
    if name.startswith("face_"):
        number = int(name.split("_")[1])
        bounds = ((17, "jaw"), (22, "brow"), (27, "brow2"), (36, "nose"), (48, "lid"))
        return next((key for end, key in bounds if number < end), "mouth")
    return name[:-1] if name[-1].isdigit() and "spine" not in name else name


def mentions(hints: list[Hint]) -> list[list[Part]]:
    """For each part the text names, the ways its side may be meant, the likeliest first."""
    items = [token for hint in hints for token in hint.tokens if token != NEAR]
    sides = {"left" if token == LEFT else "right" for token in items if token in (LEFT, RIGHT)}
    found: list[list[Part]] = []
    for at, token in enumerate(items):
        if token in (LEFT, RIGHT):
            continue
        name = token[1:-1]
        if name == "eyebrow" or name not in PAIRED:
            found.append([Part(name)])
            continue
        options: list[str | None] = []
        before, after = items[at - 1] if at else "", items[at + 1] if at + 1 < len(items) else ""
        for near in (before, after):
            if near in (LEFT, RIGHT):
                options.append("left" if near == LEFT else "right")
        options += [None, *sorted(sides)]
        found.append([Part(name, side) for side in dict.fromkeys(options)])  # type: ignore[arg-type]
    return found[:MOST_MENTIONS]


def readings(named: list[list[Part]]) -> Iterator[Scope]:
    """Everything a few mentions may add up to."""
    everything = Part("all")
    for options in named:
        for option in options:
            yield option
            yield Except(everything, option)
    for first in range(len(named)):
        for second in range(len(named)):
            if first != second:
                yield from _pairs(named[first], named[second], first < second)
    firsts = [options[0] for options in named]
    for at in range(len(named)):
        for some in (firsts[at:], firsts[: at + 1], firsts[:at] + firsts[at + 1 :]):
            distinct: list[Scope] = list(dict.fromkeys(some))
            if len(distinct) > 2 or (len(distinct) == 2 and len(named) > 2):
                yield union(distinct)
                yield Except(everything, union(distinct))
        if 0 < at < len(named) and len(named) > 2:
            whole, rest = list(dict.fromkeys(firsts[:at])), list(dict.fromkeys(firsts[at:]))
            yield Except(union(list(whole)), union(list(rest)))


def _pairs(one: list[Part], other: list[Part], ordered: bool) -> Iterator[Scope]:
    for a in one[:3]:
        for b in other[:3]:
            if a == b:
                continue
            yield Except(a, b)
            if ordered:
                yield union([a, b])
                yield Except(Part("all"), union([a, b]))
    a, b = one[0], other[0]
    if ordered and a != b and a.name != "all" != b.name:
        yield Chain(a, b)


@lru_cache(maxsize=65536)
def _mask_of(scope: Scope) -> Mask:
    return as_mask(evaluate(scope, candidates))


@cache
def _named() -> Mask:
    """Every part there is, on every side, and all but it."""
    scopes: list[Scope] = []
    for name in sorted(PARTS):
        if name.startswith("face_"):
            continue  # single points of a face are never meant without being named
        sides: tuple[str | None, ...] = (None, "left", "right") if name in PAIRED else (None,)
        for side in sides:
            scopes += [Part(name, side), Except(Part("all"), Part(name, side))]  # type: ignore[arg-type]
    masks = np.stack([_mask_of(scope) for scope in scopes])
    kept: Mask = masks[masks.any(axis=1)]
    return kept


@cache
def _paired() -> Mask:
    return np.stack([as_mask(joints_of(name)) for name in sorted(PAIRED)])


@cache
def _named_wholes() -> Mask:
    rows = [as_mask(joints_of(name)) for name in sorted(PARTS)]
    rows += [
        as_mask(joints_of(name, side)) for name in sorted(PAIRED) for side in ("left", "right")
    ]
    return np.stack(rows)
