"""Rows → arrays of people in pairs (answer, truth), and COCO's AP on the way.

Shapes: P labelled people, J joints of the evaluation's skeleton, D detections, G labelled people
of one picture.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.evaluate.rows import Row, judged_people
from posealign.metrics.average_precision import AveragePrecision, detected_area
from posealign.metrics.oks import Floats, oks_matrix
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.skeleton import Skeleton

# COCO-WholeBody's parts, each with an AP of its own.
PARTS = {
    "body": (0, 17), "foot": (17, 23), "face": (23, 91), "left_hand": (91, 112),
    "right_hand": (112, 133),
}  # fmt: skip
CHUNK = 512  # people whose rows are packed together
LEAST_OKS = 1e-3  # below this a found person is nobody's answer


@dataclass(frozen=True)
class Judged:
    """Everybody labelled, with the answer about them; NaN where there is none."""

    skeleton: Skeleton
    index_P: NDArray[np.int64]  # the picture's place in the source
    person_P: NDArray[np.int64]
    answered_P: NDArray[np.bool_]
    points_PJ2: Floats
    confidence_PJ: Floats
    radius_PJ: Floats
    state_PJ: NDArray[np.int8]  # UNLABELLED: the model has no such joint
    z_PJ: Floats
    space_PJ3: Floats
    mirrored_PJ2: Floats
    consistency_P: Floats
    rotation_P: Floats  # of the crop the answer was given on
    asked_box_P4: Floats
    truth_PJ2: Floats
    truth_state_PJ: NDArray[np.int8]
    truth_space_PJ3: Floats
    area_P: Floats
    box_P4: Floats
    width_P: Floats
    labels: Mapping[str, list[str]]  # posture, role, age, condition, sequence; "" unknown
    precision: Mapping[str, Mapping[str, float]]  # AP and AR, and of each part
    detections: int

    def __len__(self) -> int:
        return len(self.index_P)

    @property
    def first_half_P(self) -> NDArray[np.bool_]:
        """Every other picture: what is fitted there is reported on the rest."""
        return first_half(self.index_P)

    @property
    def has_PJ(self) -> NDArray[np.bool_]:
        """The model has the joint: a baseline is not blamed for what it never claims to find."""
        ever_J = np.any(self.state_PJ != State.UNLABELLED, axis=0)
        return np.asarray(np.broadcast_to(ever_J, self.state_PJ.shape))

    @property
    def labelled_PJ(self) -> NDArray[np.bool_]:
        return np.asarray((self.truth_state_PJ >= State.OCCLUDED) & self.has_PJ)

    @property
    def absent_PJ(self) -> NDArray[np.bool_]:
        return np.asarray((self.truth_state_PJ == State.ABSENT) & self.has_PJ)

    @property
    def placed_PJ(self) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(self.points_PJ2[..., 0]))


def first_half(index_N: NDArray[np.int64]) -> NDArray[np.bool_]:
    """By rank among the pictures that are there: a run may hold only even ones."""
    ranks = np.unique(np.asarray(index_N), return_inverse=True)[1]
    return np.asarray(ranks % 2 == 0)


def pairs(truth: Iterable[Row], answers: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Labels and answers of each picture both have; failed pictures are left out."""
    for label, answer in zip(truth, answers, strict=False):
        if label["index"] != answer["index"]:
            raise ValueError(f"rows {label['index']} and {answer['index']} do not belong together")
        if "failed" not in label and "failed" not in answer:
            yield label, answer


def judge(truth: Iterable[Row], answers: Iterable[Row], skeleton: str) -> Judged:
    """One pass; of each picture only a few numbers a joint are kept."""
    own = load_skeleton(skeleton)
    judges = {"all": (AveragePrecision(), slice(0, len(own)))}
    if skeleton == "coco_wholebody133":
        judges |= {part: (AveragePrecision(), slice(*ends)) for part, ends in PARTS.items()}
    people: list[dict[str, Any]] = []
    chunks: list[dict[str, NDArray[Any]]] = []
    named: dict[str, list[str]] = {name: [] for name in _LABELS}
    detections = 0
    for label, answer in pairs(truth, answers):
        found = answer["people"]
        detections += len(found)
        arrays = _arrays(found, len(own))
        for judge_, joints in judges.values():
            _add(judge_, label, found, arrays["points"][:, joints], joints, own)
        mirrored = _arrays(answer.get("mirrored", ()), len(own))["points"]
        new = _people(label, found, arrays, mirrored, own)
        for name, values in named.items():
            values += [sys.intern(str(row[name])) for row in new]
        people += new
        if len(people) >= CHUNK:
            chunks.append(_packed(people))
            people = []
    if people:
        chunks.append(_packed(people))
    precision = {part: judge_.figures() for part, (judge_, _) in judges.items()}
    return _stacked(chunks, named, own, precision, detections)


