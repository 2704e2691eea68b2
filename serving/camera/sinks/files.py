"""JSON lines by day, or Parquet, one message a row; and pictures of events.

Both write in a thread of their own from a bounded queue. Lines are whole: a last line that was cut
by a crash is taken away at the next start.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from posealign.data.image import encode_image
from posealign.draw import draw
from posealign.errors import MissingExtra
from serving.camera.clock import Clock, iso
from serving.camera.log import log
from serving.camera.messages import EventMessage, Message, StatsMessage, StatusMessage, wire
from serving.camera.privacy import Mode
from serving.camera.scene import Outcome
from serving.camera.sinks.config import Files, Snapshots
from serving.camera.sinks.sink import Sink

QUEUE = 2000


class _Writing(Sink):
    """A thread that does what is put into its queue; what finds no room is dropped and counted."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self.dropped = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(10.0)

    def waiting(self) -> int:
        return self._queue.qsize()

    def _put(self, work: Callable[[], None]) -> None:
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except Exception as error:  # a full disk must not end the thread
                log().error("writing failed", sink=self.name, error=type(error).__name__)


class FilesSink(_Writing):
    name = "files"

    def __init__(self, settings: Files, clock: Clock) -> None:
        super().__init__()
        self._settings, self._clock = settings, clock
        self._rows: dict[str, list[Message]] = {}
        settings.folder.mkdir(parents=True, exist_ok=True)
        if settings.format == "parquet":
            _arrow("pyarrow.parquet")
        for path in settings.folder.glob("*.jsonl"):
            mend(path)

    def pose(self, outcome: Outcome) -> None:
        self._take(outcome.message)

    def event(self, message: EventMessage, outcome: Outcome | None) -> None:
        self._take(message)

    def status(self, message: StatusMessage) -> None:
        self._take(message)

    def stats(self, message: StatsMessage) -> None:
        self._take(message)

    def stop(self) -> None:
        if self._settings.format == "parquet" and self._thread.is_alive():
            self._queue.put(self._flush)
        super().stop()

    def _take(self, message: Message) -> None:
        if message.kind in self._settings.kinds:
            line = self._line if self._settings.format == "jsonl" else self._row
            self._put(lambda: line(message))

    def _line(self, message: Message) -> None:
        path = self._settings.folder / f"{message.kind}-{message.time[:10]}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(wire(message) + b"\n")
            if message.kind == "event":
                file.flush()
                os.fsync(file.fileno())

    def _row(self, message: Message) -> None:
        rows = self._rows.setdefault(message.kind, [])
        rows.append(message)
        if len(rows) >= self._settings.rows:
            self._flush()

    def _flush(self) -> None:
        """One file a kind: fixed columns, and the message itself as JSON."""
        arrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
        for kind, rows in self._rows.items():
            if not rows:
                continue
            stamp = iso(self._clock.date()).replace(":", "").replace(".", "")
            path = self._settings.folder / f"{kind}-{stamp}-{rows[0].id[:8]}.parquet"
            columns = ("id", "camera", "time", "sequence", "version", "kind")
            table: dict[str, Any] = {c: [getattr(row, c) for row in rows] for c in columns}
            table["message"] = [wire(row).decode() for row in rows]
            partial = path.with_suffix(".partial")
            parquet.write_table(arrow.table(table), partial)
            os.replace(partial, path)
        self._rows.clear()


class SnapshotsSink(_Writing):
    """The picture that goes with an event, without faces, with the answer drawn on it."""

    name = "snapshots"

    def __init__(self, settings: Snapshots, mode: Mode) -> None:
        super().__init__()
        self._settings, self._mode = settings, mode

    def event(self, message: EventMessage, outcome: Outcome | None) -> None:
        if outcome is not None and message.snapshot is not None:
            name = message.snapshot
            self._put(lambda: self._save(name, outcome))

    def _save(self, name: str, outcome: Outcome) -> None:
        path = self._settings.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = draw(outcome.shown.picture(self._mode), outcome.result)
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode_image(picture, ".jpg"))
        os.replace(partial, path)
        old = sorted(path.parent.glob("*.jpg"), key=lambda p: p.stat().st_mtime_ns)
        for extra in old[: -self._settings.keep]:
            extra.unlink()


def mend(path: Path) -> None:
    """Take away a last line that has no end."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        place = size
        while place > 0:
            start = max(0, place - 65536)
            file.seek(start)
            end = file.read(place - start).rfind(b"\n")
            if end >= 0:
                file.truncate(start + end + 1)
                return
            place = start
        file.truncate(0)


def _arrow(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra("Parquet files need pyarrow: pip install pyarrow") from error
