"""Reward tuning: ratios, gradients, KL, ranks, resuming, guards."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from posealign.config import load_config
from posealign.errors import InvalidConfig
from posealign.rewards.combine import WEIGHTS
from training import grpo, rollout
from training.cache import SplitConfig, open_cache, people_of
from training.deployed import deploy, judge, matched_threshold, rates
from training.guards import Guards, reasons
from training.policy import Distribution, batch_of
from training.rollout import Noise, draw, log_probs
from training.run import prepare
from training.tune import credited, losses_of, noise_at, one_by_one, rows_at, tune
from training.tune_config import TuneConfig

from .tiny import CONFIGS, tiny


def test_the_first_updates_ratio_is_one(tmp_path: Path) -> None:
    """Old and new log-probabilities come from the same weights, tempered alike."""
    run = prepare(tiny(tmp_path, "tau=0.6"))
    batch = batch_of(run.train, range(8), run.policy.names, tokens=False)
    noise = noise_at(run.config, 0, len(run.policy.names))
    actions, old, worth, _, _ = credited(run, run.policy, batch, noise, run.score)
    new = log_probs(run.policy(batch, 0.6)[0], actions)
    for one, other in zip(vars(new).values(), vars(old).values(), strict=True):
        assert torch.equal((one - other).exp(), torch.ones_like(one))
    # So the clipped objective is the mean advantage itself.
    loss = grpo.policy_loss(new, old, worth, actions, grpo.Clip(), len(batch))
    each = (worth.state_GBK + worth.place_GBK).sum() / len(run.policy.names)
    expected = -(worth.gate_GB.sum() + each) / (4 * len(batch))
    assert float(loss.detach()) == pytest.approx(float(expected), abs=1e-6)


def toy(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits of 2 joints × 3 cells and × 3 states, and what each outcome earns."""
    dice = torch.Generator().manual_seed(seed)
    return (torch.randn(1, 2, 3, generator=dice), torch.randn(1, 2, 3, generator=dice),
            torch.randn(3, 3, generator=dice), torch.randn(2, 2, generator=dice))  # fmt: skip


def as_distribution(cells: torch.Tensor, states: torch.Tensor) -> Distribution:
    certain = torch.tensor([[-30.0, 30.0]]).log_softmax(-1)
    return Distribution(
        cells.log_softmax(-1), torch.zeros(1, 2, 1), states.log_softmax(-1), certain
    )


def test_the_score_function_gradient_is_that_of_enumeration() -> None:
    """E[R] over every cell of 2 joints and, apart, over every set of states: exact gradients."""
    cells, states, joint_reward, set_reward = toy()
    cells.requires_grad_()
    states.requires_grad_()
    p, q = cells[0].softmax(-1), states[0].softmax(-1)
    given = torch.stack([q[:, 0], q[:, 1] + q[:, 2]], -1)  # kept back, given
    both = given[0, 1] * given[1, 1]
    # Places matter where both joints are given; sets always.
    places = sum(p[0, a] * p[1, b] * joint_reward[a, b] for a, b in product(range(3), repeat=2))
    sets = sum(given[0, a] * given[1, b] * set_reward[a, b] for a, b in product((0, 1), repeat=2))
    (exact_cells,) = torch.autograd.grad(both.detach() * places, cells)
    (exact_states,) = torch.autograd.grad(sets, states)

    rollouts = 60_000
    policy = as_distribution(cells, states)
    asked = torch.ones(1, 2, dtype=torch.bool)
    noise = Noise.draw(torch.Generator().manual_seed(1), rollouts, 1, 2)
    actions = draw(policy.detached(), asked, noise)
    emitted = actions.emitted_GBK[:, 0]
    pair = emitted.all(-1)
    earned = joint_reward[actions.cell_GBK[:, 0, 0], actions.cell_GBK[:, 0, 1]] * pair
    joint = earned[:, None, None].expand(-1, 1, 2)
    one = emitted.long()
    value = set_reward[one[:, 0], one[:, 1]]
    flipped = torch.stack([set_reward[1 - one[:, 0], one[:, 1]],
                           set_reward[one[:, 0], 1 - one[:, 1]]], -1)  # fmt: skip
    worth = grpo.advantages(joint, value[:, None], flipped[:, None], actions,
                            torch.ones(1, dtype=torch.bool))  # fmt: skip
    new = log_probs(policy, actions)
    old = rollout.LogProbs(*(v.detach() for v in vars(new).values()))
    loss = grpo.policy_loss(new, old, worth, actions, grpo.Clip(), 1)
    found_cells, found_states = torch.autograd.grad(-2 * loss, (cells, states))
    assert torch.allclose(found_states, exact_states, atol=0.01)
    assert torch.allclose(found_cells, exact_cells, atol=0.015)


