"""One thread a camera: connect, decode, keep the latest frame, connect again.

Whether a camera is fresh is read off by others (`health`) from when things last happened: a thread
that hangs inside a library cannot hide it.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from serving.camera.clock import Clock
from serving.camera.config import Camera
from serving.camera.log import log
from serving.camera.secret import Secrets
from serving.camera.slot import Grabbed, LatestSlot, Rate
from serving.camera.source import Trouble, address, answers, grabs, require_av
from serving.logs import stack_of

State = Literal["off", "connecting", "live", "stale", "frozen", "ended"]
SHORTEST, LONGEST = 0.5, 30.0  # seconds between attempts
KNOCK = (0.25, 0.5)  # seconds between knocks at the door of a camera that is away
LOOK = 0.25  # seconds between looks at whether the picture moves


def pause(attempt: int, chance: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds before attempt `attempt` (from 1): doubled each time, jittered over the range."""
    return chance(SHORTEST, min(LONGEST, SHORTEST * 2 ** min(attempt, 16)))


class Capture:
    """What one camera's thread does and what is known about it."""

    def __init__(
        self, camera: Camera, secrets: Secrets, slot: LatestSlot, clock: Clock,
        wanted: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.camera, self.slot = camera, slot
        require_av()
        self._where = address(camera.source, secrets)
        self._clock, self._wanted = clock, wanted
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"capture-{camera.name}", daemon=True
        )
        self.frames = Rate()
        self.damaged = 0
        self.connects = 0
        self.trouble: str | None = None
        self.ended = False
        self.asked_for = False
        self._seen: float | None = None  # when the last good frame came
        self._moved: float | None = None  # when the picture last changed
        self._looked = 0.0
        self._print: bytes = b""
        self._tried = clock.monotonic()  # when a session was last begun
        self._door = False  # whether this camera has ever answered a knock

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, timeout: float) -> None:
        if self._thread.is_alive():
            self._thread.join(timeout)

    def health(self) -> State:
        """From the monotonic clock alone."""
        if not self.asked_for:
            return "off"
        if self.ended:
            return "ended"
        if self._seen is None or self._moved is None:
            return "connecting" if self.trouble is None else "stale"
        now = self._clock.monotonic()
        if now - self._seen > self.camera.stale_after:
            return "stale"
        frozen_after = self.camera.frozen_after
        if frozen_after is not None and self._seen - self._moved > frozen_after:
            return "frozen"
        return "live"

    def age(self) -> float | None:
        """Seconds since the last frame."""
        return self._clock.monotonic() - self._seen if self._seen is not None else None

    # In the thread

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            self.asked_for = self._wanted()
            if not self.asked_for:
                self._forget()
                self._stopping.wait(0.1)
                continue
            if not self._there():
                self._stopping.wait(random.uniform(*KNOCK))
                continue
            before = self.frames.total
            self._session()
            if self.ended:
                return
            attempt = 1 if self.frames.total > before else attempt + 1
            if self._idle():
                continue
            self._wait(pause(attempt))

    def _there(self) -> bool:
        """A session with a camera that is away would hang; where knocking is known to work, knock.

        A camera that never answered a knock gets its sessions by the pauses alone, and one that has
        not for as long as the longest pause gets one anyway: it may only be slow.
        """
        here, now = answers(self._where), self._clock.monotonic()
        if not here and self.trouble is None:
            self.trouble = "unreachable" if self._where.host else "not_found"
        self._door = self._door or here
        if here or not self._door or now - self._tried > LONGEST:
            self._tried = now
            return True
        return False

    def _session(self) -> None:
        self.connects += 1
        try:
            for grabbed in grabs(
                self._where, self.camera.source, self.camera.stale_after, self._clock.monotonic,
                self._idle, self._lost,
            ):  # fmt: skip
                self._took(grabbed)
        except Trouble as trouble:
            self.trouble = trouble.code
            if trouble.code == "ended" and self._where.scheme == "file":
                self.ended = not self.camera.source.loop
        except Exception as error:  # the thread must outlive whatever a stream brings
            self.trouble = "failed"
            log().error("capture failed", camera=self.camera.name, stack=stack_of(error))

    def _idle(self) -> bool:
        return self._stopping.is_set() or not self._wanted()

    def _lost(self) -> None:
        self.damaged += 1

    def _took(self, grabbed: Grabbed) -> None:
        now = grabbed.received
        if self.camera.frozen_after is None:
            self._moved = now
        elif now - self._looked >= LOOK or self._moved is None:
            self._looked = now
            if (look := fingerprint(grabbed.frame)) != self._print:
                self._print, self._moved = look, now
        self._seen = now - grabbed.lag
        self.trouble = None
        self.frames(now)
        self.slot.put(grabbed)

    def _forget(self) -> None:
        self._seen = self._moved = self.trouble = None
        self.slot.clear()

    def _wait(self, seconds: float) -> None:
        """Sleep, but go on at once when a camera that was away opens its door again."""
        if self._where.scheme == "file" and self.camera.source.loop:
            return
        end = self._clock.monotonic() + seconds
        away = not answers(self._where)
        while not self._idle() and self._clock.monotonic() < end:
            left = max(0.0, end - self._clock.monotonic())
            if self._stopping.wait(min(left, random.uniform(*KNOCK))):
                return
            here = answers(self._where)
            if here and away:
                return
            away = away or not here


def fingerprint(frame: Any) -> bytes:
    """Changes when the picture does; sensor noise is change enough."""
    planes = getattr(frame, "planes", None)
    if planes:
        values = np.frombuffer(planes[0], np.uint8)
    else:
        values = np.ravel(frame.to_ndarray(format="rgb24"))
    return hashlib.blake2b(values[::7].tobytes(), digest_size=8).digest()
