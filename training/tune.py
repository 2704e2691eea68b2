"""Stage 2, reward tuning: group-relative, on cached features.

    posealign train tune configs/tune.yaml key=value …
    torchrun --nproc_per_node 8 -m training.tune configs/tune.yaml

A step: rows → rollouts → rewards → advantages → clipped loss + KL + anchor → every so often judged
as deployed, and kept only where the guards agree. The batch at a step is a function of
(seed, step); a stopped run goes on as if it had not been. `method` compares: `group` (this),
`ppo` (a reward model scores, a critic is the baseline), `sft` (the anchor alone, for the same
compute) and `rules` (the same rules as differentiable losses).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from posealign.config import load_config
from posealign.errors import InvalidConfig
from posealign.rewards.combine import Rewarded, flipped_sets
from posealign.rewards.poses import Poses
from training import grpo, loop
from training.anchor import anchor_loss, rules_loss
from training.cache import Cache
from training.deployed import Deployed, decoded
from training.grpo import Advantages, Clip, Scales
from training.policy import Batch, Policy
from training.rollout import Actions, LogProbs, Noise, draw, log_probs, poses_of
from training.run import Run, judged, optimizer_of, prepare, progressed, summary, verdict
from training.tune_config import TuneConfig

Scorer = Callable[[Poses, Batch], Rewarded]


def rows_at(config: TuneConfig, count: int, step: int) -> list[int]:
    """Each epoch in a new order; a function of (seed, step)."""
    used = min(count, config.rows or count)
    positions = range(step * config.batch, (step + 1) * config.batch)
    orders: dict[int, Any] = {}
    rows = []
    for position in positions:
        epoch, place = divmod(position, used)
        if epoch not in orders:
            orders[epoch] = np.random.default_rng((config.seed, epoch)).permutation(used)
        rows.append(int(orders[epoch][place]))
    return rows


def noise_at(config: TuneConfig, step: int, joints: int) -> Noise:
    dice = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    return Noise.draw(dice, config.rollouts, config.batch, joints)


@torch.no_grad()
def credited(
    run: Run, policy: Policy, batch: Batch, noise: Noise, score: Scorer
) -> tuple[Actions, LogProbs, Advantages, Rewarded, Tensor]:
    """Rollouts of the policy as it is now, and what each decision in them is worth."""
    tempered, plain = policy(batch, run.config.tau)
    actions = draw(tempered, batch.scene.asked_BV, noise)
    old = log_probs(tempered, actions)
    poses = poses_of(actions, policy.grid[1], run.train.pixels_per_cell)
    found = score(poses, batch)
    joint = found.joint_GBV
    # A reward model would have to read every joint's pose apart: it judges whole answers.
    if run.config.credit == "alone" and run.config.method != "ppo" and plain.placed:
        cells, z = decoded(plain.place_BKC, plain.z_BKZ, policy.grid)
        standing = Poses(
            (cells * run.train.pixels_per_cell)[None], z[None],
            batch.scene.asked_BV[None] & (plain.state_BK3[None, ..., 0].exp() <= 0.5),
        )  # fmt: skip
        joint = one_by_one(poses, standing, batch, score)
    flipped = flipped_sets(actions.emitted_GBK, batch.scene, run.config.rewards)
    worth = grpo.advantages(joint, found.set_GB, flipped, actions, batch.answered_B)
    return actions, old, worth, found, joint


def one_by_one(poses: Poses, standing: Poses, batch: Batch, score: Scorer) -> Tensor:
    """[G, B, K]: what each sampled joint earns in the pose that would be deployed around it.

    Judged together, every joint carries the sampling noise of its neighbours; judged alone, a
    joint's reward is about that joint.
    """
    rollouts, pictures, joints = poses.z_GBV.shape
    eye = torch.eye(joints, dtype=torch.bool)[:, None, None, :]  # V moved, 1, 1, V
    points = torch.where(eye[..., None], poses.points_GBV2[None], standing.points_GBV2[None])
    z = torch.where(eye, poses.z_GBV[None], standing.z_GBV[None])
    emitted = torch.where(eye, poses.emitted_GBV[None], standing.emitted_GBV[None])
    many = Poses(*(value.reshape(joints * rollouts, pictures, *value.shape[3:])
                   for value in (points, z, emitted)))  # fmt: skip
    earned = score(many, batch).joint_GBV.view(joints, rollouts, pictures, joints)
    return earned.diagonal(dim1=0, dim2=3)


def losses_of(
    run: Run,
    wrapped: nn.Module,
    batch: Batch,
    drawn: tuple[Actions, LogProbs, Advantages] | None,
    reference: Any,
    totals: dict[str, float],
    pictures: int,
) -> dict[str, Tensor]:
    """One inner step's loss in parts; they add up over ranks."""
    config = run.config
    tempered, plain = wrapped(batch, config.tau)
    parts = {"anchor": config.anchor * anchor_loss(plain, batch, run.policy.grid,
                                                   run.train.pixels_per_cell, totals)}  # fmt: skip
    if drawn is not None:
        actions, old, worth = drawn
        clip = Clip(*config.clip)
        new = log_probs(tempered, actions)
        parts["policy"] = grpo.policy_loss(new, old, worth, actions, clip, pictures)
        parts |= grpo.regularisers(tempered, reference, batch, config.weights, pictures)
    if config.method == "rules":
        loss = rules_loss(plain, batch, run.policy.grid, run.train.pixels_per_cell,
                          config.rewards)  # fmt: skip
        parts["rules"] = config.rules_weight * loss / pictures
    return parts


