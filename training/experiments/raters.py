"""What raters teach: simulated corrections with careless ones among them, and judges by rule."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from posealign.preferences import read, write
from training import loop
from training.deployed import Deployed, deploy
from training.dpo import DpoConfig, dpo
from training.experiments.arms import Judged, Study, arm, errors, searched, start_arm, tuned
from training.experiments.intervals import Change, change
from training.experiments.tables import Bars, Findings, Table, compare, mean, said
from training.judges import feedback
from training.pairs import simulated
from training.rollout import Noise, draw, poses_of

KINDS = ("pair", "dense", "labels")
SAMPLES = 3


def preferences(study: Study) -> Findings:
    """Simulated corrections with careless ones among them: pairs, dense, and plain labels."""
    config, base = study.config, start_arm(study)
    looked = _looked(study)
    tried = {kind: _searched(study, kind, looked) for kind in KINDS}
    chosen = {kind: int(np.argmin(found)) for kind, found in tried.items()}
    rate = searched(study, "sft")
    whole = [tuned(study, f"sft_rate{rate:g}_seed{seed}", seed, rate, method="sft")
             for seed in config.ablation_seeds]  # fmt: skip
    rows = [_row(study, "", "all labels of these views", [base], whole, looked)]
    bars: dict[str, list[tuple[float, float, float]]] = {"pair": [], "dense": []}
    for flips in config.flips:
        barred = flips == config.judged_flips
        runs = {
            kind: [_preferred(study, kind, chosen[kind], flips, seed)
                   for seed in (config.seeds if barred and kind != "pair"
                                else config.ablation_seeds)]
            for kind in KINDS if barred or kind != "labels"
        }  # fmt: skip
        rows += [_row(study, f"{100 * flips:.0f} %", kind, [base], found, looked)
                 for kind, found in runs.items()]  # fmt: skip
        for kind, series in bars.items():
            middle, low, high = _errors(study, [base], runs[kind], looked).relative
            series.append((100 * middle, 100 * low, 100 * high))
        if barred:
            for other in ("labels", "pair"):
                rows.append(_row(study, f"{100 * flips:.0f} %", f"dense, against {other}",
                                 runs[other], runs["dense"], looked))  # fmt: skip
    note = (f"{config.corrections} corrections of up to three joints each. Error: mean pixels "
            "(192 × 192 input) on the corrected kinds of joints; change: against the start, where "
            "nothing else is said.")  # fmt: skip
    header = ("flipped", "learns from", "seeds", "error before", "error after", "change",
              "PCK@0.1 of all joints")  # fmt: skip
    plot = Bars("Error on the corrected kinds of joints, % against the start, by share of flips",
                tuple(f"{100 * flips:.0f} %" for flips in config.flips),
                {kind: tuple(series) for kind, series in bars.items()})  # fmt: skip
    tables = [Table("Preferences", header, tuple(rows), note)]
    if len(config.dpo_search) > 1:
        tables.append(_search_table(study, tried, chosen))
    return Findings(tuple(tables), (plot,))


def _search_table(
    study: Study, tried: Mapping[str, Sequence[float]], chosen: Mapping[str, int]
) -> Table:
    before = float(np.nanmean(errors(study.on_validation)[:, _looked(study)]))
    rows = [("start", "", f"{before:.2f}", "")]
    rows += [
        (kind, ", ".join(f"{key} {value}" for key, value in
                         {**study.config.dpo, **study.config.dpo_search[place]}.items()),
         f"{error:.2f}", "chosen" if place == chosen[kind] else "")
        for kind, found in tried.items() for place, error in enumerate(found)
    ]  # fmt: skip
    title = f"Preferences: what was tried at {100 * study.config.judged_flips:.0f} % flips"
    header = ("learns from", "settings", "error on validation views", "")
    return Table(title, header, tuple(rows), "One seed each; errors as above.")


def _looked(study: Study) -> NDArray[np.bool_]:
    """Kinds of joints that a rater looks at."""
    return np.array([name in study.config.corrected_joints for name in study.names])


def _row(
    study: Study,
    flips: str,
    name: str,
    before: Sequence[Judged],
    after: Sequence[Judged],
    looked: NDArray[np.bool_],
) -> tuple[str, ...]:
    fell = _errors(study, before, after, looked)
    return (flips, name, str(len(after)), f"{fell.before:.2f}", f"{fell.after:.2f}", said(fell),
            said(compare(study, before, after, "pck")))  # fmt: skip


def _searched(study: Study, kind: str, looked: NDArray[np.bool_]) -> list[float]:
    """Errors on these joints of validation views, by settings of `dpo_search`; tried once."""
    config, path = study.config, study.out / "dpo_search.json"
    if len(config.dpo_search) == 1:
        return [0.0]
    found: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    if kind not in found:
        places = range(len(config.dpo_search))
        found[kind] = [_tried(study, kind, place, looked) for place in places]
        path.write_text(json.dumps(found))
    return found[kind]


def _tried(study: Study, kind: str, place: int, looked: NDArray[np.bool_]) -> float:
    config, folder = study.config, study.out / "search" / f"{kind}_{place}"
    flips = config.judged_flips
    _train(study, records(study, flips), folder, kind, place, flips, config.seeds[0])
    policy = study.starting_policy()
    saved = loop.load_checkpoint(folder / "last.pt", restore_dice=False)
    policy.load_state_dict(saved["policy"])
    shutil.rmtree(folder)
    return float(np.nanmean(errors(deploy(policy, study.caches["validation"]))[:, looked]))


def records(study: Study, flips: float) -> Path:
    """Corrections of the start's answers on training views, written as a review page would."""
    path = study.out / f"corrections_{flips:g}.jsonl"
    if not path.exists():
        cache = study.caches["train"]
        given = deploy(study.starting_policy(), cache)
        write(path, simulated(given, cache, study.config.corrections, flips, 17,
                              study.config.corrected_joints))  # fmt: skip
    return path