def _arrays(found: Iterable[Row], count: int) -> dict[str, NDArray[Any]]:
    """D × J arrays of the answers; a joint's row is x, y, confidence, radius, state, z."""
    rows = list(found)
    table = np.full((len(rows), count, 6), np.nan)
    space = np.full((len(rows), count, 3), np.nan)
    for d, person in enumerate(rows):
        for j, joint in enumerate(person["joints"]):
            if joint is not None:
                table[d, j] = [np.nan if value is None else value for value in joint]
        for j, point in enumerate(person.get("space", ())):
            if point is not None:
                space[d, j] = point
    state = np.where(np.isnan(table[..., 4]), State.UNLABELLED, np.nan_to_num(table[..., 4]))
    return {
        "points": table[..., :2], "confidence": table[..., 2], "radius": table[..., 3],
        "state": state.astype(np.int8), "z": table[..., 5], "space": space,
    }  # fmt: skip


def _labels(person: Row) -> tuple[Floats, NDArray[np.int8]]:
    states = np.array([joint[2] for joint in person["joints"]], np.int8)
    points = np.array(
        [[np.nan if v is None else v for v in joint[:2]] for joint in person["joints"]], np.float64
    )
    return points, states


def _add(
    judge_: AveragePrecision,
    label: Row,
    found: list[Row],
    points_DJ2: Floats,
    joints: slice,
    own: Skeleton,
) -> None:
    """COCO's files have no word for a missing joint: it stands at the origin."""
    points = np.nan_to_num(points_DJ2)
    labels = [_labels(person) for person in label["people"]]
    count = points.shape[1]
    truth = np.array([p[joints] for p, _ in labels]).reshape(-1, count, 2)
    labelled = np.array([s[joints] >= State.OCCLUDED for _, s in labels], bool).reshape(-1, count)
    area = np.array([person["area"] for person in label["people"]], np.float64)
    boxes = np.array([person["box"] for person in label["people"]], np.float64).reshape(-1, 4)
    crowd = np.array([person["crowd"] for person in label["people"]], bool)
    scores = np.array([detection_score(person) for person in found], np.float64)
    similarity = oks_matrix(points, truth, labelled, area, boxes, own.sigmas_J[joints])
    areas = detected_area(points) if len(points) else np.zeros(0)
    judge_.add(similarity, scores, areas, area, crowd | ~labelled.any(axis=1), crowd)


def detection_score(person: Row) -> float:
    return float(person["detection"] if "detection" in person else person["score"])


def _people(
    label: Row, found: list[Row], arrays: dict[str, NDArray[Any]], mirrored: Floats, own: Skeleton
) -> list[dict[str, Any]]:
    targets = judged_people(label)
    chosen = _matched(label, found, arrays["points"], targets, own)
    rows = []
    for target in targets:
        person = label["people"][target]
        points, states = _labels(person)
        space = np.full((len(own), 3), np.nan)
        for j, point in enumerate(person.get("space", ())):
            if point is not None:
                space[j] = point
        d = chosen.get(target)
        row: dict[str, Any] = {
            "index": label["index"], "person": target, "answered": d is not None,
            "truth": points, "truth_state": states, "truth_space": space,
            "area": person["area"], "box": person["box"], "width": label["size"][0],
            "posture": person.get("posture", ""), "role": person.get("role", ""),
            "age": age_group(person.get("age_months")),
            "condition": label.get("condition", ""), "sequence": label.get("sequence", ""),
            "consistency": np.nan if d is None else found[d].get("depth_consistency", np.nan),
            "rotation": 0.0 if d is None else found[d].get("rotation", 0.0),
            "asked_box": person["box"] if d is None else found[d]["box"],
            "mirrored": mirrored[d] if d is not None and d < len(mirrored)
            else np.full((len(own), 2), np.nan),
        }  # fmt: skip
        for name, values in arrays.items():
            empty = np.full(values.shape[1:], np.nan)
            if name == "state":  # who was not found has every joint missing, not unknown
                empty = np.full(values.shape[1:], State.ABSENT, np.int8)
            row[name] = values[d] if d is not None else empty
        rows.append(row)
    return rows


