"""What the frozen picture side says of each view, computed once and kept with a digest.

A cache is a folder: `features.npy` and `tokens.npy` (fp16, memory-mapped), `joints.npy` (the
decoder's joint tokens behind its frozen layers), `labels.npz` and `cache.json`, whose digest
covers the weights, the views' config and the format; another digest means another cache.
Shapes: N views, C×h×w features, T picture tokens, V vocabulary joints, D decoder width.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from posealign.config import Config
from posealign.data.augment import Augmentation, View
from posealign.data.mixture import Mixture
from posealign.instructions.asked import answer
from posealign.instructions.query import Query
from posealign.instructions.sampling import sample as sample_query
from posealign.instructions.tokens import batch as to_ids
from posealign.instructions.tokens import load_tokenizer
from posealign.instructions.wording import word
from posealign.model.pose_model import PoseModel
from posealign.rewards.poses import NO_POSTURE, POSTURES
from posealign.skeletons.load import vocabulary
from posealign.verify import drowned
from training.ask import books
from training.judging import pixels_per_cell
from training.people import People
from training.source_rows import Source, joined, read_source
from training.validate import AREA_SHARE

FORMAT = 5
_POSTURE = {
    "supine": POSTURES.index("supine"), "prone": POSTURES.index("prone"),
    "left_lateral": POSTURES.index("lateral"), "right_lateral": POSTURES.index("lateral"),
}  # fmt: skip


class SplitConfig(Config):
    """Views of one source. `parts` of `of` groups of bodies are taken, so splits share nobody."""

    source: str  # a folder of posealign.synth, a packed shard, or drawn:COUNT
    count: int = Field(1000, ge=1)
    of: int = Field(1, ge=1)
    parts: tuple[int, ...] = (0,)
    others: str | None = None  # further people behind them, say caregivers cut by the border
    others_count: int = Field(0, ge=0)
    others_parts: tuple[int, ...] | None = None  # None: as `parts`, of the same `of`
    whole: float = Field(0.5, ge=0, le=1)  # share of views whose every joint is asked for
    refusals: float = Field(0.0, ge=0, le=1)
    augment: dict[str, Any] = Field(default_factory=dict)
    noised: bool = False  # also keep what a picture drowned in noise says (contrastive decoding)
    seed: int = 0


@dataclass(frozen=True)
class Cache:
    """Read back; the big arrays stay on disk."""

    folder: Path
    features_NChw: NDArray[np.float16]
    tokens_NTD: NDArray[np.float16]
    joints_NVD: NDArray[np.float16]
    labels: dict[str, NDArray[Any]]
    pixels_per_cell: float
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.joints_NVD)

    def without_maps(self) -> Cache:
        """For whoever only decides presence."""
        return replace(self, features_NChw=self.features_NChw[:, :1, :1, :1])

    def without_features(self) -> Cache:
        """The labels with next to nothing beside them, for whoever judges."""
        return replace(
            self, features_NChw=self.features_NChw[:, :1, :1, :1],
            tokens_NTD=self.tokens_NTD[:, :1, :1], joints_NVD=self.joints_NVD[:, :1, :1],
        )  # fmt: skip

    @property
    def body_N(self) -> NDArray[np.int64]:
        """Views of one body share a number: intervals are drawn over bodies."""
        return self.labels["body"]


def digest_of(model: PoseModel, config: SplitConfig, frozen_layers: int) -> str:
    sha = hashlib.sha256(json.dumps([FORMAT, frozen_layers, config.model_dump()]).encode())
    for name, value in model.state_dict().items():
        sha.update(name.encode())
        sha.update(value.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()


def open_cache(
    folder: Path,
    model: PoseModel,
    config: SplitConfig,
    frozen_layers: int,
    text_from: str | None = None,
) -> Cache:
    """The cache of these weights and this config; made anew where there is none or another."""
    digest = digest_of(model, config, frozen_layers)
    note = folder / "cache.json"
    if not note.exists() or json.loads(note.read_text())["digest"] != digest:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        build(folder, model, config, frozen_layers, text_from)
        note.write_text(json.dumps({"digest": digest, "config": config.model_dump()}))
    size = (model.config.width, model.config.height)
    arrays = [np.load(folder / f"{n}.npy", mmap_mode="r") for n in ("features", "tokens", "joints")]
    step = float(pixels_per_cell(size)[0])
    features, tokens, joints = arrays
    return Cache(folder, features, tokens, joints, dict(np.load(folder / "labels.npz")), step, size)


def build(
    folder: Path, model: PoseModel, config: SplitConfig, frozen_layers: int, text_from: str | None
) -> None:
    source = people_of(config)
    size, count = (model.config.width, model.config.height), len(source.shard)
    name = "source"
    mixture = Mixture({name: count}, {name: 1.0}, config.seed)
    people = People(
        {name: source.shard}, mixture, Augmentation(**config.augment), size, with_person=True
    )
    arrays: dict[str, Any] = {}
    rows: dict[str, list[Any]] = {}
    noise = np.random.default_rng((config.seed, 5))
    for start in range(0, count, 16):
        part = range(start, min(start + 16, count))
        views = [people.person(name, row, mixture.random(row)) for row in part]
        pixels = np.stack([view["pixels"] for view in views])
        crop_B4 = torch.from_numpy(np.stack([view["crop"] for view in views]))
        kept = _look(model, pixels, crop_B4, frozen_layers)
        if config.noised:
            # Behind all layers, whichever of them are trained: a habit is the start's own.
            seen = _look(model, drowned(pixels, noise), crop_B4, len(model.decoder.layers))
            kept["noised"] = seen["joints"]
        for key, value in kept.items():
            _keep(arrays, folder, key, value.half().numpy(), start, count)
        for row, view in zip(part, views, strict=True):
            labels = _labels(source, row, view, config, people)
            for key, value in labels.items():
                rows.setdefault(key, []).append(value)
    for array in arrays.values():
        array.flush()
    if text_from is not None:
        rows["answer"] = list(_answers(model, folder, rows, Path(text_from)))
    table = {key: np.array(value) for key, value in rows.items()}
    np.savez(folder / "labels.npz", **table)  # type: ignore[arg-type]


def people_of(config: SplitConfig) -> Source:
    """The source's people, and behind them those of `others`."""
    first = read_source(config.source, config.count, config.of, config.parts)
    if config.others is None or config.others_count == 0:
        return first
    parts = config.parts if config.others_parts is None else config.others_parts
    return joined(first, read_source(config.others, config.others_count, config.of, parts))


