"""Who answers: the served Predictor, or a baseline that is judged by the same rows.

An answerer takes a picture and boxes (or None: find them yourself) and gives rows of people.
Shapes: J joints of the evaluation's skeleton, K joints of the model's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from posealign.data.crop import Crop
from posealign.data.pose import State
from posealign.data.sample import Sample
from posealign.errors import InvalidInput, NotFound
from posealign.evaluate import settings as config
from posealign.evaluate.rows import Row, joint_row, pose_row
from posealign.people import Box
from posealign.runtime.session import open_session
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.skeleton import Skeleton

Floats = NDArray[np.float64]
Locate = Callable[[NDArray[np.uint8]], Floats]  # an input [H, W, 3] → [K, 3]: x, y, score


class Answerer(Protocol):
    """`digest` says whose answers they are; a resumed run must meet the same one."""

    digest: str

    def answer(self, sample: Sample, boxes: Sequence[Box] | None) -> list[Row]: ...


def open_model(model: config.Model, evaluation: config.Evaluation) -> Answerer:
    if isinstance(model, config.PredictorModel):
        return Served(model, evaluation)
    if isinstance(model, config.MmposeModel):
        from posealign.interop.mm.baseline import Baseline  # noqa: PLC0415 - needs `make mm`

        return Baseline(model, evaluation.skeleton)
    if not Path(model.file).is_file():
        raise NotFound(f"model {model.name!r}: there is no file {model.file}")
    if isinstance(model, config.PredictionsModel):
        return Predictions(model, evaluation.skeleton)
    if isinstance(model, config.MoveNetModel):
        angles = (0.0, 90.0, 180.0, 270.0)[: model.turns]
        locate = movenet(Path(model.file))
        return TopDown(locate, (192, 192), "coco17", evaluation.skeleton, _sha(model.file), angles)
    locate = onnx_model(model)
    return TopDown(
        locate, (model.width, model.height), model.joints, evaluation.skeleton, _sha(model.file),
        padding=model.padding,
    )  # fmt: skip


class Served:
    """The Predictor itself, asked in words."""

    def __init__(self, model: config.PredictorModel, evaluation: config.Evaluation) -> None:
        from posealign import bundle as bundles  # noqa: PLC0415
        from posealign.predictor import Predictor, PredictorSettings  # noqa: PLC0415

        bundle = bundles.find(model.bundle)
        chosen = PredictorSettings.of(bundle, **model.settings)
        self.predictor = Predictor(bundle, model.provider, model.threads, chosen)
        self.digest = bundle.digest
        self._instruction, self._skeleton = evaluation.instruction, evaluation.skeleton
        self._depth = evaluation.depth
        understood = self.predictor.resolve(self._instruction, self._skeleton)
        missing = set(load_skeleton(self._skeleton).names) - set(understood.joints)
        if understood.refused or missing:
            raise InvalidInput(
                f"{model.name!r} reads {self._instruction!r} as "
                f"{understood.query or understood.reason}, without "
                f"{', '.join(sorted(missing)[:4])}; give an instruction that it reads as all joints"
            )

    def answer(self, sample: Sample, boxes: Sequence[Box] | None) -> list[Row]:
        depth = sample.depth_HW if self._depth else None
        camera = sample.intrinsics if self._depth else None
        look = self.predictor.look(sample.image_HW3, boxes, depth, camera)
        result = look.ask(self._instruction, self._skeleton)
        return [pose_row(pose, self._skeleton) for pose in result.poses]


@dataclass
class TopDown:
    """A model of one crop: the same Crop as everybody's, turned where that is surer."""

    locate: Locate
    input_size: tuple[int, int]
    joints: str
    skeleton: str
    digest: str
    turns: tuple[float, ...] = (0.0,)
    padding: float = 1.25

    def answer(self, sample: Sample, boxes: Sequence[Box] | None) -> list[Row]:
        height, width = sample.image_HW3.shape[:2]
        if boxes is None:  # a model without a finder looks at the whole picture
            boxes = [(0.0, 0.0, float(width), float(height))]
        return [self._person(sample.image_HW3, box) for box in boxes]

    def _person(self, image_HW3: NDArray[np.uint8], box: Box) -> Row:
        best: tuple[float, Floats] | None = None
        for turn in self.turns:
            crop = Crop.of_box(box, self.input_size, turn, self.padding)
            found_K3 = self.locate(crop.cut(image_HW3))
            placed = np.column_stack([crop.invert(found_K3[:, :2]), found_K3[:, 2]])
            sure = float(found_K3[:, 2].mean())
            if best is None or sure > best[0]:
                best = sure, placed
        if best is None:
            raise InvalidInput("a model that looks at a crop needs at least one turn")
        sure, placed_K3 = best
        return {
            "box": [round(value, 4) for value in box],
            "score": round(sure, 6),
            "joints": in_skeleton(placed_K3, self.joints, self.skeleton),
        }


