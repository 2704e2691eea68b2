"""The recipe under mmengine's Runner: two epochs, hooks, EMA, pictures, and going on again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from posealign import bundle as bundles
from posealign.export.convert import Conversion
from posealign.interop.mm import checkpoints
from posealign.interop.mm.checkpoints import convert_mmpose
from posealign.model.checkpoint import load_model
from tests.mm.test_estimator import RECIPE, TINY
from tests.mm.toys import on_people


def recipe(people: Path, folder: Path, epochs: int, **changes: Any) -> Config:
    """configs/mmpose's own file; the data, the size and the length are cut down."""
    config = on_people(Config.fromfile(str(RECIPE)), people)
    config.model.pose = TINY
    config.work_dir = str(folder)
    config.train_cfg = {"by_epoch": True, "max_epochs": epochs, "val_interval": 2}
    config.default_hooks.checkpoint.interval = 1
    config.default_hooks.checkpoint.max_keep_ckpts = -1
    config.default_hooks.logger.interval = 1
    config.randomness = {"seed": 0}
    config.visualizer.name = folder.name  # one of a name lives as long as the process
    config.param_scheduler = []
    config.optim_wrapper.optimizer.lr = 3e-3
    config.merge_from_dict(changes)
    return config


@pytest.fixture(scope="module")
def trained(people: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Runner, Path]:
    """Two epochs, with pictures of what was found."""
    folder = tmp_path_factory.mktemp("trained")
    hook = {"default_hooks.visualization.enable": True, "default_hooks.visualization.interval": 1}
    config = recipe(people, folder, 2, **hook)
    config.dump(str(folder / "recipe.py"))
    runner = Runner.from_cfg(config)
    runner.train()
    return runner, folder


def rows(folder: Path) -> list[dict[str, Any]]:
    (log,) = folder.glob("*/vis_data/scalars.json")
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_two_epochs(trained: tuple[Runner, Path]) -> None:
    runner, folder = trained
    assert (runner.epoch, runner.iter) == (2, 6)
    steps = [row for row in rows(folder) if "loss" in row]
    assert all({"loss_place", "loss_asked", "acc_pose", "grad_norm"} <= set(row) for row in steps)
    assert all(row["grad_norm"] > 0 for row in steps)
    (judged,) = [row for row in rows(folder) if "coco/AP" in row]
    assert judged["posealign/AP"] == pytest.approx(judged["coco/AP"], abs=1e-6)
    assert judged["posealign/AR"] == pytest.approx(judged["coco/AR"], abs=1e-6)
    assert 0 < judged["posealign/OKS"] < 1
    assert list(folder.glob("*/vis_data/vis_image/*.png"))
    assert (folder / "epoch_2.pth").is_file()
    assert list(folder.glob("best_coco_AP_*.pth"))


def test_the_saved_model_is_the_ema(trained: tuple[Runner, Path]) -> None:
    runner, folder = trained
    saved = torch.load(folder / "epoch_2.pth", weights_only=True)
    name = "pose.table"
    now = runner.model.state_dict()[name]
    assert not torch.equal(saved["state_dict"][name], now)
    assert torch.equal(saved["ema_state_dict"][f"module.{name}"], now)


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(
    trained: tuple[Runner, Path], people: Path, tmp_path: Path
) -> None:
    """From the checkpoint of the first epoch: same step, same rate, same instructions drawn."""
    _, folder = trained
    config = recipe(people, tmp_path, 2)
    config.resume, config.load_from = True, str(folder / "epoch_1.pth")
    runner = Runner.from_cfg(config)
    runner.train()
    assert (runner.epoch, runner.iter) == (2, 6)
    steps = [row["step"] for row in rows(tmp_path) if "loss" in row]
    assert steps == [4, 5, 6]
    saved = torch.load(folder / "epoch_1.pth", weights_only=True)
    assert saved["optimizer"]["state"]
    assert "loss_asked" in next(row for row in rows(tmp_path) if "loss" in row)


def test_the_loss_falls(people: Path, tmp_path: Path) -> None:
    config = recipe(people, tmp_path, 6)
    for name in ("val_cfg", "val_dataloader", "val_evaluator"):
        config[name] = None
    config.test_cfg = config.test_dataloader = config.test_evaluator = None
    config.default_hooks.checkpoint = None
    config.train_dataloader.dataset.pipeline = [
        step for step in config.train_dataloader.dataset.pipeline if "Random" not in step.type
    ]
    Runner.from_cfg(config).train()
    losses = [row["loss_place"] for row in rows(tmp_path) if "loss" in row]
    assert sum(losses[-3:]) / 3 < 0.9 * losses[0]


def test_what_was_trained_becomes_a_bundle(
    trained: tuple[Runner, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the slow writing of graphs; the slow test below writes them too."""
    _, folder = trained
    kept: list[Any] = []
    monkeypatch.setattr(checkpoints, "export_bundle", lambda *some: kept.extend(some))
    convert_mmpose(
        folder / "recipe.py", folder / "epoch_2.pth", "mine", tmp_path, bundles.find("default"),
        Conversion(),
    )  # fmt: skip
    model, _, metadata, tokenizer, precision = kept
    saved = torch.load(folder / "epoch_2.pth", weights_only=True)["state_dict"]
    for name, value in model.state_dict().items():
        assert torch.equal(value, saved[f"pose.{name}"])
    assert (metadata.select, metadata.finder, precision) == (True, False, "fp32")
    assert metadata.vocabulary.trained[:2] == ("nose", "left_eye")
    assert tokenizer.name == "tokenizer.json"


@pytest.mark.slow
def test_the_bundle_runs(trained: tuple[Runner, Path], tmp_path: Path) -> None:
    import numpy as np

    from posealign.predictor import Predictor

    _, folder = trained
    made = convert_mmpose(
        folder / "recipe.py", folder / "epoch_2.pth", "mine", tmp_path / "mine",
        bundles.find("default"), Conversion(),
    )  # fmt: skip
    assert load_model(made).config.width == 192
    picture = np.random.default_rng(0).integers(0, 256, (160, 200, 3), dtype=np.uint8)
    found = Predictor(made, "cpu").look(picture, [(10.0, 10.0, 80.0, 140.0)]).ask("left arm")
    assert {joint.name for joint in found.poses[0].joints} >= {"left_shoulder", "left_wrist"}
