"""The only inference path: look at a picture once, ask many times.

    predictor = Predictor()
    look = predictor.look(image)              # runs the image graph, places no joint
    result = look.ask("only the left leg")    # runs text, select and locate
    result = look.ask("the right knee")       # runs text and locate: select is remembered

Serving, cameras, evaluation and the command line all call this and nothing else.
Shapes: P people; see question.py for K and N.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from posealign import answer, confidence, doubt, reply, sight
from posealign import bundle as bundles
from posealign.answer import Placed
from posealign.bundle import Bundle
from posealign.data.crop import Crop
from posealign.data.pose import Pose, PoseResult, State, Understood
from posealign.errors import BrokenBundle, InvalidInput, require_instruction
from posealign.instructions.resolve import Reading, Resolver, check_text
from posealign.people import MAX_BOXES, Seen, checked_boxes, checked_picture, of_subject
from posealign.question import Question
from posealign.runtime.cache import Cache
from posealign.runtime.session import open_graphs
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Joint
from posealign.vote import Voted


@dataclass(frozen=True)
class PredictorSettings:
    """How people are found, and how often each is looked at."""

    passes: int = 1  # sights of each person: 1 the box as it stands, 2 upright too, up to 4 vote
    max_people: int = 8
    finder_threshold: float = 0.35
    absent_threshold: float = 0.5  # a joint is absent above this probability
    absent_whole: float | None = None  # and above this one, of who stands clear of the border
    occluded_threshold: float = 0.5  # a joint that is there is hidden above this probability
    verify: bool = False  # joints that neither place nor depth picture supports are absent
    contrast: float = 0.0  # states less this much of what the model says without seeing

    def __post_init__(self) -> None:
        if self.passes not in range(1, sight.MOST_PASSES + 1):
            raise InvalidInput(f"passes is {self.passes}; expected 1 to {sight.MOST_PASSES}")
        if not 1 <= self.max_people <= MAX_BOXES:
            raise InvalidInput(f"max_people is {self.max_people}; expected 1 to {MAX_BOXES}")
        if not self.contrast >= 0:
            raise InvalidInput(f"contrast is {self.contrast}; expected 0 (off) or more")

    @classmethod
    def of(cls, bundle: Bundle, **changes: float | None) -> PredictorSettings:
        """The bundle's own defaults, with changes. A threshold given here holds for everybody."""
        if "absent_threshold" in changes:
            changes = {"absent_whole": None, **changes}
        try:
            return cls(**{**bundle.metadata.settings, **changes})
        except TypeError as error:
            raise BrokenBundle(f"bundle {bundle.name!r}: settings: {error}") from error


