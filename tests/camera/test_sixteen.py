"""Sixteen cameras of 160×120 with a stub model: memory stays flat, CPU grows with their number.

Measured once all cameras are live, in a process of its own:
- CPU time a hundred frames, of sixteen cameras against four (others on the machine add nothing);
- resident memory over the last two thirds of the run;
- answers a second of all cameras against what was asked (95 %), and the p99 of their ages (two
  periods): wall time, so only where the machine is ours before and after.
The short form watches for six seconds after its cameras came; the long one for ten minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import machine
from tests.camera.servers import RtspCamera

ROOT = Path(__file__).parents[2]


def measured(
    rtsp: Callable[..., RtspCamera], count: int, seconds: float, folder: Path
) -> list[dict[str, Any]]:
    """What the station printed. A starved RTSP server may hang for good: each try has its own."""
    rows: list[dict[str, Any]] = []
    for _ in range(3):
        camera = rtsp(fps=8)
        command = [
            sys.executable, "-m", "tests.camera.sixteen",
            camera.url(), str(count), str(seconds), str(folder),
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        camera.stop()
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if rows[-1]["live"] == count:
            return rows
    raise AssertionError(f"not all cameras came: {rows[-1]}\n{done.stderr[-2000:]}")


def cpu_share(rows: list[dict[str, Any]]) -> float:
    """CPU seconds for a hundred frames."""
    first, last = rows[0], rows[-1]
    return 100 * (last["cpu"] - first["cpu"]) / (last["frames"] - first["frames"])


@pytest.mark.parametrize(
    ("seconds", "grown_mb"), [(6, 12.0), pytest.param(600, 12.0, marks=pytest.mark.slow)]
)
def test_sixteen_cameras(
    seconds: float, grown_mb: float, rtsp: Callable[..., RtspCamera], tmp_path: Path
) -> None:
    ours = machine.is_ours()
    few = measured(rtsp, 4, min(seconds, 30), tmp_path)
    many = measured(rtsp, 16, seconds, tmp_path)
    # Linear: a frame costs about the same, whoever else is there.
    assert cpu_share(many) <= 1.5 * cpu_share(few), (cpu_share(few), cpu_share(many))
    settled = many[len(many) // 3 :]
    assert settled[-1]["mb"] - settled[0]["mb"] <= grown_mb, [row["mb"] for row in many]
    if ours and machine.is_ours():
        rate = (many[-1]["answers"] - many[0]["answers"]) / (many[-1]["time"] - many[0]["time"])
        assert rate >= 0.95 * 16 * 5, rate
        assert many[-1]["age_p99"] <= 2 / 5
