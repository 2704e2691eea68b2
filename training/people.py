"""Training inputs: a position in the mixture → an augmented view with every label it has.

Shapes: V vocabulary, h×w the finder's cells. Points are input pixels. What nobody labelled has
weight 0 everywhere; a joint that left the view is absent, whoever labelled it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from posealign.data import finder
from posealign.data.augment import Augmentation, View, light, random_crop, view
from posealign.data.crop import Crop
from posealign.data.mixture import Mixture
from posealign.data.pose import State
from posealign.skeletons.load import vocabulary
from training.shards import Shard

CELL = 16.0  # input pixels of a finder cell
SCENE = "scenes"  # the mixture's name for composed scenes


@dataclass(frozen=True)
class Labels:
    """One view's joints; `state_weight_V` and `z_weight_V` are 0 where nobody knows."""

    points_V2: NDArray[np.float32]
    weights_V: NDArray[np.float32]
    state_V: NDArray[np.int64]
    state_weight_V: NDArray[np.float32]
    z_V: NDArray[np.float32]
    z_weight_V: NDArray[np.float32]


def labels_of(shard: Shard, row: int, seen: View, swap_V: NDArray[np.int64]) -> Labels:
    """A row's labels as this view shows them."""
    order = swap_V if seen.mirrored else np.arange(len(swap_V))
    weights, states = shard.weights_NV[row][order], shard.states_NV[row][order].astype(np.int64)
    z = shard.z_NV[row][order]
    placed, inside = np.isfinite(seen.points_V2[:, 0]), seen.inside_V
    # A place without a state (LSP): somebody saw it, though not surely uncovered.
    told = states != State.UNLABELLED
    certainty = np.where(told, 1.0, np.where(weights > 0, 0.5, 0.0))
    states = np.where(told, states, np.where(weights > 0, int(State.VISIBLE), 0))
    states = np.where(seen.covered_V & (states == State.VISIBLE), int(State.OCCLUDED), states)
    states = np.where(placed & ~inside, int(State.ABSENT), states)
    certainty = np.where(placed & ~inside, np.maximum(certainty, weights), certainty)
    present = placed & inside & (states != State.ABSENT)
    return Labels(
        np.nan_to_num(seen.points_V2).astype(np.float32),
        (weights * present * np.where(seen.covered_V, 0.3, 1.0)).astype(np.float32),
        np.clip(states, 0, 2),
        certainty.astype(np.float32),
        np.nan_to_num(z).astype(np.float32),
        (np.isfinite(z) & present).astype(np.float32),
    )


def crop_vector(crop: Crop, share_outside: float) -> NDArray[np.float32]:
    """What `select` knows of the crop: sin and cos of its turn, log scale, padded share."""
    turn = np.deg2rad(crop.rotation)
    scale = np.log(np.sqrt(crop.scale[0] * crop.scale[1]) / 192.0)
    return np.array([np.sin(turn), np.cos(turn), scale, share_outside], dtype=np.float32)


def outside_share(crop: Crop, size: tuple[int, int]) -> float:
    """The part of the input that shows nothing, measured on a coarse grid."""
    width, height = crop.input_size
    y, x = np.mgrid[0 : height - 1 : 12j, 0 : width - 1 : 12j]
    points = crop.invert(np.stack([x.ravel(), y.ravel()], axis=-1))
    within = (points >= 0).all(1) & (points[:, 0] < size[0]) & (points[:, 1] < size[1])
    return float(1 - within.mean())


