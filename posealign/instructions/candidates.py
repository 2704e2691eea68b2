"""The masks a text can reasonably mean, and the one the graph finds likeliest.

A threshold on each joint alone gives sets that no words describe ("the left leg and one toe").
Here whole readings compete: parts the text names, sums, exceptions and chains of them, every part
there is, and what the keyword rules read. The graph's logits judge; a reading no word speaks for
pays a price, and the bare threshold stays as the way out for what nobody foresaw.
Shapes: C candidates, V vocabulary joints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.clauses import is_composed, weigh_clauses
from posealign.instructions.corrections import is_corrected
from posealign.instructions.decoding import CORE_V, Heads, Logits, decode
from posealign.instructions.hints import LEFT, NEAR, RIGHT, Hint
from posealign.instructions.keyword_patterns import IN_PICTURE, LINKED
from posealign.instructions.keywords import (
    is_structured,
    parse_text,
)
from posealign.instructions.masks import Mask, mask_of, named_parts, shares
from posealign.instructions.parts import PAIRED
from posealign.instructions.query import (
    ALL,
    CHOOSING,
    REASONS,
    Chain,
    Except,
    Part,
    Query,
    Refusal,
    Related,
    Scope,
    Union,
    union,
)
from posealign.instructions.roles import likely
from posealign.instructions.sets import Joints, as_mask, meant
from posealign.instructions.taken import choose_related, taken_from
from posealign.instructions.told import plainly, told
from posealign.instructions.votes import goes, slot_votes, vote
from posealign.instructions.wished import denies, is_impossible, wishes
from posealign.skeletons.load import vocabulary

MOST_MENTIONS = 6
GOES = 0.5  # log odds by the votes from which what a relation chooses is left out
MOSTLY = 0.8  # of the vocabulary's joints: all of them are meant
FILE = Path(__file__).with_name("weights.json")


@dataclass(frozen=True)
class Weights:
    """Fitted by training/weights.py to written lines that the graph was not trained on.

    `readings`: what a reading gets for whoever proposes it (proposers add up) and for what the
    logits say of it. `foreign`: the same in a language of a further phrasebook, where nothing
    counts but what it names; set by hand. `gate`: what speaks for an answer at all. `slots`: the
    share of the words' votes on visibility, subject, relation …
    """

    readings: Mapping[str, float]
    foreign: Mapping[str, float]
    gate: Mapping[str, float]
    slots: float

    def answers(self, said: Mapping[str, float]) -> bool:
        return sum(self.gate.get(name, 0.0) * value for name, value in said.items()) > 0


@cache
def weights() -> Weights:
    return Weights(**json.loads(FILE.read_text("utf-8")))


class Ballot:
    """Masks, and what speaks for each."""

    def __init__(self) -> None:
        self.rows: dict[bytes, tuple[Mask, dict[str, float]]] = {}

    def propose(self, mask_V: Mask, **said: float) -> None:
        key = mask_V.tobytes()
        if 1 in key:
            known = self.rows.setdefault(key, (mask_V, {}))[1]
            for name, value in said.items():
                known[name] = max(known.get(name, value), value)


@dataclass(frozen=True)
class Poll:
    """All that is known of a text before anything is chosen; `said` speaks for an answer."""

    heads: Heads
    asked_V: NDArray[np.float32]
    related_V: Mask
    ballot: Ballot
    said: Mapping[str, float]


def settle(
    out: Logits,
    row: int,
    hints: list[Hint],
    clean: str,
    foreign: bool = False,
    known: Weights | None = None,
) -> Heads:
    """One text's heads, with the likeliest whole reading in place of the bare thresholds."""
    known = known or weights()
    polled = poll(out, row, hints, clean, foreign, known.slots)
    heads, related_V = polled.heads, polled.related_V
    worth = known.foreign if foreign else known.readings
    mask_V = choose_mask(polled.asked_V, polled.ballot, worth)
    if heads.relation is not None:
        related_V = related_V & mask_V if (related_V & mask_V).any() else mask_V
    if heads.relation in CHOOSING and not (related_V & related_V[vocabulary().swap_J]).any():
        # "the left knee in the picture" leaves no side to choose: its left is not the picture's.
        heads, related_V = replace(heads, relation=None), np.zeros_like(related_V)
    if heads.relation in CHOOSING and mask_V.all():  # nobody asks for one arm and all the rest
        heads = replace(heads, taken=True)
    answered = known.answers(polled.said) and bool(mask_V.any())
    if heads.reason == "contradictory" and "unnamed" in polled.said and not denies(clean):
        reasons = np.where(np.array(REASONS) == "contradictory", -np.inf, out["reason"][row])
        heads = replace(heads, reason=REASONS[int(reasons.argmax())])
    return replace(heads, answered=answered, asked_V=mask_V, related_V=related_V)


