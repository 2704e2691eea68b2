"""ViTPose's plain ViT and ViTPose+'s experts, with its neck: the encoder `vit`.

Names follow the official code, so its checkpoints load as they are. Position embeddings keep
the class position first; it is added to every token: x += pos[:, 1:] + pos[:, :1].
Shapes: B batch, H W input, N tokens, D width, C channels, E experts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from posealign.errors import InvalidConfig, among
from posealign.model.attention import attend
from posealign.model.heads import Finder
from posealign.model.neck import Neck, build_neck

MEAN = (123.675, 116.28, 103.53)  # ImageNet's, times 255
STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class ViTSize:
    width: int
    depth: int
    heads: int


# Ti is ours; S to H are ViTPose's; Sapiens 0.3b and 0.6b are L and H.
SIZES = {
    "Ti": ViTSize(192, 12, 3),
    "S": ViTSize(384, 12, 12),
    "B": ViTSize(768, 12, 12),
    "L": ViTSize(1024, 24, 16),
    "H": ViTSize(1280, 32, 16),
    "sapiens-1b": ViTSize(1536, 40, 24),
    "sapiens-2b": ViTSize(1920, 48, 32),
}


def normalise(pixels_BHW3: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """uint8 RGB → [B, 3, H, W], centred and scaled as ImageNet networks expect."""
    # Turned while they are bytes: a channel is one long row then, quicker to shift and scale.
    pixels_B3HW = pixels_BHW3.permute(0, 3, 1, 2).to(mean.dtype)
    return (pixels_B3HW - mean[:, None, None]) / std[:, None, None]


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x_BND: Tensor) -> Tensor:
        batch, count, width = x_BND.shape
        qkv = self.qkv(x_BND).reshape(batch, count, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = attend(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, width))  # type: ignore[no-any-return]


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x_BND: Tensor, dataset_B: Tensor | None = None) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x_BND)))  # type: ignore[no-any-return]


class ExpertMlp(nn.Module):
    """ViTPose+: the last `part` features of the MLP's output come from the dataset's expert."""

    def __init__(self, width: int, experts: int, part: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width - part)
        self.experts = nn.ModuleList(nn.Linear(4 * width, part) for _ in range(experts))

    def forward(self, x_BND: Tensor, dataset_B: Tensor | None = None) -> Tensor:
        hidden = functional.gelu(self.fc1(x_BND))
        if dataset_B is None:
            dataset_B = torch.zeros(x_BND.shape[0], dtype=torch.long, device=x_BND.device)
        # One product with each picture's own expert, instead of every expert for every picture.
        weight = torch.stack([expert.weight for expert in self.experts])[dataset_B]  # type: ignore[misc]
        bias = torch.stack([expert.bias for expert in self.experts])[dataset_B]  # type: ignore[misc]
        own = torch.baddbmm(bias[:, None], hidden, weight.transpose(1, 2))
        return torch.cat([self.fc2(hidden), own], -1)


class Block(nn.Module):
    def __init__(self, size: ViTSize, ln_eps: float, experts: int, part: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(size.width, eps=ln_eps)
        self.attn = Attention(size.width, size.heads)
        self.norm2 = nn.LayerNorm(size.width, eps=ln_eps)
        self.mlp = ExpertMlp(size.width, experts, part) if experts > 1 else Mlp(size.width)

    def forward(self, x_BND: Tensor, dataset_B: Tensor | None) -> Tensor:
        x_BND = x_BND + self.attn(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm2(x_BND), dataset_B)  # type: ignore[no-any-return]


class PatchEmbed(nn.Module):
    """16×16 patches with a margin of 2: still height/16 × width/16 tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, 16, 16, padding=2)

    def forward(self, x_B3HW: Tensor) -> Tensor:
        return self.proj(x_B3HW).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]


class ViT(nn.Module):
    """[B, 3, H, W], normalised → tokens [B, N, D] after the last norm."""

    def __init__(
        self, size: ViTSize, grid: tuple[int, int], ln_eps: float, experts: int, part: int
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(size.width)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid[0] * grid[1] + 1, size.width))
        self.blocks = nn.ModuleList(Block(size, ln_eps, experts, part) for _ in range(size.depth))
        self.last_norm = nn.LayerNorm(size.width, eps=ln_eps)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, x_B3HW: Tensor, dataset_B: Tensor | None = None) -> Tensor:
        x = self.patch_embed(x_B3HW) + self.pos_embed[:, 1:] + self.pos_embed[:, :1]
        for block in self.blocks:
            x = block(x, dataset_B)
        return self.last_norm(x)  # type: ignore[no-any-return]


class ViTEncoder(nn.Module):
    """`size` is a name from SIZES, or (width, depth, heads)."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        input_size: tuple[int, int],
        size: str | tuple[int, int, int] = "S",
        ln_eps: float = 1e-6,
        experts: int = 1,
        part: int = 0,
        neck: str = "classic",
        neck_channels: int = 256,
        neck_convs: tuple[int, ...] = (),
        neck_norm: str = "batch",
    ) -> None:
        super().__init__()
        vit = vit_size(size)
        if (experts > 1) != (0 < part < vit.width):
            raise InvalidConfig(f"{experts} experts with a part of {part} of {vit.width} features")
        self.grid = (input_size[1] // 16, input_size[0] // 16)
        self.experts, self.takes_dataset = experts, experts > 1
        self.register_buffer("mean", torch.tensor(MEAN), persistent=False)
        self.register_buffer("std", torch.tensor(STD), persistent=False)
        self.vit = ViT(vit, self.grid, ln_eps, experts, part)
        self.neck: Neck = build_neck(neck, vit.width, neck_channels, tuple(neck_convs), neck_norm)
        self.finder = Finder(vit.width, self.grid)
        self.channels, self.token_width = self.neck.channels, vit.width

    def forward(self, pixels_BHW3: Tensor, dataset_B: Tensor | None = None) -> dict[str, Tensor]:
        pixels = normalise(pixels_BHW3, self.mean, self.std)
        tokens = self.vit(pixels, dataset_B)
        grid = tokens.transpose(1, 2).unflatten(2, self.grid)
        return {"features": self.neck(grid), "tokens": tokens, "finder": self.finder(tokens)}


def vit_size(size: str | tuple[int, int, int]) -> ViTSize:
    if not isinstance(size, str):
        width, depth, heads = size
        if width % heads:
            raise InvalidConfig(f"width {width} is not a multiple of {heads} heads")
        return ViTSize(width, depth, heads)
    if size not in SIZES:
        raise InvalidConfig(f"no ViT size is called {size!r}{among(size, SIZES)}")
    return SIZES[size]
