"""Whether the machine is ours while a test runs: else its clock is no judge of what we wrote.

Other work on the machine shows in its load; what the host of a virtual one keeps for other guests
shows in /proc/stat. A bar in seconds holds as it is written where neither does, and is widened
where one does; what is counted and in which order holds always.
"""

from __future__ import annotations

import os
from pathlib import Path

STAT = Path("/proc/stat")
PATIENCE = 2.5  # times a bar, where the machine is not ours


def _ticks() -> tuple[int, int]:
    """All time of the processors, and what the host kept of it for others."""
    if not STAT.exists():
        return 0, 0
    row = [int(number) for number in STAT.read_text().splitlines()[0].split()[1:9]]
    return sum(row), row[7]


_began = [_ticks()]


def begin() -> None:
    """From here on, thefts count."""
    _began[0] = _ticks()


def is_ours() -> bool:
    total, stolen = (now - then for now, then in zip(_ticks(), _began[0], strict=True))
    free = os.getloadavg()[0] < 1.5 * (os.cpu_count() or 1)
    return free and stolen <= 0.02 * total


def patience() -> float:
    """What a bar in seconds is multiplied with."""
    return 1.0 if is_ours() else PATIENCE
