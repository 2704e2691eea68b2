"""The same figures from the raw JSON files, written apart: plain loops, no import of posealign."""

from __future__ import annotations

import json
import math
from pathlib import Path

SIGMAS = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
PAIRS = [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)]


def figures(labels: Path, results: Path) -> dict[str, float]:
    truth = {row["image_id"]: row for row in json.loads(labels.read_text())["annotations"]}
    answers = {row["image_id"]: row for row in json.loads(results.read_text())}
    oks, pck, swapped, judged, joints = [], [], 0, 0, []
    for image, row in truth.items():
        real, said = _triples(row), _triples(answers[image])
        size = max(row["bbox"][2:])
        similar, near = [], []
        for k, (x, y, flag) in enumerate(real):
            if flag == 0:
                continue
            gap = math.dist((x, y), said[k][:2])
            variance = (2 * SIGMAS[k] / 1000) ** 2
            value = math.exp(-(gap**2) / (2 * row["area"] * variance))
            similar.append(value)
            near.append(gap < 0.1 * size)
            joints.append((said[k][2], value))
        oks.append(sum(similar) / len(similar))
        pck.append(sum(near) / len(near))
        for left, right in PAIRS:
            if not (real[left][2] and real[right][2]):
                continue
            if math.dist(real[left][:2], real[right][:2]) <= 0.1 * size:
                continue
            judged += 1
            given = math.dist(said[left][:2], real[left][:2])
            given += math.dist(said[right][:2], real[right][:2])
            other = math.dist(said[right][:2], real[left][:2])
            other += math.dist(said[left][:2], real[right][:2])
            swapped += other < given / 2
    return {
        "oks": sum(oks) / len(oks), "pck": sum(pck) / len(pck), "swap_rate": swapped / judged,
        "ece": _ece(joints), "auroc": _auroc(joints),
    }  # fmt: skip


def _triples(row: dict) -> list[tuple[float, float, float]]:  # type: ignore[type-arg]
    flat = row["keypoints"]
    return [tuple(flat[k : k + 3]) for k in range(0, len(flat), 3)]


def _ece(joints: list[tuple[float, float]], bins: int = 15) -> float:
    total = 0.0
    for number in range(bins):
        inside = [(c, s) for c, s in joints if min(int(c * bins), bins - 1) == number]
        if inside:
            total += abs(sum(c for c, _ in inside) - sum(s for _, s in inside))
    return total / len(joints)


def _auroc(joints: list[tuple[float, float]]) -> float:
    wrong = [c for c, s in joints if s < 0.5]
    right = [c for c, s in joints if s >= 0.5]
    wins = sum((w < r) + 0.5 * (w == r) for w in wrong for r in right)
    return wins / (len(wrong) * len(right))
