"""From the token grid to features at a quarter of the input: ViTPose's heads without their last
convolution, whose rows are our joint vectors.

Shapes: B batch, D token width, C channels, h w token grid.
"""

from __future__ import annotations

from torch import Tensor, nn

from posealign.errors import InvalidConfig, among


class Neck(nn.Module):
    """`kernel` is the size of the last convolution that belongs to this neck."""

    channels: int
    kernel: int


class ClassicNeck(Neck):
    """2 × [deconvolution k4 s2, batch norm, ReLU].

    Sapiens: `instance` norm without weights and SiLU instead, and 1×1 convolutions behind.
    """

    kernel = 1

    def __init__(
        self, width: int, channels: int, convs: tuple[int, ...] = (), norm: str = "batch"
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (width, channels):
            layers.append(nn.ConvTranspose2d(inputs, channels, 4, 2, padding=1, bias=False))
            layers += _norm(norm, channels)
        self.deconv_layers = nn.Sequential(*layers)
        after: list[nn.Module] = []
        for inputs, outputs in zip((channels, *convs), convs, strict=False):
            after += [nn.Conv2d(inputs, outputs, 1), *_norm(norm, outputs)]
        self.conv_layers = nn.Sequential(*after)
        self.channels = convs[-1] if convs else channels

    def forward(self, grid_BDhw: Tensor) -> Tensor:
        return self.conv_layers(self.deconv_layers(grid_BDhw))  # type: ignore[no-any-return]


def _norm(kind: str, channels: int) -> list[nn.Module]:
    if kind == "batch":
        return [nn.BatchNorm2d(channels), nn.ReLU()]
    if kind == "instance":
        return [nn.InstanceNorm2d(channels), nn.SiLU()]
    raise InvalidConfig(f"no norm is called {kind!r}; there are batch and instance")


class SimpleNeck(Neck):
    """ReLU and four times bilinear; the rows behind it are 3×3 kernels."""

    kernel = 3

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = width
        self.up = nn.Sequential(
            nn.ReLU(), nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False)
        )

    def forward(self, grid_BDhw: Tensor) -> Tensor:
        return self.up(grid_BDhw)  # type: ignore[no-any-return]


def build_neck(
    name: str,
    width: int,
    channels: int = 256,
    convs: tuple[int, ...] = (),
    norm: str = "batch",
) -> Neck:
    if name == "classic":
        return ClassicNeck(width, channels, convs, norm)
    if name == "simple":
        return SimpleNeck(width)
    raise InvalidConfig(f"no neck is called {name!r}{among(name, ('classic', 'simple'))}")
