"""One person's placed joints as the pose that was asked for: which joints, and in which terms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from posealign import answer
from posealign.anatomy.angles import TORSO
from posealign.answer import Placed
from posealign.data.pose import Pose, State, Understood
from posealign.findings import findings_of
from posealign.instructions.resolve import Reading
from posealign.instructions.sets import in_skeleton
from posealign.people import Seen
from posealign.relate import as_person, related
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Skeleton


def needed(
    reading: Reading, understood: Understood, skeleton: Skeleton, with_depth: bool
) -> tuple[str, ...]:
    """The vocabulary joints to place: asked ones, and those the answer is reckoned from."""
    asked = {name for joint in understood.joints for name, _ in skeleton[joint].sources}
    if reading.relation is not None or reading.premise is not None:
        asked |= set(load_skeleton("coco17").names)
    if understood.dims == 3 and with_depth:
        asked |= set(TORSO)
    return tuple(name for name in vocabulary().names if name in asked)


def pose_of(
    seen: Seen,
    person: Placed,
    reading: Reading,
    understood: Understood,
    skeleton: Skeleton,
    size: tuple[int, int],
) -> Pose:
    wanted: tuple[str, ...] = understood.joints
    if reading.relation is not None:
        choice = related(reading.relation, reading.related, as_person(person, seen.box), size)
        chosen = (reading.asked - reading.related) | (reading.asked & choice.joints)
        wanted = tuple(name for name in in_skeleton(chosen, skeleton) if name in wanted)
    shown = answer.without_depth(person) if understood.dims == 2 else person
    joints = answer.skeleton_joints(shown, skeleton, wanted)
    kept, apart = answer.filtered(joints, understood.visibility)
    return Pose(
        seen.box,
        seen.score,
        kept,
        apart,
        findings_of(person, reading.premise),
        person.depth_consistency,
        seen.crop.rotation,
    )


def narrowed(understood: Understood, poses: list[Pose]) -> Understood:
    """After a relation was settled on the picture, the joints are those that were chosen."""
    chosen = {joint.name for pose in poses for joint in (*pose.joints, *pose.filtered)}
    joints = tuple(name for name in understood.joints if name in chosen)
    return replace(understood, joints=joints)


def inside(person: Placed, size: tuple[int, int]) -> Placed:
    """A place outside the picture is no place: such joints are absent."""
    x, y = person.points_K2.T
    outside = (x < -0.5) | (y < -0.5) | (x > size[0] - 0.5) | (y > size[1] - 0.5)
    if not outside.any():
        return person
    return replace(person, states_K=np.where(outside, np.int8(State.ABSENT), person.states_K))


def edges(skeleton: Skeleton, joints: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    names = skeleton.names
    return tuple(
        (names[a], names[b]) for a, b in skeleton.edges if names[a] in joints and names[b] in joints
    )
