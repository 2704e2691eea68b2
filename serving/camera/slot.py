"""The latest frame of a camera: a new one takes the old one's place, and that is counted."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Pixels(Protocol):
    """A decoded frame that becomes RGB when it is wanted; most frames never are."""

    def to_ndarray(self, *, format: str) -> NDArray[np.uint8]: ...  # noqa: A002 - PyAV's name


@dataclass(frozen=True)
class Grabbed:
    frame: Pixels
    number: int
    received: float  # monotonic
    lag: float  # seconds by which it came later than the quickest of its stream
    source_time: float | None  # seconds by the camera's own clock


class LatestSlot:
    """One frame at most. `wake` is shared by all cameras: somebody has something new."""

    def __init__(self, wake: threading.Condition) -> None:
        self._wake = wake
        self._held: Grabbed | None = None
        self.dropped = 0

    def put(self, grabbed: Grabbed) -> None:
        with self._wake:
            if self._held is not None:
                self.dropped += 1
            self._held = grabbed
            self._wake.notify()

    def full(self) -> bool:
        return self._held is not None

    def take(self) -> Grabbed | None:
        with self._wake:
            held, self._held = self._held, None
            return held

    def clear(self) -> None:
        with self._wake:
            self._held = None


class Rate:
    """Things a second over the last seconds."""

    def __init__(self, window: float = 5.0) -> None:
        self._window = window
        self._times: deque[float] = deque(maxlen=512)
        self.total = 0

    def __call__(self, now: float) -> None:
        self._times.append(now)
        self.total += 1

    def value(self, now: float) -> float:
        recent = [time for time in self._times.copy() if now - time <= self._window]
        if len(recent) < 2:
            return len(recent) / self._window
        span = max(now - recent[0], recent[-1] - recent[0])
        return (len(recent) - 1) / span if span > 0 else 0.0


class Ages:
    """The ages of the last results, for percentiles."""

    def __init__(self, size: int = 1024) -> None:
        self._ages: deque[float] = deque(maxlen=size)

    def __call__(self, age: float) -> None:
        self._ages.append(age)

    def percentile(self, share: float) -> float | None:
        ages = sorted(self._ages.copy())
        return ages[min(len(ages) - 1, int(share * len(ages)))] if ages else None
