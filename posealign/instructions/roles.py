"""What each part in a text is there for: asked, left out, one end of a chain, or merely said.

The words around a part say it ("never mind the …", "… , no, the …"), whatever the part is. Here
every mention gets a role and a side by weights on those words, fitted to the written corpus by
training/roles.py, and the parts in their roles are put together by set algebra. The likeliest few
readings go to candidates.py, to be weighed with the graph's.
Shapes: R roles, S sides that a mention may have.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidQuery
from posealign.instructions.binding import bind, on_side
from posealign.instructions.found import found_in
from posealign.instructions.parts import PAIRED, joints_of
from posealign.instructions.query import ALL, Chain, Except, Part, Scope, part, union
from posealign.instructions.sets import Joints, is_within, meant

FILE = Path(__file__).with_name("roles.npz")
SIZE = 1 << 17
ROLES = ("asked", "out", "said", "linked")  # linked: the near end of a chain to the next one
MOST = 7  # mentions; longer lists are read by rules
WIDE = 12  # assignments kept on the way
KEPT = 4  # readings handed on
_TOKEN = re.compile(r"[a-z']+|\d+|[\u3400-\u9fff]|[^\w\s]")
_SMALL = frozenset(
    re.findall(r"\w+", "the a an her his their its my your this that of these those 的 个 那 这")
)
_STOP = frozenset(",;.。:!?、，；：！？")
PART, SIDE = "<p>", "<s>"


@dataclass(frozen=True)
class Mention:
    """`at` is its place among the tokens; `bound` what the rules make of it, side and all."""

    at: int
    scope: Scope
    plural: bool
    both: bool
    bound: Scope | None


@dataclass(frozen=True)
class Text:
    """Tokens with parts and sides in place of their names; `sides` are places and sides."""

    tokens: tuple[str, ...]
    mentions: tuple[Mention, ...]
    sides: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Chosen:
    """One mention in its role; `scope` has its side."""

    role: str
    scope: Scope


def take_apart(clean: str) -> Text:
    found = found_in(clean)
    bound = bind(found, clean)
    named = [item for item in found if item.scope is not None]
    fitting = len(bound) == len(named)
    tokens: list[str] = []
    mentions: list[Mention] = []
    sides: list[tuple[int, str]] = []
    end = 0
    for item in found:
        tokens += _plain(clean[end : item.start])
        if item.scope is None:
            sides.append((len(tokens), item.side or ""))
            tokens.append(SIDE)
        else:
            said = clean[item.start : item.end]
            rule = bound[len(mentions)] if fitting else None
            mentions.append(Mention(len(tokens), item.scope, said.endswith("s"), item.both, rule))
            tokens.append(PART)
        end = item.end
    tokens += _plain(clean[end:])
    return Text(tuple(tokens), tuple(mentions), tuple(sides))


def _plain(text: str) -> list[str]:
    return [token for token in _TOKEN.findall(text) if token not in _SMALL]


def compose(chosen: Sequence[Chosen]) -> Scope | None:
    """The parts in their roles, put together; None where that makes no sense.

    What is asked behind a whole that was left out is given back: "no arms, but keep the hands".
    """
    kept: list[Scope] = []
    removed: list[Scope] = []
    back: list[Scope] = []
    active = [one for one in chosen if one.role != "said"]
    start = 0
    for at, one in enumerate(active):
        if one.role == "linked":
            continue
        scopes: list[Scope] = []
        if start == at:
            scopes.append(one.scope)
        for first, last in zip(active[start:at], active[start + 1 : at + 1], strict=True):
            chain = _chained(first.scope, last.scope)
            if chain is None:
                return None
            scopes.append(chain)
        if one.role == "out":
            removed += scopes
        else:
            for scope in scopes:
                lost = any(is_within(scope, whole) for whole in removed)
                (back if lost else kept).append(scope)
        start = at + 1
    if start < len(active):
        return None
    whole = union(list(dict.fromkeys(kept))) if kept else ALL
    if not removed:
        return whole
    return union([Except(whole, union(list(dict.fromkeys(removed)))), *dict.fromkeys(back)])


def _chained(first: Scope, last: Scope) -> Chain | None:
    if not isinstance(first, Part) or not isinstance(last, Part) or first == last:
        return None
    first, last = on_side(first, last.side), on_side(last, first.side)
    try:
        return Chain(first, last) if joints_of(first.name) and joints_of(last.name) else None
    except InvalidQuery:
        return None


def sided(text: Text, mention: Mention) -> list[Scope]:
    """What a mention may be with the sides that the text names."""
    scope = mention.scope
    if not isinstance(scope, Part) or scope.name not in PAIRED or scope.side is not None:
        return [scope]
    named = {side for _, side in text.sides}
    named |= {
        other.scope.side
        for other in text.mentions
        if isinstance(other.scope, Part) and other.scope.side
    }
    return [scope, *(part(f"{side}_{scope.name}") for side in sorted(named))]


# Features ------------------------------------------------------------------------------------


def role_features(text: Text, which: int, ruled: Sequence[Joints | None]) -> list[int]:
    """Places in the table for one mention; `ruled` are the joints that rules would give."""
    tokens, mention, count = text.tokens, text.mentions[which], len(text.mentions)
    at = mention.at
    begin, end = at, at + 1
    if begin and tokens[begin - 1] == SIDE:
        begin -= 1
    if end < len(tokens) and tokens[end] == SIDE:
        end += 1
    before, after = ("^", *tokens[:begin]), (*tokens[end:], "$")
    found = {"bias", f"n{min(count, 5)}", f"i{which}/{min(count, 5)}"}
    for size in range(1, 5):
        found.add("L" + " ".join(before[-size:]))
        found.add("R" + " ".join(after[:size]))
    found.add(f"W{before[-1]}|{after[0]}")
    found.add(f"W{' '.join(before[-2:])}|{' '.join(after[:2])}")
    for mark, near in (("l", before[-7:]), ("r", after[:7])):
        found |= {mark + word for word in near}
        found |= {mark + " ".join(pair) for pair in pairwise(near)}
    for mark, far in (("<", before), (">", after)):
        found |= {mark + word for word in far}
        found |= {mark + " ".join(pair) for pair in pairwise(far)}
    found |= _clause_features(before, after)
    found |= _neighbour_features(text, which)
    scope = mention.scope
    name = scope.name if isinstance(scope, Part) else "sum"
    found |= {f"p{name}", f"pl{mention.plural}", f"all{name == 'all'}/{min(count, 3)}"}
    views = [_view(meant(mention.bound or scope), joints) for joints in ruled]
    found |= {f"v{at}{view}" for at, view in enumerate(views)}
    found.add("v" + "".join(views))
    found.add(f"v{''.join(views)}/{min(count, 3)}/{after[0] if after[0] in _STOP else ''}")
    return _hashed(found)


def _view(joints: Joints, ruled: Joints | None) -> str:
    if ruled is None:
        return "-"
    return "=" if joints == ruled else "i" if joints <= ruled else "p" if joints & ruled else "o"


def _clause_features(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """The words up to the next stops on both sides, and how the clauses beside begin and end."""
    first = next((n for n in range(len(before) - 1, -1, -1) if before[n] in _STOP), -1)
    last = next((n for n, word in enumerate(after) if word in _STOP), len(after))
    left, right = before[first + 1 :], after[:last]
    inside = [*left, "<x>", *right]
    found = {f"c{word}" for word in inside}
    found |= {f"c{' '.join(inside[at : at + 2])}" for at in range(len(inside) - 1)}
    found |= {f"c{' '.join(inside[at : at + 3])}" for at in range(len(inside) - 2)}
    if len(inside) <= 9:
        found.add("C" + " ".join(inside))
    found |= {f"cn{inside.count(PART)}", f"cf{first < 0}", f"cl{last >= len(after) - 1}"}
    nextly = after[last + 1 : last + 5]
    found |= {"x" + " ".join(nextly[:size]) for size in (1, 2, 3)}
    earlier = before[max(0, first - 4) : max(0, first)]
    found |= {"y" + " ".join(earlier[-size:]) for size in (1, 2, 3)}
    return found


def _neighbour_features(text: Text, which: int) -> set[str]:
    """How it lies to the parts before and behind, and what stands between."""
    found: set[str] = set()
    here = text.mentions[which]
    for mark, other in (("P", which - 1), ("N", which + 1)):
        if not 0 <= other < len(text.mentions):
            found.add(f"{mark}none")
            continue
        there = text.mentions[other]
        low, high = sorted((here.at, there.at))
        gap = text.tokens[low + 1 : high]
        way = _lie(here, there)
        found |= {f"{mark}{way}", f"{mark}g{' '.join(gap[:6])}", f"{mark}{way}{' '.join(gap[:6])}"}
        found |= {f"{mark}{way}{word}" for word in gap}
    return found


def _lie(one: Mention, other: Mention) -> str:
    a = meant(one.bound or one.scope)
    b = meant(other.bound or other.scope)
    if one.scope == other.scope:
        return "same" if a == b else "turned"
    return "in" if a < b else "holds" if b < a else "eq" if a == b else "meets" if a & b else "off"


def side_features(text: Text, which: int, option: Scope) -> list[int]:
    """Places in the table for one mention with one side, or none."""
    mention = text.mentions[which]
    side = option.side if isinstance(option, Part) else None
    kinds = len({one for _, one in text.sides})
    facts = f"{mention.plural}{mention.both}"
    mark = "s" if side else "n"
    agrees = "?" if mention.bound is None else str(mention.bound == option)
    found = {f"{mark}{agrees}", f"{mark}{agrees}{facts}", f"{mark}k{kinds}{facts}"}
    found |= {f"{mark}m{min(len(text.mentions), 3)}{agrees}", f"{mark}{agrees}i{min(which, 2)}"}
    others = {
        place.scope.side
        for place in text.mentions
        if isinstance(place.scope, Part) and place.scope.side
    }
    found.add(f"{mark}o{side in others}{bool(others)}")
    for at, one in text.sides:
        low, high = sorted((at, mention.at))
        gap = text.tokens[low + 1 : high]
        parts = sum(low < place.at < high for place in text.mentions)
        relation = f"{mark}{one == side}{'b' if at < mention.at else 'a'}"
        found |= {
            f"{relation}{min(len(gap), 4)}",
            f"{relation}g{' '.join(gap[:4])}{agrees}",
            f"{relation}p{parts}{agrees}",
        }
        behind = text.tokens[high + 1 : high + 3]
        found.add(f"{relation}r{' '.join(behind)}")
        found |= {f"{relation}w{word}" for word in gap[:6]}
    near = text.tokens[max(0, mention.at - 3) : mention.at + 4]
    found |= {f"{mark}t{word}" for word in near}
    found |= {f"{mark}t{word}{agrees}" for word in near}
    return _hashed({f"side {one}" for one in found})


def _hashed(found: set[str]) -> list[int]:
    return sorted({zlib.crc32(text.encode()) % SIZE for text in found})


# Reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """`role_FR`: a row for each feature; `side_F`: one number."""

    role_FR: NDArray[np.float32]
    side_F: NDArray[np.float32]


@cache
def weights() -> Weights:
    with np.load(FILE) as data:
        role_FR = np.zeros((SIZE, len(ROLES)), np.float32)
        role_FR[data["role_rows"]] = data["role"]
        side_F = np.zeros(SIZE, np.float32)
        side_F[data["side_rows"]] = data["side"]
        return Weights(role_FR, side_F)


def likely(
    clean: str, ruled: Sequence[Joints | None], table: Weights | None = None
) -> list[tuple[Scope, float]]:
    """The likeliest readings with their log probabilities, the best first."""
    text = take_apart(clean)
    if not 0 < len(text.mentions) <= MOST:
        return []
    known = table or weights()
    beam: list[tuple[float, tuple[Chosen, ...]]] = [(0.0, ())]
    for which in range(len(text.mentions)):
        options = options_of(text, which, ruled, known)
        beam = [(a + b, (*row, one)) for a, row in beam for b, one in options]
        beam = sorted(beam, key=lambda item: -item[0])[:WIDE]
    totals: dict[Joints, tuple[Scope, list[float]]] = {}
    for score, row in beam:
        scope = compose(row)
        joints = meant(scope) if scope is not None else frozenset()
        if scope is not None and joints:
            totals.setdefault(joints, (scope, []))[1].append(score)
    found = [(scope, float(np.logaddexp.reduce(scores))) for scope, scores in totals.values()]
    return sorted(found, key=lambda item: -item[1])[:KEPT]


def options_of(
    text: Text, which: int, ruled: Sequence[Joints | None], known: Weights
) -> list[tuple[float, Chosen]]:
    """Roles and sides of one mention with their log probabilities."""
    scores_R = known.role_FR.take(role_features(text, which, ruled), 0).sum(0)
    roles_R = _log_softmax(scores_R.astype(np.float64))
    scopes = sided(text, text.mentions[which])
    sides_S: NDArray[np.floating] = np.zeros(1)
    if len(scopes) > 1:
        rows = [known.side_F.take(side_features(text, which, scope)).sum() for scope in scopes]
        sides_S = _log_softmax(np.array(rows, np.float64))
    found = [(float(roles_R[2]), Chosen("said", scopes[0]))]
    for at, role in enumerate(ROLES):
        if role != "said":
            found += [
                (float(roles_R[at] + side), Chosen(role, scope))
                for side, scope in zip(sides_S, scopes, strict=True)
            ]
    return sorted(found, key=lambda item: -item[0])[:6]


def _log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log probabilities of one choice."""
    shifted = scores - scores.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))
