"""From what the graphs say about vocabulary joints to the pose a caller asked for.

Everything here is arithmetic on one person's numbers; the graphs were run in predictor.py.
Shapes: K placed vocabulary joints, V vocabulary, J joints of the answer's skeleton.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.surface import lift, metric_depths
from posealign.data.pose import PlacedJoint, State
from posealign.data.sample import HIDERS
from posealign.people import Seen
from posealign.skeletons.skeleton import Joint, Skeleton
from posealign.verify import softmax
from posealign.vote import Voted

Z_RANGE = 1.5  # torso lengths either side of the mid-hip, in as many bins as the head has
LIKELY = 0.5  # the probability above which it is said what hides a joint
KEPT_BY = {
    "any": (State.ABSENT, State.OCCLUDED, State.VISIBLE),
    "visible": (State.VISIBLE,),
    "occluded": (State.OCCLUDED,),
}


@dataclass(frozen=True)
class Placed:
    """One person's vocabulary joints in picture coordinates, as the graphs gave them."""

    names: tuple[str, ...]  # K
    points_K2: NDArray[np.float64]
    confidence_K: NDArray[np.float64]
    radius_K: NDArray[np.float64]
    states_K: NDArray[np.int8]
    z_K: NDArray[np.float64]  # torso lengths from the mid-hip, or metres from the camera
    positions_K3: NDArray[np.float64] | None = None  # metres, camera frame
    depth_consistency: float | None = None
    hidden_by_K: tuple[str | None, ...] | None = None  # as if it were; None: the bundle cannot say

    def joints(self, with_depth: bool = True) -> dict[str, PlacedJoint]:
        """Each by its name. Numbers leave the arrays all at once: one by one takes far longer."""
        spaces = self.positions_K3 if with_depth else None
        hiders = self.hidden_by_K or (None,) * len(self.names)
        depths = self.z_K.tolist() if with_depth else [math.nan] * len(self.names)
        found = {}
        for k, (name, (x, y), code, confidence, radius, z) in enumerate(
            zip(
                self.names, self.points_K2.tolist(), self.states_K.tolist(),
                self.confidence_K.tolist(), self.radius_K.tolist(), depths, strict=True,
            )
        ):  # fmt: skip
            state = State(code)
            if state is State.ABSENT:
                found[name] = PlacedJoint(name, None, None, state, confidence, None)
                continue
            position = None if spaces is None else _triple(spaces[k])
            deep = z if math.isfinite(z) else None
            hider = hiders[k] if state is State.OCCLUDED else None
            found[name] = PlacedJoint(name, x, y, state, confidence, radius, deep, position, hider)
        return found


def placed(
    names: tuple[str, ...],
    rows_N: NDArray[np.integer],
    places: Voted,
    seen: Seen,
    absent_threshold: float,
    depths: bool = True,
    occluded_threshold: float = 0.5,
) -> Placed:
    """K: N vocabulary joints, then a skeleton's own.

    Without `depths` nobody wants to know how far away joints are. A place outside the picture is no
    place: such joints are absent. States are told joint by joint: after a graph has run every other
    numpy function takes longer to fetch than a person's joints take.
    """
    known, count = len(rows_N), len(names)
    # Nothing says whether a described joint is hidden; the place's own confidence has to do.
    logits = seen.mean("state")[rows_N].tolist()
    states = [_state(row, absent_threshold, occluded_threshold) for row in logits]
    states += [State.VISIBLE] * (count - known)
    last_x, last_y = seen.size[0] - 0.5, seen.size[1] - 0.5
    for k, (x, y) in enumerate(places.points_K2.tolist()):
        if not (-0.5 <= x <= last_x and -0.5 <= y <= last_y):
            states[k] = State.ABSENT
    z = np.full(count, np.nan)
    if depths:
        z[:known] = expected_z(seen.mean("z")[rows_N])
    return Placed(
        names, places.points_K2, places.confidence_K, places.radius_K,
        np.array(states, np.int8), z,
        hidden_by_K=hidden_by(seen, rows_N, count) if seen.says("hider") else None,
    )  # fmt: skip


