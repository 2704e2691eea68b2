"""What the model answers: joints with a place, a state and how sure we are.

Coordinates are pixels of the picture as a person sees it (EXIF applied); the centre of the
top-left pixel is (0, 0). Shapes: J joints of the answer's skeleton.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class State(IntEnum):
    """Of a joint in a picture. UNLABELLED is no state: nobody looked (COCO's v = 0)."""

    UNLABELLED = -1
    ABSENT = 0
    OCCLUDED = 1
    VISIBLE = 2


@dataclass(frozen=True)
class PlacedJoint:
    """One joint of an answer. Absent joints have no place."""

    name: str
    x: float | None
    y: float | None
    state: State
    confidence: float
    radius: float | None  # 90 % of errors are smaller, in pixels
    z: float | None = None  # see PoseResult.z_unit
    position: tuple[float, float, float] | None = None  # metres, camera frame; needs intrinsics
    hidden_by: str | None = None  # of an occluded joint, one of HIDERS; None where it is not known


@dataclass(frozen=True)
class Finding:
    """Something about a pose worth knowing: a broken bone length, a premise that does not hold."""

    code: str
    message: str
    joints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pose:
    """One person. `filtered` holds what the instruction's visibility filter set aside."""

    box: tuple[float, float, float, float]  # x, y, width, height
    score: float
    joints: tuple[PlacedJoint, ...]
    filtered: tuple[PlacedJoint, ...] = ()
    plausibility: tuple[Finding, ...] = ()
    depth_consistency: float | None = None
    rotation: float = 0.0  # degrees the crop was turned by, clockwise
    track: int | None = None  # the same person keeps a number from frame to frame of a video

    def __getitem__(self, name: str) -> PlacedJoint:
        for joint in self.joints:
            if joint.name == name:
                return joint
        raise KeyError(name)


@dataclass(frozen=True)
class Understood:
    """The instruction as understood: what resolve() answers and every pose result carries."""

    text: str
    language: str  # en | zh | mixed | other
    refused: bool
    reason: str | None
    joints: tuple[str, ...]  # names in the answer's skeleton
    dims: int
    visibility: str
    subject: str
    skeleton: str
    query: str | None = None  # the written form, where one was read
    relations: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()  # joints a relation may choose from
    needs_picture: bool = False
    near_matches: tuple[str, ...] = ()
    confidence: float = 1.0

    @property
    def in_another_language(self) -> bool:
        """Refused for its language: it has words, and nobody here reads them."""
        strange = self.reason == "unclear" and self.language == "other"
        return strange and any(map(str.isalpha, self.text))


@dataclass(frozen=True)
class PoseResult:
    """The whole answer to one instruction on one picture."""

    instruction: Understood
    poses: tuple[Pose, ...]
    edges: tuple[tuple[str, str], ...]
    z_unit: str | None  # m | torso
    model_name: str
    model_digest: str
    timings_ms: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The wire form of `POST /v1/pose`."""
        return {
            "model": {"name": self.model_name, "digest": self.model_digest},
            "instruction": _understood(self.instruction),
            "poses": [_pose(pose, self) for pose in self.poses],
            "timings_ms": self.timings_ms,
        }


def _understood(understood: Understood) -> dict[str, Any]:
    plain = dict(vars(understood))
    for key in ("joints", "relations", "candidates", "near_matches"):
        plain[key] = list(plain[key])
    return plain


def _joint(joint: PlacedJoint) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": joint.name, "x": joint.x, "y": joint.y, "state": joint.state.name.lower(),
        "confidence": joint.confidence, "radius": joint.radius,
    }  # fmt: skip
    if joint.z is not None:
        row["z"] = joint.z
    if joint.position is not None:
        row["position"] = list(joint.position)
    if joint.hidden_by is not None:
        row["hidden_by"] = joint.hidden_by
    return row


def _pose(pose: Pose, result: PoseResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "box": list(pose.box),
        "score": pose.score,
        "joints": [_joint(joint) for joint in pose.joints],
        "filtered": [_joint(joint) for joint in pose.filtered],
        "edges": [list(edge) for edge in result.edges],
        "plausibility": [
            {"code": f.code, "message": f.message, "joints": list(f.joints)}
            for f in pose.plausibility
        ],
        "depth_consistency": pose.depth_consistency,
    }
    if result.z_unit is not None:
        row["z_unit"] = result.z_unit
    if pose.track is not None:
        row["track"] = pose.track
    return row