@dataclass
class Look:
    """A picture looked at. Asking again costs the words and one `locate`."""

    predictor: Predictor
    size: tuple[int, int]  # width, height
    people: tuple[Seen, ...]
    depth_HW: NDArray[np.float32] | None
    intrinsics: tuple[float, float, float, float] | None
    timings_ms: dict[str, float]
    image_HW3: NDArray[np.uint8] | None = None  # kept only while a turned crop may be needed
    features_SChw: NDArray[np.float32] | None = None  # of all sights, since the first question
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
        trained = self.bundle.metadata.vocabulary.trained
        every = frozenset(vocabulary().names)
        self._untrained = frozenset() if trained is None else every - frozenset(trained)
        self._vectors: Cache[NDArray[np.float32]] = Cache(1024)
        self._questions: Cache[Question] = Cache(1024)

    def looking(self, passes: int | None) -> Predictor:
        """The same graphs and caches, so many looks at each person; None: as the bundle says."""
        if passes is None:
            return self
        other = copy.copy(self)
        other.settings = replace(self.settings, passes=passes)
        return other

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
        settings, start = self.settings, time.perf_counter()
        if boxes is None:
            threshold, most = settings.finder_threshold, settings.max_people
            found = sight.find(self.graphs, self.bundle, image_HW3, threshold, most)
        else:
            found = checked_boxes(boxes, size)
        finding = time.perf_counter()
        crops = [Crop.of_box(person.box, self.bundle.input_size) for person in found]
        encoded = sight.encode(self.graphs, self.bundle, image_HW3, crops)
        people = tuple(
            Seen(one.box, one.score, one.infant if boxes is None else None, size, (first,))
            for one, first in zip(found, encoded, strict=True)
        )
        timings = {
            "find": (finding - start) * 1e3,
            "image": (time.perf_counter() - finding) * 1e3,
        }
        kept = image_HW3 if settings.passes > 1 or settings.contrast else None
        return Look(self, size, people, depth_HW, intrinsics, timings, kept)

    # Asking

    def resolve(self, instruction: str, skeleton: str | None = None) -> Understood:
        """What would be understood, without a picture."""
        return self.resolver.resolve(instruction, skeleton)

    def ask(self, look: Look, instruction: str, skeleton: str | None = None) -> PoseResult:
        start = time.perf_counter()
        question = self._question(instruction, skeleton, look.depth_HW is not None)
        understood = question.understood
        texted = time.perf_counter()
        poses: list[Pose] = []
        metres = False
        if not understood.refused and look.people:
            seen = self.ready(look, question.reading)
            people, metres = self._place(look, seen, question)
            poses = [
                reply.pose_of(one, person, question, look.size)
                for one, person in zip(seen, people, strict=True)
            ]
            poses = of_subject(poses, seen, understood.subject)
            if question.reading.relation is not None:
                understood = reply.narrowed(understood, poses)
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
            reply.edges(question.skeleton, understood.joints),
            z_unit,
            self.bundle.name,
            self.bundle.digest,
            {name: round(value, 3) for name, value in timings.items()},
        )

    def _question(self, instruction: str, skeleton: str | None, with_depth: bool) -> Question:
        check_text(instruction)
        key = (instruction, skeleton, with_depth)
        known = self._questions.get(key)
        if known is None:
            require_instruction(instruction)
            reading = self.resolver.read(instruction)
            known = Question.of(reading, self.resolver.understand(reading, skeleton), with_depth)
            self._questions.put(key, known)
        return known

    def ready(self, look: Look, reading: Reading) -> tuple[Seen, ...]:
        """The people, through all their sights. The first question pays, others find it done.

        A question that comes meanwhile waits; one that fails here leaves the look as it was.
        """
        with look._lock:
            if look.features_SChw is not None:
                return look.people
            people, image, passes = look.people, look.image_HW3, self.settings.passes
            people = sight.select(self.graphs, people, reading)
            if passes > 1 and image is not None:
                people = sight.look_again(self.graphs, self.bundle, image, people, passes)
                people = sight.select(self.graphs, people, reading)
            strength = self.settings.contrast
            if strength and image is not None:
                people = doubt.contrast(self.graphs, self.bundle, image, people, reading, strength)
            look.people, look.features_SChw = sight.gathered(people)
            look.image_HW3 = None
            return look.people

    def _place(
        self, look: Look, seen: Sequence[Seen], question: Question
    ) -> tuple[list[Placed], bool]:
        """Run locate for the joints this question needs; True where depths are in metres."""
        vectors = sight.vectors_of(seen, question.rows_N)
        if question.own:
            described = np.stack([self._described(joint) for joint in question.own])
            repeated = np.repeat(described[None], len(vectors), axis=0)
            vectors = np.concatenate([vectors, repeated], axis=1)
        limits = [self._absent_above(one, look.size) for one in seen]
        found = sight.locate(self.graphs, seen, vectors, look.features_SChw)
        people = [
            self._answered(one, places, question, limit)
            for one, places, limit in zip(seen, found, limits, strict=True)
        ]
        if self.settings.verify:
            people = [
                doubt.verified(person, one, limit, look.depth_HW, look.intrinsics)
                for person, one, limit in zip(people, seen, limits, strict=True)
            ]
        people = [self._known(person) for person in people]
        if look.depth_HW is None or question.understood.dims != 3:
            return people, False
        lifted = [answer.in_metres(person, look.depth_HW, look.intrinsics) for person in people]
        if not all(done for _, done in lifted):
            return people, False
        return [person for person, _ in lifted], True

    def _answered(self, one: Seen, places: Voted, question: Question, limit: float) -> Placed:
        """One person's joints in the picture, as sure as this bundle was found to be."""
        person = answer.placed(
            question.names, question.rows_N, places, one, limit, question.depths,
            self.settings.occluded_threshold,
        )  # fmt: skip
        spec = self.bundle.metadata.calibration
        return confidence.calibrated(person, places, one, question.sigmas_K, spec)

    def _absent_above(self, one: Seen, size: tuple[int, int]) -> float:
        """The probability from which a joint of this person is absent."""
        whole = self.settings.absent_whole
        if whole is None or confidence.at_border(one.box, size):
            return self.settings.absent_threshold
        return whole

    def _known(self, person: Placed) -> Placed:
        """A joint the bundle was never trained on has no place."""
        if self._untrained.isdisjoint(person.names):
            return person
        unknown = [name in self._untrained for name in person.names]
        states = np.where(unknown, np.int8(State.ABSENT), person.states_K)
        return replace(person, states_K=states)

    def _described(self, joint: Joint) -> NDArray[np.float32]:
        """The vector of a joint the vocabulary does not have, from its description."""
        words = joint.description or joint.en
        vector = self._vectors.get(words)
        if vector is None:
            vector = self.resolver.logits(self.resolver.clean(words))[0]["vector"][0]
            self._vectors.put(words, vector)
        return vector

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
        """One instruction on many pictures, each looked at when its answer is wanted.

        For programs: what a picture raises ends the batch. `posealign predict FOLDER` asks picture
        by picture instead, for there one broken file must not end a long run.
        """
        for image in images:
            yield self.look(image).ask(instruction, skeleton)
