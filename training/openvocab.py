"""The open vocabulary: a joint's description → its vector, fitted to the trained joint table.

The text model's last slot reads a description; one linear map takes it to (w, b). It is solved in
closed form over many wordings of each vocabulary joint, so it costs seconds and no tuning.
Where a packed shard of synthetic people is at hand, generated places ("the belly button", "the
middle of the left forearm") join the joints: each place's own vector is fitted first, on the
frozen picture features, and its words then teach the same map.
Shapes: M wordings, T text width, R vector width, N crops, K places, h×w cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.errors import InvalidInput
from posealign.instructions.phrases import phrasebook
from posealign.instructions.query import Part
from posealign.instructions.tokens import batch, load_tokenizer
from posealign.instructions.wording import phrase
from posealign.model import codec
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import vocabulary
from posealign.synth.places import PLACES
from training.losses import place_loss
from training.shards import Shard

RIDGE = 0.03  # of the features' mean square
SEEN_AT_LEAST = 8  # visible in so many crops, or a place's vector would be learnt by heart
HIDDEN = 0.4  # the weight of a place that something hides


@dataclass(frozen=True)
class PlaceVectors:
    """Fitted vectors of places with their words; `error_px` is the median one, in input pixels,
    over visible places of crops that were not fitted on.
    """

    names: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    vectors_KR: Tensor
    error_px: float
    mean_px: float  # of always answering a place's mean position


def place_texts() -> list[tuple[str, ...]]:
    """English and Chinese words of every place, as an instruction would say them."""
    return [(*place.en, *place.zh, *(f"point: {text}" for text in place.en)) for place in PLACES]


def fit_places(
    model: PoseModel, shard: Shard, rows: int = 1200, steps: int = 300, seed: int = 0
) -> PlaceVectors:
    """A vector for each generated place, by gradient on features of a frozen picture model. A
    quarter of the crops is kept back for `error_px`.
    """
    if "places_NK3" not in shard.extra:
        raise InvalidInput(f"{shard.name} has no places: pack samples of `posealign synth` 5 on")
    dice = np.random.default_rng(seed)
    picked = np.sort(dice.permutation(len(shard))[:rows])
    features_NChw, cells_NK2, weights_NK, visible_NK = _crops(model, shard, picked)
    fit_on = torch.arange(len(picked)) % 4 != 3
    kept = torch.nonzero((visible_NK & fit_on[:, None]).sum(0) >= SEEN_AT_LEAST).flatten()
    if not len(kept):
        raise InvalidInput(f"no place is visible in {SEEN_AT_LEAST} of {len(picked)} crops")
    cells_NK2, weights_NK = cells_NK2[:, kept], weights_NK[:, kept]
    # From the mean joint: a place is another spot on the same bodies. Steps are taken in units of
    # how much each feature varies, or the loudest would drown the others.
    start_R = model.table.detach().mean(0)
    spread_C = features_NChw.std(dim=(0, 2, 3)).clamp(min=1e-4)
    unit_R = torch.cat([(1 / spread_C).repeat_interleave(model.config.kernel**2), torch.ones(1)])
    change_KR = torch.zeros(len(kept), len(start_R), requires_grad=True)
    optimizer = torch.optim.Adam([change_KR], lr=0.03)
    train = torch.nonzero(fit_on).flatten().numpy()
    for _ in range(steps):
        batch = torch.from_numpy(dice.choice(train, min(48, len(train)), replace=False))
        vectors_KR = start_R + change_KR * unit_R
        logits = model.heatmaps(features_NChw[batch], vectors_KR.expand(len(batch), -1, -1))
        cost = place_loss(
            logits.flatten(2), cells_NK2[batch], weights_NK[batch], model.config.grid, 1.0
        ) / weights_NK[batch].sum().clamp(min=1)  # fmt: skip
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    vectors_KR = (start_R + change_KR * unit_R).detach()
    mean_K2 = _mean(cells_NK2[fit_on], weights_NK[fit_on])
    held = ~fit_on
    error, mean = _errors(
        model, features_NChw[held], vectors_KR, cells_NK2[held],
        visible_NK[held][:, kept], mean_K2,
    )  # fmt: skip
    texts = place_texts()
    return PlaceVectors(
        tuple(PLACES[int(k)].name for k in kept), tuple(texts[int(k)] for k in kept),
        vectors_KR, error, mean,
    )  # fmt: skip


@torch.no_grad()
def _crops(
    model: PoseModel, shard: Shard, rows: np.ndarray
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Picture features, the places' cells and weights, and which places are visible."""
    size = (model.config.width, model.config.height)
    features, cells, states = [], [], []
    for start in range(0, len(rows), 16):
        part = rows[start : start + 16]
        boxes = shard.boxes_N4[part].astype(float).tolist()
        crops = [Crop.of_box((x, y, w, h), size) for x, y, w, h in boxes]
        pixels = np.stack([crop.cut(np.asarray(shard.images_NSS3[row]))
                           for crop, row in zip(crops, part, strict=True)])  # fmt: skip
        features.append(model.image(torch.from_numpy(pixels.astype(np.uint8)))["features"])
        for crop, row in zip(crops, part, strict=True):
            told = shard.extra["places_NK3"][row]
            cells.append(crop.apply(told[:, :2]))
            states.append(np.nan_to_num(told[:, 2]))
    features_NChw = torch.cat(features)
    h, w = features_NChw.shape[2:]
    points_NK2 = np.stack(cells)
    inside = ((points_NK2 >= 0) & (points_NK2 <= np.array(size) - 1)).all(2)
    state_NK = np.where(inside, np.stack(states), 0)
    scale = (np.array([w, h]) - 1) / (np.array(size) - 1)
    cells_NK2 = torch.from_numpy(np.nan_to_num(points_NK2 * scale).astype(np.float32))
    visible = state_NK == State.VISIBLE
    weights = np.where(visible, 1.0, np.where(state_NK == State.OCCLUDED, HIDDEN, 0.0))
    weights_NK = torch.from_numpy(weights.astype(np.float32))
    return features_NChw, cells_NK2, weights_NK, torch.from_numpy(visible)


