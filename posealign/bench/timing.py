"""What was timed, and how: one call of each thing in turn, round after round."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# After its call a library's threads wait awake for the next one: torch's OpenMP for about 7 ms of a
# core, numpy's OpenBLAS for up to 30. Whoever came next would share its core with them.
SETTLE_SECONDS = 0.05
Call = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """One thing timed. `macs` is for the whole batch; `share` is of the measured GEMM peak."""

    what: str
    batch: int
    joints: int | None
    median_ms: float
    fastest_ms: float
    per_second: float
    macs: int | None = None
    share: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """A figure made of timings, and what is asked of it."""

    what: str
    value: float
    unit: str  # "×", "%", "ms"
    wanted: str = ""

    def __str__(self) -> str:
        shown = f"{self.value:.2f} {self.unit}" if self.unit != "%" else f"{self.value:.1f} %"
        return f"{self.what}: {shown}" + (f" (wanted: {self.wanted})" if self.wanted else "")


@dataclass(frozen=True)
class Bench:
    machine: dict[str, Any]
    gemm_gmacs: float  # measured peak, 10⁹ multiply-accumulates a second
    timings: tuple[Timing, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    peak_memory_mb: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def rounds_of(calls: Mapping[str, Call], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call in each round, after one round that is not counted."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(SETTLE_SECONDS)
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1e3)
    return times


def timing(
    what: str,
    times_ms: list[float],
    batch: int = 1,
    joints: int | None = None,
    macs: int | None = None,
    peak: float | None = None,
) -> Timing:
    """`peak` in 10⁹ multiply-accumulates a second turns `macs` into a share."""
    median = float(np.median(times_ms))
    share = macs / (median * 1e6) / peak if macs is not None and peak else None
    return Timing(what, batch, joints, median, min(times_ms), batch * 1e3 / median, macs, share)
