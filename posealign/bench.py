"""How fast a bundle runs on this machine, and beside what.

Everything that is compared is timed in turn in the same run (interleaved), so that a noisy or
throttled machine slows all of it; medians are reported.
Shapes: B batch, K asked joints, V vocabulary joints.
"""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from posealign.predictor import Predictor
from posealign.runtime.cores import usable_cores
from posealign.runtime.macs import count_macs
from posealign.runtime.session import Arrays
from posealign.skeletons.load import vocabulary

QUESTIONS = ("only the left leg", "both hands", "everything except the face", "the right knee")


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
class Bench:
    machine: dict[str, Any]
    gemm_gmacs: float  # measured peak, 10⁹ multiply-accumulates a second
    timings: tuple[Timing, ...]
    peak_memory_mb: float

    def to_json(self) -> dict[str, Any]:
        rows = [timing.to_json() for timing in self.timings]
        return {**asdict(self), "timings": rows}


def machine(threads: int, provider: str) -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "threads": threads,
        "provider": provider,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def interleaved(
    functions: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, tuple[float, float]]:
    """(median, fastest) in ms of each function, one call of each in turn, `rounds` times."""
    for run in functions.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, run in functions.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: (float(np.median(row)), min(row)) for name, row in times.items()}


def gemm_peak(rounds: int = 8, size: int = 1024) -> float:
    """10⁹ multiply-accumulates a second of a large fp32 matrix product, by the best of rounds."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size)).astype(np.float32) for _ in range(2))
    best = min(interleaved({"gemm": lambda: a @ b}, rounds).values())[1]
    return size**3 / best / 1e6


def graph_inputs(predictor: Predictor, batch: int, joints: int) -> dict[str, Arrays]:
    """Real inputs for each graph: a noise picture and a question, through the graphs before."""
    width, height = predictor.bundle.input_size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    seen = predictor.graphs["image"]({"pixels": pixels})
    reading = predictor.resolver.read(QUESTIONS[0])
    select: Arrays = {
        "tokens": seen["tokens"],
        "text_tokens": np.repeat(reading.text_tokens, batch, axis=0),
        "ids": np.repeat(reading.ids, batch, axis=0),
        "crop": np.tile(np.array([[0, 1, 0, 0]], np.float32), (batch, 1)),
    }
    vectors = predictor.graphs["select"](select)["vectors"]
    chosen = np.arange(joints) % len(vocabulary())
    locate: Arrays = {
        "features": seen["features"],
        "vectors": np.ascontiguousarray(vectors[:, chosen]),
    }
    return {"image": {"pixels": pixels}, "text": {"ids": reading.ids}, "select": select,
            "locate": locate}  # fmt: skip


def bench_graphs(
    predictor: Predictor, batches: Sequence[int], counts: Sequence[int], rounds: int, peak: float
) -> list[Timing]:
    """Each graph by batch, `locate` also by the number of joints."""
    rows: list[Timing] = []
    for batch in batches:
        inputs = graph_inputs(predictor, batch, 17)
        rows += _bench_inputs(predictor, inputs, batch, None, rounds, peak)
    for joints in counts:
        inputs = {"locate": graph_inputs(predictor, 1, joints)["locate"]}
        rows += _bench_inputs(predictor, inputs, 1, joints, rounds, peak)
    return rows


def _bench_inputs(
    predictor: Predictor,
    inputs: Mapping[str, Arrays],
    batch: int,
    joints: int | None,
    rounds: int,
    peak: float,
) -> list[Timing]:
    functions = {name: _call(predictor, name, arrays) for name, arrays in inputs.items()}
    rows = []
    for name, (median, fastest) in interleaved(functions, rounds).items():
        size = 1 if name == "text" else batch
        macs = count_macs(predictor.bundle.path(f"{name}.onnx"), inputs[name])
        share = macs / (median * 1e6) / peak
        rows.append(Timing(name, size, joints, median, fastest, size * 1e3 / median, macs, share))
    return rows


def _call(predictor: Predictor, graph: str, arrays: Arrays) -> Callable[[], object]:
    return lambda: predictor.graphs[graph](arrays)


def bench_asking(predictor: Predictor, rounds: int) -> list[Timing]:
    """First question on a new frame, a never-seen question on a known frame, a known question."""
    width, height = predictor.bundle.input_size
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height * 2, width * 2, 3), dtype=np.uint8)
    whole = [(0.0, 0.0, float(width * 2), float(height * 2))]
    look = predictor.look(image, whole)
    fresh = (f"only the left leg, please, number {number}" for number in range(10**9))
    functions: dict[str, Callable[[], object]] = {
        "look and ask": lambda: predictor.look(image, whole).ask(next(fresh)),
        "ask again, new words": lambda: look.ask(next(fresh)),
        "ask again, known words": lambda: look.ask(QUESTIONS[0]),
        "bare graphs": _bare(predictor),
    }
    return [
        Timing(name, 1, None, median, fastest, 1e3 / median)
        for name, (median, fastest) in interleaved(functions, rounds).items()
    ]


def _bare(predictor: Predictor) -> Callable[[], object]:
    """image, select and locate with ready inputs: what the Predictor adds is the difference."""
    inputs = graph_inputs(predictor, 1, 3)

    def run() -> None:
        for graph in ("image", "select", "locate"):
            predictor.graphs[graph](inputs[graph])

    return run


def peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
