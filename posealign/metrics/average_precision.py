"""COCO's keypoint AP and AR, picture by picture, in the memory of a few numbers a detection.

The same figures as pycocotools (tests hold the two to 1e-9), without keeping annotations.
`coco_reference` runs pycocotools itself on the same detections.
Shapes: D detections of a picture, G labelled people, T thresholds, A area ranges, R recalls.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.errors import InvalidInput

Floats = NDArray[np.float64]
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
AREAS = {"all": (0.0, 1e10), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
MAX_DETECTIONS = 20
FIGURES = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")


@dataclass
class AveragePrecision:
    """Add pictures one by one; `figures` may be asked at any time."""

    _scores: list[Floats] = field(default_factory=list)
    _matched: list[NDArray[np.bool_]] = field(default_factory=list)  # A, T, D each
    _ignored: list[NDArray[np.bool_]] = field(default_factory=list)
    _people: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(AREAS), np.int64))

    def add(
        self,
        similarity_DG: Floats,
        scores_D: Floats,
        detected_area_D: Floats,
        area_G: Floats,
        ignore_G: NDArray[np.bool_],
        crowd_G: NDArray[np.bool_] | None = None,
    ) -> None:
        """One picture. `ignore_G`: crowds and people without labelled joints."""
        if similarity_DG.shape != (len(scores_D), len(area_G)):
            raise InvalidInput(
                f"a similarity of {len(scores_D)} detections × {len(area_G)} people is expected; "
                f"got {similarity_DG.shape}"
            )
        crowd = np.zeros(len(area_G), bool) if crowd_G is None else np.asarray(crowd_G, bool)
        order = np.argsort(-np.asarray(scores_D), kind="mergesort")[:MAX_DETECTIONS]
        matched = np.zeros((len(AREAS), len(THRESHOLDS), len(order)), bool)
        ignored = np.zeros_like(matched)
        for a, (low, high) in enumerate(AREAS.values()):
            skip_G = ignore_G | (area_G < low) | (area_G > high)
            self._people[a] += int((~skip_G).sum())
            outside_D = (detected_area_D[order] < low) | (detected_area_D[order] > high)
            matched[a], ignored[a] = _match(similarity_DG[order], skip_G, crowd)
            ignored[a] |= ~matched[a] & outside_D
        self._scores.append(np.asarray(scores_D, np.float64)[order])
        self._matched.append(matched)
        self._ignored.append(ignored)

    def figures(self) -> dict[str, float]:
        """COCO's ten figures; NaN where no labelled person is in an area range."""
        if self._people[0] == 0 or not self._scores:
            return dict.fromkeys(FIGURES, float("nan"))
        scores = np.concatenate(self._scores)
        order = np.argsort(-scores, kind="mergesort")
        matched = np.concatenate(self._matched, axis=2)[:, :, order]
        ignored = np.concatenate(self._ignored, axis=2)[:, :, order]
        precision = np.full((len(AREAS), len(THRESHOLDS)), np.nan)
        recall = np.full_like(precision, np.nan)
        for a, people in enumerate(self._people):
            if people == 0:
                continue
            for t in range(len(THRESHOLDS)):
                precision[a, t], recall[a, t] = _curve(matched[a, t], ignored[a, t], int(people))
        rows = [("P", precision), ("R", recall)]
        found = {}
        for letter, table in rows:
            found[f"A{letter}"] = float(np.mean(table[0]))
            found[f"A{letter}50"] = float(table[0, 0])
            found[f"A{letter}75"] = float(table[0, 5])
            found[f"A{letter}m"] = float(np.mean(table[1]))
            found[f"A{letter}l"] = float(np.mean(table[2]))
        return {name: found[name] for name in FIGURES}


def _match(
    similarity_DG: Floats, skip_G: NDArray[np.bool_], crowd_G: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Greedy, best score first; people to skip are taken last and make a match ignored."""
    order_G = np.argsort(skip_G, kind="mergesort")
    similarity, skip, crowd = similarity_DG[:, order_G], skip_G[order_G], crowd_G[order_G]
    count_D, count_G = similarity.shape
    matched = np.zeros((len(THRESHOLDS), count_D), bool)
    ignored = np.zeros_like(matched)
    for t, threshold in enumerate(THRESHOLDS):
        taken = np.zeros(count_G, bool)
        for d in range(count_D):
            best, least = -1, min(threshold, 1 - 1e-10)
            for g in range(count_G):
                if taken[g] and not crowd[g]:
                    continue
                if best > -1 and not skip[best] and skip[g]:
                    break
                if similarity[d, g] < least:
                    continue
                best, least = g, similarity[d, g]
            if best > -1:
                matched[t, d], ignored[t, d], taken[best] = True, skip[best], True
    return matched, ignored


def _curve(
    matched_D: NDArray[np.bool_], ignored_D: NDArray[np.bool_], people: int
) -> tuple[float, float]:
    """(mean precision over 101 recalls, the highest recall)."""
    hits = np.cumsum(matched_D & ~ignored_D).astype(np.float64)
    misses = np.cumsum(~matched_D & ~ignored_D).astype(np.float64)
    if not len(hits):
        return 0.0, 0.0
    recall, precision = hits / people, hits / (hits + misses + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, RECALLS, side="left")
    reached = at < len(envelope)
    return float(np.where(reached, envelope[np.minimum(at, len(envelope) - 1)], 0.0).mean()), float(
        recall[-1]
    )


def detected_area(points_DJ2: NDArray[np.floating]) -> Floats:
    """The area pycocotools gives a detection: of the box round its joints."""
    spread = np.max(points_DJ2, axis=1) - np.min(points_DJ2, axis=1)
    return np.asarray(spread[:, 0] * spread[:, 1], np.float64)


def coco_reference(
    truth: dict[str, Any], detections: list[dict[str, Any]], sigmas_J: Sequence[float] | Floats
) -> dict[str, float]:
    """The same ten figures by pycocotools, from COCO's own structures."""
    from pycocotools.coco import COCO  # noqa: PLC0415 - an extra
    from pycocotools.cocoeval import COCOeval  # noqa: PLC0415

    with contextlib.redirect_stdout(io.StringIO()):
        labelled = COCO()
        labelled.dataset = truth
        labelled.createIndex()
        judge = COCOeval(labelled, labelled.loadRes(detections), "keypoints")
        judge.params.kpt_oks_sigmas = np.asarray(sigmas_J, np.float64)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return {
        name: float(value) if value > -1 else float("nan")
        for name, value in zip(FIGURES, judge.stats, strict=True)
    }
