"""Whole questions: the first on a frame, a second one, and what the Predictor itself costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from posealign.bench.timing import Call, Finding, Timing
from posealign.predictor import Predictor
from posealign.runtime.session import Arrays, Graph, Graphs, open_session

FIRST, KNOWN_FIRST = "first question, new words", "first question, known words"
SECOND, KNOWN = "second question, new words", "second question, known words"
BARE = "graphs of the first, bare session.run"
WORDS = "only the left leg"


def noise_frame(predictor: Predictor) -> tuple[NDArray[np.uint8], list[tuple[float, ...]]]:
    """A picture twice as large as the input, and the box of all of it."""
    width, height = predictor.bundle.input_size
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height * 2, width * 2, 3), dtype=np.uint8)
    return image, [(0.0, 0.0, float(width * 2), float(height * 2))]


class Asking:
    """Calls for `rounds_of`; `own_ms` is what first questions spent outside the graphs."""

    def __init__(self, predictor: Predictor, threads: int) -> None:
        self.predictor = predictor
        self.own_ms: dict[str, list[float]] = {FIRST: [], KNOWN_FIRST: []}
        self._image, self._box = noise_frame(predictor)
        self._count = 0
        self._look = predictor.look(self._image, self._box)
        self._look.ask(WORDS)
        with watched(predictor) as calls:
            predictor.look(self._image, self._box).ask(self._fresh())
        self.replay = [(name, arrays) for name, arrays, _ in calls]
        self._sessions = {
            name: open_session(predictor.bundle.path(f"{name}.onnx"), _provider(predictor), threads)
            for name in {name for name, _ in self.replay}
        }

    def calls(self) -> dict[str, Call]:
        return {
            FIRST: lambda: self._first(FIRST, self._fresh()),
            KNOWN_FIRST: lambda: self._first(KNOWN_FIRST, WORDS),
            SECOND: lambda: self._look.ask(self._fresh()),
            KNOWN: lambda: self._look.ask(WORDS),
            BARE: self._bare,
        }

    def _fresh(self) -> str:
        self._count += 1
        return f"{WORDS}, please, number {self._count}"

    def _first(self, name: str, words: str) -> None:
        with watched(self.predictor) as calls:
            start = time.perf_counter()
            self.predictor.look(self._image, self._box).ask(words)
            took = time.perf_counter() - start
        self.own_ms[name].append((took - sum(seconds for *_, seconds in calls)) * 1e3)

    def _bare(self) -> None:
        for name, arrays in self.replay:
            session = self._sessions[name]
            session.run(None, {value.name: arrays[value.name] for value in session.get_inputs()})

    def findings(self, rows: Mapping[str, Timing]) -> list[Finding]:
        medians = {name: row.median_ms for name, row in rows.items()}
        first = medians[FIRST]
        own = {name: float(np.median(values)) for name, values in self.own_ms.items()}
        return [
            Finding(
                "second question of the first, new words",
                100 * medians[SECOND] / first,
                "%",
                "≤ 15 %",
            ),
            Finding(
                "second question of the first, known words",
                100 * medians[KNOWN] / first,
                "%",
                "≤ 8 %",
            ),
            Finding("Predictor outside its graphs, known words", own[KNOWN_FIRST], "ms", "≤ 2 ms"),
            Finding("Predictor outside its graphs, new words read", own[FIRST], "ms"),
            Finding("first question less its graphs run bare", first - medians[BARE], "ms"),
        ]


def _provider(predictor: Predictor) -> str:
    name = predictor.graphs.provider
    return "cpu" if name.startswith("torch") else name


@contextmanager
def watched(predictor: Predictor) -> Iterator[list[tuple[str, Arrays, float]]]:
    """Every graph call made inside: its name, its arrays and its seconds."""
    calls: list[tuple[str, Arrays, float]] = []
    graphs, reader = predictor.graphs, predictor.resolver.graph

    def watching(name: str, graph: Graph) -> Graph:
        def run(arrays: Arrays) -> Arrays:
            start = time.perf_counter()
            out = graph(arrays)
            calls.append((name, arrays, time.perf_counter() - start))
            return out

        return run

    predictor.graphs = Graphs(
        {name: watching(name, graph) for name, graph in graphs.functions.items()}, graphs.provider
    )
    predictor.resolver.graph = predictor.graphs["text"]
    try:
        yield calls
    finally:
        predictor.graphs, predictor.resolver.graph = graphs, reader
