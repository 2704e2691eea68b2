"""Each graph by itself: by batch, and `locate` by the number of joints.

Shapes: B batch, K asked joints, V vocabulary joints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from posealign.bench.timing import Call, Timing, rounds_of, timing
from posealign.predictor import Predictor
from posealign.runtime.macs import count_macs
from posealign.runtime.session import Arrays
from posealign.skeletons.load import vocabulary

WORDS = "only the left leg"


def graph_inputs(predictor: Predictor, batch: int, joints: int) -> dict[str, Arrays]:
    """Real inputs for each graph: a noise picture and a question, through the graphs before."""
    width, height = predictor.bundle.input_size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    image = predictor.bundle.image_feeds(pixels)
    seen = predictor.graphs["image"](image)
    reading = predictor.resolver.read(WORDS)
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
    return {"image": image, "text": {"ids": reading.ids}, "select": select, "locate": locate}


def bench_graphs(
    predictor: Predictor, batches: Sequence[int], counts: Sequence[int], rounds: int, peak: float
) -> list[Timing]:
    """Every graph for each batch with 17 joints; then `locate` for each number of joints."""
    rows: list[Timing] = []
    for batch in batches:
        inputs = graph_inputs(predictor, batch, 17)
        times = rounds_of(_calls(predictor, inputs), rounds)
        rows += [
            _row(predictor, name, inputs[name], times[name], 1 if name == "text" else batch, peak)
            for name in times
        ]
    located = {joints: graph_inputs(predictor, 1, joints)["locate"] for joints in counts}
    times_of = rounds_of(
        {str(k): _call(predictor, "locate", arrays) for k, arrays in located.items()}, rounds
    )
    rows += [
        _row(predictor, "locate", arrays, times_of[str(k)], 1, peak, k)
        for k, arrays in located.items()
    ]
    return rows


def _row(
    predictor: Predictor,
    graph: str,
    arrays: Arrays,
    times_ms: list[float],
    batch: int,
    peak: float,
    joints: int | None = None,
) -> Timing:
    macs = count_macs(predictor.bundle.path(f"{graph}.onnx"), arrays)
    return timing(graph, times_ms, batch, joints, macs, peak)


def _calls(predictor: Predictor, inputs: Mapping[str, Arrays]) -> dict[str, Call]:
    return {name: _call(predictor, name, arrays) for name, arrays in inputs.items()}


def _call(predictor: Predictor, graph: str, arrays: Arrays) -> Call:
    return lambda: predictor.graphs[graph](arrays)
