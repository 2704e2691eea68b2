"""What a frozen backbone says of each view, kept on disk for heads that are trained behind it.

Features are ReLU outputs and are kept in 8 bits with a scale a view and channel: half the room of
half precision, so twice as many pictures. A build that was stopped goes on where it was.
Shapes: N views, C×h×w features, T picture tokens.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor

from posealign.data.crop import Crop
from posealign.metrics.pck import torso_size
from posealign.model.pose_model import PoseModel
from posealign.skeletons.load import skeleton
from training.people import People
from training.shards import Shard
from training.validate import Judged

FORMAT = 1
CHUNK = 32
Rows = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Looked:
    """Read back; everything stays on disk until its rows are asked for."""

    arrays: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.arrays["tokens"])

    def rows(
        self, rows_B: NDArray[np.int64], stride: int = 1, phase: tuple[int, int] = (0, 0)
    ) -> dict[str, Tensor]:
        """In single precision; `features` are to be multiplied by `scale`.

        With a stride only every so many cells of the features, from the phase's column and row on.
        """
        # In the order of the file, which a disk likes, and back.
        order = np.argsort(rows_B)
        back, (x, y), found = torch.from_numpy(np.argsort(order)), phase, {}
        for name, array in self.arrays.items():
            picked = array[rows_B[order]]
            if name == "features":
                picked = picked[:, :, y::stride, x::stride]
            found[name] = torch.from_numpy(np.ascontiguousarray(picked))[back].float()
        return found


def open_looked(
    folder: Path,
    model: PoseModel,
    what: Mapping[str, Any],
    count: int,
    look: Callable[[range], Rows],
) -> Looked:
    """The views of this encoder and this config; made, or gone on with, where they are not."""
    digest, note = _digest(model, what), folder / "looked.json"
    kept: dict[str, Any] = json.loads(note.read_text()) if note.exists() else {}
    if kept.get("digest") != digest:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    done = int(kept["done"]) if kept.get("digest") == digest else 0
    arrays: Rows = {}
    with Progress() as progress:
        task = progress.add_task(f"looking at {folder.name}", total=count, completed=done)
        for start in range(done, count, CHUNK):
            part = range(start, min(start + CHUNK, count))
            for name, value in look(part).items():
                if name not in arrays:
                    arrays[name] = _opened(folder / f"{name}.npy", value, count, start)
                arrays[name][part.start : part.stop] = value
            note.write_text(json.dumps({"digest": digest, "done": part.stop, "what": what}))
            progress.update(task, completed=part.stop)
    for array in arrays.values():
        array.flush()  # type: ignore[attr-defined]  # a memmap
    return Looked(
        {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
    )


def _digest(model: PoseModel, what: Mapping[str, Any]) -> str:
    sha = hashlib.sha256(json.dumps([FORMAT, what]).encode())
    for name, value in model.encoder.state_dict().items():
        sha.update(name.encode())
        sha.update(value.detach().contiguous().numpy().tobytes())
    return sha.hexdigest()


def _opened(path: Path, value: NDArray[Any], count: int, start: int) -> NDArray[Any]:
    shape = (count, *value.shape[1:])
    if start:
        found: NDArray[Any] = np.load(path, mmap_mode="r+")
        return found
    return np.lib.format.open_memmap(path, "w+", value.dtype, shape)


@torch.no_grad()
def backbone(model: PoseModel, pixels_BHW3: NDArray[np.uint8]) -> Rows:
    seen = model.image(torch.from_numpy(pixels_BHW3))
    features_BChw = seen["features"]
    highest_BC = features_BChw.amax((2, 3)).clamp(min=1e-6)
    packed = (features_BChw * (255 / highest_BC)[..., None, None]).round().clamp(0, 255)
    return {
        "features": packed.to(torch.uint8).numpy(),
        "scale": (highest_BC / 255).numpy(),
        "tokens": seen["tokens"].half().numpy(),
    }


def training_views(model: PoseModel, people: People) -> Callable[[range], Rows]:
    """The mixture's positions, augmented as supervised training does."""

    def look(positions: range) -> Rows:
        views = [people[position] for position in positions]
        labels = {name: np.stack([view[name] for view in views])
                  for name in ("crop", "points", "weights")}  # fmt: skip
        return backbone(model, np.stack([view["pixels"] for view in views])) | labels

    return look


def test_views(model: PoseModel, judged: Judged) -> Callable[[range], Rows]:
    """Crops of the given boxes, as served; labels of COCO's 17 and sizes in input pixels."""
    size = (model.config.width, model.config.height)
    count, body = len(judged.images), skeleton("coco17")
    points_N172, seen_N17 = np.zeros((count, 17, 2)), np.zeros((count, 17), bool)
    points_N172[:, judged.coco_J] = np.nan_to_num(judged.points_NJ2)
    seen_N17[:, judged.coco_J] = judged.seen_NJ

    def look(rows: range) -> Rows:
        part = slice(rows.start, rows.stop)
        boxes, seen_B17 = judged.boxes_N4[part], seen_N17[part]
        crops = [Crop.of_box(tuple(box), size) for box in boxes]
        cuts = [crop.cut(image) for crop, image in zip(crops, judged.images[part], strict=True)]
        points = np.stack([crop.apply(points) for crop, points in
                           zip(crops, points_N172[part], strict=True)])  # fmt: skip
        pixel_B = np.array([crop.pixel for crop in crops])
        upright = np.tile(np.array([0, 1, 0, 0], np.float32), (len(crops), 1))
        return backbone(model, np.stack(cuts)) | {
            "crop": upright, "points": points.astype(np.float32), "seen": seen_B17,
            "box": (boxes[:, 2:].max(1) / pixel_B).astype(np.float32),
            "torso": np.nan_to_num(torso_size(points, body.names, seen_B17)).astype(np.float32),
        }  # fmt: skip

    return look


def of_shard(shard: Shard, count: int) -> Judged:
    """The first rows of a packed shard that show at least four body joints, as a test."""
    rows = np.flatnonzero((shard.weights_NV[:, :17] > 0).sum(1) >= 4)[:count]
    images = tuple(np.asarray(shard.images_NSS3[row]) for row in rows)
    points = shard.points_NV2[rows, :17].astype(np.float64)
    return Judged(images, points, shard.weights_NV[rows, :17] > 0, np.arange(17))
