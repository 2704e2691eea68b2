"""What raters teach: simulated corrections with careless ones among them, and judges by rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from posealign.preferences import write
from training.deployed import Deployed, deploy
from training.dpo import DpoConfig, dpo
from training.experiments.arms import Judged, Study, arm, start_arm
from training.experiments.intervals import Change, change
from training.experiments.tables import Findings, Table, compare, mean, said
from training.judges import feedback
from training.pairs import simulated


def preferences(study: Study) -> Findings:
    """Simulated corrections with careless ones among them: pairs against dense, by joint."""
    base = start_arm(study)
    looked = [name in study.config.corrected_joints for name in study.names]
    rows = []
    for flips in study.config.flips:
        path = records(study, flips)
        for kind in ("pair", "dense"):
            runs = [_preferred(study, path, kind, flips, seed)
                    for seed in study.config.ablation_seeds]  # fmt: skip
            fell = _errors(study, [base], runs, looked)
            rows.append((f"{100 * flips:.0f} %", kind, f"{fell.before:.2f}", f"{fell.after:.2f}",
                         said(fell), said(compare(study, [base], runs, "pck"))))  # fmt: skip
    note = (f"{study.config.corrections} corrections of up to three joints each. Error: mean "
            "pixels (192 × 192 input) on the corrected kinds of joints.")  # fmt: skip
    header = ("flipped", "DPO", "error before", "error after", "change", "PCK@0.1 of all joints")
    return Findings((Table("Preferences", header, tuple(rows), note),))


def records(study: Study, flips: float) -> Path:
    """Corrections of the start's answers on training views, written as a review page would."""
    path = study.out / f"corrections_{flips:g}.jsonl"
    if not path.exists():
        cache = study.caches["train"]
        given = deploy(study.starting_policy(), cache)
        write(path, simulated(given, cache, study.config.corrections, flips, 17,
                              study.config.corrected_joints))  # fmt: skip
    return path


def _preferred(study: Study, path: Path, kind: str, flips: float, seed: int) -> Judged:
    config = study.config

    def train(folder: Path) -> dict[str, Any]:
        return dpo(DpoConfig(
            out=str(folder), weights_from=config.weights_from, model=config.model,
            splits=config.splits, cache=config.cache, preferences=str(path), kind=kind,
            flips=min(flips, 0.45), seed=seed, layers=study.layers,
            threads=config.threads, judge_every=10**6, save_every=10**6, **config.dpo,
        ), study.caches)  # fmt: skip

    return arm(study, f"dpo_{kind}_flips{flips:g}_seed{seed}", train)


def _errors(
    study: Study, before: Sequence[Judged], after: Sequence[Judged], looked: Sequence[bool]
) -> Change:
    """Mean pixels on some joints, resampled over bodies."""
    sides = []
    for side in (before, after):
        errors = [one.error_NK[:, np.array(looked)] for one in side]
        sides.append([(np.nansum(e, 1), np.isfinite(e).sum(1).astype(float)) for e in errors])
    return change(sides[0], sides[1], study.body_N, study.config.draws)


def ai_feedback(study: Study) -> Findings:
    """Rule judges rank the answers of three models; dense DPO learns from them."""
    cache, names = study.caches["train"], ["start", "start, shaken once", "start, shaken twice"]
    first = deploy(study.starting_policy(), cache)
    answers = [first, _blurred(first, 0.15, 1), _blurred(first, 0.15, 2)]
    path = study.out / "ai_feedback.jsonl"
    if not path.exists():
        write(path, feedback(answers, names, cache, "0" * 64))
    base = start_arm(study)
    runs = [_preferred(study, path, "dense", 0.1, seed) for seed in study.config.ablation_seeds]
    rows = [(figure, f"{mean(study, [base], figure):.3f}", f"{mean(study, runs, figure):.3f}",
             said(compare(study, [base], runs, figure)))
            for figure in ("rules_broken", "depth_joints", "pck")]  # fmt: skip
    header = ("figure", "start", "after", "change")
    return Findings((Table("Feedback from rule judges", header, tuple(rows)),))


def _blurred(deployed: Deployed, spread: float, seed: int) -> Deployed:
    """Another model's answer: the same with every joint a little elsewhere."""
    random = np.random.default_rng(seed)
    size = np.sqrt(deployed.scene.area_B.numpy())[:, None, None]
    points = deployed.points_NK2 + random.normal(0, spread / 3, deployed.points_NK2.shape) * size
    z = deployed.z_NK + random.normal(0, spread, deployed.z_NK.shape)
    return replace(deployed, points_NK2=points, z_NK=z)
