"""The embedded model's encoder: a published convolutional pyramid under ViT blocks.

The pyramid is MobileNetV2 with a light feature pyramid (MoveNet Lightning's layout); its heatmap
features are the first 96 channels of F, so a joint vector that is one of MoveNet's own output rows
gives MoveNet's heatmap. ViT blocks over the stride-16 cells see the whole person; their output is
added back through projections that start at zero, so training starts at the published accuracy.

Shapes: B batch, H W input, C channels, N = H/16 · W/16 tokens, D token width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posealign.errors import InvalidConfig
from posealign.model.attention import attend

# MobileNetV2, width 1: (expansion, channels, stride of the first block, blocks)
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 2, 3), (6, 64, 2, 4), (6, 96, 1, 3),
           (6, 160, 2, 3), (6, 320, 1, 1))  # fmt: skip
PYRAMID_CHANNELS = 96


@dataclass(frozen=True)
class HybridConfig:
    """`extra` channels of F come from the ViT blocks; `width` is the token width."""

    input_size: tuple[int, int] = (192, 192)  # width, height
    width: int = 192
    depth: int = 4
    heads: int = 6
    extra: int = 64
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        if any(side % 32 or side <= 0 for side in self.input_size):
            raise InvalidConfig(f"a hybrid's input is a multiple of 32, got {self.input_size}")
        if self.width % self.heads:
            raise InvalidConfig(f"{self.heads} heads do not divide the width {self.width}")

    @property
    def channels(self) -> int:
        return PYRAMID_CHANNELS + self.extra


class Conv(nn.Module):
    """A convolution with TensorFlow's SAME padding (one more below and right at stride 2)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.padded = kernel > 1 and stride == 2
        padding = 0 if self.padded else kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        if self.padded:
            x_BCHW = F.pad(x_BCHW, (0, 1, 0, 1))
        return self.conv(x_BCHW)  # type: ignore[no-any-return]


class Inverted(nn.Module):
    """MobileNetV2's block: widen, filter each channel, narrow; batch norms are folded."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = Conv(inputs, inner) if expansion > 1 else None
        self.depthwise = Conv(inner, inner, 3, stride, groups=inner)
        self.project = Conv(inner, outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.residual else y


class Separable(nn.Module):
    """Depthwise 3×3, pointwise, ReLU: the pyramid's smoothing step."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = Conv(inputs, inputs, 3, groups=inputs)
        self.pointwise = Conv(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.pointwise(self.depthwise(x)), inplace=True)


