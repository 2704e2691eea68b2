"""One person's placed joints as the pose that was asked for: which joints, and in which terms."""

from __future__ import annotations

from dataclasses import replace

from posealign import answer
from posealign.answer import Placed
from posealign.data.pose import Pose, Understood
from posealign.findings import premise_findings, relation_findings
from posealign.instructions.sets import in_skeleton, subtract
from posealign.people import Seen
from posealign.question import Question
from posealign.relate import as_person, related
from posealign.skeletons.skeleton import Skeleton


def pose_of(seen: Seen, person: Placed, question: Question, size: tuple[int, int]) -> Pose:
    reading, understood, skeleton = question.reading, question.understood, question.skeleton
    wanted: tuple[str, ...] = understood.joints
    findings = premise_findings(person, reading.premise)
    if reading.relation is not None:
        choice = related(reading.relation, reading.related, as_person(person, seen.box), size)
        findings += relation_findings(reading.relation, choice)
        chosen = (
            subtract(reading.asked, [choice.joints])
            if reading.taken
            else (reading.asked - reading.related) | (reading.asked & choice.joints)
        )
        wanted = tuple(name for name in in_skeleton(chosen, skeleton) if name in wanted)
    joints = answer.skeleton_joints(person, skeleton, wanted, with_depth=understood.dims == 3)
    kept, apart = answer.filtered(joints, understood.visibility)
    return Pose(
        seen.box,
        seen.score,
        kept,
        apart,
        findings,
        person.depth_consistency,
        seen.crop.rotation,
    )


def narrowed(understood: Understood, poses: list[Pose]) -> Understood:
    """After a relation was settled on the picture, the joints are those that were chosen."""
    chosen = {joint.name for pose in poses for joint in (*pose.joints, *pose.filtered)}
    joints = tuple(name for name in understood.joints if name in chosen)
    return replace(understood, joints=joints)


def edges(skeleton: Skeleton, joints: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    names = skeleton.names
    return tuple(
        (names[a], names[b]) for a, b in skeleton.edges if names[a] in joints and names[b] in joints
    )
