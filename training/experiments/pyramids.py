"""One network, three beginnings: the encoder `hybrid` over a fresh or a published pyramid.

Blocks, head and their weights are the same for all; only the pyramid under them differs. What a
file has not got begins fresh, each such layer scaled so that its output has unit size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from posealign.config import Config
from posealign.model.heads import heatmaps
from posealign.model.hybrid import PYRAMID_CHANNELS, Conv, Hybrid, HybridConfig, Pyramid
from training.experiments.nodes import Nodes
from training.stems import read_movenet, unit_scales

JOINTS = 17  # COCO's
# RTMDet-nano: the end of its first stage, and what its path aggregation leaves at each stride.
LEVELS = {"c4": "onnx::Conv_752", "c8": "onnx::Conv_1001", "c16": "onnx::Conv_1039",
          "c32": "onnx::Conv_1077"}  # fmt: skip
MEAN, DEVIATION = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)  # of blue, green, red
GIVEN = {
    "scratch": "nothing",
    "movenet": "MoveNet Lightning, which was taught keypoints of people",
    "rtmdet": "RTMDet-nano, which was taught boxes of people and never a keypoint",
}


class Arm(Config):
    """`rows`: MoveNet's own 17 joint rows as well; `rates` by parameter prefix, as in SftConfig."""

    pyramid: str = Field("scratch", pattern=f"^({'|'.join(GIVEN)})$")
    rows: bool = False
    rates: dict[str, float] = Field(default_factory=dict)


class Detector(Pyramid):
    """RTMDet-nano up to its levels, then fresh steps down to stride 4 as MoveNet's."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, path: Path) -> None:
        super().__init__()
        del self.first, self.blocks
        self.nodes = Nodes(path, tuple(LEVELS.values()))
        for name, value in (("mean", MEAN), ("deviation", DEVIATION)):
            self.register_buffer(name, torch.tensor(value), persistent=False)
        with torch.no_grad():
            sizes = self.levels(torch.zeros(1, 64, 64, 3))
        self.widths = {name: level.shape[1] for name, level in sizes.items()}
        self.last = Conv(self.widths["c32"], 1280)
        self.lateral16 = Conv(self.widths["c16"], 64)
        self.lateral8, self.lateral4 = Conv(self.widths["c8"], 32), Conv(self.widths["c4"], 24)

    def levels(self, pixels_BHW3: Tensor) -> dict[str, Tensor]:
        x = (pixels_BHW3.flip(-1).float() - self.mean) / self.deviation
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        found = dict(zip(LEVELS, self.nodes(x), strict=True))
        return found | {"c16b": found["c16"]}


class Network(nn.Module):
    """pixels uint8 [B,H,W,3] → heatmaps [B,17,H/4,W/4]: the encoder and a row a joint."""

    def __init__(self, encoder: Hybrid) -> None:
        super().__init__()
        self.encoder = encoder
        self.table = nn.Parameter(0.02 * torch.randn(JOINTS, encoder.channels + 1))

    def forward(self, pixels_BHW3: Tensor) -> Tensor:
        features = self.encoder(pixels_BHW3)["features"]
        return heatmaps(features, self.table.expand(len(features), -1, -1), 1)


def network(
    arm: Arm, options: Mapping[str, Any], files: Mapping[str, str], pixels_BHW3: Tensor, seed: int
) -> Network:
    """As an arm begins; `pixels_BHW3` are pictures that fresh layers are measured on."""
    torch.manual_seed(seed)
    model = Network(Hybrid(HybridConfig(**options)))
    encoder = model.encoder
    if arm.pyramid == "movenet":
        weights, rows_17C, _ = read_movenet(Path(files["movenet"]))
        encoder.pyramid.load_state_dict(weights)
        rows_17C = unit_scales(encoder.pyramid, rows_17C)
        if arm.rows:
            model.table.data.zero_()
            model.table.data[:, :PYRAMID_CHANNELS] = rows_17C
    else:
        if arm.pyramid == "rtmdet":
            _put(encoder, Detector(Path(files["rtmdet"])))
        unit(_fresh(encoder.pyramid), partial(model, pixels_BHW3))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    return model


def _put(encoder: Hybrid, pyramid: Detector) -> None:
    """Another pyramid under the blocks; the layers that read it are as wide as its levels."""
    encoder.pyramid, width, widths = pyramid, encoder.token_width, pyramid.widths
    for stride in (16, 32):
        inputs = widths["c16b" if stride == 16 else "c32"]
        reader = nn.Linear(inputs, width)
        nn.init.xavier_uniform_(reader.weight)
        nn.init.zeros_(reader.bias)
        setattr(encoder, f"norm{stride}", nn.LayerNorm(inputs, eps=1e-6))
        setattr(encoder, f"embed{stride}", reader)
    encoder.wide8 = Conv(widths["c8"], encoder.wide8.conv.out_channels)
    encoder.wide4 = Conv(widths["c4"], encoder.wide4.conv.out_channels)


def _fresh(pyramid: Pyramid) -> list[nn.Conv2d]:
    return [layer for name, layer in pyramid.named_modules()
            if isinstance(layer, nn.Conv2d) and not name.startswith("nodes.")]  # fmt: skip


@torch.no_grad()
def unit(layers: Iterable[nn.Conv2d], run: Callable[[], object]) -> None:
    """New weights whose outputs have unit size, one layer after the other as they run."""

    def scale(layer: nn.Module, _: object, out: Tensor) -> Tensor:
        size = out.std().clamp(min=1e-6)
        layer.get_parameter("weight").div_(size)
        return out / size

    handles = []
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        handles.append(layer.register_forward_hook(scale))
    run()
    for handle in handles:
        handle.remove()