def test_kl_in_closed_form_is_what_sampling_measures() -> None:
    cells, states, _, _ = toy(3)
    one, other = as_distribution(cells, states), as_distribution(cells * 0.5, states + 0.3)
    gates = [torch.tensor([[0.3, 0.9]]), torch.tensor([[0.0, 1.6]])]
    one = replace(one, gate_B2=gates[0].log_softmax(-1))
    other = replace(other, gate_B2=gates[1].log_softmax(-1))
    asked = torch.ones(1, 2, dtype=torch.bool)
    apart = rollout.divergence(one, other, asked)
    noise = Noise.draw(torch.Generator().manual_seed(2), 80_000, 1, 2)
    actions = draw(one, asked, noise)
    mine, theirs = log_probs(one, actions), log_probs(other, actions)
    gap = [(a - b) for a, b in zip(vars(mine).values(), vars(theirs).values(), strict=True)]
    discrete = (gap[0] + gap[1].sum(-1)).mean()
    assert float(apart.discrete_B) == pytest.approx(float(discrete), abs=0.01)
    assert float(apart.continuous_B) == pytest.approx(float(gap[2].sum(-1).mean()), abs=0.01)
    assert float(rollout.divergence(one, one, asked).a_joint()) == 0


def test_draws_follow_the_distribution_and_its_noise_alone() -> None:
    cells, states, _, _ = toy(5)
    policy, asked = as_distribution(cells, states), torch.tensor([[True, False]])
    noise = Noise.draw(torch.Generator().manual_seed(4), 50_000, 1, 2)
    actions = draw(policy, asked, noise)
    shares = torch.bincount(actions.cell_GBK[:, 0, 0], minlength=3) / 50_000
    assert torch.allclose(shares, cells[0, 0].softmax(-1), atol=0.01)
    assert not actions.emitted_GBK[..., 1].any()  # nobody asked
    assert torch.equal(draw(policy, asked, noise).cell_GBK, actions.cell_GBK)


def test_relative_advantages_leave_one_out() -> None:
    values = torch.tensor([[1.0], [3.0], [8.0]])
    mask = torch.tensor([[True], [True], [False]])
    assert grpo.relative(values, mask)[:, 0].tolist() == [-2, 2, 0]
    assert grpo.relative(values, mask & (values < 2)).abs().sum() == 0  # one alone teaches nothing


def test_exploit_refusing_what_one_would_answer_badly_does_not_pay() -> None:
    """The gate is credited with sets alone: places that break rules are no reason to refuse."""
    answer = torch.tensor([[True], [True], [False], [False]])
    some = answer[..., None].expand(-1, -1, 2)
    actions = rollout.Actions(
        answer, torch.full((4, 1, 2), 2), torch.zeros(4, 1, 2, dtype=torch.long),
        torch.zeros(4, 1, 2, dtype=torch.long), torch.zeros(4, 1, 2, 3),
        torch.ones(1, 2, dtype=torch.bool), some,
    )  # fmt: skip
    dreadful = torch.where(some, -9.0, 0.0)
    sets = torch.where(answer, 1.0, 0.0)
    for answered, signs in ((True, [1, 1, -1, -1]), (False, [-1, -1, 1, 1])):
        earned = sets if answered else 1 - sets  # where nothing is there, giving nothing is right
        worth = grpo.advantages(dreadful, earned, torch.zeros(4, 1, 2), actions,
                                torch.tensor([answered]))  # fmt: skip
        assert worth.gate_GB[:, 0].sign().tolist() == signs
        assert float(worth.gate_GB.abs().max()) <= 1


