"""All cameras together: captures fill slots, workers answer the latest frames, sinks tell others.

One camera never slows another: each has its thread and its slot, workers take whoever waited
longest, and a camera that fails is left alone for a moment.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from posealign.errors import InvalidInput, PoseAlignError
from posealign.interop.audit import Access, AuditLog
from serving.camera.capture import Capture, State
from serving.camera.clock import Clock, iso
from serving.camera.config import DAYS, Camera, Cameras, Window
from serving.camera.log import log
from serving.camera.messages import StatsMessage, StatusMessage
from serving.camera.outbox import Outbox
from serving.camera.scene import Outcome, Predicts, Scene, Shown
from serving.camera.secret import Secrets
from serving.camera.sinks.fhir import FhirSink
from serving.camera.sinks.files import FilesSink, SnapshotsSink
from serving.camera.sinks.mqtt import MqttSink
from serving.camera.sinks.sink import Sink
from serving.camera.sinks.webhook import WebhookSink
from serving.camera.slot import Ages, LatestSlot, Rate
from serving.camera.source import CODES
from serving.logs import stack_of

TICK = 0.2  # seconds between looks at the cameras' health
PENALTY = 1.0  # seconds a camera waits after its answer failed


@dataclass
class Post:
    """One camera at work. Numbers are written by one thread each and read by others."""

    camera: Camera
    slot: LatestSlot
    capture: Capture
    scene: Scene
    enabled: bool
    refused: str | None = None
    state: State | None = None
    due: float = 0.0  # when the next frame may be answered (monotonic)
    busy: bool = False
    failed: int = 0
    answers: Rate = field(default_factory=Rate)
    ages: Ages = field(default_factory=Ages)
    shown: Shown | None = None
    status_sequence: int = 0
    stats_sequence: int = 0


class Station:
    """Everything that `posealign camera` runs."""

    def __init__(
        self, config: Cameras, predictor: Predicts, secrets: Secrets, clock: Clock | None = None
    ) -> None:
        self.config, self.secrets, self.clock = config, secrets, clock or Clock()
        self._zone = ZoneInfo(config.timezone)
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._telling = threading.Lock()
        config.state.mkdir(parents=True, exist_ok=True)
        self._outbox = Outbox(config.state / "outbox.sqlite")
        self._audit = AuditLog(config.state / "audit.jsonl") if config.audit else None
        for bed in (bed for camera in config.cameras for bed in camera.beds):
            for reference in (bed.subject, bed.encounter):
                if reference is not None:
                    secrets.add(reference, reference.partition("/")[2])
        self.posts = {c.name: self._post(c, predictor) for c in config.cameras}
        self.sinks = self._sinks()
        self._threads = [
            threading.Thread(target=self._work, name=f"answers-{n}", daemon=True)
            for n in range(config.workers)
        ]
        self._threads.append(threading.Thread(target=self._watch, name="watchdog", daemon=True))

    def _post(self, camera: Camera, predictor: Predicts) -> Post:
        slot = LatestSlot(self._wake)
        scene = Scene(camera, predictor, self.clock, self.config.sinks.snapshots is not None)
        name = camera.name
        capture = Capture(camera, self.secrets, slot, self.clock, lambda: self.wanted(name))
        return Post(camera, slot, capture, scene, camera.enabled)

    def _sinks(self) -> list[Sink]:
        wanted, made = self.config.sinks, list[Sink]()
        beds = [bed for camera in self.config.cameras for bed in camera.beds]
        if wanted.mqtt is not None:
            made.append(
                MqttSink(wanted.mqtt, self.secrets, self._outbox, tuple(self.posts), self.order)
            )
        if wanted.webhook is not None:
            subjects = {bed.name: bed.subject for bed in beds if bed.subject is not None}
            made.append(
                WebhookSink(wanted.webhook, self.secrets, self._outbox, self.clock, subjects)
            )
        if wanted.fhir is not None:
            devices = {c.name: c.device for c in self.config.cameras if c.device is not None}
            made.append(
                FhirSink(
                    wanted.fhir, self.secrets, self._outbox, self.config.terms, devices, self.audit
                )
            )
        if wanted.files is not None:
            made.append(FilesSink(wanted.files))
        if wanted.snapshots is not None:
            made.append(SnapshotsSink(wanted.snapshots, self.config.deidentify))
        return made

    # Life

    def start(self) -> None:
        for sink in self.sinks:
            sink.start()
        for post in self.posts.values():
            post.capture.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for post in self.posts.values():
            post.capture.stop()
        with self._wake:
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(5.0)
        for sink in self.sinks:
            sink.stop()
        for post in self.posts.values():
            post.capture.join(0.5)  # it may hang in a read; it touches nothing that is closed here
        self._outbox.close()

    def finished(self) -> bool:
        """Whether every camera is a file that was read to its end and answered."""
        return all(
            p.capture.ended and not p.slot.full() and not p.busy for p in self.posts.values()
        )

    # Orders

    def order(self, camera: str, what: str, value: str) -> None:
        """From MQTT; never raises."""
        post = self.posts[camera]
        try:
            if what == "enabled":
                if value.lower() not in ("on", "off", "true", "false"):
                    raise InvalidInput("enabled is on or off")
                post.enabled = value.lower() in ("on", "true")
            else:
                post.scene.ask(value)
                post.refused = None
        except PoseAlignError as error:
            post.refused = error.code if what == "enabled" else "refused"
            log().warning("an order was refused", camera=camera, code=error.code)
        self._tell_status(post)

    def wanted(self, camera: str) -> bool:
        post = self.posts.get(camera) if hasattr(self, "posts") else None
        if post is None or not post.enabled:
            return False
        return scheduled(
            post.camera.schedule, datetime.fromtimestamp(self.clock.wall(), self._zone)
        )

    # Answering

    def _work(self) -> None:
        while not self._stopping.is_set():
            post = self._next()
            if post is None:
                continue
            try:
                self._answer(post)
            except Exception as error:  # one camera's failure is its own
                post.failed += 1
                post.due = self.clock.monotonic() + PENALTY
                log().error(
                    "an answer failed", camera=post.camera.name, error=type(error).__name__,
                    stack=stack_of(error),
                )  # fmt: skip
            finally:
                post.busy = False

    def _next(self) -> Post | None:
        """The camera whose turn is longest due; waits where none is."""
        with self._wake:
            now = self.clock.monotonic()
            ready = [p for p in self.posts.values() if p.slot.full() and not p.busy]
            due = [post for post in ready if post.due <= now]
            if not due:
                pauses = [post.due - now for post in ready]
                self._wake.wait(min([TICK, *pauses]))
                return None
            post = min(due, key=lambda post: post.due)
            post.busy = True
            # The pace is kept from due to due, unless the camera was late by more than a period.
            period = 1 / post.camera.rate
            post.due = max(post.due + period, now + 0.5 * period)
            return post

    def _answer(self, post: Post) -> None:
        grabbed = post.slot.take()
        if grabbed is None or post.capture.health() == "frozen":
            return  # a picture that stands still is not told as if it were new
        outcome = post.scene(grabbed)
        post.shown = outcome.shown
        now = self.clock.monotonic()
        post.ages(now - grabbed.received)
        post.answers(now)
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        for sink in self.sinks:
            try:
                for event in outcome.events:
                    sink.event(event, outcome)
                sink.pose(outcome)
            except Exception as error:  # one sink's failure is its own
                log().error(
                    "a sink failed", sink=sink.name, error=type(error).__name__,
                    stack=stack_of(error),
                )  # fmt: skip

    # Watching

    def _watch(self) -> None:
        stats_due = self.clock.monotonic() + self.config.stats_every
        while not self._stopping.wait(TICK):
            for post in self.posts.values():
                try:
                    self._look_after(post)
                except Exception as error:  # the watchdog never dies
                    log().error("watching failed", camera=post.camera.name, stack=stack_of(error))
            if self.clock.monotonic() >= stats_due:
                stats_due = self.clock.monotonic() + self.config.stats_every
                for post in self.posts.values():
                    post.stats_sequence += 1
                    self._each("stats", self.stats(post))

    def _look_after(self, post: Post) -> None:
        state = post.capture.health()
        if state != post.state:
            post.state = state
            self._tell_status(post)
        if state != "live":
            for event in post.scene.blind():
                self._each("event", event, None)

    def _tell_status(self, post: Post) -> None:
        with self._telling:
            post.status_sequence += 1
            message = self.status(post)
        log().info("camera", camera=message.camera, state=message.state, trouble=message.trouble)
        self._each("status", message)

    def _each(self, call: str, *arguments: Any) -> None:
        for sink in self.sinks:
            try:
                getattr(sink, call)(*arguments)
            except Exception as error:
                log().error("a sink failed", sink=sink.name, error=type(error).__name__)

    def status(self, post: Post) -> StatusMessage:
        trouble = post.capture.trouble
        return StatusMessage(
            id=uuid.uuid4().hex, camera=post.camera.name, time=iso(self.clock.date()),
            sequence=post.status_sequence, state=post.capture.health(), trouble=trouble,
            detail=CODES[trouble] if trouble else None, enabled=post.enabled,
            instruction=post.scene.instruction, refused=post.refused,
        )  # fmt: skip

    def stats(self, post: Post) -> StatsMessage:
        now = self.clock.monotonic()
        half, most = post.ages.percentile(0.5), post.ages.percentile(0.99)
        return StatsMessage(
            id=uuid.uuid4().hex, camera=post.camera.name, time=iso(self.clock.date()),
            sequence=post.stats_sequence, fps=round(post.capture.frames.value(now), 2),
            answers_per_second=round(post.answers.value(now), 2),
            age_p50_ms=round(half * 1e3, 1) if half is not None else None,
            age_p99_ms=round(most * 1e3, 1) if most is not None else None,
            frames=post.capture.frames.total, answered=post.answers.total,
            dropped=post.slot.dropped, damaged=post.capture.damaged, failed=post.failed,
            connects=post.capture.connects, clock_offset_s=round(self.clock.offset(), 3),
            waiting={sink.name: sink.waiting() for sink in self.sinks},
        )  # fmt: skip

    # Audit

    def audit(
        self, action: str, data: str, patient: str | None, client: str, address: str = "localhost"
    ) -> None:
        """One event for one access; without it the access must not happen."""
        if self._audit is None:
            return
        kind: Any = action
        access = Access(kind, data, client, address, "posealign-camera", "localhost", patient)
        self._audit.record(access, datetime.fromtimestamp(self.clock.date(), UTC))


def scheduled(windows: tuple[Window, ...], local: datetime) -> bool:
    """Whether a camera works at this local time."""
    if not windows:
        return True
    time = local.strftime("%H:%M")
    today, yesterday = DAYS[local.weekday()], DAYS[(local.weekday() - 1) % 7]
    for window in windows:
        if window.start < window.end:
            if today in window.days and window.start <= time < window.end:
                return True
        elif (today in window.days and time >= window.start) or (
            yesterday in window.days and time < window.end
        ):
            return True
    return False