def poll(out: Logits, row: int, hints: list[Hint], clean: str, foreign: bool, slots: float) -> Poll:
    """Everyone's readings of one text, and what they say of an answer at all."""
    if not foreign:
        out = _voted(out, row, hints, clean, slots)
    ruled = None if foreign else parse_text(clean)  # the rules speak English and Chinese
    out = told(out, row, ruled, clean)
    heads = decode(out, row)
    named = mentions(hints)
    ballot = Ballot()
    related_V = heads.related_V
    if heads.relation is not None:
        related_V = choose_related(out["related"][row], heads.relation, heads.asked_V)
        if not named and _is_of_all(ruled) and related_V.mean() > MOSTLY:
            related_V = mask_of(ALL)  # "what is under the blanket"
        whole = taken_from(clean, heads.relation, related_V, heads.asked_V, ruled)
        if whole is not None:
            heads = replace(heads, taken=True)
            ballot.propose(mask_of(whole), related=1.0)
        elif not foreign and goes(clean, hints) > GOES:
            heads = replace(heads, taken=True)
        else:
            ballot.propose(related_V, **{"related" if len(named) < 2 else "related_beside": 1.0})
    if foreign:
        firsts: list[Scope] = [options[0] for options in named]
        if firsts:  # a side beside a part is that part's, in whatever language
            ballot.propose(mask_of(union(list(dict.fromkeys(firsts)))), firsts=1.0)
    else:
        agreed_V = propose_read(ballot, clean, ruled)
        placed = heads.relation in ("image_left", "image_right") or IN_PICTURE.search(clean)
        beside = bool(placed) and _one_sided(agreed_V)
        # "the left knee in the picture": its side is the person's own, say clauses and rules;
        # and what they make of "no, the right one" counts for more than elsewhere.
        if beside:
            ballot.propose(agreed_V, agreed=1.0)
        elif is_corrected(clean):
            ballot.propose(agreed_V, corrected=1.0)
    plain = {} if ruled is None else plainly(clean)
    if plain and not named:  # "skip whatever is hidden"
        ballot.propose(mask_of(ALL), agreed=1.0)
    for scope in readings(named, bool(LINKED.search(clean))):
        ballot.propose(mask_of(scope), **{_kind_of(scope): 1.0})
    asked_V = out["asked"][row]
    bare_V = asked_V > 0
    alone = bare_V.tobytes() not in ballot.rows
    sure = float(np.abs(asked_V).clip(0, 4).mean())
    ballot.propose(bare_V, bare=1.0, bare_sure=sure, bare_only=float(alone))
    said = _said(float(out["gate"][row]), ruled, bool(named))
    if ruled is not None:
        said["votes"] = vote(clean, hints)
        said["impossible"] = float(is_impossible(clean))
        said |= wishes(clean, bool(named), plain)
        said["asked"] = float(asked_V[CORE_V].clip(-4, 4).mean())  # all of the body, or nothing
    return Poll(heads, asked_V, related_V, ballot, said)


def _said(gate: float, ruled: Query | Refusal | None, named: bool) -> dict[str, float]:
    """What graph and rules say of an answer; the rules by the reason they would refuse for."""
    if ruled is None:  # the graph is taught to refuse what it cannot read
        return {"foreign": 1.0 if named else -1.0}
    said = {"graph": gate, "bias": 1.0}
    said["rules" if isinstance(ruled, Query) else f"rules_{ruled.reason}"] = 1.0
    if not named:
        said["unnamed"] = 1.0
    return said


def _voted(out: Logits, row: int, hints: list[Hint], clean: str, share: float) -> Logits:
    """The logits with the words' votes on the slots added."""
    changed = dict(out)
    for name, votes_K in slot_votes(clean, hints).items():
        logits = np.array(out[name])
        logits[row] += share * votes_K
        changed[name] = logits
    return changed


def _is_of_all(ruled: Query | Refusal | None) -> bool:
    """Whether the rules read a relation that picks from all there is."""
    return isinstance(ruled, Query) and isinstance(ruled.scope, Related) and ruled.scope.part == ALL


def _one_sided(mask_V: Mask) -> bool:
    return bool(mask_V.any()) and not (mask_V & mask_V[vocabulary().swap_J]).any()


