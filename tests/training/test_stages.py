"""Stems, alignment, calibration and configs: the stages around fine-tuning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from posealign.config import Config, load_config
from posealign.errors import InvalidInput
from posealign.model.config import Calibration
from posealign.model.hybrid import Pyramid
from training import calibrate
from training.align import AlignConfig, at_joints, info_nce
from training.align import train as train_align
from training.ask import AskConfig
from training.command import Recipe, Stage, run
from training.dpo import DpoConfig
from training.experiments.config import StudyConfig
from training.release import ReleaseConfig
from training.reward_model import RewardModelConfig
from training.sft import SftConfig
from training.stems import read_movenet, unit_scales
from training.tune_config import TuneConfig

CONFIGS = Path(__file__).parents[2] / "configs"
KINDS: dict[str, type[Config]] = {
    "sft_": SftConfig, "align_": AlignConfig, "default_ask": AskConfig,
    "default_release": ReleaseConfig, "default_": SftConfig, "default.": Recipe,
    "tune": TuneConfig, "dpo": DpoConfig, "reward_model": RewardModelConfig, "study_": StudyConfig,
}  # fmt: skip


@pytest.mark.parametrize(
    "name", sorted(p.name for p in CONFIGS.glob("*.yaml") if p.name.startswith(tuple(KINDS)))
)
def test_every_recipe_loads(name: str) -> None:
    kind = next(kind for prefix, kind in KINDS.items() if name.startswith(prefix))
    load_config(kind, CONFIGS / name)


def test_the_recipe_of_the_bundle_names_files_that_exist() -> None:
    recipe = load_config(Recipe, CONFIGS / "default.yaml")
    for stage in recipe.stages:
        for argument in stage.arguments:
            if argument.startswith("configs/"):
                assert (CONFIGS.parent / argument).is_file()
    with pytest.raises(InvalidInput, match="sft"):
        run(Stage(stage="sff"))


def test_movenet_is_read_and_rescaled_without_changing_it(shared: Path) -> None:
    weights, rows, _ = read_movenet(shared / "peers" / "movenet_lightning_int8_v4.tflite")
    pyramid = Pyramid()
    pyramid.load_state_dict(weights)
    pixels = torch.randint(0, 256, (1, 192, 192, 3), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = torch.einsum("kc,bchw->bkhw", rows, pyramid.features(pyramid.levels(pixels)))
        scaled = unit_scales(pyramid, rows)
        features = pyramid.features(pyramid.levels(pixels))
        after = torch.einsum("kc,bchw->bkhw", scaled, features)
    assert torch.allclose(before, after, atol=1e-3 * float(before.abs().max()))
    assert 0.1 < float(features.std()) < 10


def test_alignment_brings_pairs_together(tmp_path: Path) -> None:
    config = load_config(AlignConfig, CONFIGS / "align_tiny.yaml", [f"out={tmp_path}"])
    last = train_align(config)
    first = float((tmp_path / "log.csv").read_text().splitlines()[1].split(",")[1])
    assert last["loss"] < first
    assert torch.load(tmp_path / "table.pt", weights_only=True).shape[0] == 148


def test_info_nce_is_least_for_the_right_pairs() -> None:
    same = torch.eye(4)
    assert info_nce(20 * torch.eye(4), same) < 1e-3
    assert info_nce(20 * torch.eye(4).roll(1, 0), same) > 5
    # Two texts that mean the same are no negatives of each other.
    twins = torch.block_diag(torch.ones(2, 2), torch.eye(2))
    assert info_nce(20 * twins, twins) < 1e-1 + float(np.log(2))


def test_features_are_read_where_the_joints_stand() -> None:
    features = torch.zeros(1, 2, 8, 8)
    features[0, 1, 3, 5] = 1.0
    scale = torch.tensor([31 / 7, 31 / 7])
    read = at_joints(features, torch.tensor([[[5 * 31 / 7, 3 * 31 / 7], [0.0, 0.0]]]), scale)
    assert read[0, 0, 1] == pytest.approx(1, abs=1e-4)
    assert read[0, 1].abs().sum() == 0


def test_confidence_and_radius_are_fitted() -> None:
    random = np.random.default_rng(0)
    certainty = random.normal(0, 2, 4000)
    oks = 1 / (1 + np.exp(-(0.5 + 1.2 * certainty)))
    features = np.stack([certainty, certainty + random.normal(0, 0.1, 4000), certainty * 0.5], 1)
    radius = random.uniform(1, 5, 4000)
    error = np.abs(random.normal(0, 1, 4000)) * radius
    measured = calibrate.Measured(features, oks, error, radius)
    found = calibrate.fit([measured])
    assert isinstance(found, Calibration)
    predicted = 1 / (1 + np.exp(-(features @ np.array(found.slopes) + found.bias)))
    assert np.abs(predicted - oks).mean() < 0.03
    assert (error <= found.radius_scale * radius).mean() == pytest.approx(0.9, abs=0.02)
    with pytest.raises(InvalidInput, match="50"):
        calibrate.fit([calibrate.Measured(features[:9], oks[:9], error[:9], radius[:9])])
