"""From what the graphs say about vocabulary joints to the pose a caller asked for.

Everything here is arithmetic on one person's numbers; the graphs were run in predictor.py.
Shapes: K placed vocabulary joints, V vocabulary, J joints of the answer's skeleton.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.surface import lift, metric_depths
from posealign.data.crop import Crop
from posealign.data.pose import PlacedJoint, State
from posealign.skeletons.load import vocabulary
from posealign.skeletons.skeleton import Joint, Skeleton
from posealign.verify import softmax

Z_RANGE = 1.5  # torso lengths either side of the mid-hip, in as many bins as the head has
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

    def joint(self, name: str) -> PlacedJoint:
        k = self.names.index(name)
        state = State(int(self.states_K[k]))
        here = state != State.ABSENT
        position = self.positions_K3[k] if here and self.positions_K3 is not None else None
        return PlacedJoint(
            name,
            float(self.points_K2[k, 0]) if here else None,
            float(self.points_K2[k, 1]) if here else None,
            state,
            float(self.confidence_K[k]),
            float(self.radius_K[k]) if here else None,
            float(self.z_K[k]) if here and np.isfinite(self.z_K[k]) else None,
            _triple(position) if position is not None else None,
        )


def placed(
    names: tuple[str, ...],
    own: tuple[str, ...],
    located: Mapping[str, NDArray[np.floating]],
    selected: Mapping[str, NDArray[np.floating]],
    crop: Crop,
    absent_threshold: float,
) -> Placed:
    """One row of `locate` (K: vocabulary joints, then a skeleton's own) and of `select` (V)."""
    index = [vocabulary().index(name) for name in names]
    absent_K, occluded_K, visible_K = softmax(selected["state"][index]).T
    # Nothing says whether a described joint is hidden; the place's own confidence has to do.
    states = np.full(len(names) + len(own), State.VISIBLE, np.int8)
    states[: len(names)][occluded_K > visible_K] = State.OCCLUDED
    states[: len(names)][absent_K > absent_threshold] = State.ABSENT
    z = np.full(len(states), np.nan)
    z[: len(names)] = expected_z(selected["z"][index])
    return Placed(
        names + own,
        crop.invert(located["xy"]),
        located["confidence"].astype(np.float64).clip(0, 1),
        located["radius"].astype(np.float64) * crop.pixel,
        states,
        z,
    )


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


def skeleton_joints(person: Placed, skeleton: Skeleton, wanted: Sequence[str]) -> list[PlacedJoint]:
    """The wanted joints of a skeleton; a derived joint is the weighted mean of its sources."""
    return [_skeleton_joint(person, skeleton[name]) for name in wanted]


def _skeleton_joint(person: Placed, joint: Joint) -> PlacedJoint:
    if not joint.sources:  # a described joint was placed under its own name
        return person.joint(joint.name)
    sources = [(person.joint(name), weight) for name, weight in joint.sources]
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
    return PlacedJoint(
        joint.name,
        x,
        y,
        state,
        confidence,
        max(source.radius or 0.0 for source, _ in sources),
        z if np.isfinite(z) else None,
        _triple(weights @ np.array(positions)) if whole else None,
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


def without_depth(person: Placed) -> Placed:
    return replace(person, z_K=np.full_like(person.z_K, np.nan), positions_K3=None)
