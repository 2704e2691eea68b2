"""What hides a hidden joint: one linear layer on the joints' tokens, fitted at release.

Which joints are hidden is trained with everything else; by what, their tokens then tell without any
further training of the trunk. Synthetic people alone are labelled with it.
Shapes: M hidden joints, D decoder width, H hiders.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.errors import InvalidInput
from posealign.model.pose_model import PoseModel
from training.measured import hiders_told
from training.shards import Shard

RIDGE = 3e-4  # on the weights' squares, beside the mean cost of a joint
AT_ONCE = 16  # crops


def fit_hiders(model: PoseModel, shard: Shard, rows: int = 2500, seed: int = 0) -> dict[str, float]:
    """Set the layer; a quarter of the people is kept back for the figures that are returned. Crops
    are turned anyhow, as in training.
    """
    hider = model.decoder.joint_heads.hider
    if hider is None:
        raise InvalidInput("this model has no layer for hiders: set model.decoder.hiders=true")
    if "hidden_by_NV" not in shard.extra:
        raise InvalidInput(f"{shard.name} does not say what hides a joint: pack synthetic people")
    dice = np.random.default_rng(seed)
    picked = np.sort(dice.permutation(len(shard))[:rows])
    tokens_MD, truth_M, person_M = _hidden(model, shard, picked, dice)
    kept_back = person_M % 4 == 3
    _fit(hider, tokens_MD[~kept_back], truth_M[~kept_back])
    return _figures(hider, tokens_MD[kept_back], truth_M[kept_back])


@torch.no_grad()
def _hidden(
    model: PoseModel, shard: Shard, rows: np.ndarray, dice: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens of the hidden joints, what hides them, and whose they are."""
    size = (model.config.width, model.config.height)
    tokens, truth, people = [], [], []
    for start in range(0, len(rows), AT_ONCE):
        pixels, facts = [], []
        for row in rows[start : start + AT_ONCE]:
            picture = np.asarray(shard.images_NSS3[row])
            x, y, width, height = shard.boxes_N4[row].astype(float).tolist()
            crop = Crop.of_box((x, y, width, height), size, float(dice.uniform(-180, 180)))
            pixels.append(crop.cut(picture))
            facts.append(crop.facts((picture.shape[1], picture.shape[0])))
        seen_BND = model.image(torch.from_numpy(np.stack(pixels)))["tokens"]
        joints_BVD = model.decoder.look(seen_BND, torch.from_numpy(np.stack(facts)).float())[0]
        part = rows[start : start + AT_ONCE]
        hidden_BV = shard.extra["hidden_by_NV"][part]
        told = (shard.states_NV[part] == State.OCCLUDED) & (hidden_BV >= 0)
        tokens.append(model.decoder.joint_heads.norm(joints_BVD)[torch.from_numpy(told)])
        truth.append(torch.from_numpy(hidden_BV[told].astype(np.int64)))
        people.append(torch.from_numpy(start + np.nonzero(told)[0]))
    return torch.cat(tokens), torch.cat(truth), torch.cat(people)


def _fit(hider: torch.nn.Linear, tokens_MD: Tensor, truth_M: Tensor) -> None:
    """Logistic regression, from zero: the same layer whatever was in it."""
    torch.nn.init.zeros_(hider.weight)
    torch.nn.init.zeros_(hider.bias)
    parameters = [hider.weight, hider.bias]
    optimizer = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def cost() -> Tensor:
        optimizer.zero_grad()
        total = F.cross_entropy(hider(tokens_MD), truth_M) + RIDGE * hider.weight.square().sum()
        total.backward()
        return total

    optimizer.step(cost)


@torch.no_grad()
def _figures(hider: torch.nn.Linear, tokens_MD: Tensor, truth_M: Tensor) -> dict[str, float]:
    commonest = (truth_M == truth_M.mode().values).float().mean()
    return {
        "joints": len(truth_M),
        "always the commonest": round(float(commonest), 4),
        **hiders_told(hider(tokens_MD).argmax(-1).numpy(), truth_M.numpy()),
    }
