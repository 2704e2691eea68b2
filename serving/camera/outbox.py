"""Messages that must arrive: on disk before anything else, gone only after the receiver has them.

A message has one id for ever, so a receiver that gets one twice (after a crash between delivery and
forgetting) knows it. Each sink has its own queue in order of arrival.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from serving.camera.log import log

Delivery = Literal["done", "again", "never"]
MOST = 200_000  # messages a sink may have waiting
_TABLE = """
CREATE TABLE IF NOT EXISTS messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, id TEXT NOT NULL,
  kind TEXT NOT NULL, body BLOB NOT NULL, dead TEXT, UNIQUE (sink, id));
CREATE INDEX IF NOT EXISTS waiting ON messages (sink, dead, number);
"""


@dataclass(frozen=True)
class Item:
    number: int
    id: str
    kind: str  # the sink's own: a topic, a resource type
    body: bytes


class Outbox:
    """SQLite, readable by its owner only: it holds what the sinks would have got."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.Lock()
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.executescript(_TABLE)

    def put(self, sink: str, identifier: str, kind: str, body: bytes) -> bool:
        """True once it is on disk; False where the sink's queue is full."""
        with self._lock:
            if self._count(sink) >= MOST:
                return False
            self._base.execute(
                "INSERT OR IGNORE INTO messages (sink, id, kind, body) VALUES (?, ?, ?, ?)",
                (sink, identifier, kind, body),
            )
            return True

    def first(self, sink: str) -> Item | None:
        with self._lock:
            row = self._base.execute(
                "SELECT number, id, kind, body FROM messages WHERE sink = ? AND dead IS NULL "
                "ORDER BY number LIMIT 1",
                (sink,),
            ).fetchone()
        return Item(*row) if row is not None else None

    def done(self, item: Item) -> None:
        with self._lock:
            self._base.execute("DELETE FROM messages WHERE number = ?", (item.number,))

    def bury(self, item: Item, why: str) -> None:
        """The receiver will never take it; it is kept to be looked at."""
        with self._lock:
            self._base.execute("UPDATE messages SET dead = ? WHERE number = ?", (why, item.number))

    def waiting(self, sink: str) -> int:
        with self._lock:
            return self._count(sink)

    def buried(self, sink: str) -> int:
        with self._lock:
            row = self._base.execute(
                "SELECT count(*) FROM messages WHERE sink = ? AND dead IS NOT NULL", (sink,)
            ).fetchone()
        return int(row[0])

    def close(self) -> None:
        with self._lock:
            self._base.close()

    def _count(self, sink: str) -> int:
        row = self._base.execute(
            "SELECT count(*) FROM messages WHERE sink = ? AND dead IS NULL", (sink,)
        ).fetchone()
        return int(row[0])


class Courier:
    """Carries one sink's messages, in order, as often as it takes."""

    def __init__(
        self, outbox: Outbox, sink: str, deliver: Callable[[Item], Delivery], longest: float = 30.0
    ) -> None:
        self._outbox, self._sink, self._deliver = outbox, sink, deliver
        self._longest = longest
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"courier-{sink}", daemon=True)

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def start(self) -> None:
        self._thread.start()

    def put(self, identifier: str, kind: str, body: bytes) -> None:
        if not self._outbox.put(self._sink, identifier, kind, body):
            log().error("outbox is full; a message is lost", sink=self._sink, count=MOST)
        self._wake.set()

    def nudge(self) -> None:
        """Try now: the way may be free again."""
        self._wake.set()

    def waiting(self) -> int:
        return self._outbox.waiting(self._sink)

    def stop(self, patience: float) -> None:
        """Carry what can be carried within `patience` seconds; the rest waits on disk."""
        end = time.monotonic() + patience
        while self._thread.is_alive() and self.waiting() and time.monotonic() < end:
            time.sleep(0.02)
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            item = self._outbox.first(self._sink)
            if item is None:
                self._wake.wait(1.0)
                self._wake.clear()
                continue
            outcome = self._try(item)
            if outcome == "done":
                self._outbox.done(item)
                failures = 0
            elif outcome == "never":
                self._outbox.bury(item, "refused")
                log().error("a message was refused for good", sink=self._sink, id=item.id)
            else:
                failures += 1
                self._wake.clear()
                longest = min(self._longest, 0.5 * 2 ** min(failures, 10))
                self._wake.wait(random.uniform(0.2, longest))

    def _try(self, item: Item) -> Delivery:
        try:
            return self._deliver(item)
        except Exception as error:  # whatever a library raises, the message stays
            log().warning("delivery failed", sink=self._sink, error=type(error).__name__)
            return "again"
