"""Packed people: pictures decoded once into one uint8 array, labels beside them.

A shard is a folder: `images.npy` uint8 [N,S,S,3] (memory-mapped), `labels.npz` with points_NV2
(pixels of the packed picture, NaN = unlabelled), weights_NV (0 = unlabelled), boxes_N4 and, where
the source knows them, states_NV and z_NV (torso lengths from the mid-hip; NaN = unknown).

    python -m training.shards lsp ../shared/data/lspet train OUT
    python -m training.shards coco ../shared/data/coco_mini/person_keypoints.json OUT
    python -m training.shards synth SYNTH_FOLDER OUT
    python -m training.shards synth SYNTH_FOLDER OUT others

`others` packs whoever stands beside the infant, mostly cut by the border: a stream of infants alone
never shows half a body, and every joint of a caregiver then counts as present.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.errors import InvalidInput
from posealign.skeletons.load import skeleton, vocabulary
from posealign.synth.places import PLACE_NAMES
from training.validate import AREA_SHARE, decoded

SIDE = 256
EXTRA = (
    "hidden_by_NV", "points_NV3", "infant_N", "area_N", "other_NV2", "other_infant_N", "places_NK3",
    "picture_N",
)  # fmt: skip
LEAST_SEEN = 3  # body joints in the picture: less is no person to learn from
FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")


@dataclass(frozen=True)
class Shard:
    """One source's people; arrays as in the module's text."""

    name: str
    images_NSS3: NDArray[np.uint8]
    points_NV2: NDArray[np.float32]
    weights_NV: NDArray[np.float32]
    boxes_N4: NDArray[np.float32]
    states_NV: NDArray[np.int8]
    z_NV: NDArray[np.float32]
    facts_N: tuple[str, ...] | None = None  # JSON: relations told, posture, role
    extra: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # further arrays of N rows

    def facts(self, row: int) -> dict[str, Any]:
        """What else the source knows of a person; see training.instruct.person_in_view."""
        told: dict[str, Any] = json.loads(self.facts_N[row]) if self.facts_N is not None else {}
        for name, key in (("hidden_by_NV", "hidden_by_V"), ("points_NV3", "points_V3")):
            if name in self.extra:
                told[key] = self.extra[name][row]
        return told

    def rows_in(self, postures: Sequence[str]) -> NDArray[np.int64]:
        """The rows of people in one of these postures."""
        told = [json.loads(text).get("posture") for text in self.facts_N or ()]
        rows = np.flatnonzero([posture in postures for posture in told])
        if not len(rows):
            there = ", ".join(sorted({str(posture) for posture in told})) or "none"
            raise InvalidInput(
                f"{self.name} has nobody in {', '.join(postures)}; its postures: {there}"
            )
        return rows

    def infant(self, row: int) -> float | None:
        return float(self.extra["infant_N"][row]) if "infant_N" in self.extra else None

    def area(self, row: int) -> float:
        """Of the person's silhouette where the source measured it, else of the box by habit."""
        known = float(self.extra["area_N"][row]) if "area_N" in self.extra else float("nan")
        return known if np.isfinite(known) else float(np.prod(self.boxes_N4[row, 2:])) * AREA_SHARE

    def others(self, row: int) -> tuple[NDArray[np.float32], float] | None:
        """A second person's points and whether that is an infant."""
        if "other_NV2" not in self.extra:
            return None
        return self.extra["other_NV2"][row], float(self.extra["other_infant_N"][row])

    def __len__(self) -> int:
        return len(self.points_NV2)


def read_shard(folder: Path) -> Shard:
    """The pictures stay on disk until they are needed."""
    if not (folder / "images.npy").exists():
        raise InvalidInput(f"{folder} has no images.npy: pack it with training.shards first")
    labels = dict(np.load(folder / "labels.npz"))
    points = labels["points_NV2"]
    states = labels.get("states_NV", np.full(points.shape[:2], State.UNLABELLED, np.int8))
    z = labels.get("z_NV", np.full(points.shape[:2], np.nan, np.float32))
    images = np.load(folder / "images.npy", mmap_mode="r")
    facts = tuple(str(text) for text in labels["facts_N"]) if "facts_N" in labels else None
    return Shard(
        folder.name, images, points, labels["weights_NV"], labels["boxes_N4"], states, z, facts,
        {name: labels[name] for name in EXTRA if name in labels},
    )  # fmt: skip


