"""A Predictor without a model: a body that the test moves. For what is not about recognition."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from posealign.data.pose import PlacedJoint, Pose, PoseResult, State, Understood
from posealign.errors import PoseAlignError
from posealign.skeletons.load import skeleton

WORDS = {
    "hand": ("left_wrist", "right_wrist"), "shoulder": ("left_shoulder", "right_shoulder"),
    "hip": ("left_hip", "right_hip"), "eye": ("left_eye", "right_eye"),
    "ear": ("left_ear", "right_ear"), "nose": ("nose",),
    "face": ("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    "knee": ("left_knee", "right_knee"), "ankle": ("left_ankle", "right_ankle"),
    "left leg": ("left_hip", "left_knee", "left_ankle"),
    "head": ("nose", "left_eye", "right_eye"), "all": skeleton("coco17").names,
}  # fmt: skip
# A child on its back, head up; fractions of the picture.
SUPINE = {
    "nose": (0.5, 0.2), "left_eye": (0.52, 0.18), "right_eye": (0.48, 0.18),
    "left_ear": (0.55, 0.2), "right_ear": (0.45, 0.2),
    "left_shoulder": (0.6, 0.35), "right_shoulder": (0.4, 0.35),
    "left_elbow": (0.7, 0.45), "right_elbow": (0.3, 0.45),
    "left_wrist": (0.75, 0.55), "right_wrist": (0.25, 0.55),
    "left_hip": (0.56, 0.6), "right_hip": (0.44, 0.6),
    "left_knee": (0.6, 0.75), "right_knee": (0.4, 0.75),
    "left_ankle": (0.6, 0.9), "right_ankle": (0.4, 0.9),
}  # fmt: skip
PRONE = {n: (1 - x, y) for n, (x, y) in SUPINE.items()}


@dataclass
class Body:
    points: dict[str, tuple[float, float]] = field(default_factory=lambda: dict(SUPINE))
    hidden: set[str] = field(default_factory=set)
    box: tuple[float, float, float, float] = (0.2, 0.1, 0.6, 0.85)  # fractions
    score: float = 0.9


@dataclass
class StubPredictor:
    bodies: list[Body] = field(default_factory=lambda: [Body()])
    seconds: float = 0.0  # that a look takes
    failing: bool = False
    looks: int = 0

    def resolve(self, instruction: str, skeleton_name: str | None = None) -> Understood:
        text = instruction.lower()
        names = {joint for word, joints in WORDS.items() if word in text for joint in joints}
        order = tuple(name for name in skeleton("coco17").names if name in names)
        reason = None if order else "no_such_part"
        return Understood(instruction, "en", not order, reason, order, 2, "any", "all", "coco17")

    def look(self, image_HW3: Any, boxes: Any = None) -> StubLook:
        self.looks += 1
        if self.failing:
            raise PoseAlignError("the stub was told to fail")
        if self.seconds:
            time.sleep(self.seconds)
        height, width = image_HW3.shape[:2]
        return StubLook(self, (width, height), [replace(body) for body in self.bodies])


@dataclass
class StubPerson:
    box: tuple[float, float, float, float]
    score: float


@dataclass
class StubLook:
    predictor: StubPredictor
    size: tuple[int, int]
    bodies: list[Body]

    @property
    def people(self) -> list[StubPerson]:
        return [StubPerson(self._box(body), body.score) for body in self.bodies]

    def _box(self, body: Body) -> tuple[float, float, float, float]:
        x, y, w, h = np.array(body.box) * (*self.size, *self.size)
        return float(x), float(y), float(w), float(h)

    def ask(self, instruction: str, skeleton: str | None = None) -> PoseResult:
        understood = self.predictor.resolve(instruction, skeleton)
        poses = tuple(self._pose(body, understood.joints) for body in self.bodies)
        return PoseResult(understood, poses, (), None, "stub", "00" * 32, {})

    def _pose(self, body: Body, names: tuple[str, ...]) -> Pose:
        joints = []
        for name in names:
            if name not in body.points:
                joints.append(PlacedJoint(name, None, None, State.ABSENT, 0.1, None))
                continue
            x, y = body.points[name]
            state = State.OCCLUDED if name in body.hidden else State.VISIBLE
            joints.append(PlacedJoint(name, x * self.size[0], y * self.size[1], state, 0.9, 2.0))
        return Pose(self._box(body), body.score, tuple(joints))