def test_scales_run_over_batches_and_never_over_the_group() -> None:
    scales = grpo.Scales(decay=0.5)
    mask = {name: torch.ones(2, 1) if name == "gate" else torch.ones(2, 1, 3)
            for name in grpo.CHANNELS}  # fmt: skip
    for size in (1.0, 1.0, 1.0):
        worth = grpo.Advantages(torch.full((2, 1), size), torch.full((2, 1, 3), 2 * size),
                                torch.full((2, 1, 3), 3 * size))  # fmt: skip
        scales.update(worth, mask)
    assert [scales.scale(name) for name in grpo.CHANNELS] == pytest.approx([1, 2, 3])
    small = grpo.Advantages(*(0.1 * grpo.channel(worth, n) for n in grpo.CHANNELS))
    assert float(scales.apply(small).state_GBK.mean()) == pytest.approx(0.1)
    other = grpo.Scales()
    other.load(scales.state())
    assert other.scale("place") == scales.scale("place")


def test_a_joint_judged_alone_sees_its_neighbours_as_deployed(tmp_path: Path) -> None:
    run = prepare(tiny(tmp_path))
    batch = batch_of(run.train, range(8), run.policy.names, tokens=False)
    noise = noise_at(run.config, 0, len(run.policy.names))
    tempered, _ = run.policy(batch)
    poses = rollout.poses_of(draw(tempered, batch.scene.asked_BV, noise), 16, 4.0)
    standing = replace(poses, points_GBV2=poses.points_GBV2[:1], z_GBV=poses.z_GBV[:1],
                       emitted_GBV=poses.emitted_GBV[:1])  # fmt: skip
    alone = one_by_one(poses, standing, batch, run.score)
    wrist = run.policy.names.index("left_wrist")
    by_hand = replace(
        standing,
        points_GBV2=standing.points_GBV2.clone(),
        z_GBV=standing.z_GBV.clone(),
        emitted_GBV=standing.emitted_GBV.clone(),
    )
    by_hand.points_GBV2[0, :, wrist] = poses.points_GBV2[2, :, wrist]
    by_hand.z_GBV[0, :, wrist] = poses.z_GBV[2, :, wrist]
    by_hand.emitted_GBV[0, :, wrist] = poses.emitted_GBV[2, :, wrist]
    assert torch.allclose(alone[2, :, wrist], run.score(by_hand, batch).joint_GBV[0, :, wrist])


def curve(folder: Path) -> np.ndarray:  # type: ignore[type-arg]
    with (folder / "log.csv").open() as file:
        return np.array([[float(row[n]) for n in ("policy", "anchor", "kl", "gradient")]
                         for row in csv.DictReader(file)])  # fmt: skip


def test_a_resumed_run_draws_the_same_curve(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    report = tune(tiny(whole))
    tune(tiny(broken, "steps=2"))
    # The rate's schedule belongs to the whole run: two of four steps lie before its decay.
    again = tune(tiny(broken))
    assert len(curve(whole)) == 4
    assert curve(broken)[2:] == pytest.approx(curve(whole)[2:], rel=1e-3, abs=1e-6)
    assert again["last"]["reward"] == pytest.approx(report["last"]["reward"], rel=1e-4)
    saved = torch.load(whole / "accepted.pt", weights_only=True)
    assert "decoder.joint_heads.state.weight" in saved["ema"]


def test_the_parts_of_a_batch_add_up_to_its_gradient(tmp_path: Path) -> None:
    """What each rank computes from its rows, summed, is what one rank computes from all."""
    config = tiny(tmp_path)
    run = prepare(config)
    rows, joints = rows_at(config, 36, 0), len(run.policy.names)
    scales, found = grpo.Scales(), []
    for share in (1, 2):
        run.policy.zero_grad()
        for rank in range(share):
            part = slice(rank, None, share)
            batch = batch_of(run.train, rows[part], run.policy.names, tokens=False)
            noise = noise_at(config, 0, joints).pictures(part)
            actions, old, worth, _, _ = credited(run, run.policy, batch, noise, run.score)
            drawn = (actions, old, scales.apply(worth))
            with torch.no_grad():
                reference = run.reference(batch)[0]
            totals = {"place": 50.0, "state": 90.0, "z": 60.0, "pictures": 8.0}
            parts = losses_of(run, run.policy, batch, drawn, reference, totals, config.batch)
            torch.stack(list(parts.values())).sum().backward()
        found.append(torch.cat([p.grad.flatten() for p in run.policy.parameters()
                                if p.grad is not None]))  # fmt: skip
    assert float(found[0].norm()) > 1e-3
    assert torch.allclose(found[0], found[1], atol=1e-5)


@pytest.mark.slow
def test_two_ranks_give_one_ranks_curve(tmp_path: Path) -> None:
    """Over gloo: the same rollouts, statistics and gradients, whoever holds which rows."""
    one, two = tmp_path / "one", tmp_path / "two"
    config = tiny(one, "steps=2", "clip_norm=1000")
    open_caches = prepare(config)  # made before two ranks would both make them
    assert len(open_caches.train) == 36
    tune(config)
    options = [str(CONFIGS / "tune_tiny.yaml"), f"out={two}", "steps=2", "clip_norm=1000",
               f"weights_from={config.weights_from}", f"cache={config.cache}"]  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
         "--master_port", "29873", "-m", "training.tune", *options], check=True, timeout=300,
    )  # fmt: skip
    assert curve(two) == pytest.approx(curve(one), rel=2e-3, abs=1e-5)


