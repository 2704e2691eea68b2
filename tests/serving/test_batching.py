"""Batches and the engine, with sessions of a known cost."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from posealign.errors import DeadlineExceeded, Overloaded, Unavailable
from posealign.runtime.session import Arrays
from serving.batching import BatchedGraph, BatchLimits
from serving.engine import Engine
from serving.ticket import Disconnected, Ticket, current
from tests import machine


class Session:
    """Costs the same however many rows there are, as a GPU does; remembers what reached it."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.batches, self.seen = seconds, [], []  # type: ignore[var-annotated]
        self.running, self.most = 0, 0
        self._lock = threading.Lock()

    def __call__(self, arrays: Arrays) -> Arrays:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.batches.append(len(arrays["x"]))
            self.seen += arrays["x"][:, 0].tolist()
        time.sleep(self.seconds)
        with self._lock:
            self.running -= 1
        if (arrays["x"] < 0).any():
            raise ValueError("a negative number")
        return {"y": arrays["x"] * 2, "sum": arrays["x"].sum(1)}


class Counts:
    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def _add(self, name: str, count: int) -> None:
        self.values[name] = self.values.get(name, 0) + count

    def ran(self, graph: str, rows: int, calls: int, seconds: float) -> None:
        self._add("ran", calls)

    def dropped(self, graph: str, calls: int) -> None:
        self._add("dropped", calls)

    def late(self, graph: str, calls: int) -> None:
        self._add("late", calls)

    def waited(self, seconds: float) -> None:
        self._add("waited", 1)

    def never_ran(self, reason: str) -> None:
        self._add(reason, 1)


def rows(value: float, count: int = 1, width: int = 3) -> Arrays:
    return {"x": np.full((count, width), value, np.float32)}


def runs(max_rows: int, calls: int = 120) -> int:
    """How often a session of fixed cost runs, one run at a time, for calls by 24 threads."""
    session = Session(0.01)
    graph = BatchedGraph("image", session, BatchLimits(max_rows))
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda n: graph(rows(n)), range(calls)))
    for n, answer in enumerate(answers):
        assert answer["y"].tolist() == [[2.0 * n] * 3]
    assert session.most == 1
    return len(session.batches)


def test_batching_raises_throughput_five_times() -> None:
    """Without batches each call pays alone; the cost is counted in runs."""
    assert runs(1) == 120
    assert runs(16) <= 120 / 5


def test_a_lone_call_waits_for_nobody() -> None:
    graph = BatchedGraph("image", Session(), BatchLimits(8, max_delay=0.5), expected=lambda: 1)
    start = time.perf_counter()
    graph(rows(1))
    assert time.perf_counter() - start < 0.25


def test_a_leader_waits_for_those_on_their_way() -> None:
    session = Session()
    graph = BatchedGraph("image", session, BatchLimits(8, max_delay=2.0), expected=lambda: 3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: graph(rows(n)), range(3)))
    assert session.batches == [3]


@pytest.mark.parametrize("parallel", [1, 2])
def test_mixed_shapes_from_many_threads(parallel: int) -> None:
    session = Session(0.001)
    graph = BatchedGraph("image", session, BatchLimits(6, parallel=parallel))
    rng = np.random.default_rng(0)
    asked = [(float(n), int(rng.integers(1, 4)), int(rng.integers(2, 5))) for n in range(300)]

    def call(one: tuple[float, int, int]) -> None:
        value, count, width = one
        answer = graph(rows(value, count, width))
        assert answer["y"].shape == (count, width)
        assert (answer["y"] == 2 * value).all()
        assert (answer["sum"] == value * width).all()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(call, asked))
    assert session.most <= parallel
    assert max(session.batches) <= 6
    assert graph._leading == 0
    assert not graph._calls


def test_one_bad_call_fails_alone() -> None:
    graph = BatchedGraph("image", Session(0.02), BatchLimits(8))

    def call(n: int) -> str:
        try:
            return str(graph(rows(n if n != 3 else -1))["y"][0, 0])
        except ValueError:
            return "bad"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(call, range(8)))
    assert found == ["0.0", "2.0", "4.0", "bad", "8.0", "10.0", "12.0", "14.0"]


