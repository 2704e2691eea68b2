"""Where a model's weights start: a published network's pyramid, an earlier stage, or nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from posealign.anatomy.angles import HIPS, SHOULDERS
from posealign.errors import InvalidInput
from posealign.instructions.tokens import batch, load_tokenizer
from posealign.model.checkpoint import load_strict
from posealign.model.config import PoseConfig
from posealign.model.hybrid import Hybrid
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import vocabulary
from training import loop
from training.stems import unit_scales

# What reads the instruction depends on the text model's width: another text, another start.
_TEXT_SIDE = (
    "text_in",
    "asking_words_in",
    "answer_query",
    "text_layers",
    "asked_out",
    "answer_out",
)


def start_from(model: PoseModel, stem: str | None, checkpoint: str | None) -> None:
    """First the stem, then an earlier stage's picture side; words come from their own training."""
    if stem is not None:
        _stem(model, Path(stem))
    if checkpoint is None:
        return
    state = loop.load_checkpoint(Path(checkpoint), restore_dice=False)["ema"]
    state = {name: value for name, value in state.items() if not name.startswith("words.")}
    said_VD = _said(state)
    for name in ("joint_words", "words_in.weight", "words_in.bias"):
        state.pop(f"decoder.{name}", None)
    mine = model.state_dict()
    for name in [n for n in state if n.startswith(tuple(f"decoder.{t}" for t in _TEXT_SIDE))]:
        if name in mine and mine[name].shape != state[name].shape:
            state.pop(name)
    missing, unknown = model.load_state_dict(state, strict=False)
    if unknown:
        raise InvalidInput(f"{checkpoint} holds {unknown[:3]}, which this model has not")
    if said_VD is not None:
        _say(model, said_VD)
    glance = model.decoder.glance
    if glance is not None and "decoder.glance.rows.weight" in missing:
        glance.look_for(model.table)
    fresh = sorted({".".join(name.split(".")[:2]) for name in missing if "words" not in name})
    print(f"new in this stage: {', '.join(fresh) or 'nothing'}", file=sys.stderr)


def _said(state: dict[str, Tensor]) -> Tensor | None:
    """[V, D]: what joint queries and joint words were together."""
    words_VT = state.get("decoder.joint_words")
    if words_VT is None:
        return None
    normed = F.layer_norm(words_VT, words_VT.shape[-1:])
    read = F.linear(normed, state["decoder.words_in.weight"], state["decoder.words_in.bias"])
    return state["decoder.queries"] + read


@torch.no_grad()
def _say(model: PoseModel, said_VD: Tensor) -> None:
    """Other joint words, the same sum: as much as fits comes from the words, the rest stays own."""
    decoder = model.decoder
    normed = F.layer_norm(decoder.joint_words, decoder.joint_words.shape[-1:]).double()
    wanted = (said_VD - said_VD.mean(0)).double()
    gram = normed.T @ normed + 3.0 * torch.eye(normed.shape[1], dtype=torch.float64)
    solved = torch.linalg.solve(gram, normed.T @ wanted)
    decoder.words_in.weight.copy_(solved.T.float())
    decoder.words_in.bias.copy_(said_VD.mean(0))
    decoder.queries.copy_(said_VD - decoder.words_in(normed.float()))


def assembled(options: Mapping[str, Any], weights_from: str, text_from: str | None) -> PoseModel:
    """The trained parts put together; a checkpoint of `ask` holds the words already."""
    folder = None if text_from is None else Path(text_from)
    text = {} if folder is None else {"text": text_options(folder)}
    model = PoseModel(PoseConfig.model_validate({**options, **text}))
    state = loop.load_checkpoint(Path(weights_from), restore_dice=False)["ema"]
    fits = all(name in state and state[name].shape == value.shape
               for name, value in model.state_dict().items())  # fmt: skip
    if fits:
        model.load_state_dict(state)
        return model.eval()
    start_from(model, None, weights_from)
    if folder is not None:
        load_text(model, folder)
    return model.eval()


def text_options(folder: Path) -> dict[str, Any]:
    """PoseConfig.text for a trained text model; the vector's width is the encoder's business."""
    facts = json.loads((folder / "text.json").read_text())["text"]
    return {name: value for name, value in facts.items() if name != "vector_width"}


def load_text(model: PoseModel, folder: Path) -> None:
    """A trained text model, and the joints' names in its tokens as the decoder's words.

    The joints' queries are refitted so that the picture side stays what it was.
    """
    words = load_file(folder / "weights.safetensors")
    mine = model.words.state_dict()
    # The open-vocabulary head depends on the encoder's features; it is fitted to the joint table.
    kept = {name: value for name, value in words.items() if not name.startswith("vector.")}
    load_strict(model.words, kept | {n: v for n, v in mine.items() if n.startswith("vector.")},
                str(folder / "weights.safetensors"))  # fmt: skip
    model.words.eval()
    with torch.no_grad():
        decoder = model.decoder
        normed = F.layer_norm(decoder.joint_words, decoder.joint_words.shape[-1:])
        said_VD = decoder.queries + decoder.words_in(normed)
        model.set_joint_words(joint_names(model, folder / "tokenizer.json"))
        _say(model, said_VD)


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
    table: dict[str, tuple[str, ...]] = {
        "neck": SHOULDERS, "pelvis": HIPS, "head_top": ("left_eye", "right_eye"),
        "head_center": ("left_ear", "right_ear"), "spine1": HIPS, "spine2": (*HIPS, *SHOULDERS),
        "spine3": SHOULDERS,
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
