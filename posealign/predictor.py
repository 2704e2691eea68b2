"""The only inference path: look at a picture once, ask many times.

    predictor = Predictor()
    look = predictor.look(image)              # runs the image graph, places no joint
    result = look.ask("only the left leg")    # runs text (cached), select and locate

Serving, cameras, evaluation and the command line all call this and nothing else.
Shapes: P people, K placed vocabulary joints, V vocabulary joints.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from posealign import answer
from posealign import bundle as bundles
from posealign.answer import Placed
from posealign.bundle import Bundle
from posealign.data.crop import Crop
from posealign.data.finder import Found, decode
from posealign.data.pose import Pose, PoseResult, State, Understood
from posealign.errors import BrokenBundle, InvalidInput
from posealign.findings import findings_of
from posealign.instructions.resolve import Reading, Resolver
from posealign.instructions.sets import in_skeleton
from posealign.people import (
    MAX_BOXES,
    Seen,
    checked_boxes,
    checked_picture,
    clipped,
    of_subject,
    picture_box,
    turn_of,
)
from posealign.relate import as_person, related
from posealign.runtime.cache import Cache
from posealign.runtime.session import Arrays, open_graphs
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Joint, Skeleton

TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


@dataclass(frozen=True)
class PredictorSettings:
    """How people are found and crops are turned."""

    passes: int = 1  # 2: a crop lying on its side is turned upright and looked at again; 3: twice
    max_people: int = 8
    finder_threshold: float = 0.35
    turn_at: float = 50.0  # degrees off upright from which a crop is turned
    absent_threshold: float = 0.5  # a joint is absent above this probability

    def __post_init__(self) -> None:
        if self.passes not in (1, 2, 3):
            raise InvalidInput(f"passes is {self.passes}; expected 1, 2 or 3")
        if not 1 <= self.max_people <= MAX_BOXES:
            raise InvalidInput(f"max_people is {self.max_people}; expected 1 to {MAX_BOXES}")

    @classmethod
    def of(cls, bundle: Bundle, **changes: float) -> PredictorSettings:
        """The bundle's own defaults, with changes."""
        try:
            return cls(**{**bundle.metadata.settings, **changes})
        except TypeError as error:
            raise BrokenBundle(f"bundle {bundle.name!r}: settings: {error}") from error


@dataclass
class Look:
    """A picture looked at. Asking again costs one `select` and one `locate`."""

    predictor: Predictor
    size: tuple[int, int]  # width, height
    people: list[Seen]
    depth_HW: NDArray[np.float32] | None
    intrinsics: tuple[float, float, float, float] | None
    timings_ms: dict[str, float]
    image_HW3: NDArray[np.uint8] | None = None  # kept only while a turned crop may be needed
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, instruction: str, skeleton: str | None = None) -> PoseResult:
        return self.predictor.ask(self, instruction, skeleton)


