"""A small labelled set and answers to it, made here: pictures are plain, labels exact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from posealign.skeletons.load import skeleton

COCO = skeleton("coco17")
SIZE = (160, 120)  # width, height


def person(rng: np.random.Generator) -> np.ndarray:  # type: ignore[type-arg]
    """A rough standing figure with some spread, seen from the front."""
    heights = [0.05, 0.03, 0.04, 0.22, 0.38, 0.5, 0.55, 0.76, 0.95]
    widths = [0, 0.03, 0.06, 0.15, 0.2, 0.22, 0.1, 0.11, 0.12]
    order = ["nose", "eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"]
    size, left = rng.uniform(70, 100), rng.uniform(40, 100)
    points = []
    for name in COCO.names:
        row = order.index(name.split("_")[-1])
        side = 1 if name.startswith("left") else -1 if name.startswith("right") else 0
        points.append([left + side * widths[row] * size, 8 + heights[row] * size])
    return np.array(points) + rng.normal(0, 1.5, (17, 2))


def make_coco(folder: Path, count: int = 12, seed: int = 0) -> dict[str, Any]:
    """labels.json and images/ in `folder`; returns the labels."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    names = list(COCO.names)
    labels: dict[str, Any] = {
        "images": [], "annotations": [],
        "categories": [{"id": 1, "name": "person", "keypoints": names}],
    }  # fmt: skip
    for number in range(count):
        file = f"{number:03d}.png"
        picture = rng.integers(60, 190, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / file), picture)
        labels["images"].append(
            {"id": number + 100, "file_name": file, "width": SIZE[0], "height": SIZE[1]}
        )
        points = person(rng)
        flags = rng.choice([0, 1, 2], 17, p=[0.1, 0.2, 0.7])
        low, high = points.min(0) - 4, points.max(0) + 4
        keypoints = np.column_stack([points * (flags > 0)[:, None], flags]).round(3).reshape(-1)
        labels["annotations"].append({
            "id": number + 1, "image_id": number + 100, "category_id": 1, "iscrowd": 0,
            "keypoints": keypoints.tolist(), "num_keypoints": int((flags > 0).sum()),
            "bbox": [*low.round(3).tolist(), *(high - low).round(3).tolist()],
            "area": float(np.prod(high - low) * 0.6),
        })  # fmt: skip
    (folder / "labels.json").write_text(json.dumps(labels), "utf-8")
    return labels


def make_results(path: Path, labels: dict[str, Any], noise: float, seed: int = 1) -> None:
    """COCO results: the labels with noise; a joint's confidence falls with its own error."""
    rng = np.random.default_rng(seed)
    results = []
    for row in labels["annotations"]:
        points = np.array(row["keypoints"]).reshape(17, 3)[:, :2]
        spread = rng.uniform(0.2, 2, (17, 1)) * noise
        error = rng.normal(0, 1, (17, 2)) * spread
        sure = np.exp(-spread / 6)
        found = np.hstack([points + error, sure]).round(4).reshape(-1)
        results.append({
            "image_id": row["image_id"], "category_id": 1, "keypoints": found.tolist(),
            "score": round(float(sure.mean()), 4),
        })  # fmt: skip
    path.write_text(json.dumps(results), "utf-8")


def make_config(folder: Path, **changes: Any) -> Path:
    """An evaluation of two sets of answers on the set above."""
    labels = make_coco(folder)
    make_results(folder / "near.json", labels, 2.0)
    make_results(folder / "far.json", labels, 6.0)
    settings: dict[str, Any] = {
        "name": "toy", "title": "A toy set", "data": "synthetic", "bootstrap": 50,
        "source": {"kind": "coco", "path": str(folder / "labels.json"),
                   "images": str(folder / "images")},
        "models": [
            {"kind": "predictions", "name": "near", "file": str(folder / "near.json")},
            {"kind": "predictions", "name": "far", "file": str(folder / "far.json")},
        ],
        "out": str(folder / "run"),
        **changes,
    }  # fmt: skip
    path = folder / "eval.yaml"
    path.write_text(json.dumps(settings), "utf-8")  # JSON is YAML
    return path