def finder_labels(
    labels: Labels, infant: float, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The box around the joints in view, with the room a body has around its joints."""
    placed = labels.weights_V > 0
    grid = (int(size[1] // CELL), int(size[0] // CELL))
    boxes = np.zeros((0, 4), np.float32)
    if placed.sum() >= 4:
        low, high = labels.points_V2[placed].min(0), labels.points_V2[placed].max(0)
        room = 0.05 * (high - low).max()
        low, high = np.maximum(low - room, 0), np.minimum(high + room, np.array(size) - 1)
        boxes = np.concatenate([low, np.maximum(high - low, 4)])[None]
    return finder.encode(boxes, np.full(len(boxes), infant), grid, CELL)


class People(Dataset[dict[str, Any]]):
    """Views of single people and, under the name `scenes`, composed scenes of several."""

    def __init__(
        self,
        shards: Mapping[str, Shard],
        mixture: Mixture,
        config: Augmentation,
        size: tuple[int, int],
        infants: frozenset[str] = frozenset(),
    ) -> None:
        self.shards, self.mixture, self.config, self.size = dict(shards), mixture, config, size
        self.infants, self.swap_V = infants, vocabulary().swap_J

    def __getitem__(self, position: int) -> dict[str, Any]:
        name, row = self.mixture.pick(position)
        random = self.mixture.random(position)
        if name == SCENE:
            return self._scene(random)
        return self.person(name, row, random)

    def person(self, name: str, row: int, random: np.random.Generator) -> dict[str, Any]:
        shard = self.shards[name]
        x, y, width, height = (float(value) for value in shard.boxes_N4[row])
        crop = random_crop((x, y, width, height), self.size, self.config, random)
        image = np.asarray(shard.images_NSS3[row])
        seen = view(image, shard.points_NV2[row], crop, self.swap_V, self.config, random)
        labels = labels_of(shard, row, seen, self.swap_V)
        target, weight = finder_labels(labels, float(name in self.infants), self.size)
        # Half of the turns are the picture's own: then the crop is not said to be turned.
        told = random.random() < 0.5
        mirror = -1.0 if seen.mirrored else 1.0
        vector = crop_vector(crop, outside_share(crop, (image.shape[1], image.shape[0])))
        vector[:2] = (mirror * vector[0], vector[1]) if told else (0.0, 1.0)
        return {
            "pixels": seen.pixels_HW3, "points": labels.points_V2, "weights": labels.weights_V,
            "state": labels.state_V, "state_weight": labels.state_weight_V, "z": labels.z_V,
            "z_weight": labels.z_weight_V, "crop": vector, "finder": target,
            "finder_weight": weight, "finder_on": np.float32(0.3),
        }  # fmt: skip

    def _scene(self, random: np.random.Generator) -> dict[str, Any]:
        """No joints, but every person in it: the finder learns from these."""
        pixels, boxes_P4, infant_P = compose(self.shards, self.infants, self.size, random)
        grid = (int(self.size[1] // CELL), int(self.size[0] // CELL))
        target, weight = finder.encode(boxes_P4, infant_P, grid, CELL)
        count = len(self.swap_V)
        zeros = np.zeros(count, np.float32)
        return {
            "pixels": light(pixels, self.config, random),
            "points": np.zeros((count, 2), np.float32), "weights": zeros,
            "state": np.zeros(count, np.int64), "state_weight": zeros, "z": zeros,
            "z_weight": zeros, "crop": np.array([0, 1, 0, 0], np.float32), "finder": target,
            "finder_weight": weight, "finder_on": np.float32(1.0),
        }  # fmt: skip


def compose(
    shards: Mapping[str, Shard],
    infants: frozenset[str],
    size: tuple[int, int],
    random: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """People of any source cut out with some room and pasted at places of their own."""
    width, height = size
    canvas = _background(shards, size, random)
    boxes: list[NDArray[np.float64]] = []
    infant: list[float] = []
    names = sorted(shards)
    for _ in range(random.integers(0, 5)):
        name = names[random.integers(len(names))]
        row = int(random.integers(len(shards[name])))
        box = shards[name].boxes_N4[row].astype(np.float64)
        side = float(np.exp(random.uniform(np.log(40), np.log(0.95 * min(size)))))
        scale = side / box[2:].max()
        place = random.uniform(0, 1, 2) * np.maximum(np.array(size) - box[2:] * scale, 1)
        new = np.concatenate([place, box[2:] * scale])
        if any(finder.iou(tuple(new), tuple(old)) > 0.1 for old in boxes):
            continue
        _paste(canvas, np.asarray(shards[name].images_NSS3[row]), box, new, random)
        room = 0.05 * new[2:].max()
        low = np.maximum(new[:2] - room, 0)
        high = np.minimum(new[:2] + new[2:] + room, np.array([width, height]) - 1)
        boxes.append(np.concatenate([low, np.maximum(high - low, 4)]))
        infant.append(float(name in infants))
    found = np.array(boxes, np.float32).reshape(-1, 4)
    return canvas, found, np.array(infant, np.float32)


def _background(
    shards: Mapping[str, Shard], size: tuple[int, int], random: np.random.Generator
) -> NDArray[np.uint8]:
    """The rim of some picture, stretched and blurred: texture without a person in it."""
    shard = shards[sorted(shards)[random.integers(len(shards))]]
    image = np.asarray(shard.images_NSS3[int(random.integers(len(shard)))])
    strip = image[: image.shape[0] // 8] if random.random() < 0.5 else image[-image.shape[0] // 8 :]
    stretched = cv2.resize(strip, size, interpolation=cv2.INTER_CUBIC)
    if random.random() < 0.5:
        stretched = cv2.GaussianBlur(stretched, (0, 0), float(random.uniform(1, 6)))
    return np.ascontiguousarray(stretched, dtype=np.uint8)


def _paste(
    canvas: NDArray[np.uint8],
    image: NDArray[np.uint8],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    random: np.random.Generator,
) -> None:
    """Box onto box, with a soft rim of the person's own surroundings."""
    scale = target[2] / max(source[2], 1e-6)
    matrix = np.array([[scale, 0, target[0] - scale * source[0]],
                       [0, scale, target[1] - scale * source[1]]])  # fmt: skip
    size = (canvas.shape[1], canvas.shape[0])
    how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    moved = cv2.warpAffine(image, matrix, size, flags=how)
    mask = np.zeros(canvas.shape[:2], np.float32)
    room = random.uniform(0.08, 0.25) * target[2:].max()
    low = np.maximum(target[:2] - room, 0).astype(int)
    high = (target[:2] + target[2:] + room).astype(int)
    mask[low[1] : high[1], low[0] : high[0]] = 1
    inside = cv2.warpAffine(np.ones(image.shape[:2], np.float32), matrix, size)
    soft = cv2.GaussianBlur(mask * inside, (0, 0), float(random.uniform(0.5, 4)))[..., None]
    canvas[:] = (canvas * (1 - soft) + moved * soft).astype(np.uint8)