@torch.no_grad()
def _look(
    model: PoseModel, pixels: NDArray[np.uint8], crop_B4: Tensor, frozen: int
) -> dict[str, Tensor]:
    seen = model.image(torch.from_numpy(pixels))
    joints, memory, _ = model.decoder.start(seen["tokens"], crop_B4)
    for layer in list(model.decoder.layers)[:frozen]:
        joints = layer(joints, memory)
    return {"features": seen["features"], "tokens": seen["tokens"], "joints": joints}


def _keep(
    arrays: dict[str, Any],
    folder: Path,
    key: str,
    value: NDArray[np.float16],
    start: int,
    count: int,
) -> None:
    if key not in arrays:
        arrays[key] = np.lib.format.open_memmap(
            folder / f"{key}.npy", "w+", np.float16, (count, *value.shape[1:])
        )
    arrays[key][start : start + len(value)] = value


def _labels(
    source: Source, row: int, item: dict[str, Any], config: SplitConfig, people: People
) -> dict[str, Any]:
    """Everything the rewards and the anchor need to know of one view."""
    view: View = item["view"]
    size = people.size
    rng = Random(config.seed * 1_000_003 + row)
    query = sample_query(rng, config.refusals)
    if isinstance(query, Query):
        query = replace(query, subject="all")  # who is meant is settled before the crop
    count = len(vocabulary())
    if rng.random() < config.whole:
        asked, text, answered = np.ones(count, np.float32), "all joints", True
    else:
        text = word(query, rng, rng.choice(books()))
        asked, _ = answer(query, item["person"], size)
        answered = bool(asked.any())
    box = source.shard.boxes_N4[row]
    area = float(box[2] * box[3]) / view.crop.pixel**2 * AREA_SHARE
    posture = _POSTURE.get(source.posture_N[row] or "", NO_POSTURE)
    premise = getattr(query, "premise", None) if text != "all joints" else None
    kept = {key: item[key] for key in
            ("points", "weights", "state", "state_weight", "z", "z_weight", "crop")}  # fmt: skip
    return kept | {
        "area": np.float32(max(area, 1.0)), "age": np.float32(source.age_N[row]),
        "torso": np.float32(source.torso_N[row]), "body": np.int64(source.body_N[row]),
        "surface": surface_cells(source, row, view, people), "sensor": np.float32(0.005),
        "infant": np.bool_(source.shard.infant(row) != 0.0),  # whoever is unknown counts as one
        "posture": np.int64(posture), "premise": np.int64(_POSTURE.get(premise or "", NO_POSTURE)),
        "asked": asked.astype(bool), "answered": np.bool_(answered), "text": text,
        "picture": hashlib.sha256(np.ascontiguousarray(item["pixels"]).tobytes()).hexdigest(),
    }  # fmt: skip


