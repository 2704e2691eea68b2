"""What leaves: four kinds of messages with one version. `posealign camera --schema` prints them.

No message holds a patient, an encounter, an address or a password. Names of cameras and beds are
chosen in the configuration.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from posealign.data.pose import PlacedJoint, Pose, PoseResult

VERSION = "1.0"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(_Message):
    version: Literal["1.0"] = "1.0"
    id: str
    camera: str
    time: str  # ISO 8601, UTC; of the frame, or of the message where there is no frame
    sequence: int  # counts a camera's messages of one kind since the start


class Model(_Message):
    name: str
    digest: str


class Joint(_Message):
    name: str
    x: float | None
    y: float | None
    state: Literal["absent", "occluded", "visible"]
    confidence: float
    radius: float | None
    z: float | None = None
    masked: bool = False  # under a privacy mask


class Person(_Message):
    bed: str | None
    track: int | None
    box: tuple[float, float, float, float]
    score: float
    joints: tuple[Joint, ...]
    findings: tuple[str, ...] = ()


class Asked(_Message):
    text: str
    language: str
    refused: bool
    reason: str | None
    joints: tuple[str, ...]
    skeleton: str


class PoseMessage(Head):
    kind: Literal["pose"] = "pose"
    age_ms: float  # from the frame's arrival to this message
    source_time: float | None  # seconds by the camera's own clock
    size: tuple[int, int]
    asked: Asked
    z_unit: str | None
    model: Model
    people: tuple[Person, ...]


class EventMessage(Head):
    kind: Literal["event"] = "event"
    bed: str
    rule: str
    rule_kind: str
    phase: Literal["begin", "end", "change", "lost"]
    value: str | None
    previous: str | None
    since: str
    model: Model
    snapshot: str | None = None
    note: Literal["information about a picture; not an alarm"] = (
        "information about a picture; not an alarm"
    )


class StatusMessage(Head):
    kind: Literal["status"] = "status"
    state: Literal["off", "connecting", "live", "stale", "frozen", "ended"]
    trouble: str | None  # a code
    detail: str | None
    enabled: bool
    instruction: str
    refused: str | None = None  # why the last instruction that was set was not taken


class StatsMessage(Head):
    kind: Literal["stats"] = "stats"
    fps: float
    answers_per_second: float
    age_p50_ms: float | None
    age_p99_ms: float | None
    frames: int
    answered: int
    dropped: int
    damaged: int
    failed: int
    connects: int
    clock_offset_s: float
    waiting: dict[str, int]  # messages in the outbox, by sink


Message = PoseMessage | EventMessage | StatusMessage | StatsMessage


def schema() -> dict[str, Any]:
    """JSON Schema of every message."""
    made = TypeAdapter(Message).json_schema()
    return {"$id": f"https://posealign.org/schema/camera-{VERSION}.json", **made}


def wire(message: Message) -> bytes:
    return message.model_dump_json().encode()


def asked(result: PoseResult) -> Asked:
    understood = result.instruction
    return Asked(
        text=understood.text, language=understood.language, refused=understood.refused,
        reason=understood.reason, joints=understood.joints, skeleton=understood.skeleton,
    )  # fmt: skip


def person(pose: Pose, bed: str | None, masked: frozenset[str]) -> Person:
    return Person(
        bed=bed, track=pose.track, box=pose.box, score=pose.score,
        joints=tuple(joint(row, row.name in masked) for row in pose.joints),
        findings=tuple(finding.code for finding in pose.plausibility),
    )  # fmt: skip


def joint(row: PlacedJoint, masked: bool) -> Joint:
    state: Any = row.state.name.lower()
    return Joint(
        name=row.name, x=row.x, y=row.y, state=state, confidence=row.confidence, radius=row.radius,
        z=row.z, masked=masked,
    )  # fmt: skip