@pytest.mark.parametrize("method", ["sft", "rules"])
def test_controls_run_the_same_loop(tmp_path: Path, method: str) -> None:
    report = tune(tiny(tmp_path, f"method={method}", "steps=2"))
    assert report["method"] == method
    assert np.isfinite(report["last"]["pck"])
    rows = (tmp_path / "log.csv").read_text()
    assert "policy" not in rows
    assert ("rules" in rows) == (method == "rules")


def test_a_stale_cache_is_made_anew(tmp_path: Path) -> None:
    config = tiny(tmp_path, f"cache={tmp_path / 'cache'}")
    run = prepare(config)
    folder = run.validation.folder
    before = (folder / "cache.json").read_text()
    run.model.table.data += 0.1
    again = open_cache(folder, run.model, config.splits["validation"], 1)
    assert (folder / "cache.json").read_text() != before
    assert len(again) == len(run.validation)


def test_guards_reject_by_name() -> None:
    before = {
        "pck": 0.8,
        "recall": 0.9,
        "yes_ratio": 0.7,
        "reward": 1.0,
        "asymmetry": 0.1,
        "pose_prior": 1.0,
        "labelled": 0.75,
    }
    guards = Guards()
    assert reasons(before, before | {"reward": 1.2}, 0.1, guards) == []
    assert "PCK" in reasons(before, before | {"pck": 0.79}, 0.1, guards)[0]
    fewer = before | {"recall": 0.85, "reward": 1.2}  # absent too often
    assert "recall" in reasons(before, fewer, 0.1, guards)[0]
    assert reasons(before, before | {"recall": 0.895}, 0.1, guards) == []
    assert reasons(before, fewer, 0.1, Guards(recall_drop=0.06)) == []
    assert "yes-ratio" in reasons(before, before | {"yes_ratio": 0.5}, 0.1, guards)[0]
    assert reasons(before, before | {"yes_ratio": 0.76}, 0.1, guards) == []  # towards the labels
    assert "nats" in reasons(before, before, 0.9, guards)[0]
    hacked = before | {"reward": 1.5, "asymmetry": 0.2}
    assert "asymmetry" in reasons(before, hacked, 0.1, guards)[0]
    assert reasons(before, hacked | {"reward": 0.9}, 0.1, guards) == []  # no gain, no hack
    assert "nats" in reasons(before, before, float("nan"), guards)[0]


def test_every_row_is_seen_once_an_epoch(tmp_path: Path) -> None:
    config = tiny(tmp_path)
    rows = [row for step in range(9) for row in rows_at(config, 36, step)]
    assert sorted(rows[:36]) == list(range(36))
    assert rows[:36] != rows[36:]
    assert max(rows_at(tiny(tmp_path, "rows=5"), 36, 3)) < 5


