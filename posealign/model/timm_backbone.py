"""Any of timm's ViTs under ViTPose's neck: the encoder `timm:NAME`.

Shapes: B batch, H W input, N tokens, D width, C channels.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.data.config import resolve_model_data_config
from torch import Tensor, nn

from posealign.errors import InvalidConfig, nearest
from posealign.model.backbone import normalise
from posealign.model.heads import Finder
from posealign.model.neck import Neck, build_neck


class TimmEncoder(nn.Module):
    """`pretrained` fetches timm's weights; bundles are rebuilt without it."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        input_size: tuple[int, int],
        neck: str = "classic",
        neck_channels: int = 256,
        pretrained: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.net = _create(name, input_size, pretrained, options)
        data = resolve_model_data_config(self.net)
        self.register_buffer("mean", torch.tensor(data["mean"]) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(data["std"]) * 255, persistent=False)
        self.grid = (input_size[1] // 16, input_size[0] // 16)
        found: tuple[int, ...] = tuple(self.net.patch_embed.grid_size)
        if found != self.grid:
            raise InvalidConfig(
                f"timm:{name} has {found} tokens at {input_size}; the neck wants {self.grid}: "
                "take a model with 16×16 patches"
            )
        self.token_width = int(self.net.embed_dim)
        self.neck: Neck = build_neck(neck, self.token_width, neck_channels)
        self.finder = Finder(self.token_width, self.grid)
        self.channels = self.neck.channels

    def forward(self, pixels_BHW3: Tensor) -> dict[str, Tensor]:
        found = self.net.forward_features(normalise(pixels_BHW3, self.mean, self.std))
        tokens = found[:, self.net.num_prefix_tokens :]
        grid = tokens.transpose(1, 2).unflatten(2, self.grid)
        return {"features": self.neck(grid), "tokens": tokens, "finder": self.finder(tokens)}


def _create(name: str, input_size: tuple[int, int], pretrained: bool, options: Any) -> Any:
    if not timm.is_model(name):
        raise InvalidConfig(f"timm has no model {name!r}{nearest(name, timm.list_models())}")
    try:
        return timm.create_model(
            name,
            pretrained=pretrained,
            num_classes=0,
            img_size=(input_size[1], input_size[0]),
            **options,
        )
    except TypeError as error:
        raise InvalidConfig(f"timm:{name} is no plain ViT: {error}") from error
