"""The set semantics of a scope: which vocabulary joints a Query's words mean, picture or not.

`evaluate` works on any scope; what a relation chooses comes from the caller, so that training
targets (no picture), gold answers (labels) and the executed reading (predictions) share it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from posealign.instructions.parts import PAIRED, joints_of
from posealign.instructions.query import (
    Chain,
    Except,
    Part,
    Query,
    Related,
    Scope,
    Union,
    leaves,
)
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Joint, Skeleton

Joints = frozenset[str]
Chooser = Callable[[Related], Joints]

# Containment is judged on these: fingers and toes must not decide whether an arm is in a scope.
CORE: Joints = frozenset(vocabulary().names[:17])
_ONE_SIDED = ("left_side", "right_side")


@dataclass(frozen=True)
class Reading:
    """What the words alone say: the asked joints, and those of them a relation will narrow."""

    asked: Joints
    related: Joints

    def asked_V(self) -> NDArray[np.bool_]:
        return as_mask(self.asked)

    def related_V(self) -> NDArray[np.bool_]:
        return as_mask(self.related)


def read(query: Query) -> Reading:
    """Without a picture every relation keeps all its candidates."""
    asked = evaluate(query.scope, candidates)
    related = frozenset[str]().union(*(candidates(relation) for relation in query.relations))
    if isinstance(query.scope, Except):
        # "everything but the raised arm": the candidates may stay, so they are asked. Of "the
        # raised arm but not the hand" nobody asked for a hand.
        taken = [leaf for leaf in leaves(query.scope.removed) if isinstance(leaf, Related)]
        maybe = frozenset[str]().union(*(candidates(relation) for relation in taken))
        asked |= maybe & evaluate(query.scope.scope, candidates)
    return Reading(asked, related & asked)


def candidates(relation: Related) -> Joints:
    return joints_of(relation.part.name, relation.part.side)


def evaluate(scope: Scope, choose: Chooser) -> Joints:
    """The joints of a scope; `choose` settles its relations."""
    if isinstance(scope, Part):
        return joints_of(scope.name, scope.side)
    if isinstance(scope, Related):
        return choose(scope)
    if isinstance(scope, Chain):
        return _chain(scope)
    if isinstance(scope, Union):
        return frozenset[str]().union(*(evaluate(item, choose) for item in scope.items))
    return subtract(evaluate(scope.scope, choose), instances(scope.removed, choose))


@lru_cache(maxsize=65536)
def meant(scope: Scope) -> Joints:
    """The joints of a scope as far as words go: a relation keeps all its candidates."""
    return evaluate(scope, candidates)


def is_within(scope: Scope, whole: Scope) -> bool:
    """Whether a scope is a lesser part of another, by the joints that every skeleton has."""
    joints, around = meant(scope), meant(whole)
    core = joints & CORE
    return core < around & CORE if core else joints < around


def instances(scope: Scope, choose: Chooser) -> list[Joints]:
    """The single things a scope names: "the arms" are two, each taken or left whole."""
    if isinstance(scope, Part) and scope.name in PAIRED and scope.side is None:
        return [joints_of(scope.name, "left"), joints_of(scope.name, "right")]
    if isinstance(scope, Union):
        return [instance for item in scope.items for instance in instances(item, choose)]
    if isinstance(scope, Related):
        chosen = choose(scope)
        return [chosen & one for one in instances(scope.part, choose)]
    return [evaluate(scope, choose)]


def subtract(whole: Joints, removed: Iterable[Joints]) -> Joints:
    """Contained things go whole; things that only touch the scope leave the shared joint."""
    side = _only_side(whole)
    left = whole
    for joints in removed:
        # Of a one-sided scope only that side can be taken: "the left half without the head".
        mine = frozenset(j for j in joints if j.startswith(side)) if side else joints
        core = mine & CORE or mine
        if core <= whole or joints in map(joints_of, _ONE_SIDED):
            left -= joints
    return left


def _only_side(joints: Joints) -> str | None:
    sides = {joint.split("_")[0] + "_" for joint in joints & CORE if joint != "nose"}
    whole = len(joints & CORE) >= 7 and "nose" not in joints
    return sides.pop() if len(sides) == 1 and whole else None


def _chain(chain: Chain) -> Joints:
    """Both ends whole and the shortest way between them, once for each side that is meant."""
    joints = frozenset[str]()
    for start, end in _ends(chain.start, chain.end):
        first, last = joints_of(start.name, start.side), joints_of(end.name, end.side)
        joints |= first | last | _way(first, last)
    return joints


def _ends(start: Part, end: Part) -> list[tuple[Part, Part]]:
    """A side said once holds for both ends; no side means the way on both sides."""
    if start.name in PAIRED and end.name in PAIRED and (start.side or end.side):
        side, other = start.side or end.side, end.side or start.side
        return [(Part(start.name, side), Part(end.name, other))]
    return [
        (
            Part(start.name, side) if start.name in PAIRED and start.side is None else start,
            Part(end.name, side) if end.name in PAIRED and end.side is None else end,
        )
        for side in ("left", "right")
    ]


@cache
def _way(first: Joints, last: Joints) -> Joints:
    """Over COCO-17's edges where both ends have joints there, else over the midline, else any."""
    names = frozenset(vocabulary().names)
    midline = frozenset(name for name in names if not name.startswith(("left_", "right_")))
    for allowed in (CORE, midline, names):
        sources, targets = first & allowed, last & allowed
        path = _shortest(sources, targets, allowed) if sources and targets else None
        if path is not None:
            return path
    return frozenset()


