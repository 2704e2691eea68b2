"""A model in training, judged on held-out real people as it will be used (half A only)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from posealign.model.pose_model import PoseModel
from training import validate


def pixels_per_cell(size: tuple[int, int]) -> Tensor:
    """Input pixels a heatmap cell is wide and high (UDP: centres on centres)."""
    width, height = size
    return torch.tensor([(width - 1) / (width // 4 - 1), (height - 1) / (height // 4 - 1)])


def locator(model: PoseModel) -> validate.Locate:
    """COCO-17 places of crops, by the very graphs that are exported."""

    @torch.no_grad()
    def locate(crops: NDArray[np.uint8]) -> NDArray[Any]:
        seen = model.image(torch.from_numpy(crops))
        crop_B4 = torch.tensor([[0.0, 1.0, 0.0, 0.0]]).expand(len(crops), 4)
        _, delta, _, _, _ = model.decoder.look(seen["tokens"], crop_B4)
        vectors_BKR = (model.table + delta)[:, :17]
        return model.locate(seen["features"], vectors_BKR)["xy"].numpy()

    return locate


@lru_cache(maxsize=2)
def _held_out(folder: Path) -> tuple[validate.Judged, validate.Judged]:
    upright = validate.read_lsp(folder)
    return upright, validate.turned(upright)


def judge_model(model: PoseModel, folder: Path, half: str = "A") -> dict[str, float]:
    """OKS and PCK as the pictures are and turned; `oks` is the mean of both and picks the best."""
    size = (model.config.width, model.config.height)
    report: dict[str, float] = {}
    for name, judged in zip(("upright", "turned"), _held_out(folder), strict=True):
        kept = validate.half(judged, half)
        found = validate.summary(kept, validate.predict(kept, locator(model), size))
        report |= {f"{name}_oks": found["oks"][0], f"{name}_pck": found["pck"][0]}
    report["oks"] = (report["upright_oks"] + report["turned_oks"]) / 2
    return report
