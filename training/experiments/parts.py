"""The questions about tuning: controls, ablations, few labels, PPO.

Each part trains its arms and returns tables.
"""

from __future__ import annotations

import json
from pathlib import Path

from posealign.preferences import read
from posealign.rewards.combine import WEIGHTS
from training.experiments.arms import Judged, Study, label_arm, searched, start_arm, tuned
from training.experiments.raters import records
from training.experiments.tables import (
    HIGHER,
    LOWER,
    Bars,
    Findings,
    Table,
    alone,
    compare,
    guards_table,
    mean,
    said,
)
from training.pairs import from_records
from training.reward_model import RewardModelConfig, save_ensemble, train_ensemble


def core(study: Study) -> Findings:
    """SFT → tuned, against SFT continued and against the same rules as losses."""
    methods = ("group", "sft", "rules")
    arms: dict[str, list[Judged]] = {"start": [start_arm(study)]} | {m: [] for m in methods}
    rates = {method: searched(study, method) for method in methods}
    for seed in study.config.seeds:  # a study that is stopped has whole seeds
        for method in methods:
            name = f"{method}_rate{rates[method]:g}_seed{seed}"
            arms[method].append(tuned(study, name, seed, rates[method], method=method))
    labels = [label_arm(study)]
    rows = []
    for figure in (*LOWER, *HIGHER):
        columns = (labels, *(arms[name] for name in ("start", "sft", "rules", "group")))
        means = [mean(study, runs, figure) for runs in columns]
        rows.append((
            figure, *(f"{value:.3f}" for value in means),
            said(compare(study, arms["sft"], arms["group"], figure)),
            said(compare(study, arms["rules"], arms["group"], figure)),
        ))  # fmt: skip
    table = Table(
        "Tuned against its controls, on test views",
        ("figure", "labels", "start", "SFT continued", "rules as losses", "tuned",
         "tuned against SFT", "tuned against rules"), tuple(rows),
        "Relative changes with 95 % intervals over bodies and seeds; `fell`, `rose` or `tie` by "
        "whether the interval of the difference excludes 0.",
    )  # fmt: skip
    figures = ("bones", "range_of_motion", "crossing", "depth", "any")
    plot = Bars("Poses that break a rule", figures, {
        label: tuple(alone(study, arms[name], figure) for figure in figures)
        for name, label in (("start", "start"), ("sft", "SFT continued"),
                            ("rules", "rules as losses"), ("group", "tuned"))
    })  # fmt: skip
    return Findings((table, guards_table(arms)), (plot,))


def rewards(study: Study) -> Findings:
    """One reward left out at a time."""
    seeds, rate = study.config.ablation_seeds, searched(study, "group")
    whole = [tuned(study, f"group_rate{rate:g}_seed{seed}", seed, rate, method="group")
             for seed in seeds]  # fmt: skip
    base = dict(study.config.tuning.get("rewards") or WEIGHTS)
    base.pop("semantic", None)  # these views' instructions take no posture for granted
    rows = []
    for name in base:
        without = [
            tuned(study, f"without_{name}_seed{seed}", seed, rate, method="group",
                  rewards={**base, name: 0.0}) for seed in seeds
        ]  # fmt: skip
        rows.append((name, *(said(compare(study, whole, without, figure))
                             for figure in ("rules_broken", "depth_joints", "pck"))))  # fmt: skip
    header = ("left out", "rules broken", "depth joints", "PCK@0.1")
    note = "Against the tuned model with all rewards, same seeds."
    return Findings((Table("One reward left out", header, tuple(rows), note),))


def band(study: Study) -> Findings:
    """A fixed accuracy band against one that rises."""
    seeds, rate = study.config.ablation_seeds, searched(study, "group")
    rising = [tuned(study, f"group_rate{rate:g}_seed{seed}", seed, rate, method="group")
              for seed in seeds]  # fmt: skip
    fixed = [tuned(study, f"fixed_band_seed{seed}", seed, rate, method="group", progressive=False)
             for seed in seeds]  # fmt: skip
    rows = [(figure, f"{mean(study, fixed, figure):.3f}", f"{mean(study, rising, figure):.3f}",
             said(compare(study, fixed, rising, figure)))
            for figure in ("pck", "oks", "rules_broken")]  # fmt: skip
    reached = max(float(one.report["last"]["median_oks"]) for one in rising)
    note = (
        f"The band rises once the median OKS on validation views passes 0.75; it was {reached:.2f}."
    )
    header = ("figure", "fixed", "progressive", "change")
    return Findings((Table("Fixed against progressive thresholds", header, tuple(rows), note),))


def few_shot(study: Study) -> Findings:
    """How many labelled views reward tuning needs, against SFT on the same ones."""
    base, figures = start_arm(study), ("rules_broken", "depth_joints", "pck")
    rows = [("none: the start", *(f"{mean(study, [base], figure):.3f}" for figure in figures))]
    for count in study.config.few:
        pair = []
        for method in ("sft", "group"):
            rate = searched(study, method)
            pair.append([
                tuned(study, f"few{count}_{method}_seed{seed}", seed, rate, method=method,
                      rows=count) for seed in study.config.ablation_seeds
            ])  # fmt: skip
        sft, group = pair
        changes = [compare(study, sft, group, figure) for figure in figures]
        rows.append((str(count), *(f"{one.before:.3f} → {one.after:.3f}: {said(one)}"
                                   for one in changes)))  # fmt: skip
    header = ("labelled views", "rules broken", "depth joints", "PCK@0.1")
    note = "From SFT on these views to reward tuning on them."
    return Findings((Table("Few labelled views: tuned against SFT", header, tuple(rows), note),))


def ppo(study: Study) -> Findings:
    """A reward model of corrections, and PPO on it as a comparison row."""
    path = records(study, 0.1)
    config = RewardModelConfig(
        out=str(study.out / "reward_model"), weights_from=study.config.weights_from,
        model=study.config.model, splits=study.config.splits, cache=study.config.cache,
        preferences=str(path), threads=study.config.threads, layers=study.layers,
        **study.config.reward_model,
    )  # fmt: skip
    folder = Path(config.out)
    cache = study.caches["train"]
    if not (folder / "ensemble.pt").exists():
        pairs = from_records(read(path), cache, study.names)
        ensemble, figures = train_ensemble(pairs, cache, study.names, config)
        save_ensemble(folder, ensemble, figures)
    figures = json.loads((folder / "report.json").read_text())
    base, rate = start_arm(study), searched(study, "group")
    runs = [tuned(study, f"ppo_seed{seed}", seed, rate, method="ppo", reward_model=str(folder))
            for seed in study.config.ablation_seeds]  # fmt: skip
    rows = [(figure, f"{mean(study, [base], figure):.3f}", f"{mean(study, runs, figure):.3f}",
             said(compare(study, [base], runs, figure)))
            for figure in ("rules_broken", "depth_joints", "pck")]  # fmt: skip
    right, count = 100 * figures["held_out_accuracy"], figures["held_out_pairs"]
    note = f"Reward model of three: {right:.1f} % of {count:.0f} held-out pairs (wanted: 70)."
    header = ("figure", "start", "PPO", "change")
    return Findings((Table("PPO on a reward model", header, tuple(rows), note),))
