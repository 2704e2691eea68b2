"""Joints that are not there: keypoint-POPE, CHAIR-kpt and the price of finding 99 %.

Shapes: Q questions, N joints of all people in one row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pope(answer_Q: NDArray[np.bool_], truth_Q: NDArray[np.bool_]) -> dict[str, float]:
    """Yes/no figures, yes being the positive answer, and how often yes was said."""
    answer, truth = np.asarray(answer_Q, bool), np.asarray(truth_Q, bool)
    if len(answer) == 0:
        keys = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "yes_ratio")
        return {**dict.fromkeys(keys, float("nan")), "questions": 0}
    hit = int((answer & truth).sum())
    right_no = int((~answer & ~truth).sum())
    recall = _share(hit, int(truth.sum()))
    precision = _share(hit, int(answer.sum()))
    specificity = _share(right_no, int((~truth).sum()))
    return {
        "accuracy": float(np.mean(answer == truth)),
        "balanced_accuracy": (recall + specificity) / 2,
        "precision": precision,
        "recall": recall,
        "f1": 2 * hit / (2 * hit + int((answer != truth).sum())) if hit else 0.0,
        "yes_ratio": float(answer.mean()),
        "questions": len(answer),
    }


def pope_by_split(
    answer_Q: NDArray[np.bool_], truth_Q: NDArray[np.bool_], split_Q: Sequence[str]
) -> dict[str, dict[str, float]]:
    """The figures of each split, and of all questions together."""
    splits = np.asarray(split_Q)
    table = {
        str(name): pope(np.asarray(answer_Q)[splits == name], np.asarray(truth_Q)[splits == name])
        for name in dict.fromkeys(split_Q)
    }
    return {**table, "all": pope(answer_Q, truth_Q)}


def chair(emitted_N: NDArray[np.bool_], absent_N: NDArray[np.bool_]) -> dict[str, float]:
    """CHAIR-kpt: absent joints that were given a place, over all joints that were given one.

    `false_absence` is its counterweight: present joints that were called absent.
    """
    emitted, absent = np.asarray(emitted_N, bool), np.asarray(absent_N, bool)
    return {
        "chair": _share(int((emitted & absent).sum()), int(emitted.sum())),
        "absent_emitted": _share(int((emitted & absent).sum()), int(absent.sum())),
        "false_absence": _share(int((~emitted & ~absent).sum()), int((~absent).sum())),
        "joints": len(emitted),
        "absent": int(absent.sum()),
    }


def at_recall(
    presence_N: NDArray[np.floating], absent_N: NDArray[np.bool_], recall: float = 0.99
) -> dict[str, float]:
    """Where `recall` of the joints that are there are kept: the share of absent ones kept too."""
    presence, absent = np.asarray(presence_N, np.float64), np.asarray(absent_N, bool)
    there = np.sort(presence[~absent])
    if len(there) == 0 or not absent.any():
        return {"threshold": float("nan"), "hallucination": float("nan")}
    threshold = there[int(np.floor((1 - recall) * len(there)))]
    return {
        "threshold": float(threshold),
        "hallucination": float((presence[absent] >= threshold).mean()),
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
