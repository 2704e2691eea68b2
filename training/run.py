"""A tuning run: its model, its caches, and its verdicts on itself."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from posealign.errors import InvalidConfig, InvalidInput
from posealign.metrics.hallucination import at_recall
from posealign.model.pose_model import PoseModel
from posealign.rewards.accuracy import band_at
from posealign.rewards.combine import Rewarded, reward
from posealign.rewards.poses import Poses, Rules
from training.cache import Cache, open_cache
from training.deployed import Deployed, deploy, judge, label_space, median_oks, rates
from training.guards import reasons
from training.policy import Batch, Policy, trained_joints
from training.prior import Prior
from training.rollout import divergence
from training.starting import assembled
from training.tune_config import TuneConfig

KEPT = 0.95  # of the joints that are there, where emission of absent ones is compared


@dataclass
class Run:
    """What one tuning run holds; `policy` shares its parameters with `model`."""

    config: TuneConfig
    model: PoseModel
    policy: Policy
    reference: Policy
    train: Cache
    validation: Cache
    prior: Prior | None
    rules: Rules
    start: Deployed | None = None  # on validation views; its places serve where none are trained

    def score(self, poses: Poses, batch: Batch) -> Rewarded:
        return reward(poses, batch.scene, self.config.decided, self.rules)


def prepare(
    config: TuneConfig, caches: dict[str, Cache] | None = None, start: Deployed | None = None
) -> Run:
    """`caches` may be handed in by whoever runs many tunings on the same ones.

    So may `start`, the starting point's answers to the validation views: it saves the heatmaps of
    a run that trains presence alone.
    """
    model = assembled(config.model, config.weights_from, config.text_from)
    frozen = len(model.decoder.layers) - config.layers
    if frozen < 0:
        raise InvalidConfig(f"the decoder has {len(model.decoder.layers)} layers")
    folder = Path(config.cache)
    caches = caches or {
        name: open_cache(folder / name, model, split, frozen, config.text_from)
        for name, split in config.splits.items()
    }
    model.requires_grad_(False)
    presence = config.trains == "presence"
    policy = Policy(model, trained_joints(config.joints), config.layers,
                    "answer" in caches["train"].labels and not presence, presence)  # fmt: skip
    reference = copy.deepcopy(policy).requires_grad_(False)
    for parameter in policy.trained():
        parameter.requires_grad_(True)
    try:
        prior = Prior.fit(label_space(caches["train"], policy.names), policy.names)
    except InvalidInput:
        prior = None  # labels without depth know no space
    return Run(config, model, policy, reference, caches["train"], caches["validation"], prior,
               Rules(), start if presence else None)  # fmt: skip


def optimizer_of(run: Run) -> torch.optim.AdamW:
    """Over what the policy trains, anchored by the reference and not by decay."""
    trained, rate = [p for p in run.policy.parameters() if p.requires_grad], run.config.rate
    return torch.optim.AdamW([{"params": trained, "lr": rate, "base_lr": rate}], weight_decay=0.0)


def judged(run: Run) -> dict[str, float]:
    """The policy as deployed, on the validation views; `reward` is what it is trained on."""
    found = deploy(run.policy, run.validation, like=run.start)
    if run.policy.presence and run.start is None:
        run.start = found
    figures = rates(judge(found, run.config.absent_threshold, run.prior))
    poses = replace(
        found.poses,
        emitted_GBV=torch.from_numpy(found.emitted_NK(run.config.absent_threshold))[None],
    )
    scored = reward(poses, found.scene, run.config.rewards, run.rules)
    absent = found.scene.absent_BV.numpy()
    known = absent | found.scene.present_BV.numpy()
    ranked = at_recall(1 - found.absent_NK[known], absent[known], KEPT)
    return figures | {
        "reward": scored.total, "median_oks": median_oks(found),
        "absent_at_recall": ranked["hallucination"],
    }  # fmt: skip


@torch.no_grad()
def distance(run: Run, pictures: int = 128) -> float:
    """Nats a joint between policy and reference on validation views."""
    rows = range(min(pictures, len(run.validation)))
    batch = run.policy.batch(run.validation, rows)
    apart = divergence(run.policy(batch)[0], run.reference(batch)[0], batch.scene.asked_BV)
    return float(apart.a_joint())


def verdict(run: Run, first: dict[str, Any], step: int) -> dict[str, Any]:
    """Figures on validation views, and whether the guards take them."""
    now, apart = judged(run), distance(run)
    refused = reasons(first, now, apart, run.config.guards)
    return {"step": step, "kl": apart, "accepted": not refused, "refused": refused, **now}


def progressed(run: Run, row: dict[str, Any]) -> Rules:
    """The accuracy band that the last verdict earns; it never falls back."""
    if not run.config.progressive:
        return run.rules
    band = max(run.rules.band, band_at(float(row["median_oks"])))
    return replace(run.rules, band=band)


def summary(config: TuneConfig, history: list[dict[str, Any]]) -> dict[str, Any]:
    taken = [row for row in history if row["accepted"]]
    return {
        "method": config.method, "seed": config.seed, "steps": config.steps,
        "accepted_step": taken[-1]["step"], "refused": [r for r in history if not r["accepted"]],
        "before": history[0], "after": taken[-1], "last": history[-1],
    }  # fmt: skip
