"""What an evaluation writes: one JSON line a picture, of its labels and of each model's answers.

A line that was cut off by an interruption is dropped on the next start, so a run goes on where it
stood. Numbers are rounded to 1e-4 px: a run and its resumption read the same.
Shapes: J joints of the evaluation's skeleton.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import Pose, State
from posealign.data.sample import HIDERS, Person, Sample
from posealign.data.sources.labels import of_skeleton
from posealign.errors import InvalidInput
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary

DIGITS = 4
Row = dict[str, Any]


@dataclass
class RowFile:
    """Lines appended in the order of the samples; `index` of a line is the sample's place."""

    path: Path

    def resume(self) -> int:
        """Cut a half-written last line off; the index after the last whole one."""
        if not self.path.is_file():
            return 0
        with self.path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            tail = b""
            place = size
            while place > 0 and tail.count(b"\n") < 2:
                step = min(1 << 16, place)
                place -= step
                file.seek(place)
                tail = file.read(step) + tail
            whole = tail.rfind(b"\n") + 1
            file.truncate(size - (len(tail) - whole))
            lines = tail[:whole].splitlines()
        if not lines:
            return 0
        try:
            return int(json.loads(lines[-1])["index"]) + 1
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"{self.path} is damaged: {error!r}; remove it to begin anew"
            ) from error

    def append(self, row: Row) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")

    def __iter__(self) -> Iterator[Row]:
        if not self.path.is_file():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def truth_row(index: int, sample: Sample, skeleton: str, area_share: float, box: str) -> Row:
    """The labels of a picture in the evaluation's skeleton."""
    height, width = sample.image_HW3.shape[:2]
    people = [_person_row(person, skeleton, area_share, box) for person in sample.people]
    row: Row = {
        "index": index, "key": sample.key, "size": [width, height], "people": people,
        "file": str(sample.facts.get("file", "")),
    }  # fmt: skip
    for fact in ("sequence", "condition"):
        if fact in sample.facts:
            row[fact] = str(sample.facts[fact])
    return row


def _person_row(person: Person, skeleton: str, area_share: float, box: str) -> Row:
    points_J2, states_J = of_skeleton(skeleton, person)
    taken = tight_box(points_J2) if box == "joints" else None
    taken = taken or person.box
    area = person.area if person.area is not None and box == "source" else None
    row: Row = {
        "joints": [
            [*_rounded(points_J2[j]), int(states_J[j])] if np.isfinite(points_J2[j]).all()
            else [None, None, int(states_J[j])]
            for j in range(len(states_J))
        ],
        "box": _rounded(taken),
        "area": round(float(area), DIGITS) if area is not None
        else round(taken[2] * taken[3] * area_share, DIGITS),
        "crowd": bool(person.facts.get("crowd", False)),
    }  # fmt: skip
    for name in ("posture", "role", "age_months"):
        if (value := getattr(person, name)) is not None:
            row[name] = value
    if person.points_V3 is not None:
        row["space"] = _space(person.points_V3, skeleton)
    if person.hidden_by_V is not None:
        row["hidden_by"] = _hidden_by(person.hidden_by_V, skeleton)
    return row


def judged_people(row: Row) -> list[int]:
    """Those of whom somebody labelled a joint; crowds are nobody."""
    return [
        p
        for p, person in enumerate(row["people"])
        if not person["crowd"] and any(joint[2] >= State.OCCLUDED for joint in person["joints"])
    ]


def tight_box(points_J2: NDArray[np.floating]) -> tuple[float, float, float, float] | None:
    """Round the joints that have a place; None for fewer than two, or no extent."""
    placed = points_J2[np.isfinite(points_J2).all(axis=1)]
    if len(placed) < 2:
        return None
    low, high = placed.min(axis=0), placed.max(axis=0)
    if (high - low).min() < 1:
        return None
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def _space(points_V3: NDArray[np.floating], skeleton: str) -> list[list[float] | None]:
    matrix_JV = load_skeleton(skeleton).matrix_JV(vocabulary())
    points_J3 = np.array([
        row[row > 0] @ points_V3[row > 0] if (row > 0).any() else np.full(3, np.nan)
        for row in matrix_JV
    ])  # fmt: skip
    return [_rounded(point, 6) if np.isfinite(point).all() else None for point in points_J3]


def _hidden_by(hidden_V: NDArray[np.integer], skeleton: str) -> list[str | None]:
    names = []
    for joint in load_skeleton(skeleton).joints:
        hider = int(hidden_V[vocabulary().index(joint.sources[0][0])]) if joint.sources else -1
        names.append(HIDERS[hider] if hider >= 0 else None)
    return names


def pose_row(pose: Pose, skeleton: str, truth: int | None = None) -> Row:
    """An answer in the evaluation's skeleton; joints it was not asked for are None."""
    found = {joint.name: joint for joint in (*pose.joints, *pose.filtered)}
    joints: list[list[Any] | None] = []
    for name in load_skeleton(skeleton).names:
        joint = found.get(name)
        if joint is None:
            joints.append(None)
            continue
        joints.append([
            _number(joint.x), _number(joint.y), round(joint.confidence, 6),
            _number(joint.radius), int(joint.state), _number(joint.z, 5),
        ])  # fmt: skip
    sure = [joint.confidence for joint in found.values() if joint.x is not None]
    row: Row = {
        "box": _rounded(pose.box), "score": round(pose.score, 6), "joints": joints,
        # As COCO's tools rank people: the box's score by the mean of the joints'.
        "detection": round(pose.score * float(np.mean(sure)) if sure else 0.0, 6),
    }  # fmt: skip
    if pose.rotation:
        row["rotation"] = round(pose.rotation, 3)
    if truth is not None:
        row["truth"] = truth
    if any(joint.position is not None for joint in found.values()):
        row["space"] = [
            _rounded(joint.position, 6)
            if (joint := found.get(name)) is not None and joint.position is not None
            else None
            for name in load_skeleton(skeleton).names
        ]
    if pose.depth_consistency is not None:
        row["depth_consistency"] = round(pose.depth_consistency, 6)
    return row


def joint_row(x: float, y: float, confidence: float, radius: float | None = None) -> list[Any]:
    """A baseline's joint: it always gives a place."""
    return [_number(x), _number(y), round(float(confidence), 6), _number(radius),
            int(State.VISIBLE), None]  # fmt: skip


def _rounded(values: Any, digits: int = DIGITS) -> list[float]:
    return [round(float(value), digits) for value in values]


def _number(value: float | None, digits: int = DIGITS) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
