"""ViTPose's neck with Winograd's products: the same sums with fewer multiplications.

A 4×4 deconvolution with stride 2 and margin 1 is four 2×2 convolutions, one for each kind of output
cell (even or odd row, even or odd column). m outputs of a convolution with two taps need m + 1
products instead of 2·m: sums of inputs times sums of taps, and sums of those. In both directions
that is 9 products for 16 (m = 2) or 16 for 36 (m = 3). Odd cells are counted from one cell
earlier than even ones; so all four kinds want the same sums of inputs, and one product serves them.
Channels come last, so that every move in memory is of whole rows of channels.
Shapes: B batch, h w input cells, I O channels, t tiles along a side, m cells of a tile's side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from posealign.model.neck import ClassicNeck

# Rows of the 4×4 kernel that reach an odd and an even output row, from the input row above down.
TAPS = ((2, 0), (3, 1))
# What each product takes of a kernel's two taps; `_spread` and `_gather` are the sums around it.
KERNELS = {
    2: ((1.0, 0.0), (1.0, 1.0), (0.0, 1.0)),
    3: ((1.0, 0.0), (0.5, 0.5), (0.5, -0.5), (0.0, 1.0)),
}
# Tiles of 3 have 16 kernels to read instead of 9: too many for a small picture to pay for.
LARGE = 400


class WinogradNeck(nn.Module):
    """Takes and gives what the neck does; only for running, for its weights are sums."""

    def __init__(self, neck: ClassicNeck, grid: tuple[int, int]) -> None:
        super().__init__()
        layers = list(neck.deconv_layers)
        height, width = grid
        self.ups = nn.ModuleList()
        for index, start in enumerate(range(0, len(layers), 3)):
            deconv, norm = layers[start], layers[start + 1]
            self.ups.append(Winograd(deconv, norm, (height << index, width << index)))  # type: ignore[arg-type]
        self.conv_layers = neck.conv_layers

    def forward(self, grid_BDhw: Tensor) -> Tensor:
        x_BhwC = grid_BDhw.permute(0, 2, 3, 1)
        for up in self.ups:
            x_BhwC = functional.relu(up(x_BhwC))
        return self.conv_layers(x_BhwC.permute(0, 3, 1, 2))  # type: ignore[no-any-return]


def fits(neck: nn.Module) -> bool:
    """Deconvolutions of the known kind, with norms that are constants when running."""
    if not isinstance(neck, ClassicNeck):
        return False
    layers = list(neck.deconv_layers)
    return all(
        isinstance(deconv, nn.ConvTranspose2d)
        and (deconv.kernel_size, deconv.stride, deconv.padding) == ((4, 4), (2, 2), (1, 1))
        and isinstance(norm, nn.BatchNorm2d)
        and isinstance(last, nn.ReLU)
        for deconv, norm, last in zip(layers[::3], layers[1::3], layers[2::3], strict=True)
    )


class Winograd(nn.Module):
    """Deconvolution and batch norm: [B, h, w, I] → [B, 2·h, 2·w, O]."""

    bias: Tensor

    def __init__(
        self, deconv: nn.ConvTranspose2d, norm: nn.BatchNorm2d, cells: tuple[int, int]
    ) -> None:
        super().__init__()
        self.cells, self.outputs = cells, deconv.out_channels
        self.side = 3 if cells[0] * cells[1] >= LARGE else 2
        kernel_IO44, bias_O = _folded(deconv, norm)
        table = torch.tensor(KERNELS[self.side], dtype=torch.float64)
        taps_IO2222 = kernel_IO44[:, :, TAPS][..., TAPS]  # row: kind, tap; column: kind, tap
        sums = torch.einsum("ar,bs,ioprqs->abipqo", table, table, taps_IO2222)
        for a, row in enumerate(sums.flatten(3)):
            for b, kernel_I4O in enumerate(row):
                self.register_buffer(_name(a, b), kernel_I4O.float().contiguous())
        self.register_buffer("bias", bias_O.float().repeat(4))

    def forward(self, x_BhwI: Tensor) -> Tensor:
        (height, width), side = self.cells, self.side
        down, across = height // side + 1, width // side + 1  # tiles
        x = functional.pad(x_BhwI, (0, 0, 1, side * across - width, 1, side * down - height))
        products = []
        for a, row in enumerate(_spread(_shifted(x, 1, side, down))):
            planes = _spread(_shifted(row, 2, side, across))
            products.append([plane @ getattr(self, _name(a, b)) for b, plane in enumerate(planes)])
        products[1][1] = products[1][1] + self.bias  # the product that is in every output
        columns = [_gather(column) for column in zip(*products, strict=True)]
        cells = [cell for row in zip(*columns, strict=True) for cell in _gather(row)]
        laid = torch.cat(cells, 3).reshape(-1, down, across, side, side, 2, 2, self.outputs)
        laid = laid.permute(0, 1, 3, 5, 2, 4, 6, 7)
        rows = laid.reshape(-1, 2 * side * down, 2 * side * across, self.outputs)
        # The first row and column lie above and left of the picture, as may some at the other ends.
        below, right = 2 * (side * down - height) - 1, 2 * (side * across - width) - 1
        return functional.pad(rows, (0, 0, -1, -right, -1, -below))


def _name(a: int, b: int) -> str:
    """Of a product's weight; int8 leaves products alone whose weight is called so."""
    return f"winograd{a}{b}"


def _shifted(x: Tensor, axis: int, side: int, tiles: int) -> list[Tensor]:
    """The first, second, … input of every tile; tiles share one input with their neighbours."""
    last = side * (tiles - 1) + 1
    if axis == 1:
        return [x[:, j : j + last : side] for j in range(side + 1)]
    return [x[:, :, j : j + last : side] for j in range(side + 1)]


def _spread(x: Sequence[Tensor]) -> list[Tensor]:
    """A tile's inputs → what its products take of them."""
    if len(x) == 3:
        return [x[0] - x[1], x[1], x[1] - x[2]]
    return [x[0] - x[2], x[1] + x[2], x[2] - x[1], x[3] - x[1]]


def _gather(p: Sequence[Tensor]) -> list[Tensor]:
    """A tile's products → its outputs."""
    if len(p) == 3:
        return [p[0] + p[1], p[1] - p[2]]
    both = p[1] + p[2]
    return [p[0] + both, p[1] - p[2], both + p[3]]


@torch.no_grad()
def _folded(deconv: nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Kernel [I, O, 4, 4] and bias with the batch norm inside, in double precision."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise TypeError("a batch norm without statistics depends on the batch")
    scale = norm.weight.double() / (variance.double() + norm.eps).sqrt()
    bias = norm.bias.double() - mean.double() * scale
    if deconv.bias is not None:
        bias = bias + deconv.bias.double() * scale
    return deconv.weight.double() * scale[:, None, None], bias