class Block(nn.Module):
    """Pre-norm attention and MLP, as in ViT."""

    def __init__(self, width: int, heads: int, drop: float) -> None:
        super().__init__()
        self.heads, self.drop = heads, drop
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x_BND: Tensor) -> Tensor:
        batch, count, width = x_BND.shape
        qkv = self.qkv(self.norm1(x_BND)).reshape(batch, count, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        seen = attend(q, k, v).transpose(1, 2).reshape_as(x_BND)
        x_BND = x_BND + self._skip(self.proj(seen))
        return x_BND + self._skip(self.fc2(F.gelu(self.fc1(self.norm2(x_BND)))))

    def _skip(self, x_BND: Tensor) -> Tensor:
        """Stochastic depth: a whole residual branch is left out for some pictures."""
        if not self.training or self.drop == 0.0:
            return x_BND
        keep = torch.rand(x_BND.shape[0], 1, 1, device=x_BND.device) >= self.drop
        return x_BND * keep / (1 - self.drop)


class Pyramid(nn.Module):
    """The published part: MobileNetV2, three lateral links, and the heatmap head's features."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Conv(3, 32, 3, 2)
        blocks, inputs = [], 32
        for expansion, outputs, stride, count in _STAGES:
            for index in range(count):
                blocks.append(Inverted(inputs, outputs, stride if index == 0 else 1, expansion))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last, self.top = Conv(320, 1280), Conv(1280, 64)
        self.lateral16, self.lateral8, self.lateral4 = Conv(64, 64), Conv(32, 32), Conv(24, 24)
        self.smooth16, self.smooth8, self.smooth4 = (
            Separable(64, 32), Separable(32, 24), Separable(24, 24))  # fmt: skip
        self.head = Separable(24, PYRAMID_CHANNELS)

    def levels(self, pixels_BHW3: Tensor) -> dict[str, Tensor]:
        """What the backbone gives at strides 4, 8, 16 (two depths) and 32."""
        x = pixels_BHW3.permute(0, 3, 1, 2).to(self.first.conv.weight.dtype) / 127.5 - 1
        x = x.contiguous(memory_format=torch.channels_last)
        x = F.relu6(self.first(x), inplace=True)
        kept = {2: "c4", 5: "c8", 9: "c16", 12: "c16b", 16: "c32"}
        found = {}
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in kept:
                found[kept[index]] = x
        return found

    def features(self, levels: dict[str, Tensor], added16: Tensor | float = 0.0) -> Tensor:
        top = self.top(F.relu6(self.last(levels["c32"])))
        p16 = self.smooth16(upsample(top) + self.lateral16(levels["c16"]) + added16)
        p8 = self.smooth8(upsample(p16) + self.lateral8(levels["c8"]))
        p4 = self.smooth4(upsample(p8) + self.lateral4(levels["c4"]))
        return self.head(p4)  # type: ignore[no-any-return]


class Hybrid(nn.Module):
    """pixels uint8 [B,H,W,3] → features [B,C,H/4,W/4], tokens [B,N,D], finder [B,6,H/16,W/16]."""

    def __init__(self, config: HybridConfig) -> None:
        super().__init__()
        self.config = config
        self.channels, self.token_width = config.channels, config.width
        width, extra = config.width, config.extra
        columns, rows = config.input_size[0] // 16, config.input_size[1] // 16
        self.pyramid = Pyramid()
        self.embed16, self.embed32 = nn.Linear(96, width), nn.Linear(320, width)
        self.norm16, self.norm32 = nn.LayerNorm(96, eps=1e-6), nn.LayerNorm(320, eps=1e-6)
        self.position = nn.Parameter(torch.zeros(1, rows * columns, width))
        drops = torch.linspace(0, config.drop_path, config.depth).tolist()
        self.blocks = nn.ModuleList(Block(width, config.heads, drop) for drop in drops)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.back16 = nn.Linear(width, 64)
        self.wide16, self.wide8, self.wide4 = Conv(width, 96), Conv(32, 96), Conv(24, extra)
        self.smooth8, self.smooth4 = Separable(96, extra), Separable(extra, extra)
        self.find = nn.Sequential(nn.Linear(width, 96), nn.GELU(), nn.Linear(96, 6))
        self._initialise()

    def _initialise(self) -> None:
        nn.init.trunc_normal_(self.position, std=0.02)
        linears = [layer for layer in self.modules() if isinstance(layer, nn.Linear)]
        for layer in linears:
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        for layer in (self.embed16, self.embed32):
            nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(self.back16.weight)  # the one outer gate: everything behind it may be random

    def forward(self, pixels_BHW3: Tensor) -> dict[str, Tensor]:
        levels = self.pyramid.levels(pixels_BHW3)
        c16, c32 = levels["c16b"], levels["c32"]
        batch, _, rows, columns = c16.shape
        x = self.embed16(self.norm16(c16.permute(0, 2, 3, 1)))
        deep = self.embed32(self.norm32(c32.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        x = (x + upsample(deep).permute(0, 2, 3, 1)).flatten(1, 2) + self.position
        for block in self.blocks:
            x = block(x)
        tokens_BND = self.norm(x)
        grid = tokens_BND.reshape(batch, rows, columns, -1)
        added16 = self.back16(grid).permute(0, 3, 1, 2)
        published = self.pyramid.features(levels, added16)
        wide = upsample(self.wide16(grid.permute(0, 3, 1, 2)))
        wide = self.smooth8(wide + self.wide8(levels["c8"]))
        wide = self.smooth4(upsample(wide) + self.wide4(levels["c4"]))
        finder = self.find(grid).permute(0, 3, 1, 2)
        features = torch.cat([published, wide], dim=1)
        return {"features": features, "tokens": tokens_BND, "finder": finder}


def upsample(x_BCHW: Tensor) -> Tensor:
    return F.interpolate(x_BCHW, scale_factor=2, mode="bilinear", align_corners=False)
