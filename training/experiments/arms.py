"""One training of a study: done once, kept by name, judged on the test views.

A finished arm leaves `ARM/figures.npz`; a study that is started again goes on after it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.model.pose_model import PoseModel
from training import loop
from training.cache import Cache, open_cache
from training.deployed import (
    Deployed,
    Ratios,
    deploy,
    judge,
    label_space,
    matched_threshold,
)
from training.experiments.config import StudyConfig
from training.policy import Policy, batch_of, trained_joints
from training.prior import Prior
from training.starting import assembled
from training.tune import tune
from training.tune_config import TuneConfig

Floats = NDArray[np.float64]


@dataclass
class Study:
    """Caches, the starting point and the thresholds that every arm is compared at."""

    config: StudyConfig
    model: PoseModel
    caches: dict[str, Cache]
    prior: Prior
    names: tuple[str, ...]
    yes_ratio: float
    start: Deployed

    @property
    def out(self) -> Path:
        return Path(self.config.out)

    @property
    def layers(self) -> int:
        """How many of the decoder's last layers are trained."""
        return int(self.config.tuning.get("layers", 0))

    def starting_policy(self) -> Policy:
        """A fresh copy, as every arm begins."""
        model = assembled(self.config.model, self.config.weights_from, None)
        return Policy(model, self.names, self.layers)

    @cached_property
    def on_validation(self) -> Deployed:
        """The start's answers to the validation views."""
        return deploy(self.starting_policy(), self.caches["validation"])

    @property
    def body_N(self) -> NDArray[np.int64]:
        return self.caches["test"].body_N


@dataclass(frozen=True)
class Judged:
    """An arm on the test views, at the start's yes-ratio; and what its run said of itself."""

    name: str
    ratios: Ratios
    absent_NK: Floats
    error_NK: Floats  # pixels; NaN where nothing is labelled
    report: dict[str, Any]


def open_study(config: StudyConfig) -> Study:
    model = assembled(config.model, config.weights_from, None)
    layers = int(config.tuning.get("layers", 0))
    frozen = len(model.decoder.layers) - layers
    caches = {}
    for name, split in config.splits.items():
        began = time.time()
        caches[name] = open_cache(Path(config.cache) / name, model, split, frozen)
        say(f"{name}: {len(caches[name])} views, {time.time() - began:.0f} s")
    names = trained_joints(str(config.tuning.get("joints", "coco17")))
    prior = Prior.fit(label_space(caches["train"], names), names)
    start = deploy(Policy(model, names, layers), caches["test"])
    known = known_joints(start)
    there = start.scene.present_BV.numpy()
    # Compared where the start keeps most joints that are there: one yes-ratio for all arms.
    threshold = float(np.quantile(start.absent_NK[there], config.recall))
    ratio = float((start.absent_NK <= threshold)[known].mean())
    return Study(config, model, caches, prior, names, ratio, start)


def known_joints(deployed: Deployed) -> NDArray[np.bool_]:
    scene = deployed.scene
    return np.asarray((scene.present_BV | scene.absent_BV).numpy())


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def judged(study: Study, name: str, deployed: Deployed, report: dict[str, Any]) -> Judged:
    threshold = matched_threshold(deployed.absent_NK, known_joints(deployed), study.yes_ratio)
    return Judged(name, judge(deployed, threshold, study.prior), deployed.absent_NK,
                  errors(deployed), report)  # fmt: skip


def errors(deployed: Deployed) -> Floats:
    """[N, K] pixels; NaN where nothing is labelled."""
    scene = deployed.scene
    there = (scene.present_BV & scene.labelled_BV).numpy()
    gap = np.linalg.norm(deployed.points_NK2 - scene.points_BV2.numpy(), axis=-1)
    return np.where(there, gap, np.nan)