def digest(folder: Path) -> str:
    """Of labels and pictures: it goes into the bundle."""
    sha = hashlib.sha256((folder / "labels.npz").read_bytes())
    with (folder / "images.npy").open("rb") as file:
        while block := file.read(1 << 24):
            sha.update(block)
    return sha.hexdigest()


def _save(folder: Path, images: list[Any], labels: dict[str, NDArray[Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", np.stack(images))
    # Any, not arrays: to the checker a name could be savez's own keyword, which is no array.
    arrays: dict[str, Any] = dict(labels)
    np.savez(folder / "labels.npz", **arrays)


def pack_lsp(folder: Path, split: str, target: Path) -> dict[str, float]:
    """LSP labels with sides put right where a second model is sure; face points from it."""
    rows = json.loads((folder / f"{split}.json").read_text())
    with zipfile.ZipFile(folder / "images.zip") as archive:
        images = [_square(archive.read(row["file"]), row["file"]) for row in rows]
    human = np.array([row["lsp14"] for row in rows], dtype=np.float32)
    pseudo = np.array([row["movenet17"] for row in rows], dtype=np.float32)
    seen = human[..., 2] > 0
    places = np.where(seen[..., None], human[..., :2], np.nan)
    boxes = np.hstack([np.nanmin(places, 1), np.nanmax(places, 1) - np.nanmin(places, 1)])
    human, counts = mend_sides(human, pseudo, boxes[:, 2:].max(1))
    points, weights = merge_labels(human, pseudo, boxes[:, 2:].max(1))
    _save(target, images, {"points_NV2": points, "weights_NV": weights, "boxes_N4": boxes})
    return counts


def _square(encoded: bytes, name: str) -> NDArray[np.uint8]:
    image = decoded(encoded, name)
    if image.shape[:2] != (SIDE, SIDE):
        raise InvalidInput(f"expected crops of {SIDE}×{SIDE}, got {image.shape}")
    return image


# Groups of the person that annotators swap as a whole: both, arms alone, legs alone.
_GROUPS = {
    "legs": ("hip", "knee", "ankle"),
    "arms": ("shoulder", "elbow", "wrist"),
}


def mend_sides(
    human_N143: NDArray[np.float32], pseudo_N173: NDArray[np.float32], size_N: NDArray[np.floating]
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Exchange left and right of a group where the other model clearly sees it the other way."""
    lsp, coco = skeleton("lsp14"), skeleton("coco17")
    mended, counts = human_N143.copy(), {}
    for name, joints in _GROUPS.items():
        order = [f"{side}_{joint}" for joint in joints for side in ("left", "right")]
        mine = np.array([lsp.index(joint) for joint in order])
        other = np.array([lsp.index(coco[joint].swap) for joint in order])
        theirs = np.array([coco.index(joint) for joint in order])
        valid = (pseudo_N173[:, theirs, 2] > 0.35) & (human_N143[:, mine, 2] > 0)
        valid &= human_N143[:, other, 2] > 0
        # A pair that lies on one spot says nothing about sides.
        apart = np.linalg.norm(human_N143[:, mine, :2] - human_N143[:, other, :2], axis=-1)
        valid &= apart > 0.12 * size_N[:, None]

        def near(index: NDArray[np.int64], theirs: Any = theirs) -> NDArray[np.bool_]:
            gap = np.linalg.norm(human_N143[:, index, :2] - pseudo_N173[:, theirs, :2], axis=-1)
            return np.asarray(gap < 0.1 * size_N[:, None])

        count = valid.sum(1)
        given = (near(mine) & valid).sum(1) / np.maximum(count, 1)
        swapped = (near(other) & valid).sum(1) / np.maximum(count, 1)
        flip = (count >= 3) & (swapped >= 0.75) & (given <= 0.1)
        mended[np.ix_(flip, mine)] = human_N143[np.ix_(flip, other)]
        counts[f"{name}_swapped"] = float(flip.mean())
    return mended, counts


def merge_labels(
    human_N143: NDArray[np.float32], pseudo_N173: NDArray[np.float32], size_N: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vocabulary points and weights: people outweigh the other model."""
    lsp, coco, count = skeleton("lsp14"), skeleton("coco17"), len(human_N143)
    points = np.full((count, len(vocabulary()), 2), np.nan, np.float32)
    weights = np.zeros((count, len(vocabulary())), np.float32)
    agree = np.zeros((count, 14), bool)
    labelled = human_N143[..., 2] > 0
    for index, name in enumerate(lsp.names):
        row = vocabulary().index(name)
        points[labelled[:, index], row] = human_N143[labelled[:, index], index, :2]
        weights[labelled[:, index], row] = 1.0
        if name in coco.names:
            theirs = pseudo_N173[:, coco.index(name)]
            gap = np.linalg.norm(theirs[:, :2] - human_N143[:, index, :2], axis=-1) / size_N
            agree[:, index] = (gap < 0.1) & labelled[:, index]
            # A label far from where the other model is sure is probably wrong.
            weights[(gap > 0.3) & (theirs[:, 2] > 0.6) & labelled[:, index], row] = 0.3
    shared = np.array([name in coco.names for name in lsp.names])
    agreement = agree[:, shared].sum(1) / np.maximum(labelled[:, shared].sum(1), 1)
    for name in coco.names:
        theirs, row = pseudo_N173[:, coco.index(name)], vocabulary().index(name)
        limit = 0.6 if name in FACE else 0.8
        fill = (weights[:, row] == 0) & (theirs[:, 2] > 0.45) & (agreement >= limit)
        points[fill, row], weights[fill, row] = theirs[fill, :2], 0.3
    return points, weights


def pack_coco(annotations: Path, target: Path) -> dict[str, float]:
    """COCO people with at least six labelled joints, cut with room around them."""
    content = json.loads(annotations.read_text())
    names = {row["id"]: row["file_name"] for row in content["images"]}
    archive = zipfile.ZipFile(annotations.parent / "images.zip")
    members = {Path(name).name: name for name in archive.namelist()}
    images, points, weights, boxes = [], [], [], []
    for row in content["annotations"]:
        keypoints = np.array(row["keypoints"], np.float32).reshape(-1, 3)
        if (keypoints[:, 2] > 0).sum() < 6 or row.get("iscrowd"):
            continue
        member = members[Path(names[row["image_id"]]).name]
        picture = decoded(archive.read(member), member)
        crop = Crop.of_box(tuple(row["bbox"]), (SIDE, SIDE), padding=1.5)
        images.append(crop.cut(picture))
        seen = keypoints[:, 2] > 0
        all_points = np.full((len(vocabulary()), 2), np.nan, np.float32)
        all_points[:17][seen] = crop.apply(keypoints[seen, :2])
        points.append(all_points)
        weights.append(np.isfinite(all_points[:, 0]).astype(np.float32))
        low, high = crop.apply(_corners(row["bbox"]))
        boxes.append(np.concatenate([low, high - low]))
    _save(target, images, {"points_NV2": np.stack(points), "weights_NV": np.stack(weights),
                           "boxes_N4": np.stack(boxes).astype(np.float32)})  # fmt: skip
    return {"people": float(len(images))}


def _corners(box: list[float]) -> NDArray[np.float64]:
    x, y, width, height = box
    return np.array([[x, y], [x + width, y + height]])


def pack_synth(folder: Path, target: Path, others: bool = False) -> dict[str, float]:
    """The synthetic infant's samples with everything they know; or the people beside it."""
    from posealign.synth.dataset import ShardDataset  # noqa: PLC0415

    images: list[Any] = []
    rows: dict[str, list[Any]] = {}
    data = ShardDataset(folder)
    for index in range(len(data)):
        sample = data[index]
        for place in range(1, len(sample.people)) if others else range(len(sample.people[:1])):
            if others and _seen(sample.people[place]) < LEAST_SEEN:
                continue
            images.append(sample.image_HW3)
            labels = synth_labels(sample, place) | {"picture_N": np.int32(index)}
            for key, value in labels.items():
                rows.setdefault(key, []).append(value)
    if not images:
        raise InvalidInput(f"{folder} has nobody to pack{' beside the infant' if others else ''}")
    _save(target, images, {key: np.stack(values) for key, values in rows.items()})
    return {"people": float(len(images))}


def _seen(person: Person) -> int:
    """Body joints that are in the picture; 0 where their states are not known."""
    states = person.states_V[: len(skeleton("coco17"))]
    return 0 if (states == State.UNLABELLED).any() else int((states >= State.OCCLUDED).sum())


def one_row(sample: Sample) -> Shard:
    """A synthetic sample's subject as a shard of its own, for sets that are not packed."""
    rows = {key: np.asarray(value)[None] for key, value in synth_labels(sample).items()}
    return Shard(
        sample.key, sample.image_HW3[None], rows["points_NV2"], rows["weights_NV"],
        rows["boxes_N4"], rows["states_NV"], rows["z_NV"], (str(rows["facts_N"][0]),),
        {name: rows[name] for name in EXTRA if name in rows},
    )  # fmt: skip


def _places(person: Person) -> NDArray[np.float32]:
    """x, y and state of every place of posealign.synth.places [K, 3]; NaN where unknown."""
    out = np.full((len(PLACE_NAMES), 3), np.nan, np.float32)
    for name, (x, y, _, state) in person.facts.get("places", {}).items():
        out[PLACE_NAMES.index(name)] = x, y, state
    return out


def synth_labels(sample: Sample, place: int = 0) -> dict[str, Any]:
    """Of the person at this place; the first of the others is known to the finder."""
    person, count = sample.people[place], len(vocabulary())
    other = next((one for at, one in enumerate(sample.people) if at != place), None)
    z = np.full(count, np.nan, np.float32)
    points3 = person.points_V3
    if points3 is not None:
        index = vocabulary().index
        hips = points3[[index("left_hip"), index("right_hip")]].mean(0)
        shoulders = points3[[index("left_shoulder"), index("right_shoulder")]].mean(0)
        z = ((points3[:, 2] - hips[2]) / np.linalg.norm(shoulders - hips)).astype(np.float32)
    weights = np.select(
        [person.states_V == State.VISIBLE, person.states_V == State.OCCLUDED], [1.0, 0.6], 0.0
    )
    told: dict[str, Any] = {}
    if "touching_face" in person.facts:
        told["touching_face(hand)"] = list(person.facts["touching_face"])
    if "legs" in person.facts.get("crossing", {}):
        told["crossing_over(leg)"] = [person.facts["crossing"]["legs"]]
    facts = {"relations": told, "posture": person.posture, "role": person.role}
    nobody = np.full((count, 2), np.nan, np.float32)
    return {
        "points_NV2": person.points_V2.astype(np.float32), "weights_NV": weights.astype(np.float32),
        "boxes_N4": np.array(person.box, np.float32), "states_NV": person.states_V, "z_NV": z,
        "facts_N": np.array(json.dumps(facts)), "infant_N": np.float32(person.role == "infant"),
        "area_N": np.float32(np.nan if person.area is None else person.area),
        "hidden_by_NV": np.full(count, -1, np.int8) if person.hidden_by_V is None
        else person.hidden_by_V,
        "points_NV3": np.full((count, 3), np.nan, np.float32) if points3 is None
        else points3.astype(np.float32),
        "other_NV2": nobody if other is None else other.points_V2.astype(np.float32),
        "other_infant_N": np.float32(other is not None and other.role == "infant"),
        "places_NK3": _places(person),
    }  # fmt: skip


def main(kind: str, source: str, *rest: str) -> None:
    if kind == "lsp":
        counts = pack_lsp(Path(source), rest[0], Path(rest[1]))
    elif kind == "coco":
        counts = pack_coco(Path(source), Path(rest[0]))
    elif kind == "synth":
        counts = pack_synth(Path(source), Path(rest[0]), rest[1:] == ("others",))
    else:
        raise InvalidInput(f"a shard is packed from lsp, coco or synth, got {kind!r}")
    print(json.dumps(counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
