"""COCO keypoints JSON (COCO, SyRIP, COCO-WholeBody, Halpe …) ↔ samples, without loss.

A person's original annotation stays in `facts["coco"]`, a picture's in `facts["image"]`; the writer
starts from them and changes only what was changed, so that ids, order, areas, visibility and
unknown fields come out as they went in. `v = 0` is UNLABELLED: nobody looked there.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.data.sources.json_index import JsonIndex
from posealign.data.sources.labels import Box, box_of_points, of_skeleton, to_vocabulary
from posealign.data.sources.pictures import Pictures
from posealign.errors import InvalidInput, nearest
from posealign.skeletons.load import NAMES
from posealign.skeletons.load import skeleton as load_skeleton

# COCO-WholeBody keeps its 133 points in five lists, in this order: list, points, flag.
_WHOLEBODY = (
    ("keypoints", 17, None), ("foot_kpts", 6, "foot_valid"), ("face_kpts", 68, "face_valid"),
    ("lefthand_kpts", 21, "lefthand_valid"), ("righthand_kpts", 21, "righthand_valid"),
)  # fmt: skip


class CocoSource:
    """Samples by picture, in the file's order; pictures without people come too."""

    def __init__(
        self, path: str | Path, images: str | Path | None = None, skeleton: str | None = None
    ) -> None:
        """`images` is a folder or ZIP; the default is `images.zip`, `images/` or the file's own
        folder. The skeleton is found from the file's joint names unless given.
        """
        self.path = Path(path)
        self.name = self.path.stem
        self._image_ids = array("q")
        self._owners = array("q")  # the picture of each annotation
        self._wholebody = False
        lists = {"images": self._see_image, "annotations": self._see_annotation}
        self._index = JsonIndex(self.path, lists)
        for key in lists:
            if key not in self._index.order:
                raise InvalidInput(f"{self.path} has no {key!r}; is it a COCO keypoints file?")
        self.head: Mapping[str, Any] = self._index.head
        self.order = tuple(self._index.order)
        self.skeleton = skeleton or self._find_skeleton()
        load_skeleton(self.skeleton)
        self.pictures = Pictures(images or beside(self.path))
        self._rows = self._group()

    def __len__(self) -> int:
        return len(self._image_ids)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        row = self._index.read("images", index)
        image_HW3 = self.pictures.image(row["file_name"])
        return Sample(
            key=str(row["id"]),
            image_HW3=image_HW3,
            people=self.people(index, (image_HW3.shape[1], image_HW3.shape[0])),
            source=self.name,
            facts={"image": row, "position": index},
        )

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def people(self, index: int, size: tuple[int, int]) -> tuple[Person, ...]:
        """The labels alone; `size` is the picture's width and height."""
        people = []
        for position in self._rows[index]:
            row = self._index.read("annotations", position)
            points_J2, states_J = _keypoints(row, self.skeleton, self.path)
            points_V2, states_V = to_vocabulary(self.skeleton, points_J2, states_J)
            box = _box(row) or box_of_points(points_V2, size)
            people.append(
                Person(
                    points_V2,
                    states_V,
                    box or (0.0, 0.0, float(size[0]), float(size[1])),
                    area=row.get("area"),
                    facts={
                        "coco": row,
                        "position": position,
                        "skeleton": self.skeleton,
                        "crowd": bool(row.get("iscrowd")),
                    },
                )
            )
        return tuple(people)

    def _see_image(self, row: Any) -> None:
        if not isinstance(row, dict) or not isinstance(row.get("id"), int):
            raise InvalidInput(f"{self.path}: image {len(self._image_ids)} has no whole-number id")
        if not isinstance(row.get("file_name"), str):
            raise InvalidInput(f"{self.path}: image {row['id']} has no file_name")
        self._image_ids.append(row["id"])

    def _see_annotation(self, row: Any) -> None:
        if not isinstance(row, dict) or not isinstance(row.get("image_id"), int):
            raise InvalidInput(f"{self.path}: annotation {len(self._owners)} has no image_id")
        self._owners.append(row["image_id"])
        self._wholebody |= "foot_kpts" in row

    def _group(self) -> list[list[int]]:
        places = {image: place for place, image in enumerate(self._image_ids)}
        if len(places) < len(self._image_ids):
            raise InvalidInput(f"{self.path} gives an image id twice")
        rows: list[list[int]] = [[] for _ in places]
        for position, owner in enumerate(self._owners):
            if owner not in places:
                raise InvalidInput(
                    f"{self.path}: annotation {position} is for image {owner}, which is not listed"
                )
            rows[places[owner]].append(position)
        return rows

    def _find_skeleton(self) -> str:
        if self._wholebody:
            return "coco_wholebody133"
        named = [row["keypoints"] for row in self.head.get("categories", []) if "keypoints" in row]
        for names in named:
            for choice in NAMES:
                if tuple(names) == load_skeleton(choice).names:
                    return choice
            by_count = [choice for choice in NAMES if len(load_skeleton(choice)) == len(names)]
            raise InvalidInput(
                f"{self.path}: no skeleton has the joints {', '.join(map(str, names[:4]))} …; "
                f"name one of {', '.join(NAMES)}"
                f"{nearest(by_count[0], by_count) if by_count else ''} (source.skeleton=…); what "
                "`posealign synth` wrote is read by source.kind=synth from its folder"
            )
        return "coco17"  # files without names are COCO's own