def _shortest(sources: Joints, targets: Joints, allowed: Joints) -> Joints | None:
    near = _neighbours()
    order = vocabulary().names
    queue: deque[tuple[str, ...]] = deque((name,) for name in order if name in sources)
    seen = set(sources)
    while queue:
        path = queue.popleft()
        if path[-1] in targets:
            return frozenset(path)
        for name in near[path[-1]]:
            if name in allowed and name not in seen:
                seen.add(name)
                queue.append((*path, name))
    return None


@cache
def _neighbours() -> dict[str, list[str]]:
    skeleton = vocabulary()
    near: dict[str, list[str]] = {name: [] for name in skeleton.names}
    for first, second in skeleton.edges:
        near[skeleton.names[first]].append(skeleton.names[second])
        near[skeleton.names[second]].append(skeleton.names[first])
    return near


def as_mask(joints: Iterable[str]) -> NDArray[np.bool_]:
    index = vocabulary().index
    mask_V = np.zeros(len(vocabulary()), dtype=bool)
    mask_V[[index(joint) for joint in joints]] = True
    return mask_V


def in_skeleton(joints: Iterable[str] | NDArray[np.bool_], skeleton: Skeleton) -> tuple[str, ...]:
    """A skeleton's joints that are asked.

    A joint made from others is asked as the vocabulary's of the same name is (the neck of body25,
    the mean of its shoulders), else when all of those are. One that is none of the vocabulary's is
    asked with everything; by name, elsewhere.
    """
    names = vocabulary().names
    if isinstance(joints, np.ndarray):
        joints = [names[at] for at in np.flatnonzero(joints)]
    asked = frozenset(joints)
    if skeleton is vocabulary():
        return tuple(name for name in names if name in asked)
    everything = len(asked) == len(names)

    def is_asked(joint: Joint) -> bool:
        if not joint.sources:
            return everything
        namesake = _namesakes().get(joint.en) if len(joint.sources) > 1 else None
        if namesake is not None:
            return namesake in asked
        return all(name in asked for name, _ in joint.sources)

    return tuple(joint.name for joint in skeleton.joints if is_asked(joint))


@cache
def _namesakes() -> dict[str, str]:
    """The vocabulary's joints by their names in words."""
    return {joint.en: joint.name for joint in vocabulary().joints}
