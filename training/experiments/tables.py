"""What a study says: tables, bars and comparisons with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.experiments.arms import Judged, Study
from training.experiments.intervals import Change, change

LOWER = (
    "any", "rules_broken", "bones", "range_of_motion", "crossing", "depth", "depth_joints",
    "asymmetry", "pose_prior", "absent_emitted",
)  # fmt: skip
HIGHER = ("pck", "oks", "recall")


@dataclass(frozen=True)
class Table:
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Bars:
    """What a plot shows: groups of bars with intervals."""

    title: str
    groups: tuple[str, ...]
    series: Mapping[str, tuple[tuple[float, float, float], ...]]  # mean, low, high a group


@dataclass(frozen=True)
class Findings:
    tables: tuple[Table, ...]
    plots: tuple[Bars, ...] = ()


def compare(study: Study, before: Sequence[Judged], after: Sequence[Judged], figure: str) -> Change:
    return change([one.ratios[figure] for one in before], [one.ratios[figure] for one in after],
                  study.body_N, study.config.draws)  # fmt: skip


def said(change_: Change, percent: bool = True) -> str:
    middle, low, high = change_.relative if percent else change_.absolute
    unit = "%" if percent else ""
    scale = 100 if percent else 1
    digits = 1 if percent else 3
    between = f"[{scale * low:+.{digits}f}, {scale * high:+.{digits}f}]"
    return f"{scale * middle:+.{digits}f}{unit} {between} {change_.verdict}"


def mean(study: Study, runs: Sequence[Judged], figure: str) -> float:
    ratios = [one.ratios[figure] for one in runs]
    return change(ratios, ratios, study.body_N, 1).after


def alone(study: Study, runs: Sequence[Judged], figure: str) -> tuple[float, float, float]:
    """(mean, low, high) of one side alone."""
    ratios = [one.ratios[figure] for one in runs]
    zero = [(np.zeros_like(top), bottom) for top, bottom in ratios]
    found = change(zero, ratios, study.body_N, min(study.config.draws, 500))
    return found.after, found.absolute[1], found.absolute[2]


def guards_table(arms: Mapping[str, Sequence[Judged]]) -> Table:
    """What each run's guards said of its last weights, on validation views."""
    rows = []
    for name, runs in arms.items():
        for one in runs:
            if not one.report:
                continue
            last = one.report["last"]
            rows.append((one.name, f"{last['kl']:.3f}", f"{last['reward']:.3f}",
                         f"{one.report['cpu_seconds']:.0f}",
                         "; ".join(last["refused"]) or f"taken ({name})"))  # fmt: skip
    header = ("run", "nats a joint", "reward", "CPU seconds", "guards")
    return Table("What the guards said", header, tuple(rows))
