"""Stage 3, direct preference optimisation: of whole answers, or dense, joint by joint.

    posealign train dpo configs/dpo.yaml key=value …

Joints factorise, so joints that did not change cancel; the dense form (after RLHF-V) gives every
corrected joint its own comparison, weighted by how wrong it was. A place's log-probability is
smeared over its neighbours, or one cell would rise and the next stay. What the better answer says
must not become less likely than it was (the penalty λ). A known rate of careless labels enters as
label smoothing. `kind: labels` is the control: corrected joints of the better answer as plain
labels. Shapes: P pairs, K joints.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from posealign.config import load_config
from posealign.model import codec
from posealign.preferences import read
from posealign.rewards.poses import Scene
from training import loop
from training.anchor import anchor_loss, smeared
from training.cache import Cache
from training.pairs import Given, Pairs, from_records
from training.policy import Distribution
from training.run import Run, judged, optimizer_of, prepare, summary, verdict
from training.tune import anchor_totals, save_accepted
from training.tune_config import TuneConfig

OF_ROLLOUTS = frozenset({
    "method", "rollouts", "inner", "tau", "clip", "kl", "entropy", "credit", "reward_model",
    "rules_weight", "rows",
})  # fmt: skip


class DpoConfig(TuneConfig):
    """`preferences` are about views of the `train` split; `flips` is the known rate of error.

    The anchor needs those views' labels; with 0 nothing but the preferences is learnt from.
    """

    preferences: str
    trains: str = Field("all", pattern="^all$")  # a correction is about a place
    kind: str = Field("dense", pattern="^(pair|dense|labels)$")
    beta: float = Field(0.1, gt=0)
    penalty: float = Field(0.1, ge=0)
    flips: float = Field(0.0, ge=0, lt=0.5)

    @model_validator(mode="after")
    def _used(self) -> DpoConfig:
        idle = sorted(OF_ROLLOUTS & self.model_fields_set)
        if idle:
            raise ValueError(f"{', '.join(idle)} would be ignored: nothing is sampled here")
        return self


def answer_log_prob(
    policy: Distribution, given: Given, grid: tuple[int, int], pixels_per_cell: float
) -> Tensor:
    """[P, K]: state, and of joints that are there a smeared place and depth."""
    state = policy.state_BK3.gather(-1, given.state_PK[..., None]).squeeze(-1)
    place = smeared(policy.place_BKC, given.points_PK2 / pixels_per_cell, grid)
    z = (codec.z_target(given.z_PK) * policy.z_BKZ).sum(-1)
    return state + (place + z) * (given.state_PK > 0)


def severity(pairs: Pairs, scene: Scene) -> Tensor:
    """[P, K] γ: how far apart the two places are, in units of what is usual for the joint."""
    error = (pairs.better.points_PK2 - pairs.worse.points_PK2).square().sum(-1).sqrt()
    usual = 2 * scene.sigmas_V * scene.area_B[:, None].sqrt()
    return (error / usual.clamp(min=1e-6)).clamp(1, 5)


def preference_loss(
    gap_PK: Tensor, changed_PK: Tensor, gamma_PK: Tensor, config: DpoConfig, confidence_P: Tensor
) -> Tensor:
    """`gap` is the log-ratio of better over worse, policy against reference, a joint."""
    smooth = config.flips
    changed = changed_PK.to(gap_PK.dtype)

    def cost(gap: Tensor) -> Tensor:
        margin = config.beta * gap
        return -(1 - smooth) * F.logsigmoid(margin) - smooth * F.logsigmoid(-margin)

    if config.kind == "pair":
        each = cost((gap_PK * changed).sum(-1))
    else:
        weights = gamma_PK * changed
        each = (weights * cost(gap_PK)).sum(-1) / weights.sum(-1).clamp(min=1e-6)
    return (each * confidence_P).mean()


def labels_loss(
    better_PK: Tensor, changed_PK: Tensor, gamma_PK: Tensor, confidence_P: Tensor
) -> Tensor:
    """What a correction says without what it replaced, weighted as the dense form weighs it."""
    weights = gamma_PK * changed_PK.to(better_PK.dtype)
    each = -(weights * better_PK).sum(-1) / weights.sum(-1).clamp(min=1e-6)
    return (each * confidence_P).mean()


def dpo(config: DpoConfig, caches: dict[str, Cache] | None = None) -> dict[str, Any]:
    """Trains and judges like training.tune, and writes the same files."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    run, out = prepare(config, caches), Path(config.out)
    pairs = from_records(read(Path(config.preferences)), run.train, run.policy.names)
    start_better, start_worse = at_start(run, pairs)
    optimizer = optimizer_of(run)
    out.mkdir(parents=True, exist_ok=True)
    start, history = 0, [{"step": 0, "kl": 0.0, "accepted": True, **judged(run)}]
    if (out / "last.pt").exists():
        saved = loop.load_checkpoint(out / "last.pt")
        run.policy.load_state_dict(saved["policy"])
        optimizer.load_state_dict(saved["optimizer"])
        start, history = int(saved["step"]), json.loads(saved["history"])
    else:
        save_accepted(out, run, 0)
    log = loop.CsvLog(out, start)
    for step in range(start, config.steps):
        loop.set_rate(optimizer, loop.learning_rate(step, config.steps, config.warmup, 0.5))
        random = np.random.default_rng((config.seed, step))
        drawn = random.choice(len(pairs), min(config.batch, len(pairs)), replace=False)
        before = start_better[drawn], start_worse[drawn]
        row = _step(run, pairs.take(drawn), before, optimizer, config)
        log.write(step, row)
        done = step + 1
        if done % config.judge_every == 0 or done == config.steps:
            history.append(verdict(run, history[0], done))
            if history[-1]["accepted"]:
                save_accepted(out, run, done)
        if done % config.save_every == 0 or done == config.steps:
            loop.save_checkpoint(out / "last.pt", {
                "policy": run.policy.state_dict(), "optimizer": optimizer.state_dict(),
                "step": done, "history": json.dumps(history),
            })  # fmt: skip
    report = summary(config, history) | {"kind": config.kind, "pairs": len(pairs)}
    (out / "report.json").write_text(json.dumps(report, indent=1))
    return report


