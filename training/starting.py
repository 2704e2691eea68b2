"""Where a model's weights start: a published network's pyramid, an earlier stage, or nothing."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from posealign.errors import InvalidInput
from posealign.model.hybrid import Hybrid
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import vocabulary
from training import loop
from training.stems import unit_scales


def start_from(model: PoseModel, stem: str | None, checkpoint: str | None) -> None:
    """First the stem, then whatever of an earlier stage fits (its names say what does not)."""
    if stem is not None:
        _stem(model, Path(stem))
    if checkpoint is not None:
        state = loop.load_checkpoint(Path(checkpoint), restore_dice=False)["ema"]
        missing, unknown = model.load_state_dict(state, strict=False)
        if unknown:
            raise InvalidInput(f"{checkpoint} holds {unknown[:3]}, which this model has not")
        fresh = sorted({name.split(".")[0] for name in missing})
        print(f"new in this stage: {', '.join(fresh) or 'nothing'}")


def _stem(model: PoseModel, path: Path) -> None:
    if not isinstance(model.encoder, Hybrid):
        raise InvalidInput("a stem goes into the hybrid encoder; set model.encoder.name=hybrid")
    weights = load_file(path)
    rows_17C = weights.pop("rows")
    weights.pop("biases")
    pyramid = model.encoder.pyramid
    pyramid.load_state_dict({key.removeprefix("pyramid."): value for key, value in weights.items()})
    model.table.data = initial_table(unit_scales(pyramid, rows_17C), model.encoder.channels)


def initial_table(rows_17C: Tensor, channels: int) -> Tensor:
    """COCO's rows as published; every other joint starts as a mixture of its neighbours' rows."""
    names, table = vocabulary().names, torch.zeros(len(vocabulary()), channels + 1)
    for index, name in enumerate(names):
        parts = [names.index(part) for part in neighbours(name)]
        table[index, : rows_17C.shape[1]] = rows_17C[parts].mean(0)
    return table


def neighbours(name: str) -> tuple[str, ...]:
    """The COCO joints nearest to a vocabulary joint."""
    if vocabulary().index(name) < 17:
        return (name,)
    side = name.split("_", maxsplit=1)[0]
    shoulders, hips = ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")
    table: dict[str, tuple[str, ...]] = {
        "neck": shoulders, "pelvis": hips, "head_top": ("left_eye", "right_eye"),
        "head_center": ("left_ear", "right_ear"), "spine1": hips, "spine2": (*hips, *shoulders),
        "spine3": shoulders,
    }  # fmt: skip
    if name in table:
        return table[name]
    if name.startswith("face_"):
        return ("nose", "left_eye", "right_eye")
    for word, joint in (("toe", "ankle"), ("heel", "ankle"), ("foot", "ankle"),
                        ("collar", "shoulder"), ("hip_center", "hip")):  # fmt: skip
        if word in name:
            return (f"{side}_{joint}",)
    return (f"{side}_wrist",)
