"""The project's plain format: one picture a line, JSON, written and read without loss of labels.

    {"image": "a.jpg", "key": "a", "people": [{
        "box": [x, y, width, height],
        "joints": {"left_wrist": [x, y, "visible"], "right_wrist": [null, null, "absent"]},
        "joints_3d": {"left_wrist": [x, y, z]},
        "role": "infant", "posture": "supine", "age_months": 3.5}],
     "depth": "a_depth.png", "intrinsics": [fx, fy, cx, cy], "facts": {…}}

Joints that are not named are UNLABELLED. Names are the vocabulary's, or those of "skeleton" where a
line gives one. Paths are relative to the file. docs/reference/jsonl.md has the whole format.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from posealign.data.pose import State
from posealign.data.sample import HIDERS, Person, Sample
from posealign.data.sources.labels import box_of_points, to_vocabulary
from posealign.data.sources.pictures import Pictures
from posealign.errors import InvalidInput, NotFound, nearest
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary

_STATES = {state.name.lower(): state for state in State}


class JsonlSource:
    """Lines are found once and parsed when asked for."""

    def __init__(self, path: str | Path, images: str | Path | None = None) -> None:
        self.path = Path(path)
        self.name = self.path.stem
        if not self.path.is_file():
            raise NotFound(f"there is no label file {self.path}")
        self.pictures = Pictures(images or self.path.parent)
        self._starts = array("q")
        place = 0
        with self.path.open("rb") as file:
            for line in file:
                if line.strip():
                    self._starts.append(place)
                place += len(line)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        row = self._row(index)
        image_HW3 = self.pictures.image(row["image"])
        size = image_HW3.shape[1], image_HW3.shape[0]
        intrinsics = row.get("intrinsics")
        return Sample(
            key=str(row.get("key", row["image"])),
            image_HW3=image_HW3,
            people=tuple(
                self._person(person, row.get("skeleton"), size, index)
                for person in row.get("people", [])
            ),
            source=self.name,
            depth_HW=self.pictures.depth(row["depth"]) if row.get("depth") else None,
            intrinsics=tuple(intrinsics) if intrinsics else None,
            facts={"file": row["image"], **row.get("facts", {})},
        )

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def _row(self, index: int) -> dict[str, Any]:
        with self.path.open("rb") as file:
            file.seek(self._starts[index])
            line = file.readline()
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"{self.path}: row {index} is not JSON: {error}") from error
        if not isinstance(row, dict) or not isinstance(row.get("image"), str):
            raise InvalidInput(f"{self.path}: row {index} does not name an 'image'")
        return row

    def _person(
        self, row: dict[str, Any], name: str | None, size: tuple[int, int], index: int
    ) -> Person:
        skeleton = vocabulary() if name is None else load_skeleton(name)
        points_J2 = np.full((len(skeleton), 2), np.nan)
        states_J = np.full(len(skeleton), State.UNLABELLED, np.int8)
        hidden_J = np.full(len(skeleton), -1, np.int8)
        points_J3 = np.full((len(skeleton), 3), np.nan)
        try:
            for joint, (x, y, state, *hider) in row.get("joints", {}).items():
                place = skeleton.index(joint)
                states_J[place] = _state(state)
                if states_J[place] >= State.OCCLUDED:
                    points_J2[place] = x, y
                if hider:
                    hidden_J[place] = HIDERS.index(hider[0])
            for joint, point in row.get("joints_3d", {}).items():
                points_J3[skeleton.index(joint)] = point
        except (InvalidInput, KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{self.path}: row {index}: {error}") from error
        if name is None:
            points_V2, states_V = points_J2.astype(np.float32), states_J
        else:
            points_V2, states_V = to_vocabulary(name, points_J2, states_J)
        box = row.get("box") or box_of_points(points_V2, size) or (0, 0, *size)
        solid = "joints_3d" in row and name is None
        return Person(
            points_V2,
            states_V,
            (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            points_V3=points_J3.astype(np.float32) if solid else None,
            hidden_by_V=hidden_J if name is None and (hidden_J >= 0).any() else None,
            role=row.get("role"),
            posture=row.get("posture"),
            age_months=row.get("age_months"),
            area=row.get("area"),
            facts=row.get("facts", {}),
        )


def write_jsonl(file: TextIO, sample: Sample, image: str, depth: str | None = None) -> None:
    """Append one line; `image` and `depth` are the paths of the pictures beside the file."""
    row: dict[str, Any] = {"image": image, "key": sample.key}
    row["people"] = [_person_row(person) for person in sample.people]
    if depth is not None:
        row["depth"] = depth
    if sample.intrinsics is not None:
        row["intrinsics"] = list(sample.intrinsics)
    facts = {key: value for key, value in sample.facts.items() if key != "file"}
    if facts:
        row["facts"] = facts
    file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def _person_row(person: Person) -> dict[str, Any]:
    joints: dict[str, list[Any]] = {}
    for index, joint in enumerate(vocabulary().names):
        state = State(int(person.states_V[index]))
        if state is State.UNLABELLED:
            continue
        x, y = person.points_V2[index].tolist() if state >= State.OCCLUDED else (None, None)
        joints[joint] = [x, y, state.name.lower()]
        if person.hidden_by_V is not None and person.hidden_by_V[index] >= 0:
            joints[joint].append(HIDERS[person.hidden_by_V[index]])
    row: dict[str, Any] = {"box": list(person.box), "joints": joints}
    if person.points_V3 is not None:
        row["joints_3d"] = {
            joint: point.tolist()
            for joint, point in zip(vocabulary().names, person.points_V3, strict=True)
            if np.isfinite(point).all()
        }
    for key in ("role", "posture", "age_months", "area"):
        if (value := getattr(person, key)) is not None:
            row[key] = value
    if person.facts:
        row["facts"] = dict(person.facts)
    return row


def _state(value: Any) -> State:
    """A word, or COCO's number."""
    if isinstance(value, str):
        if value not in _STATES:
            raise InvalidInput(f"a state is {', '.join(_STATES)}; got {value!r}"
                               f"{nearest(value, _STATES)}")  # fmt: skip
        return _STATES[value]
    return {0: State.UNLABELLED, 1: State.OCCLUDED, 2: State.VISIBLE}[int(value)]
