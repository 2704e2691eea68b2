"""The one right answer to a Query about a labelled picture; the same code reads predictions.

Set semantics are in sets.py, relations in relations.py; here people, visibility and premises
are settled. A close call is marked: such examples teach nothing and measure nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from posealign.data.pose import Finding, State
from posealign.data.sample import Person, Sample
from posealign.instructions.query import Query, Related
from posealign.instructions.relations import choose
from posealign.instructions.sets import Joints, evaluate, in_skeleton
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Skeleton

SUBJECT_MARGIN = 0.03  # of the picture's side; boxes closer than this are a close call


@dataclass(frozen=True)
class Asked:
    """What one person's answer must contain, in vocabulary joints.

    `scope` is what was asked for before the visibility filter, `filtered` what that filter set
    aside, `unknown` joints nobody labelled. `clear` is False for a close call.
    """

    person: int
    scope: Joints
    kept: Joints
    filtered: Joints
    unknown: Joints
    clear: bool = True
    findings: tuple[Finding, ...] = ()

    def in_skeleton(self, skeleton: Skeleton) -> tuple[str, ...]:
        return in_skeleton(self.kept, skeleton)


def execute(query: Query, sample: Sample) -> tuple[Asked, ...]:
    """One answer for each person the query means."""
    height, width = sample.image_HW3.shape[:2]
    return execute_people(query, sample.people, (width, height))


def execute_people(
    query: Query, people: Sequence[Person], size: tuple[float, float]
) -> tuple[Asked, ...]:
    """As `execute`, for people without a picture: predictions put into Person."""
    chosen, clear = subjects(query.subject, people, size)
    return tuple(_ask(query, number, people[number], size, clear) for number in chosen)


def skeleton_of(query: Query, default: str = "coco17") -> Skeleton:
    return load_skeleton(query.skeleton or default)


def subjects(
    subject: str, people: Sequence[Person], size: tuple[float, float]
) -> tuple[tuple[int, ...], bool]:
    """Which people are meant, and whether that is clear."""
    if subject == "all" or not people:
        return tuple(range(len(people))), True
    if subject in ("adult", "infant"):
        meant = tuple(n for n, person in enumerate(people) if person.role == subject)
        return meant, all(person.role is not None for person in people)
    boxes = np.array([person.box for person in people], dtype=float)
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    scores = {
        "largest": np.sqrt(boxes[:, 2] * boxes[:, 3]) / max(size),
        "leftmost": -centres[:, 0] / size[0],
        "rightmost": centres[:, 0] / size[0],
        "topmost": -centres[:, 1] / size[1],
        "bottommost": centres[:, 1] / size[1],
    }[subject]
    order = np.argsort(-scores, kind="stable")
    clear = len(people) == 1 or scores[order[0]] - scores[order[1]] >= SUBJECT_MARGIN
    return (int(order[0]),), bool(clear)


def _ask(
    query: Query, number: int, person: Person, size: tuple[float, float], clear: bool
) -> Asked:
    calls: list[bool] = [clear]

    def decide(relation: Related) -> Joints:
        choice = choose(relation, person, size)
        calls.append(choice.clear)
        return choice.joints

    scope = evaluate(query.scope, decide)
    states = dict(zip(vocabulary().names, person.states_V, strict=True))
    unknown = frozenset(joint for joint in scope if states[joint] == State.UNLABELLED)
    wanted = {
        "any": tuple(State),
        "visible": (State.VISIBLE, State.UNLABELLED),
        "occluded": (State.OCCLUDED, State.UNLABELLED),
    }[query.visibility]
    kept = frozenset(joint for joint in scope if states[joint] in wanted)
    return Asked(
        number, scope, kept, scope - kept, unknown, all(calls), premise_findings(query, person)
    )


def premise_findings(query: Query, person: Person) -> tuple[Finding, ...]:
    """A posture the words assert and the picture denies is said, and the pose given anyway."""
    if query.premise is None or person.posture is None or person.posture == query.premise:
        return ()
    return (
        Finding(
            "premise_does_not_hold",
            f"the instruction says {query.premise}; the picture shows {person.posture}",
        ),
    )
