"""What one camera sees: frame → people in their beds → a message, and events.

The way is the library's: Follower → Predictor.look → ask. Here are added masks, beds and rules.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.commands.output import why_refused
from posealign.data.pose import Pose, PoseResult, Understood
from posealign.errors import InvalidInput
from posealign.temporal import SmoothingSettings
from posealign.video import Follower, Frame
from serving.camera import messages
from serving.camera.clock import Clock, iso
from serving.camera.config import Bed, Camera
from serving.camera.messages import EventMessage, Model, PoseMessage
from serving.camera.observe import Asked, Asking, Watcher, Words, posture
from serving.camera.phrases import phrases_for
from serving.camera.privacy import (
    FACE_JOINTS,
    Mode,
    deidentify,
    hide,
    inside,
    is_masked,
    paint_masks,
)
from serving.camera.rules import Turn
from serving.camera.slot import Grabbed


class Predicts(Protocol):
    """The Predictor, as far as a camera needs it."""

    def look(self, image_HW3: NDArray[np.uint8], boxes: Any = None) -> Any: ...

    def resolve(self, instruction: str, skeleton: str | None = None) -> Understood: ...


@dataclass(frozen=True)
class Occupant:
    """The person in a bed."""

    bed: Bed
    pose: Pose
    masked: frozenset[str]
    posture: str | None


@dataclass(frozen=True)
class Shown:
    """The last picture with its answer, in memory only; `picture` is what may leave."""

    image_HW3: NDArray[np.uint8]
    look: Asked
    result: PoseResult
    received: float
    face: Words  # the phrases for the face's joints

    def picture(self, mode: Mode) -> NDArray[np.uint8]:
        people = Asking(self.look, None, ()).people(self.face) if mode == "face" else []
        return deidentify(self.image_HW3, people, mode)


@dataclass(frozen=True)
class Outcome:
    """Everything about one answered frame."""

    message: PoseMessage
    result: PoseResult
    occupants: tuple[Occupant, ...]
    events: tuple[EventMessage, ...]
    shown: Shown
    date: float


class _Looking:
    """Hands the Follower the predictor and remembers the look, so that rules can ask more of it."""

    def __init__(self, predictor: Predicts) -> None:
        self._predictor = predictor
        self.last: Any = None

    def look(self, image_HW3: NDArray[np.uint8], boxes: Any = None) -> Any:
        self.last = self._predictor.look(image_HW3, boxes)
        return self.last


class Scene:
    """One camera's memory: who is where, what was asked, which events are on."""

    def __init__(self, camera: Camera, predictor: Predicts, clock: Clock, snapshots: bool) -> None:
        self.camera, self._predictor, self._clock = camera, predictor, clock
        self._snapshots = snapshots
        self._lock = threading.Lock()
        self.beds = camera.beds or (Bed(name=camera.name),)
        zones = {zone.name: zone.polygon for zone in camera.zones}
        self._watchers = {
            bed.name: [Watcher(rule, zones, predictor.resolve) for rule in camera.rules]
            for bed in self.beds
        }
        self._trunk = phrases_for(TORSO, predictor.resolve)
        self._face = phrases_for(sorted(FACE_JOINTS), predictor.resolve)
        self._known: dict[str, int | None] = {}  # bed → track
        self._looking = _Looking(predictor)
        self._follower: Follower | None = None
        self._size: tuple[int, int] | None = None
        self._sequence = 0
        self._event_sequence = 0
        self._model = Model(name="", digest="")
        self.instruction = self._understood(camera.instruction)
        for rule in camera.rules:
            for phrase in (getattr(rule, "instruction", None), getattr(rule, "to", None)):
                if phrase is not None:
                    self._understood(phrase)

    def ask(self, instruction: str) -> None:
        """From the next frame on; InvalidInput where it is refused, and the old one stays."""
        understood = self._understood(instruction)
        with self._lock:
            self.instruction = understood
            if self._follower is not None:
                self._follower.instruction = understood

    def _understood(self, instruction: str) -> str:
        understood = self._predictor.resolve(instruction, self.camera.skeleton)
        if understood.refused:
            why = why_refused(understood)
            raise InvalidInput(f"camera {self.camera.name!r}: {instruction!r} is refused: {why}")
        return instruction

    def __call__(self, grabbed: Grabbed) -> Outcome:
        image_HW3 = np.ascontiguousarray(grabbed.frame.to_ndarray(format="rgb24"))
        image_HW3 = paint_masks(image_HW3, self.camera.masks)
        with self._lock:
            follower = self._followed(image_HW3.shape[1], image_HW3.shape[0])
        result = follower(Frame(image_HW3, grabbed.received, grabbed.number))
        with self._lock:
            return self._outcome(grabbed, image_HW3, result, self._looking.last)

    def blind(self) -> list[EventMessage]:
        """No picture comes: what is on and unknown for too long is said to be lost."""
        now = self._clock.monotonic()
        with self._lock:
            turns = [
                (bed, watcher, turn)
                for bed in self.beds
                for watcher in self._watchers[bed.name]
                if (turn := watcher.blind(now)) is not None
            ]
            return [
                self._event(bed, watcher, turn, self._clock.date()) for bed, watcher, turn in turns
            ]

    def _followed(self, width: int, height: int) -> Follower:
        if self._follower is None or self._size != (width, height):
            predictor: Any = self._looking
            smoothing = SmoothingSettings() if self.camera.smooth else None
            self._follower = Follower(predictor, self.instruction, self.camera.skeleton, smoothing)
            self._size = (width, height)
            self._known = {}
        return self._follower

    def _outcome(
        self, grabbed: Grabbed, image_HW3: NDArray[np.uint8], result: PoseResult, look: Any
    ) -> Outcome:
        size = (image_HW3.shape[1], image_HW3.shape[0])
        self._model = Model(name=result.model_name, digest=result.model_digest)
        asking = Asking(look, self.camera.skeleton, self.camera.masks)
        kept = [row for row in map(self._unmasked, result.poses) if self._counts(row[0], size)]
        result = replace(result, poses=tuple(pose for pose, _ in kept))
        where = self._where(kept, size)
        occupants = tuple(
            Occupant(bed, *kept[index], posture=posture(asking, kept[index][0].box, self._trunk))
            for bed, index in where.items()
        )
        now, date = grabbed.received, self._clock.when(grabbed.received)
        events = tuple(self._turned(asking, occupants, now, date))
        beds = {index: bed.name for bed, index in where.items()}
        self._sequence += 1
        message = PoseMessage(
            id=uuid.uuid4().hex, camera=self.camera.name, time=iso(date), sequence=self._sequence,
            age_ms=round((self._clock.monotonic() - grabbed.received) * 1e3, 1),
            source_time=grabbed.source_time, size=size, asked=messages.asked(result),
            z_unit=result.z_unit, model=self._model,
            people=tuple(
                messages.person(pose, beds.get(index), masked)
                for index, (pose, masked) in enumerate(kept)
            ),
        )  # fmt: skip
        shown = Shown(image_HW3, look, result, grabbed.received, self._face)
        return Outcome(message, result, occupants, events, shown, date)

    def _unmasked(self, pose: Pose) -> tuple[Pose, frozenset[str]]:
        """The pose without what lies under masks, and the names of what does."""
        assert self._size is not None
        size, masks = self._size, self.camera.masks
        masked = {j.name for j in (*pose.joints, *pose.filtered) if is_masked(j, masks, size)}
        if not masked:
            return pose, frozenset()
        joints, filtered = (
            tuple(hide(joint) if joint.name in masked else joint for joint in group)
            for group in (pose.joints, pose.filtered)
        )
        return replace(pose, joints=joints, filtered=filtered), frozenset(masked)

    def _counts(self, pose: Pose, size: tuple[int, int]) -> bool:
        """Where beds have zones, people elsewhere (staff, visitors) are none of our business."""
        zoned = [bed for bed in self.beds if bed.zone is not None]
        return not zoned or any(_in_zone(bed, pose, size) for bed in zoned)

    def _where(
        self, kept: list[tuple[Pose, frozenset[str]]], size: tuple[int, int]
    ) -> dict[Bed, int]:
        """Bed → person: who lay there before, else who is surest."""
        found: dict[Bed, int] = {}
        for bed in self.beds:
            there = [
                index for index, (pose, _) in enumerate(kept)
                if pose.score > 0 and index not in found.values() and _in_zone(bed, pose, size)
            ]  # fmt: skip
            if not there:
                continue
            known = self._known.get(bed.name)
            same = [index for index in there if known is not None and kept[index][0].track == known]
            best = same[0] if same else max(there, key=lambda index: kept[index][0].score)
            found[bed] = best
            self._known[bed.name] = kept[best][0].track
        return found

    def _turned(
        self, asking: Asking, occupants: tuple[Occupant, ...], now: float, date: float
    ) -> Iterator[EventMessage]:
        boxes = {occupant.bed.name: occupant.pose.box for occupant in occupants}
        for bed in self.beds:
            for watcher in self._watchers[bed.name]:
                turn = watcher(asking, boxes.get(bed.name), now)
                if turn is not None:
                    yield self._event(bed, watcher, turn, date)

    def _event(self, bed: Bed, watcher: Watcher, turn: Turn, date: float) -> EventMessage:
        self._event_sequence += 1
        identifier = uuid.uuid4().hex
        return EventMessage(
            id=identifier, camera=self.camera.name, time=iso(date), sequence=self._event_sequence,
            bed=bed.name, rule=watcher.rule.name, rule_kind=watcher.rule.kind, phase=turn.phase,
            value=turn.value, previous=turn.previous, since=iso(self._clock.when(turn.since)),
            model=self._model,
            snapshot=f"{self.camera.name}/{identifier}.jpg" if self._snapshots else None,
        )  # fmt: skip


def _in_zone(bed: Bed, pose: Pose, size: tuple[int, int]) -> bool:
    if bed.zone is None:
        return True
    x, y, width, height = pose.box
    return inside(bed.zone, x + width / 2, y + height / 2, *size)