def propose_read(ballot: Ballot, clean: str, ruled: Query | Refusal | None) -> Mask:
    """What clauses and rules read, and the roles that the words around each part give it; what
    clauses and rules read alike comes back.
    """
    clauses, how = weigh_clauses(clean)
    views: list[Joints | None] = [None, None]
    if clauses is not None:
        views[0] = meant(clauses)
        kind = how or ("corrected" if is_corrected(clean) else "plain")
        kind = "composed" if how not in ("told", "settled") and is_composed(clauses) else kind
        ballot.propose(mask_of(clauses), **{f"clauses_{kind}": 1.0})
    if isinstance(ruled, Query):
        views[1] = meant(ruled.scope)
        kind = "structured" if is_structured(clean, ruled) else "plain"
        ballot.propose(mask_of(ruled.scope), **{f"rules_{kind}": 1.0})
    alike = views[0] if views[0] is not None and views[0] == views[1] else frozenset[str]()
    for place, (scope, log_p) in enumerate(likely(clean, views)):
        sure = max(log_p, -6.0) + 6.0
        ballot.propose(mask_of(scope), roles=1.0, roles_sure=sure)
        if place == 0 and meant(scope) == alike:
            ballot.propose(mask_of(scope), alike=1.0)  # clauses, rules and roles
    return as_mask(alike)


def choose_mask(asked_V: NDArray[np.float32], ballot: Ballot, weights: Mapping[str, float]) -> Mask:
    """The reading that those who propose it and the logits together find likeliest."""
    proposed = list(ballot.rows.values())
    summed_V, named = _worth(asked_V, weights), named_parts()
    named_C = named.float_CV @ summed_V + weights.get("size", 0.0) * named.size_C
    other = int(named_C.argmax())
    chosen: Mask = named.masks_CV[other]
    most = float(named_C[other]) + weights.get("unnamed", 0.0)
    if proposed:
        masks_CV = np.array([mask_V for mask_V, _ in proposed])
        float_CV = masks_CV.astype(np.float64)
        total_C = float_CV @ summed_V
        total_C += weights.get("size", 0.0) / 17 * float_CV[:, :17].sum(1)
        for at, (_, said) in enumerate(proposed):
            for name, value in said.items():
                total_C[at] += weights.get(name, 0.0) * value
        best = int(total_C.argmax())
        if total_C[best] >= most:
            chosen = masks_CV[best]
    return chosen


def every_reading(
    asked_V: NDArray[np.float32], ballot: Ballot
) -> tuple[Mask, list[dict[str, float]]]:
    """All that `choose_mask` weighs: masks, and what speaks for each by the weights' names."""
    masks_CV = np.array([mask_V for mask_V, _ in ballot.rows.values()] + [*named_parts().masks_CV])
    said = [dict(row) for _, row in ballot.rows.values()]
    said += [{"unnamed": 1.0} for _ in range(len(masks_CV) - len(said))]
    for name in ("sum3", "sum8"):
        sums_C = masks_CV.astype(np.float64) @ _worth(asked_V, {name: 1.0})
        for row, total in zip(said, sums_C, strict=True):
            row[name] = float(total)
    for row, share in zip(said, masks_CV[:, :17].mean(1), strict=True):
        row["size"] = float(share)
    return masks_CV, said


def _worth(asked_V: NDArray[np.float32], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """What the logits say for each joint to be in a mask."""
    worth_V: NDArray[np.float64] = shares() * sum(
        weights.get(f"sum{cap}", 0.0) * np.minimum(np.maximum(asked_V, -cap), cap) for cap in (3, 8)
    )
    return worth_V


def _kind_of(scope: Scope) -> str:
    if isinstance(scope, Except):
        return "but" if scope.scope == Part("all") else "less"
    return "chain" if isinstance(scope, Chain) else "union" if isinstance(scope, Union) else "one"


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


def readings(named: list[list[Part]], linked: bool = True) -> Iterator[Scope]:
    """Everything a few mentions may add up to; `linked`: words of a way between them are said."""
    everything = Part("all")
    for options in named:
        for option in options:
            yield option
            yield Except(everything, option)
    for first in range(len(named)):
        for second in range(len(named)):
            if first != second:
                yield from _pairs(named[first], named[second], first < second, linked)
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


def _pairs(one: list[Part], other: list[Part], ordered: bool, linked: bool) -> Iterator[Scope]:
    for a in one[:3]:
        for b in other[:3]:
            if a == b:
                continue
            yield Except(a, b)
            if ordered:
                yield union([a, b])
                yield Except(Part("all"), union([a, b]))
    a, b = one[0], other[0]
    if ordered and linked and a != b and a.name != "all" != b.name:
        yield Chain(a, b)
