"""The open vocabulary learns generated places: fitted vectors find what they were fitted for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from posealign.bundle import find
from posealign.config import load_config
from posealign.errors import InvalidInput
from posealign.model.config import PoseConfig
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import vocabulary
from posealign.synth.places import PLACE_NAMES, PLACES
from training.openvocab import descriptions, fit_places, fit_vector_head, place_texts, read_slot
from training.sft import SftConfig
from training.shards import Shard

CONFIGS = Path(__file__).parents[2] / "configs"
WANTED = ("belly_button", "left_mid_forearm")
COLOURS = {"belly_button": (250, 30, 30), "left_mid_forearm": (30, 60, 250)}


class Colours(nn.Module):
    """An encoder whose features are the colours themselves."""

    channels, token_width = 3, 8

    def forward(self, pixels_BHW3: Tensor) -> dict[str, Tensor]:
        planes = pixels_BHW3.float().permute(0, 3, 1, 2) / 255 - 0.5
        return {"features": nn.functional.avg_pool2d(planes, 4)}


@pytest.fixture(scope="module")
def model() -> PoseModel:
    config = load_config(SftConfig, CONFIGS / "sft_tiny.yaml", ["out=unused"])
    words = config.model | {"text": config.model["text"] | {"tokens": 7062}}  # the default bundle's
    torch.manual_seed(0)
    return PoseModel(PoseConfig.model_validate(words), encoder=Colours()).eval()


def spots(count: int = 64) -> Shard:
    """Grey pictures in which each wanted place is a spot of its own colour."""
    dice = np.random.default_rng(0)
    images = np.full((count, 256, 256, 3), 128, np.uint8)
    places = np.full((count, len(PLACE_NAMES), 3), np.nan, np.float32)
    for row in range(count):
        for name in WANTED:
            x, y = dice.integers(60, 196, 2)
            images[row, y - 9 : y + 10, x - 9 : x + 10] = COLOURS[name]
            places[row, PLACE_NAMES.index(name)] = x, y, 2
    v = len(vocabulary())
    return Shard(
        "spots", images, np.full((count, v, 2), np.nan, np.float32),
        np.zeros((count, v), np.float32),
        np.tile(np.array([28, 28, 200, 200], np.float32), (count, 1)),
        np.full((count, v), -1, np.int8), np.full((count, v), np.nan, np.float32), None,
        {"places_NK3": places},
    )  # fmt: skip


def test_a_vector_is_found_for_each_place_that_is_seen(model: PoseModel) -> None:
    found = fit_places(model, spots(), rows=64, steps=120)
    assert found.names == WANTED
    assert found.vectors_KR.shape == (2, model.vector_width)
    assert found.error_px < 3, "on crops it was not fitted on"
    assert found.mean_px > 10
    tokenizer = find("default").folder / "tokenizer.json"
    fit_vector_head(model, tokenizer, 1, found)
    told = read_slot(model, tokenizer, ["the belly button"])
    vector = model.words.vector(told)  # type: ignore[operator]
    gap = [float((vector - row).detach().norm()) for row in found.vectors_KR]
    assert gap[0] < gap[1], "its words lead to its own vector"
    with pytest.raises(InvalidInput, match="has no places"):
        fit_places(model, Shard(**{**vars(spots(2)), "extra": {}}))


def test_places_have_words_no_joint_has() -> None:
    joints = {text for _, text in descriptions(0, 4)}
    own = [text for said in place_texts() for text in said]
    assert not joints & set(own)
    assert len(own) == len(set(own))
    assert len(place_texts()) == len(PLACES)
    assert "肚脐" in own
    assert "the middle of the left forearm" in own
