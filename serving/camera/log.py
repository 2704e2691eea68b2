"""JSON lines on stderr: a closed list of fields, and every line passes the mask of secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from serving import logs
from serving.camera.secret import Secrets

FIELDS = logs.FIELDS | {"camera", "bed", "sink", "state", "trouble", "rule", "phase", "id", "port"}


def configure(secrets: Secrets, level: str = "info") -> None:
    def known(_: Any, __: str, row: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {
            key: secrets.mask(value) if isinstance(value, str) else value
            for key, value in row.items()
            if key in FIELDS
        }

    def masked(_: Any, __: str, line: Any) -> str:
        return secrets.mask(str(line))

    logs.configure(level)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            known,
            structlog.processors.JSONRenderer(ensure_ascii=False),
            masked,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        # Looked up at every line: whoever exchanged stderr may have closed his own.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log() -> Any:
    return structlog.get_logger()