def write_coco(
    path: str | Path,
    samples: Iterable[Sample],
    skeleton: str = "coco17",
    head: Mapping[str, Any] | None = None,
    order: tuple[str, ...] = ("info", "licenses", "images", "annotations", "categories"),
) -> None:
    """Samples → COCO JSON, in constant memory; the inverse of CocoSource given its head and order.

    Absent joints become v = 0, as COCO has no word for them.
    """
    head = {"categories": [_category(skeleton)]} if head is None else head
    with tempfile.TemporaryFile("w+b") as images, tempfile.TemporaryFile("w+b") as people:
        rows = {"images": _Rows(images), "annotations": _Rows(people)}
        for count, sample in enumerate(samples):
            image = sample.facts.get("image") or _image_row(sample, count)
            rows["images"].add(image, sample.facts.get("position"))
            for person in sample.people:
                row = _annotation(person, skeleton, image["id"], len(rows["annotations"]) + 1)
                rows["annotations"].add(row, person.facts.get("position"))
        keys = [key for key in order if key in head or key in rows]
        keys += [key for key in (*rows, *head) if key not in keys]
        with Path(path).open("wb") as file:
            for place, key in enumerate(keys):
                file.write(b"{" if place == 0 else b",\n")
                file.write(json.dumps(key).encode() + b": ")
                if key in rows:
                    rows[key].copy(file)
                else:
                    file.write(json.dumps(head[key], ensure_ascii=False).encode())
            file.write(b"}\n")


