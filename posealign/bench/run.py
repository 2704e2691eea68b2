"""One whole measurement, in one interleaved run: ours, int8, transformers, the machine's peak."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from posealign.bench import machine, peer
from posealign.bench.asking import Asking
from posealign.bench.graphs import bench_graphs, graph_inputs
from posealign.bench.timing import Bench, Call, Finding, Timing, rounds_of, timing
from posealign.bundle import Bundle
from posealign.errors import InvalidInput, MissingExtra
from posealign.predictor import Predictor
from posealign.runtime.macs import count_macs
from posealign.runtime.session import as_graph, open_session

IMAGE, INT8 = "image graph", "image graph, int8"
CALIBRATION = 16  # noise pictures: the time of int8 does not depend on its ranges
VNNI = "this CPU has int8 instructions (VNNI or AMX): int8 should be at least 1.4 × fp32"
PASSIVE = (
    "OMP_WAIT_POLICY is PASSIVE: torch's threads sleep between operators, so transformers is "
    "slower here than by default; unset it for a fair comparison"
)
NO_VNNI = (
    "this CPU has no VNNI: int8 is emulated here, and its time says nothing about one that has"
)


def measure(
    predictor: Predictor,
    threads: int,
    batches: Sequence[int],
    counts: Sequence[int],
    rounds: int,
    checkpoint: Path | None = None,
    int8: bool = False,
) -> Bench:
    """`checkpoint` is transformers' own form of the bundle: its eager model is timed as well."""
    bundle = predictor.bundle
    questions = Asking(predictor, threads)
    with machine.Gemm(threads) as gemm, tempfile.TemporaryDirectory() as folder:
        calls: dict[str, Call] = {"GEMM": gemm, **questions.calls()}
        inputs = graph_inputs(predictor, 1, 17)
        pixels = inputs["image"]
        calls[IMAGE] = lambda: predictor.graphs["image"](pixels)
        notes = []
        peers: tuple[peer.Peer, ...] = ()
        if checkpoint is not None:
            peers = peer.open_peers(checkpoint, threads)
            calls |= peer.peer_calls(peers, predictor)
            notes.append(f"transformers chooses {peers[0].attention} attention by itself")
            if os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE":
                notes.append(PASSIVE)
        if int8:
            quick = as_graph(open_session(_quantised(bundle, Path(folder)), "cpu", threads))
            calls[INT8] = lambda: quick(pixels)
            notes.append(VNNI if machine.has_vnni() else NO_VNNI)
        times = rounds_of(calls, rounds)
        peak = gemm.peak
        graphs = bench_graphs(predictor, batches, counts, rounds, peak)
    macs = {
        IMAGE: count_macs(bundle.path("image.onnx"), pixels),
        peer.OURS: sum(
            count_macs(bundle.path(f"{name}.onnx"), inputs[name]) for name in ("image", "locate")
        ),
    }
    if peers:
        theirs = peer.peer_macs(peers, predictor)
        macs |= {one.forward_row: theirs for one in peers}
    rows = [
        timing(name, values, macs=macs.get(name), peak=peak)
        for name, values in times.items()
        if name != "GEMM"
    ]
    by_name = {row.what: row for row in rows}
    return Bench(
        machine.describe(threads, predictor.graphs.provider),
        peak,
        (*rows, *graphs),
        (*questions.findings(by_name), *_beside(by_name, peers)),
        tuple(notes),
        machine.peak_memory_mb(),
    )


def _beside(rows: Mapping[str, Timing], peers: Sequence[peer.Peer]) -> list[Finding]:
    share = rows[IMAGE].share or 0
    found = [Finding("image graph, share of the measured GEMM peak", 100 * share, "%")]
    for one in peers:
        name = f"as fast as transformers with {one.attention} attention"
        network = rows[one.forward_row], rows[peer.OURS]
        whole = rows[one.whole_row], rows[peer.OURS_WHOLE]
        found += [
            Finding(f"{name}, network", _medians(*network), "×", "≥ 1.4 ×"),
            Finding(f"{name}, network, fastest calls", _fastest(*network), "×"),
            Finding(f"{name}, picture to joints", _medians(*whole), "×"),
            Finding(f"{name}, picture to joints, fastest calls", _fastest(*whole), "×"),
        ]
    if INT8 in rows:
        ratio = _medians(rows[IMAGE], rows[INT8])
        found.append(Finding("int8 beside fp32", ratio, "×", "≥ 1.4 × with VNNI"))
    return found


def _medians(theirs: Timing, ours: Timing) -> float:
    return theirs.median_ms / ours.median_ms


def _fastest(theirs: Timing, ours: Timing) -> float:
    """Where other work disturbed the run this is nearer the truth; in quiet they agree."""
    return theirs.fastest_ms / ours.fastest_ms


def _quantised(bundle: Bundle, folder: Path) -> Path:
    if bundle.metadata.precision == "int8":
        raise InvalidInput(f"{bundle.name!r} is int8 already; --int8 starts from fp32")
    try:
        from posealign.export.precision import quantise  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra(f"--int8 needs {error.name}: pip install 'posealign[export]'") from error
    width, height = bundle.input_size
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (CALIBRATION, height, width, 3), dtype=np.uint8)
    return quantise(bundle, folder / "int8", list(noise)).path("image.onnx")
