"""Files of lines that only grow: each line is whole, whatever ended the process."""

from __future__ import annotations

import os
from pathlib import Path


def append(path: Path, line: bytes, sync: bool) -> None:
    """One line more; `sync` returns when it is on disk. The file is its owner's alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(line + b"\n")
        if sync:
            file.flush()
            os.fsync(file.fileno())


def mend(path: Path) -> None:
    """Take away a last line that has no end: a crash cut it."""
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