class _Rows:
    """JSON rows in a temporary file, written out by their original position."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.spans: list[tuple[int, int, int]] = []  # position, start, length

    def __len__(self) -> int:
        return len(self.spans)

    def add(self, row: Any, position: int | None) -> None:
        data = json.dumps(row, ensure_ascii=False).encode()
        place = len(self.spans) if position is None else position
        self.spans.append((place, self.file.tell(), len(data)))
        self.file.write(data)

    def copy(self, out: IO[bytes]) -> None:
        out.write(b"[")
        for count, (_, start, length) in enumerate(sorted(self.spans)):
            self.file.seek(start)
            out.write((b",\n" if count else b"") + self.file.read(length))
        out.write(b"]")


def _parts(skeleton: str) -> tuple[tuple[str, int, str | None], ...]:
    if skeleton == "coco_wholebody133":
        return _WHOLEBODY
    return (("keypoints", len(load_skeleton(skeleton)), None),)


def _keypoints(
    row: Mapping[str, Any], skeleton: str, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    found = []
    for key, points, flag in _parts(skeleton):
        values = row.get(key)
        if values is None or (flag is not None and not row.get(flag, True)):
            values = [0] * (points * 3)
        if len(values) != points * 3:
            raise InvalidInput(
                f"{path}: annotation {row.get('id')} has {len(values)} numbers in {key!r}; "
                f"{skeleton} has {points} joints, {points * 3} numbers"
            )
        part_N3 = np.array(values, dtype=np.float64).reshape(-1, 3)
        if key in ("face_kpts", "lefthand_kpts", "righthand_kpts"):
            # Here WholeBody's third number only says that the point is labelled.
            part_N3[:, 2] = np.where(part_N3[:, 2] > 0, State.VISIBLE, 0)
        found.append(part_N3)
    points_J3 = np.concatenate(found)
    states_J = np.full(len(points_J3), State.UNLABELLED, np.int8)
    states_J[points_J3[:, 2] == 1] = State.OCCLUDED
    states_J[points_J3[:, 2] >= 2] = State.VISIBLE
    return points_J3[:, :2], states_J


def _box(row: Mapping[str, Any]) -> Box | None:
    box = row.get("bbox")
    if not box or len(box) != 4 or min(box[2:]) <= 0:
        return None
    x, y, width, height = map(float, box)
    return x, y, width, height


def _annotation(person: Person, skeleton: str, image_id: int, number: int) -> dict[str, Any]:
    points_J2, states_J = of_skeleton(skeleton, person)
    original = person.facts.get("coco")
    if original is not None and person.facts.get("skeleton") == skeleton:
        then_V2, then_V = to_vocabulary(skeleton, *_keypoints(original, skeleton, Path()))
        same = np.array_equal(then_V2, person.points_V2, equal_nan=True)
        if same and np.array_equal(then_V, person.states_V):
            return dict(original)
    placed_J = states_J >= State.OCCLUDED
    values_J3 = np.zeros((len(states_J), 3))
    values_J3[placed_J] = np.column_stack([points_J2, states_J])[placed_J]
    x, y, width, height = person.box
    row: dict[str, Any] = dict(original) if original is not None else {
        "id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0,
        "bbox": [x, y, width, height],
        "area": person.area if person.area is not None else width * height,
    }  # fmt: skip
    start = 0
    parts = (
        _WHOLEBODY if skeleton == "coco_wholebody133" else (("keypoints", len(values_J3), None),)
    )
    for key, points, flag in parts:
        part_N3 = values_J3[start : start + points]
        row[key] = [_short(value) for value in part_N3.ravel().tolist()]
        start += points
        if flag is not None:
            row[flag] = bool(part_N3[:, 2].any())
    row["num_keypoints"] = int((values_J3[: len(row["keypoints"]) // 3, 2] > 0).sum())
    return row


def _short(value: float) -> float | int:
    rounded = round(value, 3)
    return int(rounded) if rounded.is_integer() else rounded


def _image_row(sample: Sample, count: int) -> dict[str, Any]:
    height, width = sample.image_HW3.shape[:2]
    name = str(sample.facts.get("file", sample.key))
    return {"id": count + 1, "file_name": name, "width": width, "height": height}


def _category(name: str) -> dict[str, Any]:
    skeleton = load_skeleton(name)
    # COCO-WholeBody's categories name the 17 body joints alone.
    shown = load_skeleton("coco17") if name == "coco_wholebody133" else skeleton
    return {
        "id": 1, "name": "person", "supercategory": "person", "keypoints": list(shown.names),
        "skeleton": [[first + 1, second + 1] for first, second in shown.edges],
    }  # fmt: skip


def beside(path: Path) -> Path:
    for choice in (path.parent / "images.zip", path.parent / "images"):
        if choice.exists():
            return choice
    return path.parent
