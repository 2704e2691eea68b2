"""What a question costs beside the model. Wall time is for a quiet machine: `serving.overhead`."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

from serving.overhead import Asked, measure
from tests.serving.conftest import Running, png, running, toy_settings

BOX = (0.0, 0.0, 90.0, 110.0)


def test_both_sides_are_measured_in_one_run(toy: Path) -> None:
    alone, asked, work, added = measure(str(toy), rounds=12)
    for row in (alone, asked, work, added):
        assert 0 < row.median <= row.p99 <= row.most
    assert work.median < asked.median
    assert added.most < asked.most


def test_the_event_loop_spends_little_on_a_question(toy: Path) -> None:
    """CPU time of its thread, which others on the machine do not add to."""

    def spent(server: Running) -> float:
        loop = server.server.servers[0].get_loop()
        found: list[float] = []
        told = threading.Event()
        loop.call_soon_threadsafe(lambda: (found.append(time.thread_time()), told.set()))
        assert told.wait(20)
        return found[0] * 1e3

    with running(toy_settings(toy)) as server, closing(Asked(server.port, png(), BOX)) as ask:
        for _ in range(20):
            ask()
        before = spent(server)
        for _ in range(100):
            ask()
        assert (spent(server) - before) / 100 < 5.0
