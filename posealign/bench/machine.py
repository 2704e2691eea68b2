"""The machine that figures come from: its processor, what it can do at best, how much was used."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from posealign.runtime.cores import usable_cores

CPUINFO = Path("/proc/cpuinfo")
SIZE = 1024  # of the square matrices whose product is the peak
# A process of its own: BLAS reads its number of threads when it is loaded. One line in, one out.
_WORKER = f"""
import sys, time
import numpy as np
a, b = (np.random.default_rng(i).standard_normal(({SIZE}, {SIZE}), np.float32) for i in (0, 1))
a @ b
for _ in sys.stdin:
    start = time.perf_counter()
    a @ b
    print(time.perf_counter() - start, flush=True)
"""


def describe(threads: int, provider: str) -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "vnni": has_vnni(),
        "threads": threads,
        "provider": provider,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def cpu_name(cpuinfo: Path = CPUINFO) -> str:
    return _first(cpuinfo, "model name") or platform.processor() or "unknown"


def has_vnni(cpuinfo: Path = CPUINFO) -> bool:
    """Whether int8 products have instructions of their own (VNNI or AMX; on Arm dot products)."""
    flags = set((_first(cpuinfo, "flags") or _first(cpuinfo, "Features") or "").split())
    return bool(flags & {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})


def _first(cpuinfo: Path, field: str) -> str | None:
    try:
        lines = cpuinfo.read_text("utf-8").splitlines()
    except OSError:
        return None
    rows = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in rows if name.strip() == field), None)


def peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Gemm:
    """A large fp32 matrix product on `threads` threads; `peak` is the best of all calls so far."""

    def __init__(self, threads: int) -> None:
        counts = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)
        )
        self._worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **counts},
        )  # fmt: skip
        self.fastest_s = float("inf")

    def __call__(self) -> None:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write("\n")
        self._worker.stdin.flush()
        self.fastest_s = min(self.fastest_s, float(self._worker.stdout.readline()))

    @property
    def peak(self) -> float:
        """10⁹ multiply-accumulates a second."""
        return SIZE**3 / self.fastest_s / 1e9

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._worker:  # closes its standard input, which ends it, and waits
            pass
