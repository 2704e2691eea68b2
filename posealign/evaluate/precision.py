"""What another precision costs on labelled pictures: PCK of both bundles over the same joints.

Shapes: P people, J joints of COCO-17.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.bundle import Bundle
from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.errors import InvalidInput
from posealign.metrics.pck import hits, torso_size
from posealign.predictor import Predictor, PredictorSettings
from posealign.skeletons.load import skeleton, vocabulary

SHARE = 0.2  # of the torso's length
WORDS = "all 17 keypoints"


@dataclass(frozen=True)
class PckCost:
    """PCK@0.2 torso in percent; `loss` in points with its 95 % interval over pictures."""

    pictures: int
    joints: int
    before: float
    after: float
    low: float
    high: float

    @property
    def loss(self) -> float:
        return self.before - self.after

    def to_json(self) -> dict[str, float]:
        return {**asdict(self), "loss": self.loss}

    def __str__(self) -> str:
        return (
            f"PCK@{SHARE} of the torso on {self.pictures} labelled pictures, {self.joints} joints: "
            f"{self.before:.2f} % before, {self.after:.2f} % after: a loss of {self.loss:.2f} "
            f"points ({self.low:.2f} to {self.high:.2f})"
        )


def pck_cost(
    before: Bundle, after: Bundle, samples: Iterable[Sample], draws: int = 2000
) -> PckCost:
    """People are given by their boxes, and every joint is placed, whatever its state."""
    predictors = [
        Predictor(bundle, "cpu", settings=PredictorSettings.of(bundle, absent_threshold=1.0))
        for bundle in (before, after)
    ]
    rows = []  # a picture: labelled joints, hits before, hits after
    for sample in samples:
        people = [person for person in sample.people if np.isfinite(_torso(person))]
        if people:
            labelled = sum(int(_labelled(person).sum()) for person in people)
            rows.append((labelled, *(_hits(predictor, sample, people) for predictor in predictors)))
    if not rows:
        raise InvalidInput("no picture has a person whose shoulders and hips are labelled")
    counts = np.array(rows, np.float64)
    rng = np.random.default_rng(0)
    drawn = counts[rng.integers(0, len(counts), (draws, len(counts)))].sum(axis=1)
    losses = 100 * (drawn[:, 1] - drawn[:, 2]) / drawn[:, 0]
    joints, first, second = counts.sum(axis=0)
    low, high = np.percentile(losses, (2.5, 97.5))
    return PckCost(
        len(rows), int(joints), 100 * first / joints, 100 * second / joints, float(low), float(high)
    )


def _index() -> list[int]:
    return [vocabulary().index(name) for name in skeleton("coco17").names]


def _labelled(person: Person) -> NDArray[np.bool_]:
    index = _index()
    placed = np.isfinite(person.points_V2[index]).all(axis=1)
    return np.asarray((person.states_V[index] >= State.OCCLUDED) & placed)


def _torso(person: Person) -> float:
    names = skeleton("coco17").names
    return float(torso_size(person.points_V2[_index()][None], names, _labelled(person)[None])[0])


def _hits(predictor: Predictor, sample: Sample, people: list[Person]) -> int:
    """How many labelled joints are where they should be."""
    names = skeleton("coco17").names
    look = predictor.look(sample.image_HW3, [person.box for person in people])
    total = 0
    for person, pose in zip(people, look.ask(WORDS, "coco17").poses, strict=True):
        places = {joint.name: (joint.x, joint.y) for joint in (*pose.joints, *pose.filtered)}
        found_J2 = np.array([places.get(name, (None, None)) for name in names], np.float64)
        truth_J2 = person.points_V2[_index()]
        near = hits(found_J2[None], truth_J2[None], np.array([_torso(person)]), SHARE)[0]
        total += int((near & _labelled(person)).sum())
    return total