def tune(
    config: TuneConfig, caches: dict[str, Cache] | None = None, start: Deployed | None = None
) -> dict[str, Any]:
    """Trains, judges, and writes `accepted.pt`: the last checkpoint that the guards took."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    accelerator = Accelerator(cpu=True)
    ranks, rank = accelerator.num_processes, accelerator.process_index
    if config.batch % ranks:
        raise InvalidConfig(f"batch {config.batch} is not a multiple of {ranks} ranks")
    if ranks > 1 and config.method == "ppo":
        raise InvalidConfig("ppo's critic learns on one rank: several would each have their own")
    run, out = prepare(config, caches, start), Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    score, critic = scorer_of(run)
    optimizer = optimizer_of(run)
    scales = Scales(reduce=accelerator.reduce)
    first, history = resume(out / "last.pt", run, optimizer, scales, critic)
    wrapped = accelerator.prepare(run.policy)
    if not history:
        history = [{"step": 0, "kl": 0.0, "accepted": True, **judged(run)}]
        if accelerator.is_main_process:
            save_accepted(out, run, 0)
    run.rules = progressed(run, history[-1])
    main = accelerator.is_main_process
    log = loop.CsvLog(out, first) if main else None
    for step in range(first, config.steps):
        loop.set_rate(optimizer, loop.learning_rate(step, config.steps, config.warmup, 0.7))
        mine = rows_at(config, len(run.train), step)[rank::ranks]
        # A reward model looks at the picture, also where the policy's own layers are not in play.
        batch = run.policy.batch(run.train, mine, tokens=config.method == "ppo")
        row = one_step(run, wrapped, optimizer, batch, step, scales, score, critic, accelerator)
        if log is not None:
            log.write(step, row)
        done = step + 1
        if done % config.judge_every == 0 or done == config.steps:
            history.append(verdict(run, history[0], done))
            if main and history[-1]["accepted"]:
                save_accepted(out, run, done)
            run.rules = progressed(run, history[-1])
        if main and (done % config.save_every == 0 or done == config.steps):
            save(out / "last.pt", run, optimizer, scales, critic, done, history)
    report = summary(config, history)
    if main:
        (out / "report.json").write_text(json.dumps(report, indent=1))
    return report


def one_step(
    run: Run,
    wrapped: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    step: int,
    scales: Scales,
    score: Scorer,
    critic: Any,
    accelerator: Accelerator,
) -> dict[str, float]:
    config, ranks = run.config, accelerator.num_processes
    rank, pictures = accelerator.process_index, run.config.batch
    row: dict[str, float] = {}
    drawn = reference = None
    if config.method in ("group", "ppo"):
        noise = noise_at(config, step, len(run.policy.names)).pictures(slice(rank, None, ranks))
        actions, old, worth, found, joint = credited(run, run.policy, batch, noise, score)
        if critic is not None:
            worth = critic.advantages(batch, actions, joint, worth)
        scales.update(worth, grpo.masks(actions))
        drawn = (actions, old, scales.apply(worth))
        row = {f"reward_{name}": value for name, value in found.terms.items()}
        with torch.no_grad():
            reference = run.reference(batch, config.tau)[0]
    totals = {
        name: float(accelerator.reduce(value)) for name, value in anchor_totals(batch).items()
    }
    for _ in range(config.inner):
        parts = losses_of(run, wrapped, batch, drawn, reference, totals, pictures)
        # Distributed training averages over ranks; the divisors already hold all of them.
        accelerator.backward(torch.stack(list(parts.values())).sum() * ranks)
        norm = accelerator.clip_grad_norm_(wrapped.parameters(), config.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
    for name, value in parts.items():
        row[name] = float(accelerator.reduce(value.detach()))
    return row | {"gradient": float(norm)}


def anchor_totals(batch: Batch) -> dict[str, Tensor]:
    """What the anchor's sums are divided by, of these rows."""
    return {
        "pictures": torch.tensor(float(len(batch))),
        "place": batch.place_weight_BK.sum(),
        "state": batch.state_weight_BK.sum(),
        "z": batch.z_weight_BK.sum(),
    }