def surface_cells(source: Source, row: int, view: View, people: People) -> NDArray[np.float32]:
    """[h, w] metres: the median of the known depths around each heatmap cell, 0 unknown."""
    width, height = people.size
    rows, columns = height // 4, width // 4
    depth_HW = source.depth(row)
    if depth_HW is None:
        return np.zeros((rows, columns), np.float32)
    warped = cv2.warpAffine(
        depth_HW, view.crop.matrix, people.size, flags=cv2.INTER_NEAREST, borderValue=0
    )
    if view.mirrored:
        warped = warped[:, ::-1]
    padded = np.pad(warped.astype(np.float32), 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    y = np.rint(np.arange(rows) * (height - 1) / (rows - 1)).astype(int)
    x = np.rint(np.arange(columns) * (width - 1) / (columns - 1)).astype(int)
    patch = windows[y[:, None], x[None, :]].reshape(rows, columns, 25)
    known = patch > 0
    count = known.sum(-1)
    ordered = np.sort(np.where(known, patch, np.inf), axis=-1)
    middle = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[..., None], -1)[..., 0]
    return np.where(count * 3 >= 25, middle, 0).astype(np.float32)


@torch.no_grad()
def _answers(
    model: PoseModel, folder: Path, rows: dict[str, list[Any]], text_from: Path
) -> NDArray[np.float32]:
    """[N, D]: the answer's token after the instruction, before the gate's last layer."""
    tokenizer = load_tokenizer(text_from / "tokenizer.json")
    joints_NVD = np.load(folder / "joints.npy", mmap_mode="r")
    tokens_NTD = np.load(folder / "tokens.npy", mmap_mode="r")
    found = []
    for start in range(0, len(joints_NVD), 32):
        part = slice(start, start + 32)
        ids_BL = torch.from_numpy(to_ids(tokenizer, rows["text"][part]))
        tokens = torch.from_numpy(np.array(tokens_NTD[part], np.float32))
        crop_B4 = torch.from_numpy(np.stack(rows["crop"][part]))
        joints, _, _, _, crop = model.decoder.look(tokens, crop_B4)
        words = model.text(ids_BL)["text_tokens"]
        found.append(model.decoder.read(joints, crop, words, ids_BL)[:, 0].numpy())
    return np.concatenate(found).astype(np.float32)
