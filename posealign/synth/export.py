"""What other tools read: COCO keypoints with 3D, loose picture files, contact sheets, videos."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import HIDERS, Person
from posealign.skeletons.load import vocabulary
from posealign.synth import scene, write
from posealign.synth.bank import Bank, Entry, generator
from posealign.synth.body import sample_infant
from posealign.synth.dataset import ShardDataset
from posealign.synth.held_out import draw
from posealign.synth.motion import Movement, sequence
from posealign.synth.render import Renderer

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
            annotations.append(_annotation(person, number, len(annotations)))
    edges = [[a + 1, b + 1] for a, b in names.edges]
    category = {"id": 1, "name": "person", "keypoints": list(names.names), "skeleton": edges}
    whole = {"info": {"description": "PoseAlign synthetic infants", "hiders": list(HIDERS)},
             "images": images, "annotations": annotations, "categories": [category]}  # fmt: skip
    path = folder / "annotations.json"
    path.write_text(json.dumps(whole, allow_nan=False), "utf-8")
    return path


def _annotation(person: Person, image: int, number: int) -> dict[str, Any]:
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


@dataclass(frozen=True)
class Clip:
    """What a sequence left: the video, and a line of labels a frame."""

    video: Path
    frames: Path
    count: int


def write_sequence(
    folder: Path,
    bank: Bank,
    number: int,
    seconds: float,
    renderer: Renderer,
    movement: Movement | None = None,
) -> Clip:
    """A moving infant under a fixed camera: clip.mp4, and frames.jsonl with joints, joint angles
    and what goes on.
    """
    movement = movement or Movement()
    folder.mkdir(parents=True, exist_ok=True)
    rng = generator("sequence", bank.seed, bank.split, 1_000_000 + number)
    age = draw(bank.split, "age_months", lambda: rng.uniform(1, 6))
    body = sample_infant(rng, age, limb_differences=0.0, split=bank.split)
    clip = Clip(folder / "clip.mp4", folder / "frames.jsonl", round(seconds * movement.fps))
    size = (renderer.size, renderer.size)
    video = cv2.VideoWriter(str(clip.video), cv2.VideoWriter.fourcc(*"mp4v"), movement.fps, size)
    world: scene.Scene | None = None
    moments = sequence(seconds, bank.seed, number, movement, bank.split, body)
    with clip.frames.open("w", encoding="utf-8") as lines:
        for count, moment in enumerate(moments):
            if world is None:
                entry = Entry(body, moment.rest.frames, moment.rest.angles_Q, moment.hands,
                              "supine", bank.split)  # fmt: skip
                world = scene.quiet(bank, number, renderer.size, entry)
            now = scene.with_pose(world, body, moment.rest, moment.hands)
            one = write.label(bank, count, now, renderer.draw(now.stage))
            video.write(np.ascontiguousarray(one.sample.image_HW3[..., ::-1]))
            people = [_annotation(p, count, k) for k, p in enumerate(one.sample.people)]
            row = {"frame": count, "time": round(moment.time_s, 6), "events": moment.events,
                   "intrinsics": one.sample.intrinsics, "people": people}  # fmt: skip
            lines.write(json.dumps(row, allow_nan=False) + "\n")
    video.release()
    return clip
