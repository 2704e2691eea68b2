"""Rules on one person: what the joints say now, as a signal for the rule's latch.

`Asking` is the one place that asks: each phrase once a frame, whoever wants it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from posealign.anatomy.angles import ANGLES, TORSO, angle
from posealign.anatomy.posture import lying_posture
from posealign.data.pose import PlacedJoint, Pose, PoseResult, State
from posealign.temporal import body_scale
from serving.camera.phrases import Resolve, phrases_for
from serving.camera.privacy import Polygon, hide, inside, is_masked
from serving.camera.rules import (
    AngleRule,
    Choice,
    EmptyRule,
    HiddenRule,
    InsideRule,
    Latch,
    NearRule,
    PostureRule,
    Rule,
    Signal,
    Turn,
)

Box = tuple[float, float, float, float]
Words = tuple[str, ...]


class Asked(Protocol):
    """A Look."""

    size: tuple[int, int]
    people: Any

    def ask(self, instruction: str, skeleton: str | None = None) -> PoseResult: ...


class Asking:
    """Answers about one picture, each asked once; joints under a mask are absent."""

    def __init__(self, look: Asked, skeleton: str | None, masks: tuple[Polygon, ...]) -> None:
        self._look, self._skeleton, self._masks = look, skeleton, masks
        self._results: dict[tuple[str, str | None], PoseResult] = {}
        self.size = look.size

    def pose(self, phrase: str, box: Box, skeleton: str | None = None) -> Pose | None:
        """What the phrase finds on the person in this box."""
        key = (phrase, skeleton or self._skeleton)
        if key not in self._results:
            self._results[key] = self._look.ask(*key)
        return next((p for p in self._results[key].poses if p.box == box), None)

    def joints(self, phrase: str, box: Box, skeleton: str | None = None) -> list[PlacedJoint]:
        pose = self.pose(phrase, box, skeleton)
        if pose is None:
            return []
        return [
            hide(joint) if is_masked(joint, self._masks, self.size) else joint
            for joint in (*pose.joints, *pose.filtered)
        ]

    def points(self, phrase: str, box: Box) -> dict[str, tuple[float, float]]:
        return _points(self.joints(phrase, box))

    def named(self, words: Words, box: Box) -> Pose:
        """The joints behind our own phrases, COCO's, as one pose."""
        found = {j.name: j for phrase in words for j in self.joints(phrase, box, "coco17")}
        return Pose(box, 1.0, tuple(found.values()))

    def people(self, words: Words) -> list[Pose]:
        """Everybody the finder saw, with these joints."""
        return [self.named(words, p.box) for p in self._look.people if p.score > 0]


def _points(joints: Iterable[PlacedJoint]) -> dict[str, tuple[float, float]]:
    return {
        joint.name: (joint.x, joint.y)
        for joint in joints
        if joint.state != State.ABSENT and joint.x is not None and joint.y is not None
    }


class Watcher:
    """One rule on one bed."""

    def __init__(self, rule: Rule, zones: Mapping[str, Polygon], resolve: Resolve) -> None:
        self.rule, self._zones = rule, zones
        wanted = ANGLES[rule.angle].joints if isinstance(rule, AngleRule) else TORSO
        self._words = phrases_for(wanted, resolve)
        self._choice = Choice(rule.after, rule.forget_after)
        self._latch = Latch(rule.after, rule.clear_after, rule.forget_after)

    @property
    def active(self) -> bool:
        return self._latch.on

    def __call__(self, asking: Asking, box: Box | None, now: float) -> Turn | None:
        """`box` is the person's; None where nobody is seen."""
        if isinstance(self.rule, PostureRule) and not self.rule.among:
            seen = posture(asking, box, self._words) if box is not None else None
            return self._choice(seen, now)
        return self._latch(signal(self.rule, asking, box, self._zones, self._words), now)

    def blind(self, now: float) -> Turn | None:
        """There is no picture."""
        if isinstance(self.rule, PostureRule) and not self.rule.among:
            return self._choice(None, now)
        return self._latch("unknown", now)


def posture(asking: Asking, box: Box, trunk: Words) -> str | None:
    points = _points(asking.named(trunk, box).joints)
    return lying_posture(points) if set(TORSO) <= set(points) else None


def signal(
    rule: Rule, asking: Asking, box: Box | None, zones: Mapping[str, Polygon], words: Words
) -> Signal:
    """`words`: the phrases for the joints that the rule itself needs."""
    if isinstance(rule, EmptyRule):
        return "on" if box is None else "off"
    if box is None:
        return "unknown"
    match rule:
        case PostureRule():
            seen = posture(asking, box, words)
            return "unknown" if seen is None else _either(seen in rule.among)
        case HiddenRule():
            return _hidden(rule, asking.joints(rule.instruction, box))
        case NearRule():
            return _near(rule, asking, box, words)
        case InsideRule():
            return _inside(rule, asking, box, zones[rule.zone])
        case AngleRule():
            return _angle(rule, asking, box, words)


def _either(holds: bool) -> Signal:
    return "on" if holds else "off"


def _hidden(rule: HiddenRule, joints: list[PlacedJoint]) -> Signal:
    if not joints:
        return "unknown"
    hidden = [joint.state != State.VISIBLE for joint in joints]
    return _either(all(hidden) if rule.which == "all" else any(hidden))


def _near(rule: NearRule, asking: Asking, box: Box, trunk: Words) -> Signal:
    ones, others = asking.points(rule.instruction, box), asking.points(rule.to, box)
    if not ones or not others:
        return "unknown"
    ones_N2, others_M2 = np.array(list(ones.values())), np.array(list(others.values()))
    apart = np.linalg.norm(ones_N2[:, None] - others_M2[None], axis=-1).min()
    distance = float(apart) / max(body_scale(asking.named(trunk, box)), 1e-6)
    if distance <= rule.distance:
        return "on"
    return "off" if distance >= rule.clear_distance else "between"


def _inside(rule: InsideRule, asking: Asking, box: Box, zone: Polygon) -> Signal:
    points = asking.points(rule.instruction, box)
    if not points:
        return "unknown"
    any_inside = any(inside(zone, x, y, *asking.size) for x, y in points.values())
    return _either(any_inside != rule.outside)


def _angle(rule: AngleRule, asking: Asking, box: Box, words: Words) -> Signal:
    needed = ANGLES[rule.angle].joints
    joints = asking.named(words, box).joints
    points = _points(joint for joint in joints if joint.state == State.VISIBLE)
    if not set(needed) <= set(points):
        return "unknown"
    degrees = float(angle(np.array([list(points.values())]), list(points), rule.angle)[0])
    if np.isnan(degrees):
        return "unknown"
    if degrees >= rule.above:
        return "on"
    return "off" if degrees <= rule.clear_below else "between"
