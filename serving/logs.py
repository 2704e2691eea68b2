"""JSON lines on stderr through structlog. No picture, no instruction, no key, no query string.

What may be logged is a closed list of fields: a new field must be added here on purpose.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

FIELDS = frozenset(
    {
        "event", "level", "timestamp", "request_id", "method", "route", "status", "ms", "queue_ms",
        "compute_ms", "principal", "code", "model", "digest", "provider", "people", "joints",
        "refused", "reason", "language", "bytes_in", "error", "stack", "url", "pid", "worker",
        "seconds", "count", "version", "frames", "logger", "message", "trace_id",
    }
)  # fmt: skip


def only_known(_: Any, __: str, row: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drops what is not on the list, and cuts what is too long to be a fact."""
    return {
        key: value[:2000] if isinstance(value, str) else value
        for key, value in row.items()
        if key in FIELDS
    }


def configure(level: str = "info") -> None:
    """structlog for us; uvicorn's own messages go the same way, its access log is switched off."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_known,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # Looked up at every line: whoever exchanged stderr may have closed his own.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("uvicorn", "uvicorn.error"):
        library = logging.getLogger(name)
        library.handlers = [_ToStructlog()]
        library.propagate = False
        library.setLevel(max(number, logging.WARNING))


def log() -> Any:
    return structlog.get_logger()


def stack_of(error: BaseException) -> str:
    """Where it happened, without the message: a message may hold what a caller sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-8:]))


class _ToStructlog(logging.Handler):
    """A library's line, by its template only: arguments may hold what a caller sent."""

    def emit(self, record: logging.LogRecord) -> None:
        log().log(record.levelno, str(record.msg)[:200], logger=record.name)
