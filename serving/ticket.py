"""One request's place in the queue: its deadline, and whether anybody still waits for it.

The ticket travels in a context variable, so that a graph deep inside the Predictor can ask
whether running is still worth it.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from posealign.errors import DeadlineExceeded, PoseAlignError


class Disconnected(PoseAlignError):
    """The client went away before its turn came; nobody reads this answer."""

    status, exit_code, code = 499, 8, "client-closed-request"


@dataclass
class Ticket:
    """`deadline` is on time.monotonic(); None means that nobody set one."""

    request_id: str = "-"
    deadline: float | None = None
    cancelled_at: float | None = None
    queued_at: float = field(default_factory=time.monotonic)
    queue_ms: float = 0.0
    compute_ms: float = 0.0  # inside sessions
    work_ms: float = 0.0  # on its thread: decoding, looking, asking

    @property
    def cancelled(self) -> bool:
        return self.cancelled_at is not None

    @property
    def expired(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    @property
    def alive(self) -> bool:
        return not self.cancelled and not self.expired

    def dead_for(self) -> float:
        """Seconds since nobody wants the answer any more; negative while somebody does."""
        if self.cancelled_at is not None:
            return time.monotonic() - self.cancelled_at
        return -1.0 if self.deadline is None else time.monotonic() - self.deadline

    def cancel(self) -> None:
        if self.cancelled_at is None:
            self.cancelled_at = time.monotonic()

    def check(self) -> None:
        """Raise for whoever should not go on."""
        if self.cancelled:
            raise Disconnected("the client closed the connection")
        if self.expired:
            raise self.too_late()

    def too_late(self) -> DeadlineExceeded:
        waited = time.monotonic() - self.queued_at
        return DeadlineExceeded(
            f"the deadline passed after {waited * 1e3:.0f} ms; ask again later, or give more "
            "time in X-Request-Timeout-Ms"
        )

    def left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self.deadline is None else self.deadline - time.monotonic()


current: ContextVar[Ticket | None] = ContextVar("posealign_ticket", default=None)
