"""Two clocks: one that measures (it never steps), one that dates (it never goes back).

Ages, timeouts and event durations use `monotonic`. Dates follow the computer's clock: a step
forward is taken over once it has lasted a while, after a step back the dates run at half speed
until the clock has caught up, so that messages always stay in order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

STEP = 1.0  # seconds of difference from which the computer's clock counts as stepped
LASTING = 30.0  # seconds for which a step must stand before it is believed


class Clock:
    """Injected everywhere, so that tests can step it."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.monotonic, self._wall = monotonic, wall
        self._lock = threading.Lock()
        self._at = monotonic()
        self._date = wall()
        self._stepped_since: float | None = None

    def date(self) -> float:
        """Seconds since 1970; never smaller than an earlier answer."""
        with self._lock:
            now, wall = self.monotonic(), self._wall()
            passed = max(0.0, now - self._at)
            date = self._date + passed
            off = wall - date
            if abs(off) < STEP:
                self._stepped_since = None
                date = max(self._date, wall)
            elif self._stepped_since is None:
                self._stepped_since = now
            elif now - self._stepped_since >= LASTING:
                date = wall if off > 0 else self._date + passed / 2
            self._at, self._date = now, date
            return date

    def when(self, monotonic: float) -> float:
        """The date of a moment of the monotonic clock, not after now."""
        return self.date() - max(0.0, self.monotonic() - monotonic)

    def offset(self) -> float:
        """How far the computer's clock is from our dates, in seconds."""
        return self._wall() - self.date()

    def wall(self) -> float:
        return self._wall()


def iso(date: float) -> str:
    """2026-03-01T12:00:00.123Z"""
    text = datetime.fromtimestamp(date, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
