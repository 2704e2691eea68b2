"""The masks a text can reasonably mean, and the one the graph finds likeliest.

A threshold on each joint alone gives sets that no words describe ("the left leg and one toe").
Here whole readings compete: parts the text names, sums, exceptions and chains of them, every part
there is, and what the keyword rules read. The graph's logits judge; a reading no word speaks for
pays a price, and the bare threshold stays as the way out for what nobody foresaw.
Shapes: C candidates, V vocabulary joints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    Refusal,
    Scope,
    Union,
    union,
)
from posealign.instructions.roles import likely
from posealign.instructions.sets import Joints, as_mask, meant
from posealign.instructions.votes import slot_votes, vote
from posealign.skeletons.load import vocabulary

Mask = NDArray[np.bool_]
MOST_MENTIONS = 6


@dataclass(frozen=True)
class Prices:
    """Fitted on dev: what the rules and the words' votes add to the graph's logits."""

    gate_no: float = 1.0  # the rules would refuse: off the gate
    gate_yes: float = 1.0  # the rules would answer: onto the gate
    vote: float = 0.7  # the words' votes on whether joints are asked for: onto the gate
    doubt: float = 1.5  # off the gate: near misses are many, and a refusal is an answer
    foreign: float = 4.0  # a language of a further phrasebook: naming a part is asking for it
    slots: float = 0.6  # the words' votes on visibility, subject, relation …


PRICES = Prices()
# What a reading gets for whoever proposes it (proposers add up) and for what the logits say of it.
# Fitted by logistic regression on written lines that the graph was not trained on, dev among them;
# sums and exceptions within one another are too rare there to be fitted: `clauses_composed` is the
# most that dev bears.
WEIGHTS: dict[str, float] = {
    "sum3": -0.021, "sum8": 0.017, "size": 0.505,
    "bare": -1.391, "bare_sure": 0.783, "bare_only": -0.331, "unnamed": -5.3,
    "one": -0.467, "less": 0.318, "but": -0.656, "union": -0.641, "related": 0.531, "agreed": 9.0,
    "clauses_plain": -0.289, "clauses_corrected": 0.901, "clauses_joined": 0.384,
    "clauses_composed": 4.0,
    "rules_plain": -0.058, "rules_structured": 0.469, "roles": -0.541, "roles_sure": 0.634,
}  # fmt: skip
# In a language of a further phrasebook nothing but what it names.
FOREIGN = {"sum3": 1.0, "unnamed": -20.0, "bare_only": -20.0, "firsts": 4.0}


class Ballot:
    """Masks, and what speaks for each."""

    def __init__(self) -> None:
        self.rows: dict[bytes, tuple[Mask, dict[str, float]]] = {}

    def propose(self, mask_V: Mask, **said: float) -> None:
        if mask_V.any():
            known = self.rows.setdefault(mask_V.tobytes(), (mask_V, {}))[1]
            for name, value in said.items():
                known[name] = max(known.get(name, value), value)


def settle(
    out: Logits,
    row: int,
    hints: list[Hint],
    clean: str,
    prices: Prices = PRICES,
    foreign: bool = False,
) -> Heads:
    """One text's heads, with the likeliest whole reading in place of the bare thresholds."""
    if not foreign:
        out = _voted(out, row, hints, clean, prices.slots)
    heads = decode(out, row)
    ruled = None if foreign else parse_text(clean)  # the rules speak English and Chinese
    gate = float(out["gate"][row])
    if foreign:
        gate += prices.foreign if mentions(hints) else -prices.foreign
    elif ruled is not None:
        gate += prices.gate_yes if isinstance(ruled, Query) else -prices.gate_no
        gate += prices.vote * vote(clean, hints) - prices.doubt
    ballot = Ballot()
    related_V = heads.related_V
    if heads.relation is not None:
        related_V = choose_related(out["related"][row], heads.relation, heads.asked_V)
        ballot.propose(related_V, related=1.0)
    if foreign:
        firsts: list[Scope] = [options[0] for options in mentions(hints)]
        if firsts:  # a side beside a part is that part's, in whatever language
            ballot.propose(_mask_of(union(list(dict.fromkeys(firsts)))), firsts=1.0)
    else:
        agreed_V = propose_read(ballot, clean, ruled)
        beside = heads.relation in ("image_left", "image_right") and _one_sided(agreed_V)
        if beside or is_corrected(clean):
            # "the left knee in the picture": its side is the person's own, say clauses and rules;
            # and what they make of "no, the right one" holds.
            ballot.propose(agreed_V, agreed=1.0)
    mask_V = choose_mask(out["asked"][row], hints, ballot, FOREIGN if foreign else WEIGHTS)
    if heads.relation is not None:
        related_V = related_V & mask_V if (related_V & mask_V).any() else mask_V
    if heads.relation in CHOOSING and not (related_V & related_V[vocabulary().swap_J]).any():
        # "the left knee in the picture" leaves no side to choose: its left is not the picture's.
        heads, related_V = replace(heads, relation=None), np.zeros_like(related_V)
    answered = gate > 0 and bool(mask_V.any())
    return replace(heads, answered=answered, asked_V=mask_V, related_V=related_V)