def scorer_of(run: Run) -> tuple[Scorer, Any]:
    """Rules, or for PPO a reward model with a critic."""
    if run.config.method != "ppo":
        return run.score, None
    from training.ppo import Critic  # noqa: PLC0415
    from training.reward_model import read_ensemble  # noqa: PLC0415

    ensemble = read_ensemble(Path(str(run.config.reward_model)))
    return ensemble.scorer(run.score), Critic(run.policy, run.config.rate)


def save_accepted(out: Path, run: Run, step: int) -> None:
    """A whole PoseModel under `ema`, as every later stage reads it."""
    state = {name: value.clone() for name, value in run.model.state_dict().items()}
    loop.save_checkpoint(out / "accepted.pt", {"ema": state, "step": step})


def save(
    path: Path,
    run: Run,
    optimizer: torch.optim.Optimizer,
    scales: Scales,
    critic: Any,
    step: int,
    history: list[dict[str, Any]],
) -> None:
    loop.save_checkpoint(path, {
        "policy": run.policy.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
        "scales": scales.state(), "history": json.dumps(history),
        "critic": None if critic is None else critic.state_dict(),
        "band": list(run.rules.band),
    })  # fmt: skip


def resume(
    path: Path, run: Run, optimizer: torch.optim.Optimizer, scales: Scales, critic: Any
) -> tuple[int, list[dict[str, Any]]]:
    if not path.exists():
        return 0, []
    saved = loop.load_checkpoint(path)
    run.policy.load_state_dict(saved["policy"])
    optimizer.load_state_dict(saved["optimizer"])
    for group in optimizer.param_groups:
        group["base_lr"] = run.config.rate
    scales.load(saved["scales"])
    if critic is not None:
        critic.load_state_dict(saved["critic"])
    run.rules = replace(run.rules, band=tuple(saved["band"]))
    return int(saved["step"]), json.loads(saved["history"])


def main() -> None:
    report = tune(load_config(TuneConfig, sys.argv[1], sys.argv[2:]))
    print(json.dumps({key: report[key] for key in ("accepted_step", "before", "after")}))


if __name__ == "__main__":
    main()
