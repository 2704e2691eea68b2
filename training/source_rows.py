"""Pictures with everything their source knows: a packed shard, and depth where there is one.

Shapes: N rows, H×W a picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.data.sample import Sample
from posealign.errors import InvalidInput
from posealign.skeletons.load import vocabulary
from training.shards import Shard, synth_labels
from training.sources import open_shard

TYPICAL_TORSO = 0.21  # metres


@dataclass(frozen=True)
class Source:
    """`body_N` numbers people, `torso_N` is metres, `age_N` months; NaN or None unknown."""

    shard: Shard
    body_N: NDArray[np.int64]
    age_N: NDArray[np.float32]
    torso_N: NDArray[np.float32]
    posture_N: tuple[str | None, ...]
    depth_N: tuple[NDArray[np.float32] | None, ...]

    def depth(self, row: int) -> NDArray[np.float32] | None:
        return self.depth_N[row]


def read_source(where: str, count: int, of: int = 1, parts: Sequence[int] = (0,)) -> Source:
    """At most `count` rows whose body falls into `parts` of `of`."""
    if any(not 0 <= part < of for part in parts):
        raise InvalidInput(f"parts {list(parts)} are not all below {of}")
    if list(Path(where).glob("shard-?????.npz")):
        return _rendered(Path(where), count, of, parts)
    shard = open_shard(where)
    rows = np.array([row for row in range(len(shard)) if row % of in parts][:count])
    return _packed(_taken(shard, rows), rows)


def _rendered(folder: Path, count: int, of: int, parts: Sequence[int]) -> Source:
    """A folder of posealign.synth: infants with depth, split by body."""
    from posealign.synth.dataset import ShardDataset  # noqa: PLC0415

    data, kept, bodies = ShardDataset(folder), list[Sample](), list[int]()
    numbers: dict[tuple[float, float], int] = {}
    for index in range(len(data)):
        if len(kept) == count:
            break
        sample = data[index]
        if not sample.people or sample.people[0].role != "infant":
            continue
        person = sample.people[0]
        key = (round(person.age_months or 0, 6), float(person.facts.get("stature_m", 0)))
        body = numbers.setdefault(key, len(numbers))
        if body % of in parts:
            kept.append(sample)
            bodies.append(body)
    if not kept:
        raise InvalidInput(f"{folder} holds no infant in parts {list(parts)} of {of}")
    labels = [synth_labels(sample) for sample in kept]
    table = {key: np.stack([row[key] for row in labels]) for key in labels[0]}
    extra = {name: table[name] for name in ("hidden_by_NV", "points_NV3", "infant_N")}
    shard = Shard(
        folder.name, np.stack([sample.image_HW3 for sample in kept]), table["points_NV2"],
        table["weights_NV"], table["boxes_N4"], table["states_NV"], table["z_NV"],
        tuple(str(text) for text in table["facts_N"]), extra,
    )  # fmt: skip
    people = [sample.people[0] for sample in kept]
    ages = np.array([np.nan if p.age_months is None else p.age_months for p in people], np.float32)
    return Source(
        shard, np.array(bodies), ages, _torsos(kept), tuple(p.posture for p in people),
        tuple(sample.depth_HW for sample in kept),
    )  # fmt: skip


def _torsos(samples: list[Sample]) -> NDArray[np.float32]:
    index = [vocabulary().index(name) for name in TORSO]
    found = []
    for sample in samples:
        points = sample.people[0].points_V3
        four = np.full((4, 3), np.nan) if points is None else points[index]
        found.append(np.linalg.norm(four[:2].mean(0) - four[2:].mean(0)))
    return np.nan_to_num(np.array(found, np.float32), nan=TYPICAL_TORSO)


def _packed(shard: Shard, rows: NDArray[np.int64]) -> Source:
    """A packed shard knows no depth picture and no ages; every row is somebody else."""
    count = len(shard)
    told: list[dict[str, Any]] = [json.loads(text) for text in shard.facts_N or ["{}"] * count]
    return Source(
        shard, rows, np.full(count, np.nan, np.float32),
        np.full(count, TYPICAL_TORSO, np.float32), tuple(row.get("posture") for row in told),
        (None,) * count,
    )  # fmt: skip


def _taken(shard: Shard, rows: NDArray[np.int64]) -> Shard:
    return replace(
        shard, images_NSS3=np.asarray(shard.images_NSS3[rows]), points_NV2=shard.points_NV2[rows],
        weights_NV=shard.weights_NV[rows], boxes_N4=shard.boxes_N4[rows],
        states_NV=shard.states_NV[rows], z_NV=shard.z_NV[rows],
        facts_N=None if shard.facts_N is None else tuple(shard.facts_N[row] for row in rows),
        extra={name: value[rows] for name, value in shard.extra.items()},
    )  # fmt: skip


def joined(first: Source, second: Source) -> Source:
    """One source after another; nobody of the second is somebody of the first."""
    one, other = first.shard, second.shard
    sides = [shard.images_NSS3.shape[1:] for shard in (one, other)]
    if sides[0] != sides[1]:
        raise InvalidInput(f"pictures of {sides[0]} and of {sides[1]} do not go together")
    facts = [shard.facts_N or ("{}",) * len(shard) for shard in (one, other)]
    arrays = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in _ARRAYS}
    extra = {name: np.concatenate([one.extra[name], other.extra[name]])
             for name in one.extra if name in other.extra}  # fmt: skip
    shard = replace(
        one, name=f"{one.name} and {other.name}", facts_N=tuple(facts[0] + facts[1]), extra=extra,
        **arrays,
    )  # fmt: skip
    return Source(
        shard, np.concatenate([first.body_N, second.body_N + 1 + first.body_N.max()]),
        np.concatenate([first.age_N, second.age_N]),
        np.concatenate([first.torso_N, second.torso_N]),
        first.posture_N + second.posture_N, first.depth_N + second.depth_N,
    )  # fmt: skip


_ARRAYS = ("images_NSS3", "points_NV2", "weights_NV", "boxes_N4", "states_NV", "z_NV")