class Predictor:
    """Owns a bundle's graphs and caches. Safe to share between threads."""

    def __init__(
        self,
        bundle: str | Bundle = "default",
        provider: str = "auto",
        threads: int | None = None,
        settings: PredictorSettings | None = None,
    ) -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else bundles.find(bundle)
        self.bundle.require_vocabulary(bundles.vocabulary_digest(vocabulary().names))
        self.settings = settings or PredictorSettings.of(self.bundle)
        self.graphs = open_graphs(self.bundle.folder, provider, threads)
        self.resolver = Resolver(self.bundle, self.graphs["text"])
        self._vectors: Cache[NDArray[np.float32]] = Cache(1024)

    # Looking

    def look(
        self,
        image_HW3: NDArray[np.uint8],
        boxes: Sequence[Sequence[float]] | None = None,
        depth_HW: NDArray[np.float32] | None = None,
        intrinsics: tuple[float, float, float, float] | None = None,
    ) -> Look:
        """Find the people (or take the boxes: x, y, width, height) and run the image graph."""
        size = checked_picture(image_HW3, depth_HW, intrinsics)
        start = time.perf_counter()
        found = self._find(image_HW3) if boxes is None else checked_boxes(boxes, size)
        finding = time.perf_counter()
        crops = [Crop.of_box(person.box, self.bundle.input_size) for person in found]
        people = [
            Seen(person.box, person.score, infant, crop, features, tokens)
            for person, crop, (features, tokens), infant in zip(
                found, crops, self._image(image_HW3, crops), _infants(found, boxes), strict=True
            )
        ]
        timings = {
            "find": (finding - start) * 1e3,
            "image": (time.perf_counter() - finding) * 1e3,
        }
        kept = image_HW3 if self.settings.passes > 1 else None
        return Look(self, size, people, depth_HW, intrinsics, timings, kept)

    def _find(self, image_HW3: NDArray[np.uint8]) -> list[Found]:
        """The people, best first; the whole picture where the finder sees nobody."""
        height, width = image_HW3.shape[:2]
        whole = (0.0, 0.0, float(width), float(height))
        crop = Crop.of_box(whole, self.bundle.input_size, padding=1.0)
        out = self.graphs["image"]({"pixels": crop.cut(image_HW3)[None]})
        if "finder" not in out or not self.bundle.metadata.finder:
            return [Found(whole, 1.0, 0.5)]
        cell = self.bundle.input_size[0] / out["finder"].shape[-1]
        found = decode(out["finder"][0], cell, self.settings.finder_threshold)
        boxes = [
            replace(person, box=clipped(picture_box(crop, person.box), (width, height)))
            for person in found[: self.settings.max_people]
        ]
        boxes = [person for person in boxes if min(person.box[2:]) >= 8]
        return boxes or [Found(whole, 0.0, 0.5)]

    def _image(
        self, image_HW3: NDArray[np.uint8], crops: list[Crop]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        if not crops:
            return
        pixels = np.stack([crop.cut(image_HW3) for crop in crops])
        out = self.graphs["image"]({"pixels": pixels})
        yield from zip(out["features"], out["tokens"], strict=True)

    # Asking

    def resolve(self, instruction: str, skeleton: str | None = None) -> Understood:
        """What would be understood, without a picture."""
        return self.resolver.resolve(instruction, skeleton)

    def ask(self, look: Look, instruction: str, skeleton: str | None = None) -> PoseResult:
        start = time.perf_counter()
        reading = self.resolver.read(instruction)
        understood = self.resolver.understand(reading, skeleton)
        asked_skeleton = load_skeleton(understood.skeleton)
        texted = time.perf_counter()
        poses: list[Pose] = []
        metres = False
        if not understood.refused and look.people:
            with look._lock:
                self._turn(look, reading)
            people, metres = self._place(look, reading, understood, asked_skeleton)
            poses = [
                _pose(seen, person, reading, understood, asked_skeleton, look.size)
                for seen, person in zip(look.people, people, strict=True)
            ]
            poses = of_subject(poses, look.people, understood.subject)
            if reading.relation is not None:
                understood = _narrowed(understood, poses)
        answered = time.perf_counter()
        z_unit = ("m" if metres else "torso") if understood.dims == 3 else None
        timings = {
            **look.timings_ms,
            "text": (texted - start) * 1e3,
            "answer": (answered - texted) * 1e3,
            "total": sum(look.timings_ms.values()) + (answered - start) * 1e3,
        }
        return PoseResult(
            understood,
            tuple(poses),
            _edges(asked_skeleton, understood.joints),
            z_unit,
            self.bundle.name,
            self.bundle.digest,
            {name: round(value, 3) for name, value in timings.items()},
        )

    def _place(
        self, look: Look, reading: Reading, understood: Understood, skeleton: Skeleton
    ) -> tuple[list[Placed], bool]:
        """Run select and locate for the joints this question needs."""
        names = _needed(reading, understood, skeleton, look.depth_HW is not None)
        own = tuple(name for name in understood.joints if not skeleton[name].sources)
        selected = self._select(look.people, reading)
        index = [vocabulary().index(name) for name in names]
        vectors = selected["vectors"][:, index]
        if own:
            described = np.stack([self._described(skeleton[name]) for name in own])
            repeated = np.repeat(described[None], len(look.people), axis=0)
            vectors = np.concatenate([vectors, repeated], axis=1)
        located = self._locate(look.people, vectors)
        threshold = self.settings.absent_threshold
        people = [
            answer.placed(names, own, _row(located, p), _row(selected, p), seen.crop, threshold)
            for p, seen in enumerate(look.people)
        ]
        people = [self._known(_inside(person, look.size)) for person in people]
        if look.depth_HW is None or understood.dims != 3:
            return people, False
        lifted = [answer.in_metres(person, look.depth_HW, look.intrinsics) for person in people]
        if not all(done for _, done in lifted):
            return people, False
        return [person for person, _ in lifted], True

    def _known(self, person: Placed) -> Placed:
        """A joint the bundle was never trained on has no place."""
        trained = self.bundle.metadata.vocabulary.trained
        if trained is None:
            return person
        unknown = [name in vocabulary().names and name not in trained for name in person.names]
        states = np.where(unknown, State.ABSENT, person.states_K).astype(np.int8)
        return replace(person, states_K=states)

    def _described(self, joint: Joint) -> NDArray[np.float32]:
        """The vector of a joint the vocabulary does not have, from its description."""
        words = joint.description or joint.en
        vector = self._vectors.get(words)
        if vector is None:
            ids = self.resolver.read(words).ids
            vector = self.graphs["text"]({"ids": ids})["vector"][0]
            self._vectors.put(words, vector)
        return vector

    def _locate(self, people: list[Seen], vectors_PKR: NDArray[np.float32]) -> Arrays:
        features = np.stack([person.features for person in people])
        return self.graphs["locate"](
            {"features": features, "vectors": np.ascontiguousarray(vectors_PKR)}
        )

    def _select(self, people: list[Seen], reading: Reading) -> Arrays:
        count = len(people)
        return self.graphs["select"](
            {
                "tokens": np.stack([person.tokens for person in people]),
                "text_tokens": np.repeat(reading.text_tokens, count, axis=0),
                "ids": np.repeat(reading.ids, count, axis=0),
                "crop": np.stack([_crop_facts(person.crop) for person in people]),
            }
        )

    # Turning

    def _turn(self, look: Look, reading: Reading) -> None:
        """Look again at people who lie across the crop, with the crop turned upright."""
        for _ in range(self.settings.passes - 1):
            if look.image_HW3 is None:
                return
            index = [vocabulary().index(name) for name in TORSO]
            selected = self._select(look.people, reading)
            located = self._locate(look.people, selected["vectors"][:, index])
            for p, person in enumerate(look.people):
                turn = turn_of(person.crop.invert(located["xy"][p]))
                off = (turn - person.crop.rotation + 180) % 360 - 180
                if abs(off) < self.settings.turn_at:
                    continue
                person.crop = Crop.of_box(person.box, self.bundle.input_size, turn)
                person.features, person.tokens = next(self._image(look.image_HW3, [person.crop]))
        look.image_HW3 = None

    # Several

    def predict(
        self,
        image_HW3: NDArray[np.uint8],
        instruction: str,
        boxes: Sequence[Sequence[float]] | None = None,
        skeleton: str | None = None,
    ) -> PoseResult:
        """Look and ask in one call."""
        return self.look(image_HW3, boxes).ask(instruction, skeleton)

    def predict_batch(
        self, images: Iterable[NDArray[np.uint8]], instruction: str, skeleton: str | None = None
    ) -> Iterator[PoseResult]:
        """One instruction on many pictures, in constant memory."""
        for image in images:
            yield self.look(image).ask(instruction, skeleton)


def _pose(
    seen: Seen,
    person: Placed,
    reading: Reading,
    understood: Understood,
    skeleton: Skeleton,
    size: tuple[int, int],
) -> Pose:
    wanted: tuple[str, ...] = understood.joints
    if reading.relation is not None:
        choice = related(reading.relation, reading.related, as_person(person, seen.box), size)
        chosen = (reading.asked - reading.related) | (reading.asked & choice.joints)
        wanted = tuple(name for name in in_skeleton(chosen, skeleton) if name in wanted)
    joints = answer.skeleton_joints(person, skeleton, wanted)
    if understood.dims == 2:
        joints = [answer.without_depth(joint) for joint in joints]
    kept, apart = answer.filtered(joints, understood.visibility)
    return Pose(
        seen.box,
        seen.score,
        kept,
        apart,
        findings_of(person, reading.premise),
        person.depth_consistency,
        seen.crop.rotation,
    )


def _needed(
    reading: Reading, understood: Understood, skeleton: Skeleton, with_depth: bool
) -> tuple[str, ...]:
    """The vocabulary joints to place: asked ones, and those the answer is reckoned from."""
    asked = {name for joint in understood.joints for name, _ in skeleton[joint].sources}
    if reading.relation is not None or reading.premise is not None:
        asked |= set(load_skeleton("coco17").names)
    if understood.dims == 3 and with_depth:
        asked |= set(TORSO)
    return tuple(name for name in vocabulary().names if name in asked)


def _narrowed(understood: Understood, poses: list[Pose]) -> Understood:
    """After a relation was settled on the picture, the joints are those that were chosen."""
    chosen = {joint.name for pose in poses for joint in (*pose.joints, *pose.filtered)}
    joints = tuple(name for name in understood.joints if name in chosen)
    return replace(understood, joints=joints)


def _infants(found: list[Found], boxes: object) -> list[float | None]:
    return [person.infant if boxes is None else None for person in found]


def _crop_facts(crop: Crop) -> NDArray[np.float32]:
    """What `select` is told of the crop: its turn and size."""
    turn = np.deg2rad(crop.rotation)
    return np.array(
        [np.sin(turn), np.cos(turn), np.log(max(crop.scale) / 192), 0.0], dtype=np.float32
    )


def _inside(person: Placed, size: tuple[int, int]) -> Placed:
    """A place outside the picture is no place: such joints are absent."""
    x, y = person.points_K2.T
    outside = (x < -0.5) | (y < -0.5) | (x > size[0] - 0.5) | (y > size[1] - 0.5)
    states = np.where(outside, State.ABSENT, person.states_K).astype(np.int8)
    return replace(person, states_K=states)


def _edges(skeleton: Skeleton, joints: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    names = skeleton.names
    return tuple(
        (names[a], names[b]) for a, b in skeleton.edges if names[a] in joints and names[b] in joints
    )


def _row(arrays: Arrays, person: int) -> Arrays:
    return {name: value[person] for name, value in arrays.items()}
