"""Second thoughts about people in a picture: contrast before, verification after placing joints.

Switched on by PredictorSettings.contrast and .verify. Shapes: P people, K joints.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from posealign import sight
from posealign.anatomy.surface import metric_depths, sample, under_skin
from posealign.answer import Placed
from posealign.bundle import Bundle
from posealign.data.pose import State
from posealign.instructions.resolve import Reading
from posealign.people import Seen
from posealign.runtime.session import Graphs
from posealign.skeletons.load import vocabulary
from posealign.verify import Floats, contrasted, corrected_states, drowned, softmax, supported


def contrast(
    graphs: Graphs,
    bundle: Bundle,
    image_HW3: NDArray[np.uint8],
    people: tuple[Seen, ...],
    reading: Reading,
    strength: float,
) -> tuple[Seen, ...]:
    """States less what the model says of the same crops under noise; a second run of `image`."""
    crops = [seen.crop for one in people for seen in one.sights]
    blind = iter(sight.encode(graphs, bundle, drowned(image_HW3), crops))
    unseen = tuple(replace(p, sights=tuple(next(blind) for _ in p.sights)) for p in people)
    habits = sight.select(graphs, unseen, reading)
    return tuple(
        replace(one, sights=tuple(
            replace(seen, selected={**seen.selected, "state": contrasted(
                seen.selected["state"], usual.selected["state"], strength
            ).astype(np.float32)})
            for seen, usual in zip(one.sights, habit.sights, strict=True)
        ))
        for one, habit in zip(people, habits, strict=True)
    )  # fmt: skip


def verified(
    person: Placed,
    seen: Seen,
    threshold: float,
    depth_HW: NDArray[np.floating] | None,
    intrinsics: tuple[float, float, float, float] | None,
) -> Placed:
    """Joints without support are absent, covered ones occluded; described joints stay."""
    known = [name in vocabulary().names for name in person.names]
    index = [vocabulary().index(n) for n, here in zip(person.names, known, strict=True) if here]
    absent_K = np.zeros(len(person.names))
    absent_K[known] = softmax(seen.mean("state")[index])[:, 0]
    off_K = disagreement(person, depth_HW, intrinsics)
    doubted = supported(absent_K, person.confidence_K, off_K)
    states = corrected_states(person.states_K, doubted, threshold, off_K)
    return replace(person, states_K=np.where(known, states, person.states_K).astype(np.int8))


def disagreement(
    person: Placed,
    depth_HW: NDArray[np.floating] | None,
    intrinsics: tuple[float, float, float, float] | None,
) -> Floats:
    """[K] trunk lengths by which a joint lies behind what the depth picture shows; NaN unknown."""
    unknown = np.full(len(person.names), np.nan)
    if depth_HW is None:
        return unknown
    visible = person.states_K == State.VISIBLE
    measured = metric_depths(
        person.names, person.points_K2, visible, person.z_K, depth_HW, intrinsics
    )
    if measured is None:
        return unknown
    surface, valid = sample(depth_HW, person.points_K2)
    skin = surface + under_skin(person.names) * measured.torso
    body = person.z_K * measured.torso
    root = float(np.median((skin - body)[valid & visible]))
    return np.where(valid, (root + body - skin) / measured.torso, np.nan)