def hidden_by(seen: Seen, rows_N: NDArray[np.integer], count: int) -> tuple[str | None, ...]:
    """What would hide each of `count` joints, where one thing is likelier than all others."""
    shares_NH = softmax(seen.mean("hider")[rows_N])
    likeliest = zip(shares_NH.argmax(-1).tolist(), shares_NH.max(-1).tolist(), strict=True)
    named = [HIDERS[code] if share > LIKELY else None for code, share in likeliest]
    return (*named, *[None] * (count - len(named)))


def _state(logits_3: Sequence[float], absent_threshold: float, occluded_threshold: float) -> State:
    """Absent above the first probability; if it is there, hidden above the second."""
    highest = max(logits_3)
    absent, occluded, visible = (math.exp(value - highest) for value in logits_3)
    if absent > absent_threshold * (absent + occluded + visible):
        return State.ABSENT
    hidden = occluded > occluded_threshold * (occluded + visible)
    return State.OCCLUDED if hidden else State.VISIBLE


def expected_z(logits_KB: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mean of the depth distribution, in torso lengths."""
    bins = logits_KB.shape[-1]
    mean_K = softmax(logits_KB) @ np.arange(bins)
    return np.asarray((mean_K + 0.5) * (2 * Z_RANGE / bins) - Z_RANGE)


def in_metres(
    person: Placed,
    depth_HW: NDArray[np.floating],
    intrinsics: tuple[float, float, float, float] | None,
) -> tuple[Placed, bool]:
    """The same person with depths from the depth map, and whether that was possible."""
    visible = person.states_K == State.VISIBLE
    metric = metric_depths(
        person.names, person.points_K2, visible, person.z_K, depth_HW, intrinsics
    )
    if metric is None:
        return person, False
    positions = None
    if intrinsics is not None:
        positions = lift(person.points_K2, metric.z_N, intrinsics)
    return replace(
        person,
        z_K=metric.z_N,
        positions_K3=positions,
        depth_consistency=metric.consistency,
    ), True


def skeleton_joints(
    person: Placed, skeleton: Skeleton, wanted: Sequence[str], with_depth: bool = True
) -> list[PlacedJoint]:
    """The wanted joints of a skeleton; a derived joint is the weighted mean of its sources."""
    placed_joints = person.joints(with_depth)
    return [_skeleton_joint(placed_joints, skeleton[name]) for name in wanted]


def _skeleton_joint(placed_joints: Mapping[str, PlacedJoint], joint: Joint) -> PlacedJoint:
    if not joint.sources:  # a described joint was placed under its own name
        return placed_joints[joint.name]
    sources = [(placed_joints[name], weight) for name, weight in joint.sources]
    if len(sources) == 1:
        source = sources[0][0]
        return source if source.name == joint.name else replace(source, name=joint.name)
    state = min(source.state for source, _ in sources)
    confidence = min(source.confidence for source, _ in sources)
    if state == State.ABSENT:
        return PlacedJoint(joint.name, None, None, state, confidence, None)
    weights = np.array([weight for _, weight in sources])
    places = np.array([(source.x, source.y, source.z) for source, _ in sources], np.float64)
    x, y, z = (float(value) for value in weights @ places)
    positions = [source.position for source, _ in sources if source.position is not None]
    whole = len(positions) == len(sources)
    hiders = {source.hidden_by for source, _ in sources if source.state == State.OCCLUDED}
    return PlacedJoint(
        joint.name,
        x,
        y,
        state,
        confidence,
        max(source.radius or 0.0 for source, _ in sources),
        z if np.isfinite(z) else None,
        _triple(weights @ np.array(positions)) if whole else None,
        hiders.pop() if len(hiders) == 1 else None,
    )


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def filtered(
    joints: list[PlacedJoint], visibility: str
) -> tuple[tuple[PlacedJoint, ...], tuple[PlacedJoint, ...]]:
    """(answered, set aside) under the instruction's visibility filter."""
    kept = KEPT_BY[visibility]
    return (
        tuple(joint for joint in joints if joint.state in kept),
        tuple(joint for joint in joints if joint.state not in kept),
    )
