"""Small encoders and texts with the real interfaces, so that a test takes milliseconds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posealign.instructions.query import PREMISES, REASONS, RELATIONS
from posealign.model.config import DecoderConfig, PoseConfig
from posealign.model.pose_model import PoseModel


class ToyEncoder(nn.Module):
    channels, token_width = 6, 8

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, self.channels, 4, 4)
        self.tokens = nn.Conv2d(self.channels, self.token_width, 4, 4)
        self.find = nn.Linear(self.token_width, 6)

    def forward(self, pixels_BHW3: Tensor) -> dict[str, Tensor]:
        x = pixels_BHW3.permute(0, 3, 1, 2).float() / 255
        features = self.stem(x).relu()
        grid = self.tokens(features)
        tokens = grid.flatten(2).transpose(1, 2)
        finder = self.find(tokens).transpose(1, 2).unflatten(2, grid.shape[2:])
        return {"features": features, "tokens": tokens, "finder": finder}


class ToyText(nn.Module):
    width = 8

    def __init__(self, joints: int, vector_width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, self.width, padding_idx=0)
        sizes = {
            "asked": joints, "related": joints, "gate": 1, "reason": len(REASONS), "dims": 2,
            "visibility": 3, "subject": 8, "skeleton": 8, "relation": 1 + len(RELATIONS),
            "premise": 1 + len(PREMISES), "vector": vector_width,
        }  # fmt: skip
        self.heads = nn.ModuleDict({k: nn.Linear(self.width, n) for k, n in sizes.items()})

    def forward(self, ids_BL: Tensor) -> dict[str, Tensor]:
        tokens = self.embed(ids_BL)
        pooled = tokens.mean(1)
        found = {name: head(pooled) for name, head in self.heads.items()}
        found["gate"] = found["gate"].squeeze(-1)
        return {"text_tokens": tokens, **found}


def toy_config(**changes: object) -> PoseConfig:
    values: dict[str, object] = {
        "decoder": DecoderConfig(
            width=16, layers=2, text_layers=1, heads=2, glance=True, hiders=True
        ),
        "width": 64, "height": 96, "joints": 148,
    }  # fmt: skip
    return PoseConfig.model_validate({**values, **changes})


def toy_model(seed: int = 0, **changes: object) -> PoseModel:
    torch.manual_seed(seed)
    config = toy_config(**changes)
    encoder = ToyEncoder()
    text = ToyText(config.joints, encoder.channels * config.kernel**2 + 1)
    return PoseModel(config, encoder, text)
