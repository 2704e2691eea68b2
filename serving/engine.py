"""The engine: a bounded queue in front of the Predictor, worker threads behind it.

A request is admitted or refused at once (429 with Retry-After). Admitted work waits in order;
when its turn comes it runs on a worker thread as plain `predictor.look(...).ask(...)`. The graphs
inside that Predictor are batched (batching.py), so threads that are at the same graph share a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from posealign.errors import Overloaded, Unavailable
from serving.ticket import Disconnected, Ticket, current

T = TypeVar("T")


class QueueObserver(Protocol):
    def waited(self, seconds: float) -> None: ...
    def never_ran(self, reason: str) -> None: ...


@dataclass
class _Job(Generic[T]):
    work: Callable[[], T]
    ticket: Ticket
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[T]


class Engine:
    """`run` is awaited from the event loop; `work` runs on a thread, its ticket in context."""

    def __init__(self, concurrency: int, queue: int, observer: QueueObserver | None = None) -> None:
        self.concurrency, self.queue, self._observer = concurrency, queue, observer
        self._ready = threading.Condition()
        self._jobs: deque[_Job[Any]] = deque()
        self._working = 0
        self._closed = False
        self._seconds = 0.05  # moving mean of one request's work, for Retry-After
        self._threads = [
            threading.Thread(target=self._serve, name=f"engine-{number}", daemon=True)
            for number in range(concurrency)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        return len(self._jobs)

    @property
    def working(self) -> int:
        return self._working

    @property
    def pending(self) -> int:
        return len(self._jobs) + self._working

    def check_room(self) -> None:
        """Refuse before a body is read: what is full now will mostly be full in a moment."""
        if self._closed:
            raise Unavailable("the server is shutting down")
        if len(self._jobs) >= self.queue:
            raise Overloaded(
                f"{self.queue} requests wait already; come back in {self.retry_after():g} s",
                self.retry_after(),
            )

    def retry_after(self) -> float:
        """Seconds after which half the queue will be done."""
        seconds = self._seconds * (len(self._jobs) / 2 + 1) / self.concurrency
        return float(max(1, round(seconds)))

    async def run(self, work: Callable[[], T], ticket: Ticket) -> T:
        """Wait for a thread, run, answer. Cancelling the awaiting task cancels the ticket."""
        loop = asyncio.get_running_loop()
        job = _Job(work, ticket, loop, loop.create_future())
        if not ticket.alive and self._observer:
            self._observer.never_ran("disconnected" if ticket.cancelled else "expired")
        ticket.check()
        with self._ready:
            self.check_room()
            self._jobs.append(job)
            self._ready.notify()
        timer = None
        if (left := ticket.left()) is not None:
            timer = loop.call_later(max(left, 0), self._expire, job)
        try:
            answer: T = await job.future
            return answer
        except asyncio.CancelledError:
            ticket.cancel()
            self._forget(job, "disconnected")
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _expire(self, job: _Job[Any]) -> None:
        """The deadline came while waiting: answer now, do not wait for a thread."""
        if self._forget(job, "expired") and not job.future.done():
            # The timer may fire a clock's tick early: the ticket is not asked again.
            job.future.set_exception(job.ticket.too_late())

    def _forget(self, job: _Job[Any], reason: str) -> bool:
        """Take a waiting job out of the queue; False when a thread has it already."""
        with self._ready:
            try:
                self._jobs.remove(job)
            except ValueError:
                return False
        if self._observer:
            self._observer.never_ran(reason)
        return True

    def _serve(self) -> None:
        while True:
            with self._ready:
                while not self._jobs and not self._closed:
                    self._ready.wait()
                if not self._jobs:
                    return
                job = self._jobs.popleft()
                self._working += 1
            try:
                self._work(job)
            finally:
                with self._ready:
                    self._working -= 1
                    self._ready.notify_all()

    def _work(self, job: _Job[Any]) -> None:
        ticket = job.ticket
        waited = time.monotonic() - ticket.queued_at
        ticket.queue_ms = waited * 1e3
        if self._observer:
            self._observer.waited(waited)
            if not ticket.alive:
                self._observer.never_ran("disconnected" if ticket.cancelled else "expired")
        token = current.set(ticket)
        start = time.perf_counter()
        try:
            ticket.check()
            answer = job.work()
        except BaseException as error:
            _settle(job, job.future.set_exception, _plain(error))
        else:
            seconds = time.perf_counter() - start
            ticket.work_ms = seconds * 1e3
            self._seconds += 0.1 * (seconds - self._seconds)
            _settle(job, job.future.set_result, answer)
        finally:
            current.reset(token)

    def close(self, seconds: float = 30.0) -> None:
        """Finish what was admitted, then end the threads."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))


def _settle(job: _Job[Any], setter: Callable[[Any], None], value: Any) -> None:
    def settle() -> None:
        if not job.future.done():
            setter(value)

    with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
        job.loop.call_soon_threadsafe(settle)


def _plain(error: BaseException) -> BaseException:
    """A future cannot carry StopIteration; nothing else is changed."""
    return RuntimeError(str(error)) if isinstance(error, StopIteration) else error


__all__ = ["Disconnected", "Engine", "QueueObserver"]