def _voted(out: Logits, row: int, hints: list[Hint], clean: str, share: float) -> Logits:
    """The logits with the words' votes on the slots added."""
    changed = dict(out)
    for name, votes_K in slot_votes(clean, hints).items():
        logits = np.array(out[name])
        logits[row] += share * votes_K
        changed[name] = logits
    return changed


def _one_sided(mask_V: Mask) -> bool:
    return bool(mask_V.any()) and not (mask_V & mask_V[vocabulary().swap_J]).any()


def propose_read(ballot: Ballot, clean: str, ruled: Query | Refusal | None) -> Mask:
    """What clauses and rules read, and the roles that the words around each part give it; what
    clauses and rules read alike comes back.
    """
    clauses, joined = weigh_clauses(clean)
    views: list[Joints | None] = [None, None]
    if clauses is not None:
        views[0] = meant(clauses)
        kind = "joined" if joined else "corrected" if is_corrected(clean) else "plain"
        kind = "composed" if is_composed(clauses) else kind
        ballot.propose(_mask_of(clauses), **{f"clauses_{kind}": 1.0})
    if isinstance(ruled, Query):
        views[1] = meant(ruled.scope)
        kind = "structured" if is_structured(clean, ruled) else "plain"
        ballot.propose(_mask_of(ruled.scope), **{f"rules_{kind}": 1.0})
    for scope, log_p in likely(clean, views):
        sure = max(log_p, -6.0) + 6.0
        ballot.propose(_mask_of(scope), roles=1.0, roles_sure=sure)
    alike = views[0] if views[0] is not None and views[0] == views[1] else frozenset[str]()
    return as_mask(alike)


def choose_mask(
    asked_V: NDArray[np.float32],
    hints: list[Hint],
    ballot: Ballot,
    weights: Mapping[str, float] = WEIGHTS,
) -> Mask:
    """The likeliest reading of `asked`, given the logits, the text's mentions and the ballot."""
    for scope in readings(mentions(hints)):
        ballot.propose(_mask_of(scope), **{_kind_of(scope): 1.0})
    bare_V = asked_V > 0
    alone = bare_V.tobytes() not in ballot.rows
    sure = float(np.abs(asked_V).clip(0, 4).mean())
    ballot.propose(bare_V, bare=1.0, bare_sure=sure, bare_only=float(alone))
    rows = list(ballot.rows.values())
    summed_V = _worth(asked_V, weights)
    named = _named()
    named_C = named.float_CV @ summed_V + weights.get("size", 0.0) * named.size_C
    if not rows:
        alone_V: Mask = named.masks_CV[int(named_C.argmax())]
        return alone_V
    masks_CV = np.array([mask_V for mask_V, _ in rows])
    total_C = masks_CV.astype(np.float64) @ summed_V
    total_C += weights.get("size", 0.0) * masks_CV[:, :17].mean(1)
    for at, (_, said) in enumerate(rows):
        for name, value in said.items():
            total_C[at] += weights.get(name, 0.0) * value
    best, other = int(total_C.argmax()), int(named_C.argmax())
    unnamed = float(named_C[other]) + weights.get("unnamed", 0.0)
    chosen: Mask = rows[best][0] if total_C[best] >= unnamed else named.masks_CV[other]
    return chosen


def _worth(asked_V: NDArray[np.float32], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """What the logits say for each joint to be in a mask."""
    worth_V: NDArray[np.float64] = _weights() * sum(
        weights.get(f"sum{cap}", 0.0) * np.clip(asked_V, -cap, cap) for cap in (3, 8)
    )
    return worth_V


def _kind_of(scope: Scope) -> str:
    if isinstance(scope, Except):
        return "but" if scope.scope == Part("all") else "less"
    return "chain" if isinstance(scope, Chain) else "union" if isinstance(scope, Union) else "one"


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
    return as_mask(meant(scope))


@dataclass(frozen=True)
class Named:
    """The same masks twice, and which share of COCO's joints each has."""

    masks_CV: Mask
    float_CV: NDArray[np.float64]
    size_C: NDArray[np.float64]


@cache
def _named() -> Named:
    """Every part there is, on every side, and all but it."""
    scopes: list[Scope] = []
    for name in sorted(PARTS):
        if name.startswith("face_"):
            continue  # single points of a face are never meant without being named
        sides: tuple[str | None, ...] = (None, "left", "right") if name in PAIRED else (None,)
        for side in sides:
            scopes += [Part(name, side), Except(Part("all"), Part(name, side))]  # type: ignore[arg-type]
    masks_CV = np.unique(np.stack([_mask_of(scope) for scope in scopes]), axis=0)
    masks_CV = masks_CV[masks_CV.any(axis=1)]
    return Named(masks_CV, masks_CV.astype(np.float64), masks_CV[:, :17].mean(1))


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
