"""A COCO-format set of drawn people, and mmpose's own configurations cut down to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from posealign.skeletons.load import skeleton

# A standing person in a box of 1 × 2: x, y of COCO's 17 joints.
_STANDING = np.array([
    (0.50, 0.20), (0.55, 0.16), (0.45, 0.16), (0.60, 0.20), (0.40, 0.20), (0.70, 0.45),
    (0.30, 0.45), (0.82, 0.75), (0.18, 0.75), (0.85, 1.02), (0.15, 1.02), (0.62, 1.05),
    (0.38, 1.05), (0.64, 1.45), (0.36, 1.45), (0.65, 1.85), (0.35, 1.85),
])  # fmt: skip


def write_coco(folder: Path, pictures: int = 8, seed: int = 0) -> Path:
    """Pictures with one or two people each; joints jittered, some occluded, some not labelled."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, pictures + 1):
        picture = rng.integers(0, 60, (160, 200, 3), dtype=np.uint8)
        images.append({"id": number, "file_name": f"{number}.png", "width": 200, "height": 160})
        for place in range(1 + number % 2):
            annotations.append(_person(picture, rng, place, number, len(annotations) + 1))
        cv2.imwrite(str(folder / "images" / f"{number}.png"), picture)
    coco = skeleton("coco17")
    category = {
        "id": 1, "name": "person", "keypoints": list(coco.names),
        "skeleton": [[a + 1, b + 1] for a, b in coco.edges],
    }  # fmt: skip
    path = folder / "people.json"
    content = {"images": images, "annotations": annotations, "categories": [category]}
    path.write_text(json.dumps(content), "utf-8")
    return path


def _person(
    picture: np.ndarray, rng: np.random.Generator, place: int, image: int, number: int
) -> dict[str, Any]:
    size = rng.uniform(58, 68)
    corner = np.array([8 + 95 * place + rng.uniform(0, 12), 10 + rng.uniform(0, 8)])
    points_K2 = corner + (_STANDING + rng.normal(0, 0.025, _STANDING.shape)) * size
    for first, second in skeleton("coco17").edges:
        one, two = points_K2[first], points_K2[second]
        cv2.line(picture, _pixel(one), _pixel(two), (90, 160, 220), 3)
    for index, point in enumerate(points_K2):
        cv2.circle(picture, _pixel(point), 3, (60 + 11 * index, 250 - 9 * index, 128), -1)
    seen_K = rng.choice((0, 1, 2), 17, p=(0.08, 0.12, 0.8))
    keypoints = np.where(seen_K[:, None] > 0, np.column_stack([points_K2, seen_K]), 0)
    low, high = points_K2.min(0) - 4, points_K2.max(0) + 4
    box = [*low.round(2).tolist(), *(high - low).round(2).tolist()]
    return {
        "id": number, "image_id": image, "category_id": 1, "iscrowd": 0,
        "keypoints": keypoints.round(2).ravel().tolist(), "num_keypoints": int((seen_K > 0).sum()),
        "bbox": box, "area": round(box[2] * box[3] * 0.53, 2),
    }  # fmt: skip


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def mmpose_config(name: str) -> Any:
    """One of mmpose's own configurations, without its pretrained weights from the network."""
    from mmengine.config import Config

    config = Config.fromfile(str(mmpose_configs() / name))
    if "backbone" in config.model:
        config.model.backbone.init_cfg = None
    return config


def mmpose_configs() -> Path:
    from posealign.interop.mm.skeletons import folder

    return folder().parents[1]


def on_people(config: Any, people: Path) -> Any:
    """The configuration's data becomes the small set, in this process."""
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loader = config[name]
        loader.batch_size, loader.num_workers, loader.persistent_workers = 4, 0, False
        loader.dataset.data_root = ""
        loader.dataset.ann_file = str(people)
        loader.dataset.data_prefix = {"img": f"{people.parent / 'images'}/"}
        loader.dataset.pop("bbox_file", None)
    for name in ("val_evaluator", "test_evaluator"):
        judges = config[name] if isinstance(config[name], list) else [config[name]]
        for judge in judges:
            judge.ann_file = str(people)
    return config
