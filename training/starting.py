"""Where a model's weights start: a published network's pyramid, an earlier stage, or nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from posealign.errors import InvalidInput
from posealign.instructions.tokens import batch, load_tokenizer
from posealign.model.checkpoint import load_strict
from posealign.model.hybrid import Hybrid
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import vocabulary
from training import loop
from training.stems import unit_scales


def start_from(model: PoseModel, stem: str | None, checkpoint: str | None) -> None:
    """First the stem, then an earlier stage's picture side; words come from their own training."""
    if stem is not None:
        _stem(model, Path(stem))
    if checkpoint is not None:
        state = loop.load_checkpoint(Path(checkpoint), restore_dice=False)["ema"]
        state = {name: value for name, value in state.items() if not name.startswith("words.")}
        missing, unknown = model.load_state_dict(state, strict=False)
        if unknown:
            raise InvalidInput(f"{checkpoint} holds {unknown[:3]}, which this model has not")
        fresh = sorted({name.split(".")[0] for name in missing})
        print(f"new in this stage: {', '.join(fresh) or 'nothing'}", file=sys.stderr)


def text_options(folder: Path) -> dict[str, Any]:
    """PoseConfig.text for a trained text model; the vector's width is the encoder's business."""
    facts = json.loads((folder / "text.json").read_text())["text"]
    return {name: value for name, value in facts.items() if name != "vector_width"}


def load_text(model: PoseModel, folder: Path) -> None:
    """A trained text model, and the joints' names in its tokens as the decoder's words.

    The layer that already read other joint words is refitted so that it reads the same as before.
    """
    words = load_file(folder / "weights.safetensors")
    mine = model.words.state_dict()
    # The open-vocabulary head depends on the encoder's features; it is fitted to the joint table.
    kept = {name: value for name, value in words.items() if not name.startswith("vector.")}
    load_strict(model.words, kept | {n: v for n, v in mine.items() if n.startswith("vector.")},
                str(folder / "weights.safetensors"))  # fmt: skip
    model.words.eval()
    names_VT = joint_names(model, folder / "tokenizer.json")
    with torch.no_grad():
        decoder = model.decoder
        width = names_VT.shape[-1:]
        said = decoder.words_in(F.layer_norm(decoder.joint_words, width))
        model.set_joint_words(names_VT)
        new = F.layer_norm(names_VT, width)
        augmented = torch.cat([new, torch.ones(len(new), 1)], dim=1).double()
        # More numbers in a word than joints: the smallest exact solution.
        solved = (torch.linalg.pinv(augmented) @ said.double()).float()
        decoder.words_in.weight.copy_(solved[:-1].T)
        decoder.words_in.bias.copy_(solved[-1])


@torch.no_grad()
def joint_names(model: PoseModel, tokenizer_file: Path) -> Tensor:
    """[V, T]: mean text token over a joint's English and Chinese names."""
    tokenizer, rows = load_tokenizer(tokenizer_file), []
    for joint in vocabulary().joints:
        ids = torch.from_numpy(batch(tokenizer, [joint.en, joint.zh]))
        tokens_BLT, mask = model.words(ids)["text_tokens"], (ids != 0)[..., None].float()
        rows.append(((tokens_BLT * mask).sum(1) / mask.sum(1)).mean(0))
    return torch.stack(rows)


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
