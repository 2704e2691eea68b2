"""Stems, alignment, calibration and configs: the stages around fine-tuning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from posealign import bundle as bundles
from posealign.bundle import CalibrationSpec
from posealign.calibrate import apply
from posealign.config import Config, load_config
from posealign.data.pose import State
from posealign.errors import InvalidInput
from posealign.model.config import Calibration
from posealign.model.hybrid import Pyramid
from posealign.predictor import Predictor
from training import calibrate
from training.align import AlignConfig, at_joints, info_nce
from training.align import train as train_align
from training.ask import AskConfig
from training.command import Recipe, Stage, run
from training.dpo import DpoConfig
from training.experiments.bakeoff import BakeoffConfig
from training.experiments.config import StudyConfig
from training.experiments.fixed import FixedConfig
from training.release import ReleaseConfig
from training.reward_model import RewardModelConfig
from training.sft import SftConfig
from training.stems import read_movenet, unit_scales
from training.tune_config import TuneConfig

CONFIGS = Path(__file__).parents[2] / "configs"
PRESENCE = ("absent_A", "present_A", "border_A", "worth_A", "hidden_A", "occluded_A")
KINDS: dict[str, type[Config]] = {
    "sft_": SftConfig, "align_": AlignConfig, "default_ask": AskConfig,
    "default_release": ReleaseConfig, "default_": SftConfig, "default.": Recipe,
    "tune": TuneConfig, "dpo": DpoConfig, "reward_model": RewardModelConfig,
    "study_bakeoff": BakeoffConfig, "study_fixed": FixedConfig, "study_": StudyConfig,
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


def test_each_stage_of_the_bundle_reads_what_one_before_it_wrote() -> None:
    written: set[str] = set()
    for stage in load_config(Recipe, CONFIGS / "default.yaml").stages:
        given = dict(a.split("=", 1) for a in stage.arguments if "=" in a)
        settings = [yaml.safe_load((CONFIGS.parent / argument).read_text("utf-8")) | given
                    for argument in stage.arguments if argument.startswith("configs/")]  # fmt: skip
        read = [one.get("weights_from") for one in settings]
        if stage.stage == "average":
            read += stage.arguments[:2]
        assert set(filter(None, read)) <= written
        if stage.stage == "average":
            written.add(stage.arguments[3])
        written |= {f"{one['out']}/last.pt" for one in settings if stage.stage == "sft"}


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


def source(count: int, seed: int, border: float = 0.3) -> calibrate.Measured:
    """Confidences that a logistic makes; absent joints only of people at the border."""
    random = np.random.default_rng(seed)
    features = random.normal(0, 2, (count, 5))
    oks = 1 / (1 + np.exp(-(0.5 + features @ [1.2, 1.5, -0.1, -0.4, 0.8])))
    radius = random.uniform(1, 5, count)
    error = np.abs(random.normal(0, 1, count)) * radius
    at_border = random.random(count) < border
    present = ~at_border | (random.random(count) < 0.7)
    odds = random.normal(0, 1, count) + np.where(present, -4.0, -1.0) * np.where(at_border, 1, 1.2)
    absent = 1 / (1 + np.exp(-odds))
    # Most places that the state doubts are wrong, as of real joints that the border nearly cuts.
    sure = random.random(count) < np.where(odds < -3, 0.8, 0.3)
    worth = np.where(present, np.where(sure, 0.8, 0.2), 0.0)
    # Half of the hidden joints look rather visible.
    occluded = present & (random.random(count) < 0.3)
    hidden = 1 / (1 + np.exp(-random.normal(0, 1, count) - np.where(occluded, 0.0, -2.0)))
    return calibrate.Measured(
        features, oks, error, radius, absent, present, at_border, worth, hidden, occluded
    )


def test_confidence_and_radius_are_fitted() -> None:
    measured = source(4000, 0)
    found = calibrate.fit([measured])
    assert isinstance(found, Calibration)
    assert (found.bias, found.slopes[1]) == pytest.approx((0.5, 1.2), abs=0.1)
    assert (found.tolerance, found.hidden) == pytest.approx((1.5, -0.1), abs=0.1)
    assert (found.spread, found.support) == pytest.approx((-0.4, 0.8), abs=0.1)
    told = calibrate.honesty(found, source(4000, 1))
    assert told["calibration_gap"] < 0.02
    assert told["inside_radius"] == pytest.approx(0.9, abs=0.02)
    with pytest.raises(InvalidInput, match="50"):
        calibrate.fit([source(9, 0)])


def test_absence_has_a_limit_at_the_border_and_one_clear_of_it() -> None:
    """People clear of the border lack nothing, so their limit is high and costs no joint."""
    first, whole = calibrate.absent_limits([source(8000, 2)])
    assert first < whole
    other = source(8000, 3)
    told = calibrate.presence(other, (first, whole))
    assert told["right joints emitted"] > calibrate.KEPT - 0.01
    assert told["presence, balanced accuracy"] > 0.85
    gained = told["oks, absent joints counted"]
    for change in (0.3, 3.0):  # as good on others as it was where it was chosen
        assert calibrate.extended(other, (first * change, whole)) < gained
    assert calibrate.extended(other, (whole, whole)) < gained


def test_absence_never_costs_a_source_its_right_joints() -> None:
    """One that knows no absent joints has no gain from them, but a say in what is lost."""
    rich = source(8000, 2)
    poor = source(8000, 5)
    known = {name: getattr(poor, name)[poor.present_A] for name in PRESENCE}
    poor = replace(poor, **known | {"absent_A": np.sqrt(known["absent_A"])})  # it doubts far more
    alone, careful = calibrate.absent_limits([rich]), calibrate.absent_limits([rich, poor])
    assert careful[0] > alone[0]
    assert calibrate.presence(poor, alone)["right joints emitted"] < calibrate.KEPT
    assert calibrate.presence(poor, careful)["right joints emitted"] >= calibrate.KEPT


def test_hidden_joints_are_told_where_both_kinds_are_right_alike() -> None:
    limit = calibrate.occluded_limit([source(8000, 2)])
    assert limit == pytest.approx(1 / (1 + np.e), abs=0.06)  # half-way between the two
    other = source(8000, 3)
    told = calibrate.presence(other, (1.0, 1.0), limit)["hidden or visible, balanced accuracy"]
    assert told > calibrate.told_hidden(other, 0.5) + 0.02
    plain = source(4000, 4)
    nothing = np.zeros(len(plain.present_A), bool)
    assert calibrate.occluded_limit([replace(plain, occluded_A=nothing)]) == 0.5


def test_without_absent_joints_one_limit_holds_for_all() -> None:
    first, second = calibrate.absent_limits([source(4000, 4, border=0.0)])
    assert first == second
    measured = source(4000, 4, border=0.0)
    assert (measured.absent_A <= first).mean() == pytest.approx(0.97, abs=0.01)


def test_a_case_is_measured_as_it_is_served(tmp_path: Path) -> None:
    """On an uncalibrated copy of the embedded bundle; a calibrated one is turned away."""
    bundle = apply(bundles.find("default"), CalibrationSpec(), tmp_path / "plain")
    states = np.full(148, State.UNLABELLED, np.int8)
    states[:17] = State.VISIBLE
    states[16] = State.ABSENT
    points = np.tile([60.0, 60.0], (148, 1))
    image = np.random.default_rng(0).integers(0, 256, (120, 120, 3)).astype(np.uint8)
    case = calibrate.Case(image, (-0.5, 30.0, 60.0, 60.0), points, states, 1000.0)
    predictor = Predictor(bundle, "cpu", 1)
    found = calibrate.measure(predictor, [case], np.arange(17))
    assert found.features_MF.shape == (16, 5)
    assert found.absent_A.shape == found.present_A.shape == (17,)
    assert not found.present_A[16]
    assert found.worth_A[16] == 0
    assert found.worth_A[:16] == pytest.approx(found.oks_M)
    assert ((found.hidden_A >= 0) & (found.hidden_A <= 1)).all()
    assert not found.occluded_A.any()
    assert found.border_A.all()
    pose = predictor.look(image, [case.box]).ask("the nose").poses[0]
    nose = (*pose.joints, *pose.filtered)[0]
    mass = 1 / (1 + np.exp(-found.features_MF[0, 0]))
    assert nose.confidence == pytest.approx(mass, abs=1e-3)
    with pytest.raises(InvalidInput, match="without one"):
        calibrate.measure(Predictor("default", "cpu", 1), [case], np.arange(17))