@torch.no_grad()
def at_start(run: Run, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """[P, K] of the better and of the worse answers; the reference never changes: asked once."""
    found = []
    for first in range(0, len(pairs), 64):
        part = pairs.take(np.arange(first, min(first + 64, len(pairs))))
        _, plain = run.reference(run.policy.batch(run.train, part.rows_P))
        found.append([answer_log_prob(plain, given, run.policy.grid, run.train.pixels_per_cell)
                      for given in (part.better, part.worse)])  # fmt: skip
    better, worse = (torch.cat(side) for side in zip(*found, strict=True))
    return better, worse


def _step(
    run: Run,
    part: Pairs,
    before: tuple[Tensor, Tensor],
    optimizer: torch.optim.Optimizer,
    config: DpoConfig,
) -> dict[str, float]:
    step_px, grid = run.train.pixels_per_cell, run.policy.grid
    batch = run.policy.batch(run.train, part.rows_P)
    _, plain = run.policy(batch)
    better, worse = (answer_log_prob(plain, given, grid, step_px)
                     for given in (part.better, part.worse))  # fmt: skip
    old_better, old_worse = before
    gap = (better - old_better) - (worse - old_worse)
    gamma = severity(part, batch.scene)
    said = (labels_loss(better, part.changed_PK, gamma, part.confidence_P)
            if config.kind == "labels" else
            preference_loss(gap, part.changed_PK, gamma, config, part.confidence_P))  # fmt: skip
    parts = {
        "preference": said,
        "penalty": config.penalty * (old_better - better).clamp(min=0).sum(-1).mean(),
    }
    if config.anchor:
        totals = {name: float(value) for name, value in anchor_totals(batch).items()}
        parts["anchor"] = config.anchor * anchor_loss(plain, batch, grid, step_px, totals)
    torch.stack(list(parts.values())).sum().backward()
    norm = torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], config.clip_norm)
    optimizer.step()
    optimizer.zero_grad()
    right = ((gap * part.changed_PK).sum(-1) > 0).float().mean()
    return {name: float(value.detach()) for name, value in parts.items()} | {
        "gradient": float(norm), "preferred": float(right),
    }  # fmt: skip


def main() -> None:
    report = dpo(load_config(DpoConfig, sys.argv[1], sys.argv[2:]))
    print(json.dumps({key: report[key] for key in ("accepted_step", "before", "after")}))


if __name__ == "__main__":
    main()
