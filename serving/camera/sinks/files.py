"""JSON lines by day, or Parquet, one message a row; and pictures of events.

Both write in a thread of their own from a bounded queue. Lines are whole: a last line that was cut
by a crash is taken away at the next start. A Parquet file can only be read once its end is written,
so rows wait as JSON lines on disk (`KIND.open.jsonl`) and become Parquet when there are enough of
them, at the end, or at the next start.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from posealign.data.image import encode_image
from posealign.draw import draw
from posealign.errors import MissingExtra
from serving.camera.log import log
from serving.camera.messages import EventMessage, Message, StatsMessage, StatusMessage, wire
from serving.camera.privacy import Mode
from serving.camera.scene import Outcome
from serving.camera.sinks.config import Files, Snapshots
from serving.camera.sinks.sink import Sink
from serving.lines import append, mend

QUEUE = 2000
_OPEN = ".open.jsonl"  # rows that are not Parquet yet
_GROUP = 1000  # rows of a row group: what a reader takes into memory at once


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

    def __init__(self, settings: Files) -> None:
        super().__init__()
        self._settings = settings
        self._rows: dict[str, int] = {}  # kind → rows that are not Parquet yet
        settings.folder.mkdir(parents=True, exist_ok=True)
        for path in settings.folder.glob("*.jsonl"):
            mend(path)
        if settings.format == "parquet":
            _arrow("pyarrow.parquet")
            self._put(self._flush)  # what a crash left

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
            row = self._line if self._settings.format == "jsonl" else self._row
            self._put(lambda: row(message))

    def _line(self, message: Message) -> None:
        self._append(f"{message.kind}-{message.time[:10]}.jsonl", message)

    def _row(self, message: Message) -> None:
        self._append(f"{message.kind}{_OPEN}", message)
        self._rows[message.kind] = self._rows.get(message.kind, 0) + 1
        if self._rows[message.kind] >= self._settings.rows:
            self._to_parquet(message.kind)

    def _append(self, name: str, message: Message) -> None:
        append(self._settings.folder / name, wire(message), sync=message.kind == "event")

    def _flush(self) -> None:
        for path in sorted(self._settings.folder.glob(f"*{_OPEN}")):
            self._to_parquet(path.name.removesuffix(_OPEN))

    def _to_parquet(self, kind: str) -> None:
        """One file, named after its first row: a crash before the lines go makes it once more."""
        lines = self._settings.folder / f"{kind}{_OPEN}"
        rows = [json.loads(line) for line in lines.read_bytes().splitlines()]
        if rows:
            stamp = rows[0]["time"].replace(":", "").replace(".", "")
            path = self._settings.folder / f"{kind}-{stamp}-{rows[0]['id'][:8]}.parquet"
            _write_parquet(rows, path)
        lines.unlink()
        self._rows[kind] = 0


def _write_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    """Fixed columns, and the whole message as JSON; on disk before it has its name."""
    arrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    moment = arrow.timestamp("ms", tz="UTC")
    kinds = {"id": arrow.string(), "camera": arrow.string(), "time": moment,
             "sequence": arrow.int64(), "version": arrow.string(), "kind": arrow.string(),
             "message": arrow.string()}  # fmt: skip
    columns = {
        name: [row[name] for row in rows] for name in kinds if name not in ("time", "message")
    }
    columns["time"] = [datetime.fromisoformat(row["time"]) for row in rows]
    columns["message"] = [
        json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows
    ]
    table = arrow.table(columns, schema=arrow.schema(list(kinds.items())))
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        parquet.write_table(table, file, row_group_size=_GROUP, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


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


def _arrow(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(
            "Parquet files need pyarrow: pip install 'posealign[parquet]'"
        ) from error
