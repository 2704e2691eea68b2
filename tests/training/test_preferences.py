"""Preferences: records, pairs, the reward model, DPO by pair and by joint, judges by rule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from posealign.config import load_config
from posealign.errors import InvalidConfig, InvalidInput
from posealign.model import codec
from posealign.preferences import Preference, read, write
from posealign.skeletons.load import vocabulary
from training import reward_model
from training.anchor import smeared
from training.deployed import deploy
from training.dpo import DpoConfig, answer_log_prob, dpo, preference_loss
from training.judges import feedback, rule
from training.pairs import Given, from_records, simulated
from training.policy import batch_of
from training.reward_model import RewardModelConfig, bradley_terry
from training.run import Run, prepare

from .tiny import CONFIGS, start, tiny

RECORD = {
    "picture": "a" * 64, "instruction": "the left leg", "rater": "r1", "model": "b" * 64,
    "corrected": ["left_knee"],
    "answers": [
        {"by": "r1", "joints": {"left_knee": {"x": 1.0, "y": 2.0, "state": "visible"}}},
        {"by": "model", "joints": {"left_knee": {"state": "absent"}}},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return prepare(tiny(tmp_path_factory.mktemp("preferences")))


@pytest.fixture(scope="module")
def records(run: Run) -> list[Preference]:
    return simulated(deploy(run.policy, run.train), run.train, 20, 0.0, 1)


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "preferences.jsonl"
    record = Preference.model_validate(RECORD)
    assert write(path, [record, record]) == 2
    assert list(read(path)) == [record, record]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"picture": "abc"}, "picture"),
        ({"corrected": ["left_elbow"]}, "left_elbow"),
        ({"answers": RECORD["answers"][:1]}, "answers"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_a_bad_record_names_line_and_field(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(RECORD) + "\n" + json.dumps({**RECORD, **change}) + "\n")
    with pytest.raises(InvalidInput, match=rf"bad\.jsonl:2.*{said}"):
        list(read(path))


def test_a_joint_without_a_place_is_absent_or_an_error() -> None:
    knee = {"left_knee": {"state": "visible"}}
    answers = [{"by": "r1", "joints": knee}, RECORD["answers"][1]]  # type: ignore[index]
    with pytest.raises(ValueError, match="place"):
        Preference.model_validate({**RECORD, "answers": answers})
    strange = {"left_kneee": {"x": 1.0, "y": 1.0, "state": "visible"}}
    with pytest.raises(ValueError, match="left_knee"):
        Preference.model_validate({**RECORD, "answers": [{"by": "r1", "joints": strange}] * 2})


def test_corrections_put_at_most_three_joints_right(run: Run, records: list[Preference]) -> None:
    pairs = from_records(records, run.train, run.policy.names)
    scene = batch_of(run.train, pairs.rows_P, run.policy.names, tokens=False).scene
    assert 1 <= int(pairs.changed_PK.sum(1).max()) <= 3
    errors = [(given.points_PK2 - torch.nan_to_num(scene.points_BV2)).norm(dim=-1)
              for given in (pairs.better, pairs.worse)]  # fmt: skip
    assert (errors[0][pairs.changed_PK] < 5).all()
    assert float(errors[1][pairs.changed_PK].mean()) > float(errors[0][pairs.changed_PK].mean())
    same = ~pairs.changed_PK
    assert torch.equal(pairs.better.points_PK2[same], pairs.worse.points_PK2[same])


def test_flips_reverse_some_pairs(run: Run) -> None:
    given = deploy(run.policy, run.train)
    honest, careless = (simulated(given, run.train, 20, flips, 1) for flips in (0.0, 0.4))
    raters = [record.answers[0].by for record in careless]
    assert all(record.answers[0].by == "simulated rater" for record in honest)
    assert 2 <= raters.count("policy") <= 14


def test_a_picture_the_cache_lacks_is_an_error(run: Run) -> None:
    with pytest.raises(InvalidInput, match="aaaaaaaaaaaa"):
        from_records([Preference.model_validate(RECORD)], run.train, run.policy.names)


def test_only_joints_that_changed_count() -> None:
    gap = torch.tensor([[5.0, -1.0]], requires_grad=True)
    changed = torch.tensor([[False, True]])
    for kind in ("pair", "dense"):
        config = DpoConfig.model_construct(kind=kind, beta=0.1, flips=0.0)
        loss = preference_loss(gap, changed, torch.ones(1, 2), config, torch.ones(1))
        (slope,) = torch.autograd.grad(loss, gap)
        assert slope[0, 0] == 0
        assert slope[0, 1] < 0


def test_dense_weighs_by_how_wrong_a_joint_was_and_smoothing_pulls_back() -> None:
    gap = torch.zeros(1, 2, requires_grad=True)
    changed, gamma = torch.ones(1, 2, dtype=torch.bool), torch.tensor([[1.0, 4.0]])
    config = DpoConfig.model_construct(kind="dense", beta=0.1, flips=0.0)
    loss = preference_loss(gap, changed, gamma, config, torch.ones(1))
    (slope,) = torch.autograd.grad(loss, gap)
    assert float(slope[0, 1] / slope[0, 0]) == pytest.approx(4)
    sure = torch.full((1, 2), 60.0, requires_grad=True)
    smooth = DpoConfig.model_construct(kind="dense", beta=0.1, flips=0.2)
    (back,) = torch.autograd.grad(
        preference_loss(sure, changed, gamma, smooth, torch.ones(1)), sure
    )
    assert (back > 0).all()  # beyond what a rater with 20 % slips can mean


def test_a_place_is_smeared_over_its_neighbours(run: Run) -> None:
    batch = batch_of(run.train, range(2), run.policy.names, tokens=False)
    plain = run.policy(batch)[1].detached()
    joints = len(run.policy.names)
    points = torch.full((2, joints, 2), 20.0)
    here = Given(points, torch.zeros(2, joints), torch.full((2, joints), 2))
    there = Given(points + 1.0, torch.zeros(2, joints), torch.full((2, joints), 2))
    peaked = replace(plain, place_BKC=torch.full_like(plain.place_BKC, -40.0))
    cell = round(20.0 / run.train.pixels_per_cell)
    peaked.place_BKC[..., cell * 16 + cell] = 0.0
    first, second = (answer_log_prob(peaked, given, (16, 16), run.train.pixels_per_cell)
                     for given in (here, there))  # fmt: skip
    assert float((first - second).abs().max()) < 5  # of 40 that separate the cells
    gone = Given(points, torch.zeros(2, joints), torch.zeros(2, joints, dtype=torch.long))
    said = answer_log_prob(plain, gone, (16, 16), run.train.pixels_per_cell)
    assert torch.allclose(said, plain.state_BK3[..., 0])


def test_smearing_by_row_and_column_is_the_soft_targets_sum() -> None:
    dice = torch.Generator().manual_seed(3)
    place = torch.randn(2, 3, 6 * 5, generator=dice).log_softmax(-1)
    cells = torch.rand(2, 3, 2, generator=dice) * 7 - 1  # some beyond the border
    target = codec.soft_target(cells, 6, 5, sigma=1.0)
    assert torch.allclose(smeared(place, cells, (6, 5)), (target * place).sum(-1), atol=1e-5)


@pytest.mark.parametrize("kind", ["pair", "dense", "labels"])
def test_dpo_prefers_what_was_preferred(
    tmp_path: Path, records: list[Preference], kind: str
) -> None:
    path = tmp_path / "preferences.jsonl"
    write(path, records)
    config = load_config(DpoConfig, CONFIGS / "dpo_tiny.yaml", [
        f"out={tmp_path / 'out'}", f"weights_from={start()}", f"preferences={path}",
        f"cache={start().parent / 'cache'}", f"kind={kind}", "steps=8", "batch=20",
    ])  # fmt: skip
    report = dpo(config)
    lines = (tmp_path / "out" / "log.csv").read_text().splitlines()
    column = lines[0].split(",").index("preferred")
    assert float(lines[-1].split(",")[column]) > 0.7
    assert report["last"]["step"] == 8


def test_settings_of_rollouts_are_refused_where_nothing_is_sampled() -> None:
    with pytest.raises(InvalidConfig, match="rollouts"):
        load_config(DpoConfig, CONFIGS / "dpo_tiny.yaml", ["rollouts=8"])


def test_the_reward_model_learns_which_answer_is_better(
    tmp_path: Path, run: Run, records: list[Preference]
) -> None:
    pairs = from_records(records, run.train, run.policy.names)
    config = RewardModelConfig.model_construct(
        seed=0, held_out=0.25, members=2, width=32, steps=40, batch=16, rate=3e-3
    )
    ensemble, figures = reward_model.train_ensemble(pairs, run.train, run.policy.names, config)
    assert figures["accuracy"] > 0.8
    reward_model.save_ensemble(tmp_path, ensemble, figures)
    again = reward_model.read_ensemble(tmp_path)
    batch = batch_of(run.train, pairs.rows_P[:4], run.policy.names, tokens=True)
    given = pairs.take(range(4)).better
    assert torch.equal(again.scores(given, batch), ensemble.scores(given, batch))
    each = [reward_model.scores(m, given, batch, run.train.pixels_per_cell)
            for m in ensemble.members]  # fmt: skip
    assert torch.equal(ensemble.scores(given, batch), torch.stack(each).min(0).values)
    # What a member adds to every answer is no opinion: it must not become the least one for it.
    lower = ensemble.members[0]
    for member in ensemble.members:
        reward_model.centre(member, pairs, run.train, run.policy.names)
    centred = ensemble.scores(given, batch)
    lower.score[1].bias -= 5.0
    reward_model.centre(lower, pairs, run.train, run.policy.names)
    assert torch.allclose(ensemble.scores(given, batch), centred, atol=1e-4)


def test_bradley_terry_by_hand() -> None:
    better, worse = torch.tensor([[2.0, 9.0]]), torch.tensor([[1.0, 0.0]])
    changed = torch.tensor([[True, False]])
    expected = 2 * np.log1p(np.exp(-1.0))
    assert float(bradley_terry(better, worse, changed, torch.ones(1))) == pytest.approx(expected)


def test_judges_prefer_the_plausible_answer(run: Run) -> None:
    given = deploy(run.policy, run.train)
    truth = run.train.labels["points"][:, [batch_index(n) for n in run.policy.names]]
    real = replace(given, points_NK2=truth.astype(float), z_NK=np.zeros_like(given.z_NK),
                   absent_NK=np.zeros_like(given.absent_NK))  # fmt: skip
    dice = np.random.default_rng(0)
    mad = replace(real, points_NK2=real.points_NK2 + dice.normal(0, 25, real.points_NK2.shape))
    ruling = rule(
        replace(real.poses, points_GBV2=torch.cat([real.poses.points_GBV2, mad.poses.points_GBV2]),
                z_GBV=real.poses.z_GBV.repeat(2, 1, 1),
                emitted_GBV=real.poses.emitted_GBV.repeat(2, 1, 1)), real.scene,
    )  # fmt: skip
    assert float((ruling.total_GB[0] > ruling.total_GB[1]).float().mean()) > 0.8
    written = feedback([mad, real], ["mad", "real"], run.train, "c" * 64)
    assert written
    assert [r.answers[0].by for r in written].count("real") > 0.9 * len(written)
    assert all(r.rater.startswith("rules") for r in written)
    with pytest.raises(InvalidInput, match="two answers"):
        feedback([real], ["real"], run.train, "c" * 64)


def batch_index(name: str) -> int:
    return vocabulary().index(name)