def _matched(
    label: Row, found: list[Row], points_DJ2: Floats, targets: list[int], own: Skeleton
) -> dict[int, int]:
    """Labelled person → answer: as asked, or the most similar first where people were searched."""
    if any("truth" in person for person in found):
        return {person["truth"]: d for d, person in enumerate(found)}
    if not found or not targets:
        return {}
    labels = [_labels(label["people"][target]) for target in targets]
    people = [label["people"][target] for target in targets]
    similarity = oks_matrix(
        np.nan_to_num(points_DJ2),
        np.array([points for points, _ in labels]),
        np.array([states >= State.OCCLUDED for _, states in labels]),
        np.array([person["area"] for person in people]),
        np.array([person["box"] for person in people]),
        own.sigmas_J,
    )
    chosen: dict[int, int] = {}
    while similarity.size and similarity.max() > LEAST_OKS:
        d, g = np.unravel_index(int(similarity.argmax()), similarity.shape)
        chosen[targets[g]] = int(d)
        similarity[d], similarity[:, g] = -1, -1
    return chosen


def age_group(months: float | None) -> str:
    if months is None:
        return ""
    for end, name in ((3, "0-3 months"), (6, "3-6 months"), (12, "6-12 months"), (36, "1-3 years")):
        if months < end:
            return name
    return "older"


_KINDS: Mapping[str, Any] = {
    "index": np.int64, "person": np.int64, "answered": bool,
    "state": np.int8, "truth_state": np.int8,
}  # fmt: skip
_LABELS = ("posture", "role", "age", "condition", "sequence")


def _packed(people: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Some people's rows as one array a column: dictionaries of small arrays are ten times that."""
    return {
        name: np.array([row[name] for row in people], _KINDS.get(name, np.float64))
        for name in people[0]
        if name not in _LABELS
    }


def _stacked(
    chunks: list[dict[str, NDArray[Any]]],
    labels: dict[str, list[str]],
    own: Skeleton,
    precision: Mapping[str, Mapping[str, float]],
    detections: int,
) -> Judged:
    count, people = len(own), sum(len(chunk["index"]) for chunk in chunks)

    def column(name: str, *shape: int) -> NDArray[Any]:
        parts = [chunk.pop(name) for chunk in chunks]  # each is let go as soon as it is copied
        whole = np.concatenate(parts) if parts else np.zeros(0, _KINDS.get(name, np.float64))
        return whole.reshape(people, *shape)

    return Judged(
        own,
        column("index"),
        column("person"),
        column("answered"),
        column("points", count, 2),
        column("confidence", count),
        column("radius", count),
        column("state", count),
        column("z", count),
        column("space", count, 3),
        column("mirrored", count, 2),
        column("consistency"),
        column("rotation"),
        column("asked_box", 4),
        column("truth", count, 2),
        column("truth_state", count),
        column("truth_space", count, 3),
        column("area"),
        column("box", 4),
        column("width"),
        labels,
        precision,
        detections,
    )


def as_coco(
    truth: Iterable[Row], answers: Iterable[Row], skeleton: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same people as COCO's labels and results: for pycocotools, or for others to read."""
    labels: dict[str, Any] = {
        "images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}],
    }  # fmt: skip
    results: list[dict[str, Any]] = []
    for label, answer in pairs(truth, answers):
        width, height = label["size"]
        labels["images"].append({
            "id": label["index"], "file_name": label["file"], "width": width, "height": height,
        })  # fmt: skip
        for person in label["people"]:
            keypoints = [
                value
                for x, y, state in person["joints"]
                for value in ((x, y, state) if state >= State.OCCLUDED else (0, 0, 0))
            ]
            labels["annotations"].append({
                "id": len(labels["annotations"]) + 1, "image_id": label["index"],
                "category_id": 1, "keypoints": keypoints, "bbox": person["box"],
                "area": person["area"], "iscrowd": int(person["crowd"]),
                "num_keypoints": sum(joint[2] >= State.OCCLUDED for joint in person["joints"]),
            })  # fmt: skip
        for person in answer["people"]:
            points = _arrays([person], len(load_skeleton(skeleton)))
            values = np.nan_to_num(
                np.column_stack([points["points"][0], points["confidence"][0]])
            ).ravel()
            results.append({
                "image_id": label["index"], "category_id": 1, "keypoints": values.tolist(),
                "score": detection_score(person),
            })  # fmt: skip
    return labels, results
