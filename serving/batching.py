"""Dynamic batching below the Predictor: calls of one graph and shape share one session run.

There is no batching thread. The first caller leads: it takes what waits, runs it, hands out the
rows, and passes the lead on. So a lone request pays for no hand-over, and under load a batch grows
by itself while the previous one runs. A call whose ticket is dead is dropped when a batch is
taken, so it never reaches the session.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from posealign.runtime.session import Arrays, Graph
from serving.ticket import Ticket, current

GRACE = 0.001  # seconds between taking a batch and running it, for the counter of late calls
Shape = tuple[tuple[str, tuple[int, ...], str], ...]


class Observer(Protocol):
    """Who is told of runs; the metrics, in a server."""

    def ran(self, graph: str, rows: int, calls: int, seconds: float) -> None: ...
    def dropped(self, graph: str, calls: int) -> None: ...
    def late(self, graph: str, calls: int) -> None: ...


@dataclass(frozen=True)
class BatchLimits:
    """`parallel` runs of one graph at a time; a leader waits `max_delay` seconds for company."""

    max_rows: int = 8
    max_delay: float = 0.0
    parallel: int = 1


@dataclass
class _Call:
    arrays: Arrays
    shape: Shape
    rows: int
    ticket: Ticket | None
    wake: threading.Event = field(default_factory=threading.Event)
    promoted: bool = False
    answer: Arrays | None = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.answer is not None or self.error is not None


class BatchedGraph:
    """A graph like any other, safe to call from many threads."""

    def __init__(
        self,
        name: str,
        run: Graph,
        limits: BatchLimits,
        observer: Observer | None = None,
        expected: Callable[[], int] = lambda: 1,
    ) -> None:
        self.name, self._run, self._limits, self._observer = name, run, limits, observer
        self._expected = expected  # requests being worked on: waiting for more would be in vain
        self._lock = threading.Condition()
        self._calls: deque[_Call] = deque()
        self._leading = 0

    def __call__(self, arrays: Arrays) -> Arrays:
        ticket = current.get()
        if ticket is not None:
            ticket.check()
        call = _Call(arrays, shape_of(arrays), rows_of(arrays), ticket)
        with self._lock:
            self._calls.append(call)
            lead = self._leading < self._limits.parallel
            if lead:
                self._leading += 1
            else:
                self._lock.notify_all()  # a leader may be waiting for company
        while True:
            if lead:
                self._lead()
            if not call.done:
                call.wake.wait()  # until it is answered, or told to lead
            with self._lock:
                lead, call.promoted = call.promoted, False
                if not call.done:
                    call.wake.clear()
            if call.done:
                break
        if lead:  # told to lead, but another leader has answered meanwhile
            self._pass_on()
        if call.error is not None:
            raise call.error
        assert call.answer is not None
        return call.answer

    def _lead(self) -> None:
        """Run one batch, then pass the lead to whoever waits longest."""
        try:
            batch = self._take()
            if batch:
                self._execute(batch)
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            heir = next((call for call in self._calls if not call.promoted), None)
            if heir is None:
                self._leading -= 1
                return
            heir.promoted = True
        heir.wake.set()

    def _take(self) -> list[_Call]:
        """The oldest call that is alive, and those of its shape that fit beside it."""
        with self._lock:
            self._wait_for_company()
            dead = [call for call in self._calls if call.ticket and not call.ticket.alive]
            alive = [call for call in self._calls if not call.ticket or call.ticket.alive]
            batch: list[_Call] = []
            rest: deque[_Call] = deque()
            rows = 0
            for call in alive:
                fits = rows + call.rows <= self._limits.max_rows or not batch
                if (not batch or call.shape == batch[0].shape) and fits:
                    batch.append(call)
                    rows += call.rows
                else:
                    rest.append(call)
            self._calls = rest
        if dead and self._observer:
            self._observer.dropped(self.name, len(dead))
        for call in dead:
            call.error = _reason(call)
            call.wake.set()
        return batch

    def _wait_for_company(self) -> None:
        if not self._limits.max_delay:
            return
        until = time.monotonic() + self._limits.max_delay
        while True:
            rows = sum(call.rows for call in self._calls)
            left = until - time.monotonic()
            if left <= 0 or rows >= self._limits.max_rows or len(self._calls) >= self._expected():
                return
            self._lock.wait(left)

    def _execute(self, batch: list[_Call]) -> None:
        late = sum(1 for call in batch if call.ticket and call.ticket.dead_for() > GRACE)
        start = time.perf_counter()
        try:
            answers = _split(self._run(_joined(batch)), batch)
        except BaseException as error:
            if len(batch) > 1:  # one call that cannot be run must not fail its neighbours
                for call in batch:
                    self._execute([call])
                return
            batch[0].error = error
            batch[0].wake.set()
            return
        seconds = time.perf_counter() - start
        if self._observer:
            self._observer.ran(self.name, sum(call.rows for call in batch), len(batch), seconds)
            if late:
                self._observer.late(self.name, late)
        for call, answer in zip(batch, answers, strict=True):
            if call.ticket is not None:
                call.ticket.compute_ms += seconds * 1e3
            call.answer = answer
            call.wake.set()


def shape_of(arrays: Arrays) -> Shape:
    """Everything but the number of rows."""
    return tuple((name, value.shape[1:], value.dtype.str) for name, value in sorted(arrays.items()))


def rows_of(arrays: Arrays) -> int:
    return max(len(value) for value in arrays.values())


def _joined(batch: list[_Call]) -> Arrays:
    if len(batch) == 1:
        return batch[0].arrays
    names = batch[0].arrays
    return {name: np.concatenate([call.arrays[name] for call in batch]) for name in names}


def _split(out: Arrays, batch: list[_Call]) -> list[Arrays]:
    """Rows back to their calls, copied: a kept row must not keep the whole batch alive."""
    if len(batch) == 1:
        return [out]
    answers: list[Arrays] = []
    first = 0
    for call in batch:
        last = first + call.rows
        answers.append({name: _rows(value, first, last) for name, value in out.items()})
        first = last
    return answers


def _rows(value: NDArray[Any], first: int, last: int) -> NDArray[Any]:
    return value[first:last].copy()


def _reason(call: _Call) -> BaseException:
    try:
        assert call.ticket is not None
        call.ticket.check()
    except Exception as error:
        return error
    return RuntimeError("a call was dropped whose ticket is alive")
