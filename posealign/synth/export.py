"""What other tools read: COCO keypoints with 3D, loose picture files, contact sheets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import HIDERS, Person
from posealign.skeletons.load import vocabulary
from posealign.synth.dataset import ShardDataset

_FOLDERS = {"jpg": "images", "depth.png": "depth", "exact.png": "exact", "parts.png": "parts"}


def write_coco(folder: Path) -> Path:
    """annotations.json beside the shards: COCO keypoints (v = 1 occluded, 2 visible) over the
    whole vocabulary, and `keypoints_3d` in metres, camera frame; null where there is no joint.
    """
    data = ShardDataset(folder, depth=False)
    names = vocabulary()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, sample in enumerate(data):
        height, width = sample.image_HW3.shape[:2]
        images.append({
            "id": number, "file_name": f"{sample.key}.jpg", "depth_file": f"{sample.key}.depth.png",
            "width": width, "height": height, "intrinsics": sample.intrinsics, **sample.facts,
        })  # fmt: skip
        for person in sample.people:
            annotations.append(annotation(person, number, len(annotations)))
    edges = [[a + 1, b + 1] for a, b in names.edges]
    category = {"id": 1, "name": "person", "keypoints": list(names.names), "skeleton": edges}
    whole = {"info": {"description": "PoseAlign synthetic infants", "hiders": list(HIDERS)},
             "images": images, "annotations": annotations, "categories": [category]}  # fmt: skip
    path = folder / "annotations.json"
    path.write_text(json.dumps(whole, allow_nan=False), "utf-8")
    return path


def annotation(person: Person, image: int, number: int) -> dict[str, Any]:
    keypoints: list[float] = []
    for (x, y), state in zip(person.points_V2, person.states_V, strict=True):
        seen = state >= State.OCCLUDED
        keypoints += [round(float(x), 3), round(float(y), 3), int(state)] if seen else [0, 0, 0]
    points = person.points_V3 if person.points_V3 is not None else np.zeros((0, 3))
    in_space = [
        [round(float(v), 5) for v in row] if np.isfinite(row).all() else None for row in points
    ]
    hidden = person.hidden_by_V if person.hidden_by_V is not None else ()
    return {
        "id": number, "image_id": image, "category_id": 1, "iscrowd": 0,
        "bbox": [round(v, 3) for v in person.box], "area": person.area,
        "keypoints": keypoints, "num_keypoints": int((person.states_V >= State.OCCLUDED).sum()),
        "keypoints_3d": in_space, "hidden_by": [int(h) for h in hidden], "role": person.role,
        "posture": person.posture, "age_months": person.age_months, "facts": dict(person.facts),
    }  # fmt: skip


def write_files(folder: Path) -> int:
    """Every picture as a file of its own, under images/, depth/, exact/ and parts/."""
    data = ShardDataset(folder, depth=False)
    for kind, name in _FOLDERS.items():
        (folder / name).mkdir(exist_ok=True)
        for number in range(len(data)):
            path = folder / name / f"{data.key(number)}.{kind}"
            path.write_bytes(data.file(number, kind))
    return len(data)


def contact_sheet(
    samples: list[NDArray[np.uint8]], columns: int = 8, gap: int = 4
) -> NDArray[np.uint8]:
    """Pictures of one size in a grid on white."""
    size = samples[0].shape[0]
    rows = -(-len(samples) // columns)
    sheet = np.full((rows * (size + gap) - gap, columns * (size + gap) - gap, 3), 255, np.uint8)
    for number, image in enumerate(samples):
        y, x = number // columns * (size + gap), number % columns * (size + gap)
        sheet[y : y + size, x : x + size] = image
    return sheet
