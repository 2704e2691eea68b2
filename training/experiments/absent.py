"""Joints that are not there: before and after tuning, and with second thoughts at inference."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from posealign.metrics.hallucination import at_recall
from posealign.rewards.depth import residual
from posealign.verify import contrasted, softmax, supported
from training.deployed import Deployed, matched_threshold
from training.experiments.arms import Study, known_joints, searched, start_arm, tuned
from training.experiments.intervals import change
from training.experiments.tables import Findings, Table, said


def hallucination(study: Study) -> Findings:
    """Absent joints given a place, at one recall, before and after, and with second thoughts."""
    rate = searched(study, "group")
    seed = study.config.seeds[0]
    sft_rate = searched(study, "sft")
    models = {
        "start": start_arm(study),
        "SFT continued": tuned(study, f"sft_rate{sft_rate:g}_seed{seed}", seed, sft_rate,
                               method="sft"),
        "tuned": tuned(study, f"group_rate{rate:g}_seed{seed}", seed, rate, method="group"),
    }  # fmt: skip
    absent = {name: one.absent_NK for name, one in models.items()}
    absent["start, contrastive"] = _contrastive(study)
    start = study.start
    off = _off(start)
    absent["start, verified"] = supported(start.absent_NK, start.confidence_NK, off)
    scene, known = study.start.scene, known_joints(study.start)
    gone, there = scene.absent_BV.numpy(), scene.present_BV.numpy()
    rows = []
    reference = _emission(absent["start"], known, gone, study.yes_ratio)
    for name, values in absent.items():
        emitted = _emission(values, known, gone, study.yes_ratio)
        recall = _emission(values, known, there, study.yes_ratio)
        drop = change([reference], [emitted], study.body_N, study.config.draws)
        figures = at_recall(1 - values[known], gone[known], study.config.recall)
        rows.append((name, _share(emitted), _share(recall),
                     f"{figures['hallucination']:.3f}", said(drop)))  # fmt: skip
    note = (f"Every row emits the same share of joints ({study.yes_ratio:.3f}); the fourth column "
            f"is at a recall of {study.config.recall:g} instead.")  # fmt: skip
    header = ("model", "absent emitted", "recall", "absent emitted at recall", "against start")
    return Findings((Table("Joints that are not there", header, tuple(rows), note),))


Ratio = tuple[NDArray[np.float64], NDArray[np.float64]]


def _emission(
    absent: NDArray[np.float64], known: NDArray[np.bool_], of: NDArray[np.bool_], yes: float
) -> Ratio:
    emitted = absent <= matched_threshold(absent, known, yes)
    return (emitted & of).sum(1).astype(float), of.sum(1).astype(float)


def _share(ratio: Ratio) -> str:
    return f"{ratio[0].sum() / max(ratio[1].sum(), 1):.3f}"


def _off(deployed: Deployed) -> NDArray[np.float64]:
    """Trunk lengths between joints and depth picture; NaN where nothing was measured."""
    found = residual(deployed.poses, deployed.scene)
    error, under, _, measured = (value.numpy() for value in found)
    off = (error[0] - under) / deployed.scene.torso_B.numpy()[:, None]
    return np.where(measured[0], off, np.nan)


@torch.no_grad()
def _contrastive(study: Study, strength: float = 1.0) -> NDArray[np.float64]:
    """Absence after contrast with the same views drowned in noise."""
    cache = study.caches["test"]
    path = cache.folder / "noised.npy"
    noised = np.load(path, mmap_mode="r")
    policy = study.starting_policy()
    found = []
    for start in range(0, len(cache), 64):
        rows = np.arange(start, min(start + 64, len(cache)))
        batch = policy.batch(cache, rows)
        habit = torch.from_numpy(np.array(noised[rows], np.float32))[:, policy.index_K]
        seen, unseen = policy.logits(batch)[1], policy.heads(habit)[1]
        logits = contrasted(seen.double().numpy(), unseen.double().numpy(), strength)
        found.append(softmax(logits)[..., 0])
    return np.concatenate(found)
