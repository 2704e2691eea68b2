"""Training inputs: a position in the mixture → an augmented view with every label it has.

Shapes: V vocabulary, h×w the finder's cells. Points are input pixels. What nobody labelled has
weight 0 everywhere; a joint that left the view is absent, whoever labelled it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from posealign.data import finder
from posealign.data.augment import (
    Augmentation,
    View,
    cut_picture,
    light,
    random_crop,
    view,
    without_beyond,
)
from posealign.data.mixture import Mixture
from posealign.data.pose import State
from posealign.data.sample import Person
from posealign.skeletons.load import vocabulary
from training.instruct import person_in_view, turned_back
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


def finder_labels(
    people: list[tuple[NDArray[np.float32], float]], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes around each person's joints in view, with the room a body has around its joints."""
    grid = (int(size[1] // CELL), int(size[0] // CELL))
    boxes, infants = [], []
    for points_K2, infant in people:
        if len(points_K2) < 4:
            continue
        low, high = points_K2.min(0), points_K2.max(0)
        room = 0.05 * (high - low).max()
        low, high = np.maximum(low - room, 0), np.minimum(high + room, np.array(size) - 1)
        boxes.append(np.concatenate([low, np.maximum(high - low, 4)]))
        infants.append(infant)
    stacked = np.array(boxes, np.float32).reshape(-1, 4)
    return finder.encode(stacked, np.array(infants, np.float32), grid, CELL)


class People(Dataset[dict[str, Any]]):
    """Views of single people and, under the name `scenes`, composed scenes of several."""

    def __init__(
        self,
        shards: Mapping[str, Shard],
        mixture: Mixture,
        config: Augmentation,
        size: tuple[int, int],
        infants: frozenset[str] = frozenset(),
        with_person: bool = False,
        kept: Mapping[str, NDArray[np.int64]] | None = None,
    ) -> None:
        self.shards, self.mixture, self.config, self.size = dict(shards), mixture, config, size
        self.infants, self.swap_V = infants, vocabulary().swap_J
        self.kept = dict(kept or {})  # rows of a shard, where only some are drawn
        self.with_person = with_person  # a Person for `execute`: not for batches of tensors

    def __getitem__(self, position: int) -> dict[str, Any]:
        name, row = self.mixture.pick(position)
        random = self.mixture.random(position)
        if name == SCENE:
            return self._scene(random)
        if name in self.kept:
            row = int(self.kept[name][row])
        return self.person(name, row, random)

    def person(self, name: str, row: int, random: np.random.Generator) -> dict[str, Any]:
        shard = self.shards[name]
        x, y, width, height = (float(value) for value in shard.boxes_N4[row])
        image, box, origin = np.asarray(shard.images_NSS3[row]), (x, y, width, height), None
        if self.config.cut and random.random() < self.config.cut:
            image, origin, box = cut_picture(image, box, random)
        shown = (image.shape[1], image.shape[0])
        crop = random_crop(box, self.size, self.config, random)
        points_V2 = without_beyond(shard.points_NV2[row], origin, shown)
        seen = view(image, points_V2, crop, self.swap_V, self.config, random)
        labels = labels_of(shard, row, seen, self.swap_V)
        told_infant = shard.infant(row)
        infant = float(name in self.infants) if told_infant is None else told_infant
        seen_people = [(labels.points_V2[labels.weights_V > 0], infant)]
        other = shard.others(row)
        if other is not None:
            points = crop.apply(without_beyond(other[0], origin, shown)).astype(np.float32)
            if seen.mirrored:
                points[:, 0] = self.size[0] - 1 - points[:, 0]
            inside = ((points >= 0) & (points <= np.array(self.size) - 1)).all(1)
            seen_people.append((points[inside], other[1]))
        target, weight = finder_labels(seen_people, self.size)
        certain = np.float32(0.3 if other is None else 1.0)  # strangers in LSP have no box
        # Half of the turns are the picture's own: then the crop is not said to be turned.
        told = random.random() < 0.5
        mirror = -1.0 if seen.mirrored else 1.0
        vector = crop.facts(shown)
        vector[:2] = (mirror * vector[0], vector[1]) if told else (0.0, 1.0)
        item: dict[str, Any] = {}
        if self.with_person:
            turn = mirror * crop.rotation if told else 0.0
            item["person"] = _person(shard, row, seen, labels, turn)
            whole = crop if origin is None else crop.moved(origin)  # as depth and box are kept
            item["view"] = replace(seen, crop=whole)
        return item | {
            "pixels": seen.pixels_HW3, "points": labels.points_V2, "weights": labels.weights_V,
            "state": labels.state_V, "state_weight": labels.state_weight_V, "z": labels.z_V,
            "z_weight": labels.z_weight_V, "crop": vector, "finder": target,
            "finder_weight": weight, "finder_on": certain,
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


def _person(shard: Shard, row: int, seen: View, labels: Labels, degrees: float) -> Person:
    """Who is in the view, in the picture's own orientation."""
    size = (seen.pixels_HW3.shape[1], seen.pixels_HW3.shape[0])
    points = turned_back(seen.points_V2, degrees, size)
    inside = labels.weights_V > 0
    placed = points[inside] if inside.any() else np.zeros((1, 2), np.float32)
    low, high = placed.min(0), placed.max(0)
    box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    z = np.where(labels.z_weight_V > 0, labels.z_V, np.nan).astype(np.float32)
    known = labels.state_weight_V > 0
    return person_in_view(points, labels.state_V, known, z, box, shard.facts(row), seen.mirrored)


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
        told = shards[name].infant(row)
        infant.append(float(name in infants) if told is None else told)
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