def in_skeleton(found_K3: Floats, own: str | Skeleton, wanted: str) -> list[list[Any] | None]:
    """A model's joints as the evaluation's; joints it does not have are None."""
    names = own if isinstance(own, Skeleton) else load_skeleton(own)
    place: dict[str, Floats] = {}
    for row, joint in enumerate(names.joints):
        place[joint.name] = found_K3[row]
        if len(joint.sources) == 1:
            place[joint.sources[0][0]] = found_K3[row]
    rows: list[list[Any] | None] = []
    for joint in load_skeleton(wanted).joints:
        sources = joint.sources or ((joint.name, 1.0),)
        if all(name in place for name, _ in sources):
            mean = np.sum([place[name] * weight for name, weight in sources], axis=0)
            rows.append(joint_row(*mean))
        else:
            rows.append(None)
    return rows


def movenet(path: Path) -> Locate:
    """192×192 crops → COCO-17 in input pixels."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the extra `peers`

    reader = Interpreter(str(path), num_threads=1)
    reader.allocate_tensors()
    source, target = reader.get_input_details()[0]["index"], reader.get_output_details()[0]["index"]

    def run(crop_HW3: NDArray[np.uint8]) -> Floats:
        reader.set_tensor(source, crop_HW3[None])
        reader.invoke()
        y, x, score = np.asarray(reader.get_tensor(target)[0, 0], np.float64).T
        # MoveNet counts shares of the input from its edge; Crop counts pixel centres.
        return np.stack([x * 192 - 0.5, y * 192 - 0.5, score], axis=-1)

    return run


def onnx_model(model: config.OnnxModel) -> Locate:
    """An ONNX file and how to talk to it → a function of a crop."""
    session = open_session(Path(model.file), "cpu", 1)
    source = session.get_inputs()[0]
    read = {"heatmaps": _of_heatmaps, "simcc": _of_simcc, "points": _of_points}[model.output]
    joints = len(load_skeleton(model.joints))

    def run(crop_HW3: NDArray[np.uint8]) -> Floats:
        pixels: NDArray[Any] = crop_HW3
        if source.type != "tensor(uint8)":
            pixels = (crop_HW3.astype(np.float32) - model.mean) / np.array(model.std)
        if model.channels == "BGR":
            pixels = pixels[..., ::-1]
        if model.layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        kind = {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16}.get(
            source.type, np.float32
        )
        outputs = session.run(None, {source.name: np.ascontiguousarray(pixels[None], kind)})
        found = read(outputs, model)
        if found.shape != (joints, 3):
            raise InvalidInput(
                f"{model.name!r} answers {len(found)} joints; {model.joints} has {joints}"
            )
        return found

    return run


def _of_heatmaps(outputs: list[NDArray[Any]], model: config.OnnxModel) -> Floats:
    """The highest cell, a quarter of a cell towards the higher neighbour, as COCO models do."""
    maps_Khw = np.asarray(outputs[0][0], np.float64)
    height, width = maps_Khw.shape[1:]
    flat = maps_Khw.reshape(len(maps_Khw), -1)
    best = flat.argmax(axis=1)
    row, column = best // width, best % width
    own = np.arange(len(maps_Khw))
    inner = (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)
    right = maps_Khw[own, row, np.minimum(column + 1, width - 1)]
    left = maps_Khw[own, row, np.maximum(column - 1, 0)]
    below = maps_Khw[own, np.minimum(row + 1, height - 1), column]
    above = maps_Khw[own, np.maximum(row - 1, 0), column]
    x = column + 0.25 * np.sign(right - left) * inner
    y = row + 0.25 * np.sign(below - above) * inner
    steps = (model.width - 1) / (width - 1), (model.height - 1) / (height - 1)
    return np.stack([x * steps[0], y * steps[1], flat.max(axis=1)], axis=-1)


def _of_simcc(outputs: list[NDArray[Any]], model: config.OnnxModel) -> Floats:
    across, along = (np.asarray(output[0], np.float64) for output in outputs[:2])
    x = across.argmax(axis=1) * model.width / across.shape[1]
    y = along.argmax(axis=1) * model.height / along.shape[1]
    return np.stack([x, y, np.minimum(across.max(axis=1), along.max(axis=1))], axis=-1)


def _of_points(outputs: list[NDArray[Any]], model: config.OnnxModel) -> Floats:
    points = np.asarray(outputs[0], np.float64).reshape(-1, 3)
    if model.order == "yxs":
        points = points[:, [1, 0, 2]]
    if model.normalised:
        points = points * [model.width, model.height, 1] - [0.5, 0.5, 0]
    return points


class Predictions:
    """Answers that somebody wrote to a file; they are read once, by key."""

    def __init__(self, model: config.PredictionsModel, skeleton: str) -> None:
        self.digest = _sha(model.file)
        self._name, self._skeleton = model.name, skeleton
        path = Path(model.file)
        self._people: dict[str, list[Row]] = {}
        rows = json.loads(path.read_text("utf-8")) if path.suffix == ".json" else None
        if isinstance(rows, list):
            for number, row in enumerate(rows):
                self._add_coco(row, number, model)
        else:
            for number, line in enumerate(path.read_text("utf-8").splitlines()):
                self._add_line(json.loads(line), number, model)

    def answer(self, sample: Sample, boxes: Sequence[Box] | None) -> list[Row]:
        people = self._people.get(sample.key, [])
        if boxes is None or not people:
            return people
        # Answers to given boxes: each box takes the answer whose joints lie nearest to its centre.
        return [{**_nearest(box, people), "box": list(box)} for box in boxes]

    def _add_coco(self, row: Any, number: int, model: config.PredictionsModel) -> None:
        count = len(load_skeleton(model.joints))
        try:
            points_K3 = np.array(row["keypoints"], np.float64).reshape(-1, 3)
            key, score = str(row["image_id"]), float(row["score"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"{model.file}: result {number} needs image_id, keypoints and score: {error!r}"
            ) from error
        if len(points_K3) != count:
            raise InvalidInput(
                f"{model.file}: result {number} has {len(points_K3)} joints; "
                f"{model.joints} has {count}"
            )
        points_K3[:, 2] = np.clip(points_K3[:, 2], 0, 1)
        joints = in_skeleton(points_K3, model.joints, self._skeleton)
        low, high = points_K3[:, :2].min(axis=0), points_K3[:, :2].max(axis=0)
        self._people.setdefault(key, []).append(
            {"box": [*low, *(high - low)], "score": score, "joints": joints}
        )

    def _add_line(self, row: Any, number: int, model: config.PredictionsModel) -> None:
        names = load_skeleton(self._skeleton).names
        try:
            for person in row["people"]:
                joints = [_line_joint(person["joints"].get(name)) for name in names]
                placed = np.array([j[:2] for j in joints if j is not None and j[0] is not None])
                placed = placed.reshape(-1, 2) if len(placed) else np.zeros((1, 2))
                low, size = placed.min(axis=0), np.ptp(placed, axis=0)
                self._people.setdefault(str(row["key"]), []).append({
                    "box": list(person.get("box", [*low.tolist(), *size.tolist()])),
                    "score": float(person.get("score", 1.0)), "joints": joints,
                })  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput(
                f"{model.file}: line {number + 1} needs key and people with joints: {error!r}"
            ) from error


def _line_joint(values: Any) -> list[Any] | None:
    """[x, y, confidence] and perhaps [radius, state]; null places are absent joints."""
    if values is None:
        return None
    x, y, confidence, *more = values
    radius = more[0] if more else None
    if x is None or y is None:
        return [None, None, float(confidence), None, int(State.ABSENT), None]
    state = State[str(more[1]).upper()] if len(more) > 1 else State.VISIBLE
    return [float(x), float(y), float(confidence), radius, int(state), None]


def _nearest(box: Box, people: list[Row]) -> Row:
    centre = np.array([box[0] + box[2] / 2, box[1] + box[3] / 2])

    def far(person: Row) -> float:
        x, y, width, height = person["box"]
        return float(np.hypot(x + width / 2 - centre[0], y + height / 2 - centre[1]))

    return min(people, key=far)


def _sha(file: str) -> str:
    from posealign.bundle import sha256_of  # noqa: PLC0415

    return sha256_of(Path(file))


def mirrored(sample: Sample, boxes: Sequence[Box] | None) -> tuple[Sample, list[Box] | None]:
    """The picture as a mirror shows it, and the boxes in it."""
    width = sample.image_HW3.shape[1]
    flipped = Sample(
        sample.key,
        np.ascontiguousarray(sample.image_HW3[:, ::-1]),
        (),
        sample.source,
    )
    if boxes is None:
        return flipped, None
    return flipped, [(width - 1 - (x + w), y, w, h) for x, y, w, h in boxes]