def test_a_matched_threshold_gives_the_same_yes_ratio(tmp_path: Path) -> None:
    run = prepare(tiny(tmp_path))
    found = deploy(run.policy, run.validation)
    known = (found.scene.present_BV | found.scene.absent_BV).numpy()
    threshold = matched_threshold(found.absent_NK, known, 0.6)
    figures = rates(judge(found, threshold))
    assert figures["yes_ratio"] == pytest.approx(0.6, abs=2 / known.sum())
    assert set(figures) >= {"any", "bones", "depth", "pck", "absent_emitted", "asymmetry"}


@pytest.mark.parametrize("wrong", ["method=reinforce", "rewards={bone: 1}", "method=ppo"])
def test_a_config_that_makes_no_sense_says_so(wrong: str) -> None:
    with pytest.raises(InvalidConfig):
        load_config(TuneConfig, CONFIGS / "tune_tiny.yaml", [wrong])
    assert WEIGHTS["bones"] > 0


def test_a_group_is_spread_over_the_distribution() -> None:
    """Every number alone is uniform; together they leave no stratum out, in an order of its own."""
    noise = Noise.draw(torch.Generator().manual_seed(0), 16, 40, 5)
    for value in vars(noise).values():
        assert 0 <= float(value.min()) <= float(value.max()) < 1
        strata = (value * 16).floor().sort(0).values
        assert torch.equal(strata, torch.arange(16.0).view(16, *[1] * (value.ndim - 1))
                           .expand_as(strata))  # fmt: skip
    first = noise.place_GBK[0].flatten()
    assert float(first.mean()) == pytest.approx(0.5, abs=0.06)
    assert float(first.std()) == pytest.approx(12**-0.5, abs=0.04)
    # A joint's cell says nothing about its depth, nor a joint about its neighbour.
    for other in (noise.z_GBK, noise.place_GBK.roll(1, -1)):
        both = torch.corrcoef(torch.stack([noise.place_GBK.flatten(), other.flatten()]))
        assert abs(float(both[0, 1])) < 0.06


@pytest.mark.parametrize("method", ["group", "sft", "rules"])
def test_presence_alone_leaves_every_place_as_it_was(tmp_path: Path, method: str) -> None:
    config = tiny(tmp_path, "trains=presence", f"method={method}", "steps=3", "rate=0.05")
    report = tune(config)
    run = prepare(config)
    before = deploy(run.policy, run.validation)
    saved = torch.load(tmp_path / "last.pt", weights_only=False)["policy"]
    moved = {name for name, value in run.policy.state_dict().items()
             if not torch.equal(value, saved[name])}  # fmt: skip
    assert moved == {"heads.state.weight", "heads.state.bias"}
    run.policy.load_state_dict(saved)
    after, short = (deploy(run.policy, run.validation, like=like) for like in (None, before))
    assert np.array_equal(after.points_NK2, before.points_NK2)
    assert not np.allclose(after.absent_NK, before.absent_NK)
    # Without a heatmap the same is said.
    assert short.absent_NK == pytest.approx(after.absent_NK, abs=1e-6)
    assert report["last"]["pck"] == report["before"]["pck"]
    assert report["last"]["reward"] != report["before"]["reward"]
    with pytest.raises(InvalidConfig, match="layers 0"):
        tiny(tmp_path, "trains=presence", "layers=1")


def test_others_stand_behind_the_sources_people_and_share_nobody() -> None:
    config = SplitConfig(source="drawn:12", count=9, of=4, parts=(0, 1, 2), others="drawn:8",
                         others_count=4, others_parts=(3,))  # fmt: skip
    both, alone = people_of(config), people_of(config.model_copy(update={"others": None}))
    assert len(both.shard) == len(alone.shard) + 2  # of eight, the fourth and the last
    assert len(set(both.body_N.tolist())) == len(both.body_N) == len(both.depth_N)
    again = people_of(SplitConfig(source="drawn:8", count=4, of=4, parts=(3,)))
    for name in ("images_NSS3", "points_NV2", "states_NV"):
        mixed = getattr(both.shard, name)
        assert np.array_equal(mixed[len(alone.shard) :], getattr(again.shard, name), equal_nan=True)
        assert np.array_equal(mixed[: len(alone.shard)], getattr(alone.shard, name), equal_nan=True)