def arm(
    study: Study,
    name: str,
    train: Callable[[Path], dict[str, Any]],
    presence: bool = False,
) -> Judged:
    """Train under `name` unless that was done, and judge the last weights on the test views.

    The last, not the accepted ones: what the guards say is printed, the method is judged.
    """
    folder = study.out / "arms" / name
    kept = folder / "figures.npz"
    if not kept.exists():
        began = time.process_time()
        report = train(folder)
        report["cpu_seconds"] = time.process_time() - began
        policy = study.starting_policy()
        saved = loop.load_checkpoint(folder / "last.pt", restore_dice=False)
        policy.load_state_dict(saved["policy"])
        like = study.start if presence else None
        found = judged(study, name, deploy(policy, study.caches["test"], like=like), report)
        _save(kept, found)
        (folder / "last.pt").unlink()
        (folder / "accepted.pt").unlink(missing_ok=True)
        say(f"{name}: {report['cpu_seconds']:.0f} CPU s, any "
            f"{_rate(found.ratios['any']):.3f}, pck {_rate(found.ratios['pck']):.3f}")  # fmt: skip
    return _load(kept, name)


def start_arm(study: Study) -> Judged:
    return judged(study, "start", study.start, {})


def label_arm(study: Study) -> Judged:
    """The labels judged like a model: how often the rules themselves are wrong."""
    cache = study.caches["test"].without_features()
    batch = batch_of(cache, np.arange(len(cache)), study.names, tokens=False)
    truth = replace(
        study.start, points_NK2=np.nan_to_num(batch.scene.points_BV2.double().numpy()),
        z_NK=batch.z_BK.double().numpy(), absent_NK=batch.scene.absent_BV.double().numpy(),
    )  # fmt: skip
    # Certain of every state: any threshold between gives just what is there.
    return Judged("labels", judge(truth, 0.5, study.prior), truth.absent_NK, errors(truth), {})


def tuned(study: Study, name: str, seed: int, rate: float, **changes: Any) -> Judged:
    """A run of training.tune; `changes` override the study's own tuning."""
    values: dict[str, Any] = {**study.config.tuning, **changes}
    if values.get("method") in ("sft", "rules"):
        values["steps"] = round(values.get("steps", 120) * study.config.control_steps)
    config, presence = study.config, values.get("trains") == "presence"

    def train(folder: Path) -> dict[str, Any]:
        # Judging along the way costs more than it tells here: first and last are enough.
        values.setdefault("judge_every", 10**6)
        values.setdefault("save_every", 10**6)
        return tune(TuneConfig(
            out=str(folder), weights_from=config.weights_from, model=config.model,
            splits=config.splits, cache=config.cache, seed=seed, rate=rate,
            threads=config.threads, **values,
        ), study.caches, study.on_validation if presence else None)  # fmt: skip

    return arm(study, name, train, presence)


def searched(study: Study, method: str, **changes: Any) -> float:
    """The rate whose validation figures are best: fewest broken rules that the guards take."""
    config = study.config
    if len(config.rates) == 1:
        return config.rates[0]
    best, chosen = float("inf"), config.rates[0]
    for rate in config.rates:
        found = tuned(study, f"{method}_rate{rate:g}_seed{config.seeds[0]}", config.seeds[0], rate,
                      method=method, **changes)  # fmt: skip
        last = found.report["last"]
        score = last["rules_broken"] + (10.0 if last["refused"] else 0.0)
        if score < best:
            best, chosen = score, rate
    return chosen


def _rate(ratio: tuple[Floats, Floats]) -> float:
    top, bottom = ratio
    return float(top.sum() / bottom.sum()) if bottom.sum() else float("nan")


def _save(path: Path, found: Judged) -> None:
    arrays = {f"top/{key}": value[0] for key, value in found.ratios.items()}
    arrays |= {f"bottom/{key}": value[1] for key, value in found.ratios.items()}
    np.savez(path, absent=found.absent_NK, error=found.error_NK,
             report=np.array(json.dumps(found.report)), **arrays)  # type: ignore[arg-type]  # fmt: skip


def _load(path: Path, name: str) -> Judged:
    table = dict(np.load(path))
    keys = [key.removeprefix("top/") for key in table if key.startswith("top/")]
    ratios = {key: (table[f"top/{key}"], table[f"bottom/{key}"]) for key in keys}
    return Judged(name, ratios, table["absent"], table["error"], json.loads(str(table["report"])))