def test_the_dead_never_reach_the_session() -> None:
    """Expired and cancelled calls that wait behind a slow batch are dropped and counted."""
    session, counts = Session(0.15), Counts()
    graph = BatchedGraph("image", session, BatchLimits(8), counts)
    gone = Ticket()

    def call(n: int, ticket: Ticket | None) -> Any:
        token = current.set(ticket)
        try:
            return graph(rows(n))
        except (DeadlineExceeded, Disconnected) as error:
            return type(error)
        finally:
            current.reset(token)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(call, 1, None)
        time.sleep(0.03)
        expired = pool.submit(call, 2, Ticket(deadline=time.monotonic() + 0.03))
        cancelled = pool.submit(call, 3, gone)
        alive = pool.submit(call, 4, Ticket(deadline=time.monotonic() + 9))
        time.sleep(0.03)
        gone.cancel()
        assert expired.result() is DeadlineExceeded
        assert cancelled.result() is Disconnected
        assert alive.result()["y"][0, 0] == 8
        first.result()
    assert sorted(session.seen) == [1, 4]
    assert counts.values == {"ran": 2, "dropped": 2}


# The engine


def test_a_full_queue_refuses_at_once() -> None:
    async def run() -> None:
        engine = Engine(1, 2)
        release = threading.Event()
        waiting = []
        for working, queued in ((1, 0), (1, 1), (1, 2)):
            waiting.append(asyncio.create_task(engine.run(lambda: release.wait(60), Ticket())))
            while (engine.working, engine.waiting) != (working, queued):
                await asyncio.sleep(0.005)
        start = time.perf_counter()
        with pytest.raises(Overloaded, match="2 requests wait") as caught:
            await engine.run(lambda: None, Ticket())
        assert time.perf_counter() - start < 0.05 * machine.patience()
        assert caught.value.retry_after >= 1
        release.set()
        assert await asyncio.gather(*waiting) == [True] * 3
        engine.close()
        with pytest.raises(Unavailable):
            await engine.run(lambda: None, Ticket())

    asyncio.run(run())


def test_a_deadline_is_kept_while_waiting() -> None:
    async def run() -> None:
        counts = Counts()
        engine = Engine(1, 8, counts)
        release, ran = threading.Event(), []
        busy = asyncio.create_task(engine.run(lambda: release.wait(5), Ticket()))
        await asyncio.sleep(0.02)
        start = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await engine.run(lambda: ran.append("expired"), Ticket(deadline=start + 0.1))
        assert 0.09 < time.monotonic() - start < 1.0
        left = asyncio.create_task(engine.run(lambda: ran.append("left"), Ticket()))
        await asyncio.sleep(0.02)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        release.set()
        await busy
        await engine.run(lambda: ran.append("alive"), Ticket())
        assert ran == ["alive"]
        assert counts.values["expired"] == counts.values["disconnected"] == 1
        engine.close()

    asyncio.run(run())


def test_closing_finishes_what_was_admitted() -> None:
    async def run() -> list[int]:
        engine = Engine(2, 32)

        def work(n: int) -> int:
            time.sleep(0.005)
            return n

        tasks = [
            asyncio.create_task(engine.run(lambda n=n: work(n), Ticket()))  # type: ignore[misc]
            for n in range(20)
        ]
        await asyncio.sleep(0.01)
        await asyncio.to_thread(engine.close)
        return await asyncio.gather(*tasks)

    assert asyncio.run(run()) == list(range(20))


def test_overload_at_ten_times_capacity() -> None:
    """Open loop on the engine: goodput stays, the rest is shed at once."""

    async def run() -> tuple[list[float], list[float]]:
        engine = Engine(4, 8)
        done: list[float] = []
        refused: list[float] = []

        def work() -> float:
            start = time.perf_counter()
            time.sleep(0.02)
            return time.perf_counter() - start

        async def one() -> None:
            start = time.perf_counter()
            try:
                done.append(await engine.run(work, Ticket(deadline=time.monotonic() + 5)))
            except Overloaded:
                refused.append(time.perf_counter() - start)

        start = time.perf_counter()
        tasks = []
        while (passed := time.perf_counter() - start) < 1.5:
            while len(tasks) < passed * 2000:  # capacity is 4 / 0.02 = 200 a second
                tasks.append(asyncio.create_task(one()))
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)
        await asyncio.to_thread(engine.close)
        return done, refused

    done, refused = asyncio.run(run())
    assert sum(done) >= 0.6 * 4 * 1.5 / machine.patience()  # seconds that four workers worked
    assert len(refused) > len(done)
    assert float(np.quantile(refused, 0.99)) < 0.05 * machine.patience()