def _preferred(study: Study, kind: str, place: int, flips: float, seed: int) -> Judged:
    path = records(study, flips)
    return _dpo(study, path, f"dpo_{kind}_{place}_flips{flips:g}_seed{seed}", kind, place, flips,
                seed)  # fmt: skip


def _dpo(
    study: Study, path: Path, name: str, kind: str, place: int, flips: float, seed: int
) -> Judged:
    """`place` is the one of `dpo_search` that overrides the study's `dpo`."""
    return arm(study, name, partial(_train, study, path, kind=kind, place=place, flips=flips,
                                    seed=seed))  # fmt: skip


def _train(
    study: Study, path: Path, folder: Path, kind: str, place: int, flips: float, seed: int
) -> dict[str, Any]:
    config = study.config
    return dpo(DpoConfig(
        out=str(folder), weights_from=config.weights_from, model=config.model,
        splits=config.splits, cache=config.cache, preferences=str(path), kind=kind,
        flips=min(flips, 0.45), seed=seed, layers=study.layers, threads=config.threads,
        judge_every=10**6, save_every=10**6, **{**config.dpo, **config.dpo_search[place]},
    ), study.caches)  # fmt: skip


def _errors(
    study: Study, before: Sequence[Judged], after: Sequence[Judged], looked: NDArray[np.bool_]
) -> Change:
    """Mean pixels on some joints, resampled over bodies."""
    sides = []
    for side in (before, after):
        found = [one.error_NK[:, looked] for one in side]
        sides.append([(np.nansum(e, 1), np.isfinite(e).sum(1).astype(float)) for e in found])
    return change(sides[0], sides[1], study.body_N, study.config.draws)


def ai_feedback(study: Study) -> Findings:
    """Rule judges rank the start's answer and samples of it; dense DPO learns from them."""
    path = study.out / "ai_feedback.jsonl"
    if not path.exists():
        answers = [deploy(study.starting_policy(), study.caches["train"])]
        answers += _sampled(study, answers[0], SAMPLES)
        by = ["as deployed", *(f"sample {number}" for number in range(1, SAMPLES + 1))]
        write(path, feedback(answers, by, study.caches["train"], "0" * 64))
    records_ = list(read(path))
    first = sum(record.answers[0].by == "as deployed" for record in records_)
    base, seeds = start_arm(study), study.config.ablation_seeds
    runs = [_dpo(study, path, f"ai_feedback_seed{seed}", "dense", 0, 0.1, seed) for seed in seeds]
    rows = [(figure, f"{mean(study, [base], figure):.3f}", f"{mean(study, runs, figure):.3f}",
             said(compare(study, [base], runs, figure)))
            for figure in ("rules_broken", "bones", "crossing", "depth_joints", "pck")]  # fmt: skip
    note = (f"{len(records_)} pairs of the start's answer and {SAMPLES} samples of it; the answer "
            f"as deployed was judged best in {first}.")  # fmt: skip
    header = ("figure", "start", "after", "change")
    return Findings((Table("Feedback from rule judges", header, tuple(rows), note),))


@torch.no_grad()
def _sampled(study: Study, like: Deployed, count: int) -> list[Deployed]:
    """Answers to the training views that the policy might have given."""
    cache, policy = study.caches["train"], study.starting_policy()
    tau = float(study.config.tuning.get("tau", 1.0))
    points, depths, dice = [], [], torch.Generator().manual_seed(3)
    for start in range(0, len(cache), 64):
        rows = np.arange(start, min(start + 64, len(cache)))
        batch = policy.batch(cache, rows)
        tempered, _ = policy(batch, tau)
        noise = Noise.draw(dice, count, len(rows), len(policy.names))
        everything = torch.ones_like(batch.scene.asked_BV)
        poses = poses_of(draw(tempered, everything, noise), policy.grid[1], cache.pixels_per_cell)
        points.append(poses.points_GBV2.double().numpy())
        depths.append(poses.z_GBV.double().numpy())
    return [replace(like, points_NK2=one, z_NK=other) for one, other in
            zip(np.concatenate(points, 1), np.concatenate(depths, 1), strict=True)]  # fmt: skip
