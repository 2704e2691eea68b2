"""Do torch and the exported graphs agree? On random inputs of several shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from posealign.export.graphs import SPECS, example, spec_of
from posealign.model.pose_model import PoseModel
from posealign.runtime.session import open_graphs

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Row:
    """One output. `relative` is the largest difference over the output's spread."""

    graph: str
    output: str
    batch: int
    joints: int
    largest: float
    relative: float


@dataclass(frozen=True)
class ParityReport:
    rows: tuple[Row, ...]

    @property
    def worst(self) -> Row:
        return max(self.rows, key=lambda row: row.relative)

    def of(self, graph: str, output: str) -> float:
        """The largest absolute difference of one output over all shapes tried."""
        return max(r.largest for r in self.rows if (r.graph, r.output) == (graph, output))

    def to_json(self) -> dict[str, Any]:
        return {"worst": asdict(self.worst), "rows": [asdict(row) for row in self.rows]}

    def table(self) -> str:
        """Markdown: one line an output, the worst of all shapes."""
        lines = ["| graph | output | largest difference | relative |", "|---|---|---|---|"]
        for graph, output in dict.fromkeys((row.graph, row.output) for row in self.rows):
            rows = [row for row in self.rows if (row.graph, row.output) == (graph, output)]
            largest, relative = max(r.largest for r in rows), max(r.relative for r in rows)
            lines.append(f"| {graph} | {output} | {largest:.2e} | {relative:.2e} |")
        return "\n".join(lines)


def torch_parity(
    model: PoseModel,
    folder: Path,
    batches: Sequence[int] = (1, 3),
    joints: Sequence[int] = (1, 17),
    lengths: Sequence[int] = (1, 12),
    provider: str = "cpu",
) -> ParityReport:
    """Every graph on random inputs of several shapes: torch against the ONNX files in `folder`."""
    graphs = open_graphs(folder, provider, threads=1)
    model.eval()
    rows = []
    for graph in SPECS:
        names = spec_of(model, graph).inputs
        shapes = [(b, n, k) for b in batches for n, k in zip(lengths, joints, strict=True)]
        for seed, (batch, length, count) in enumerate(shapes):
            inputs = example(model, graph, batch, length, count, seed)
            with torch.no_grad():
                wanted = getattr(model, graph)(*(inputs[name] for name in names))
            found = graphs[graph]({name: value.numpy() for name, value in inputs.items()})
            reference = {name: wanted[name].numpy() for name in spec_of(model, graph).outputs}
            rows += compare(graph, reference, found, batch, count)
    return ParityReport(tuple(rows))


def compare(
    graph: str, wanted: Arrays, found: Arrays, batch: int = 1, joints: int = 1
) -> list[Row]:
    rows = []
    for name, reference in wanted.items():
        difference = float(np.abs(reference - found[name]).max())
        spread = float(reference.std()) or float(np.abs(reference).max()) or 1.0
        rows.append(Row(graph, name, batch, joints, difference, difference / spread))
    return rows