def _mean(cells_NK2: Tensor, weights_NK: Tensor) -> Tensor:
    weight = weights_NK[..., None]
    return (cells_NK2 * weight).sum(0) / weight.sum(0).clamp(min=1e-6)


@torch.no_grad()
def _errors(
    model: PoseModel,
    features_NChw: Tensor,
    vectors_KR: Tensor,
    cells_NK2: Tensor,
    visible_NK: Tensor,
    mean_K2: Tensor,
) -> tuple[float, float]:
    """Median distances in input pixels: of the fitted vectors, and of the mean positions."""
    logits = model.heatmaps(features_NChw, vectors_KR.expand(len(features_NChw), -1, -1))
    height, width = logits.shape[2:]
    found = codec.decode(logits.flatten(2), height, width)
    scale = (model.config.width - 1) / (width - 1)
    error = (found - cells_NK2).norm(dim=-1)[visible_NK] * scale
    dull = (mean_K2 - cells_NK2).norm(dim=-1)[visible_NK] * scale
    return float(error.median()), float(dull.median())


def descriptions(seed: int, each: int) -> list[tuple[int, str]]:
    """Names, aliases and phrasebook wordings of every vocabulary joint."""
    books, rows = [phrasebook("en"), phrasebook("zh")], []
    for index, joint in enumerate(vocabulary().joints):
        texts = {joint.en, joint.zh, f"the {joint.en}", f"point: {joint.en}", *joint.aliases}
        rng = Random(f"{seed}/{joint.name}")
        for _ in range(each):
            try:
                texts.add(phrase(_part(joint.name), rng, rng.choice(books)))
            except KeyError:  # a point no phrasebook names, such as face_12
                break
        rows += [(index, text) for text in sorted(texts)]
    return rows


def _part(name: str) -> Part:
    from posealign.instructions.query import part  # noqa: PLC0415

    return part(name)


@torch.no_grad()
def read_slot(model: PoseModel, tokenizer_file: Path, texts: list[str]) -> Tensor:
    """[M, T]: what the vector head is given for each text."""
    tokenizer, caught = load_tokenizer(tokenizer_file), []
    head = model.words.vector
    hook = head.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))  # type: ignore[union-attr]
    try:
        for start in range(0, len(texts), 64):
            model.text(torch.from_numpy(batch(tokenizer, texts[start : start + 64])))
    finally:
        hook.remove()
    return torch.cat(caught)


@torch.no_grad()
def fit_vector_head(
    model: PoseModel, tokenizer_file: Path, each: int = 12, places: PlaceVectors | None = None
) -> float:
    """Ridge regression onto the joint table and the places' vectors; returns the share of
    variance explained.
    """
    rows = descriptions(0, each)
    texts = [text for _, text in rows]
    target_MR = model.table[torch.tensor([index for index, _ in rows])].double()
    if places is not None:
        texts += [text for said in places.texts for text in said]
        order = [k for k, said in enumerate(places.texts) for _ in said]
        target_MR = torch.cat([target_MR, places.vectors_KR[torch.tensor(order)].double()])
    features_MT = read_slot(model, tokenizer_file, texts).double()
    x = torch.cat([features_MT, torch.ones(len(texts), 1).double()], dim=1)
    penalty = RIDGE * float((features_MT**2).mean()) * len(texts) / x.shape[1]
    diagonal = torch.full((x.shape[1],), penalty, dtype=torch.float64)
    diagonal[-1] = 0
    solved = torch.linalg.solve(x.T @ x + torch.diag(diagonal), x.T @ target_MR)
    head = model.words.vector
    head.weight.copy_(solved[:-1].T.float())  # type: ignore[operator, union-attr]
    head.bias.copy_(solved[-1].float())  # type: ignore[operator, union-attr]
    left = ((x @ solved - target_MR) ** 2).sum()
    return float(1 - left / ((target_MR - target_MR.mean(0)) ** 2).sum())
