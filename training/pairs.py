"""Preferences as tensors: two answers to one cached view, and which joints they differ in.

Also simulated corrections, for studies: a policy's own answer against the same with up to three
of its worst joints put right, some of them flipped as a careless rater would.
Shapes: P pairs, N cached views, K joints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from posealign.errors import InvalidInput
from posealign.preferences import Answer, AnsweredJoint, Preference
from posealign.rewards.poses import Scene
from posealign.skeletons.load import vocabulary
from training.cache import Cache
from training.deployed import Deployed

STATES = ("absent", "occluded", "visible")
CORRECTED = 3  # joints a rater puts right at once


@dataclass(frozen=True)
class Given:
    """Answers to P views, in the view's own pixels."""

    points_PK2: Tensor
    z_PK: Tensor
    state_PK: Tensor

    def take(self, rows: Tensor) -> Given:
        return Given(*(value[rows] for value in vars(self).values()))


@dataclass(frozen=True)
class Pairs:
    rows_P: NDArray[np.int64]
    better: Given
    worse: Given
    changed_PK: Tensor
    confidence_P: Tensor

    def __len__(self) -> int:
        return len(self.rows_P)

    def take(self, index: Sequence[int] | NDArray[np.int64]) -> Pairs:
        rows = torch.as_tensor(np.asarray(index, np.int64))
        return Pairs(self.rows_P[rows.numpy()], self.better.take(rows), self.worse.take(rows),
                     self.changed_PK[rows], self.confidence_P[rows])  # fmt: skip


def from_records(records: Iterable[Preference], cache: Cache, names: Sequence[str]) -> Pairs:
    """The best against every worse answer; pictures the cache does not hold are an error."""
    place = {str(digest): row for row, digest in enumerate(cache.labels["picture"])}
    rows, better, worse, changed, confidence = [], [], [], [], []
    for record in records:
        if record.picture not in place:
            raise InvalidInput(f"picture {record.picture[:12]}… is not in {cache.folder}")
        for other in record.answers[1:]:
            rows.append(place[record.picture])
            better.append(_arrays(record.answers[0], names))
            worse.append(_arrays(other, names))
            named = [name in record.corrected for name in names]
            changed.append(named if any(named) else _differ(better[-1], worse[-1]))
            confidence.append(record.confidence)
    if not rows:
        raise InvalidInput("no preferences: nothing can be learnt")
    return Pairs(np.array(rows), _stack(better), _stack(worse), torch.tensor(changed),
                 torch.tensor(confidence))  # fmt: skip


Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]


def _arrays(answer: Answer, names: Sequence[str]) -> Arrays:
    points = np.zeros((len(names), 2), np.float32)
    z, state = np.zeros(len(names), np.float32), np.zeros(len(names), np.int64)
    for number, name in enumerate(names):
        joint = answer.joints.get(name)
        if joint is None:
            continue
        state[number] = STATES.index(joint.state)
        points[number] = (joint.x or 0.0, joint.y or 0.0)
        z[number] = joint.z or 0.0
    return points, z, state


def _differ(one: Arrays, other: Arrays) -> list[bool]:
    apart = (np.abs(one[0] - other[0]).max(1) > 0.5) | (np.abs(one[1] - other[1]) > 0.02)
    return [bool(value) for value in apart | (one[2] != other[2])]


def _stack(rows: list[Arrays]) -> Given:
    points, z, state = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
    return Given(points, z, state)


def answer_of(deployed: Deployed, row: int, threshold: float, by: str) -> Answer:
    """A deployed answer as a record holds it."""
    emitted = deployed.emitted_NK(threshold)[row]
    return Answer(by=by, joints={
        name: _joint(deployed.points_NK2[row, k], deployed.z_NK[row, k],
                     "visible" if emitted[k] else "absent")
        for k, name in enumerate(deployed.scene.names)
    })  # fmt: skip


def _joint(point_2: NDArray[np.floating], z: float, state: str) -> AnsweredJoint:
    values: Mapping[str, object] = {"state": state}
    if state != "absent":
        values = {"x": float(point_2[0]), "y": float(point_2[1]), "z": float(z), **values}
    return AnsweredJoint.model_validate(values)


def simulated(
    deployed: Deployed,
    cache: Cache,
    count: int,
    flips: float,
    seed: int,
    joints: Sequence[str] = (),
    noise: float = 1.0,
) -> list[Preference]:
    """`count` corrections; `joints` limits which kinds a rater looks at, `noise` is in pixels."""
    random, names = np.random.default_rng(seed), deployed.scene.names
    scene: Scene = deployed.scene
    looked = np.array([not joints or name in joints for name in names])
    there = (scene.present_BV & scene.labelled_BV).numpy() & looked
    truth, z = scene.points_BV2.numpy(), _labelled_z(cache, names)
    error = np.where(there, np.linalg.norm(deployed.points_NK2 - truth, axis=-1), -1.0)
    records: list[Preference] = []
    for row in random.permutation(len(truth)):
        if len(records) == count:
            break
        wrong = [k for k in np.argsort(-error[row])[:CORRECTED] if error[row, k] > 2.0]
        if not wrong:
            continue
        given = answer_of(deployed, int(row), 1.0, "policy")
        mended = dict(given.joints)
        for k in wrong:
            place = truth[row, k] + random.normal(0, noise, 2)
            mended[names[k]] = _joint(place, float(z[row, k]), "visible")
        answers = [Answer(joints=mended, by="simulated rater"), given]
        if random.random() < flips:
            answers.reverse()
        records.append(Preference(
            picture=str(cache.labels["picture"][row]), instruction="all joints",
            answers=tuple(answers), corrected=tuple(names[k] for k in wrong),
            rater=f"simulated, flips {flips}", model="0" * 64,
        ))  # fmt: skip
    return records


def _labelled_z(cache: Cache, names: Sequence[str]) -> NDArray[np.float32]:
    columns = [vocabulary().index(name) for name in names]
    return np.asarray(cache.labels["z"][:, columns], np.float32)
