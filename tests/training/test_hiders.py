"""What hides a joint is learnt from the joints' tokens: here the colour of the whole picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posealign.data.pose import State
from posealign.data.sample import HIDERS
from posealign.errors import InvalidInput
from posealign.model.config import DecoderConfig
from posealign.skeletons.load import vocabulary
from tests.model.toys import toy_model
from training.hiders import fit_hiders
from training.shards import Shard

COLOURS = {"self": (220, 40, 40), "blanket": (40, 60, 220)}


def covered(count: int = 48) -> Shard:
    """Red pictures, where the body hides its left wrist, and blue ones, where a blanket does."""
    joints, kinds = len(vocabulary()), list(COLOURS)
    images = np.empty((count, 96, 96, 3), np.uint8)
    states = np.full((count, joints), State.VISIBLE, np.int8)
    hidden = np.full((count, joints), -1, np.int8)
    states[:, 9] = State.OCCLUDED
    dice = np.random.default_rng(0)
    for row, kind in enumerate(dice.integers(0, 2, count)):
        images[row] = COLOURS[kinds[kind]] + dice.integers(-20, 20, (96, 96, 3))
        hidden[row, 9] = HIDERS.index(kinds[kind])
    return Shard(
        "covered", images, np.full((count, joints, 2), 48, np.float32),
        np.ones((count, joints), np.float32),
        np.tile(np.array([8, 8, 80, 80], np.float32), (count, 1)),
        states, np.full((count, joints), np.nan, np.float32), None, {"hidden_by_NV": hidden},
    )  # fmt: skip


def test_what_hides_a_joint_is_told_of_people_kept_back() -> None:
    model = toy_model().eval()
    before = {k: v.clone() for k, v in model.state_dict().items() if "joint_heads.hider" not in k}
    found = fit_hiders(model, covered())
    assert found["joints"] == 12
    assert found["told"] == found["under a blanket told"] == 1.0
    assert found["always the commonest"] < 0.8
    assert found["said to be under one, wrongly"] == 0.0
    assert all(torch.equal(model.state_dict()[k], v) for k, v in before.items()), "nothing else"
    again = toy_model().eval()
    fit_hiders(again, covered())
    fitted = (one.decoder.joint_heads.hider.weight for one in (model, again))
    torch.testing.assert_close(*fitted)


def test_what_is_missing_is_named() -> None:
    without = DecoderConfig(width=16, layers=2, text_layers=1, heads=2, glance=True)
    with pytest.raises(InvalidInput, match=r"decoder\.hiders=true"):
        fit_hiders(toy_model(decoder=without), covered(2))
    bare = Shard(**{**vars(covered(2)), "extra": {}})
    with pytest.raises(InvalidInput, match="does not say what hides a joint"):
        fit_hiders(toy_model(), bare)
