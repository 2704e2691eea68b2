"""The four graphs as one table: what goes in, what comes out, which dimensions are free.

Dimensions: B batch, H W input, C channels, h w heatmap, N D picture tokens, L T text tokens,
V vocabulary, K joints to place, R joint vector. Free ones are B, L and K.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from posealign.model.pose_model import PoseModel


@dataclass(frozen=True)
class GraphSpec:
    inputs: dict[str, tuple[str, ...]]
    outputs: tuple[str, ...]


TEXT_OUTPUTS = (
    "text_tokens", "asked", "related", "gate", "reason", "dims", "visibility", "subject",
    "skeleton", "relation", "premise", "vector",
)  # fmt: skip
SPECS = {
    "image": GraphSpec(
        {"pixels": ("B", "H", "W", "3")},
        ("features", "tokens", "finder"),
    ),
    "text": GraphSpec({"ids": ("B", "L")}, TEXT_OUTPUTS),
    "select": GraphSpec(
        {
            "tokens": ("B", "N", "D"),
            "text_tokens": ("B", "L", "T"),
            "ids": ("B", "L"),
            "crop": ("B", "4"),
        },
        ("asked", "gate", "vectors", "state", "z"),
    ),
    "locate": GraphSpec(
        {"features": ("B", "C", "h", "w"), "vectors": ("B", "K", "R")},
        ("xy", "confidence", "radius"),
    ),
}
FREE = ("B", "L", "K")


def spec_of(model: PoseModel, graph: str) -> GraphSpec:
    """The table's row; ViTPose+ encoders take a dataset index beside the pixels, and not every
    model tells what hides a joint.
    """
    spec = SPECS[graph]
    if graph == "image" and takes_dataset(model):
        return GraphSpec({**spec.inputs, "dataset": ("B",)}, spec.outputs)
    if graph == "select" and model.config.decoder.hiders:
        return GraphSpec(spec.inputs, (*spec.outputs, "hider"))
    return spec


def takes_dataset(model: PoseModel) -> bool:
    return bool(getattr(model.encoder, "takes_dataset", False))


class GraphModule(nn.Module):
    """One method of PoseModel with tensors in and a tuple of tensors out, as export wants it."""

    def __init__(self, model: PoseModel, graph: str) -> None:
        super().__init__()
        self.model = model
        self.spec = spec_of(model, graph)
        self.run: Callable[..., dict[str, Tensor]] = getattr(model, graph)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        found = self.run(*inputs)
        return tuple(found[name] for name in self.spec.outputs)


def example(
    model: PoseModel, graph: str, batch: int = 2, length: int = 7, joints: int = 5, seed: int = 0
) -> dict[str, Tensor]:
    """Random inputs of the right shapes: for tracing and for parity reports."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    height, width = config.height, config.width

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    if graph == "image":
        pixels = torch.randint(0, 256, (batch, height, width, 3), generator=generator)
        found = {"pixels": pixels.to(torch.uint8)}
        if takes_dataset(model):
            found["dataset"] = torch.arange(batch) % int(model.encoder.experts)  # type: ignore[arg-type]
        return found
    ids = torch.randint(1, 40, (batch, length), generator=generator)
    ids[-1, max(1, length // 2) :] = 0  # padding is part of the contract, texts of padding are not
    if graph == "text":
        return {"ids": ids}
    if graph == "select":
        rows, columns = config.tokens
        turn = noise(batch)
        crop = torch.stack([turn.sin(), turn.cos(), noise(batch), noise(batch).sigmoid()], 1)
        tokens = noise(batch, rows * columns, model.token_width)
        text_tokens = noise(batch, length, model.text_width)
        return {"tokens": tokens, "text_tokens": text_tokens, "ids": ids, "crop": crop}
    vectors = noise(batch, joints, model.vector_width) / model.vector_width**0.5
    return {"features": noise(batch, model.channels, *config.grid), "vectors": vectors}
