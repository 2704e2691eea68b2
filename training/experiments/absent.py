"""Joints that are not there: before and after tuning, and with second thoughts at inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from posealign.metrics.hallucination import at_recall
from posealign.rewards.depth import residual
from posealign.verify import contrasted, softmax, supported
from training.deployed import Deployed, matched_threshold
from training.experiments.arms import Judged, Study, known_joints, searched, start_arm, tuned
from training.experiments.intervals import Change, change
from training.experiments.tables import Findings, Table, guards_table, said

Ratio = tuple[NDArray[np.float64], NDArray[np.float64]]
PRESENCE_ARMS = {"sft": "SFT continued", "rules": "rules as losses", "group": "tuned"}


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


def presence(study: Study) -> Findings:
    """Only what says whether a joint is there is trained: places are the start's to the last bit.

    Compared where a point of the deployed recall is given up, which the start can do as well by
    moving its threshold. Infants and whoever else the test views hold are counted apart.
    """
    config, arms = study.config, {"start": [start_arm(study)]}
    for method, label in PRESENCE_ARMS.items():
        rate = _presence_rate(study, method)
        arms[label] = [_presence_run(study, method, rate, seed) for seed in config.seeds]
    scene, known = study.start.scene, known_joints(study.start)
    infant = scene.infant_B.numpy()
    tables = []
    groups = {"all": np.ones_like(infant), "infants": infant, "others": ~infant}
    for group, views in groups.items():
        gone = scene.absent_BV.numpy() & views[:, None]
        there = scene.present_BV.numpy() & views[:, None]
        if not gone.any():
            continue
        kept = float((study.start.absent_NK[there] <= config.deployed).mean()) - config.given_up
        found = {name: [_at(one.absent_NK, gone, there, kept, config.deployed) for one in runs]
                 for name, runs in arms.items()}  # fmt: skip
        rows = tuple(_presence_row(study, found, name) for name in found)
        count, share = int(known[views].sum()), 100 * gone.sum() / (gone | there).sum()
        title = f"Presence alone: {group}, {share:.0f} % of {count} joints absent"
        header = ("model", f"absent emitted at recall {kept:.3f}", "against start as deployed",
                  "against start at this recall", "against SFT continued",
                  f"absent emitted at {config.deployed:g}", "recall there")  # fmt: skip
        tables.append(Table(title, header, rows))
    return Findings((*tables, guards_table(arms)))


def _presence_row(
    study: Study, found: Mapping[str, Sequence[Mapping[str, Ratio]]], name: str
) -> tuple[str, ...]:
    def against(other: str, other_key: str, key: str) -> Change:
        sides = [[one[which] for one in found[of]] for of, which in
                 ((other, other_key), (name, key))]  # fmt: skip
        return change(sides[0], sides[1], study.body_N, study.config.draws)

    whole, moved, sft = (against(*other, "at recall") for other in
                         (("start", "deployed"), ("start", "at recall"),
                          ("SFT continued", "at recall")))  # fmt: skip
    served, recall = (against("start", key, key) for key in ("deployed", "recall"))
    return (name, f"{whole.after:.3f}", said(whole), said(moved), said(sft),
            f"{served.after:.3f} {said(served)}", f"{recall.after:.3f}")  # fmt: skip


def _presence_run(study: Study, method: str, rate: float, seed: int) -> Judged:
    changes = {**study.config.presence, "method": method, "trains": "presence", "layers": 0}
    return tuned(study, f"presence_{method}_rate{rate:g}_seed{seed}", seed, rate, **changes)


def _presence_rate(study: Study, method: str) -> float:
    """The rate that gives fewest absent joints at one recall on validation views."""
    config = study.config
    if len(config.presence_rates) == 1:
        return config.presence_rates[0]
    last = {rate: _presence_run(study, method, rate, config.seeds[0]).report["last"]
            for rate in config.presence_rates}  # fmt: skip
    return min(last, key=lambda rate: float(last[rate]["absent_at_recall"]))


def _at(
    absent_NK: NDArray[np.float64],
    gone_NK: NDArray[np.bool_],
    there_NK: NDArray[np.bool_],
    recall: float,
    threshold: float,
) -> dict[str, Ratio]:
    """Emission where so many joints that are there are given, and at a fixed threshold."""
    matched = float(np.quantile(absent_NK[there_NK], recall))
    return {
        "at recall": _emitted(absent_NK <= matched, gone_NK),
        "deployed": _emitted(absent_NK <= threshold, gone_NK),
        "recall": _emitted(absent_NK <= threshold, there_NK),
    }


def _emitted(given_NK: NDArray[np.bool_], of_NK: NDArray[np.bool_]) -> Ratio:
    """Joints that are given among those of a kind, by view."""
    return (given_NK & of_NK).sum(1).astype(float), of_NK.sum(1).astype(float)


def _emission(
    absent: NDArray[np.float64], known: NDArray[np.bool_], of: NDArray[np.bool_], yes: float
) -> Ratio:
    return _emitted(absent <= matched_threshold(absent, known, yes), of)


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
