"""Relations judged on one person's joints: labels give the gold answer, predictions a reading.

A margin separates what is clear from what is too close to call; the unclear is reported, not
guessed. A source that knows better (physics, contacts) says so in
`person.facts["relations"] = {"raised(leg)": ("left",)}`; that word is final.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import HIDERS, Person
from posealign.instructions.parts import LIMBS, joints_of
from posealign.instructions.query import CHOOSING, Related
from posealign.instructions.sets import CORE, Joints
from posealign.skeletons.load import vocabulary

SIDES = ("left", "right")
# Margins, as shares of the person's size (root of the box area) or in the unit named.
PLACE_MARGIN = 0.04
DEPTH_MARGIN = 0.03  # torso lengths ×, see _depth
ANGLE_MARGIN = 12.0  # degrees
EDGE_MARGIN = 0.015  # of the picture, for halves
TOUCH_NEAR, TOUCH_FAR = 0.45, 0.75  # wrist to nose in torso lengths: touching / surely not
RAISED_NEAR, RAISED_FAR = 0.15, 0.35  # above the lowest torso plane, torso lengths


@dataclass(frozen=True)
class Choice:
    """What a relation keeps; `clear` is False when the margin was too small to say."""

    joints: Joints
    clear: bool = True


def choose(relation: Related, person: Person, size: tuple[float, float]) -> Choice:
    """`size` is the picture's (width, height)."""
    told = person.facts.get("relations", {}).get(str(relation))
    name = relation.part.name
    if told is not None:
        return Choice(frozenset[str]().union(*(joints_of(name, side) for side in told)))
    if relation.relation in CHOOSING:
        return _choose_side(relation.relation, name, person)
    return _filter(relation, person, size)


def _choose_side(relation: str, name: str, person: Person) -> Choice:
    scores = _SCORES[relation](name, person)
    if scores is None:
        return Choice(joints_of(name), clear=False)
    kept, clear = scores
    joints = frozenset[str]().union(*(joints_of(name, side) for side in kept))
    return Choice(joints, clear)


Kept = tuple[tuple[str, ...], bool]
_Score = Callable[[str, Person], Kept | None]


def _larger(values: tuple[float, float] | None, margin: float) -> Kept | None:
    if values is None or not np.isfinite(values).all():
        return None
    left, right = values
    return (("left",) if left > right else ("right",)), abs(left - right) >= margin


def _distal(name: str, side: str) -> list[int]:
    """The joints that stand for a part's place: for an arm elbow and wrist, not the shoulder."""
    names = [joint for joint in vocabulary().names if joint in joints_of(name, side)]
    core = [joint for joint in names if joint in CORE] or names
    return [vocabulary().index(joint) for joint in (core[1:] if len(core) > 2 else core)]


def _mean(person: Person, points: NDArray[np.float32], name: str) -> NDArray[np.float64] | None:
    """Mean place of a part on each side, [2 sides, D], over joints placed on both sides."""
    pairs = [
        pair
        for pair in zip(_distal(name, "left"), _distal(name, "right"), strict=True)
        if all(person.states_V[i] >= State.OCCLUDED and np.isfinite(points[i]).all() for i in pair)
    ]
    if not pairs:
        return None
    mean: NDArray[np.float64] = points[np.array(pairs)].astype(np.float64).mean(axis=0)
    return mean


def _scale(person: Person) -> float:
    return float(np.sqrt(max(person.box[2] * person.box[3], 1.0)))


def _axis(axis: int, sign: float) -> _Score:
    def score(name: str, person: Person) -> Kept | None:
        places = _mean(person, person.points_V2, name)
        if places is None:
            return None
        left, right = sign * places[:, axis] / _scale(person)
        return _larger((float(left), float(right)), PLACE_MARGIN)

    return score


def _torso(points: NDArray[np.float32]) -> float:
    index = vocabulary().index
    shoulders = points[[index("left_shoulder"), index("right_shoulder")]].mean(axis=0)
    hips = points[[index("left_hip"), index("right_hip")]].mean(axis=0)
    return float(np.linalg.norm(shoulders - hips))


def _depth(sign: float) -> _Score:
    def score(name: str, person: Person) -> Kept | None:
        if person.points_V3 is None:
            return None
        places = _mean(person, person.points_V3, name)
        torso = _torso(person.points_V3)
        if places is None or not torso > 0:
            return None
        left, right = sign * places[:, 2] / torso
        return _larger((float(left), float(right)), 4 * DEPTH_MARGIN)

    return score


def _bend(sign: float) -> _Score:
    """By the angle at knee or elbow: in space where it is known; a picture's angle needs more."""

    def score(name: str, person: Person) -> Kept | None:
        chain = _chain(name)
        points = person.points_V3 if person.points_V3 is not None else person.points_V2
        margin = ANGLE_MARGIN if person.points_V3 is not None else 2 * ANGLE_MARGIN
        bends = tuple(sign * _bend_of(points, side, chain) for side in SIDES)
        return _larger((bends[0], bends[1]), margin)

    return score


def _chain(name: str) -> tuple[str, str, str]:
    """The joints of the limb that a part belongs to."""
    return LIMBS["leg" if joints_of(name) & joints_of("leg") & CORE else "arm"]


def _bend_of(points: NDArray[np.float32], side: str, chain: tuple[str, str, str]) -> float:
    """Degrees away from straight."""
    first, middle, last = (
        points[vocabulary().index(f"{side}_{joint}")].astype(np.float64) for joint in chain
    )
    one, two = middle - first, last - middle
    length = np.linalg.norm(one) * np.linalg.norm(two)
    return float(np.degrees(np.arccos(np.clip(one @ two / length, -1, 1)))) if length else np.nan


def _face_distances(name: str, person: Person) -> tuple[float, float] | None:
    points = person.points_V3 if person.points_V3 is not None else person.points_V2
    torso, nose = _torso(points), points[vocabulary().index("nose")]
    places = _mean(person, points, name)
    if places is None or not torso > 0 or not np.isfinite(nose).all():
        return None
    left, right = np.linalg.norm(places - nose, axis=1) / torso
    return float(left), float(right)


def _nearest_face(name: str, person: Person) -> Kept | None:
    distances = _face_distances(name, person)
    return None if distances is None else _larger((-distances[0], -distances[1]), 0.12)


def _touching_face(name: str, person: Person) -> Kept | None:
    return _within(_face_distances(name, person), TOUCH_NEAR, TOUCH_FAR)


def _within(distances: tuple[float, float] | None, near: float, far: float) -> Kept | None:
    if distances is None or not np.isfinite(distances).all():
        return None
    kept = tuple(side for side, d in zip(SIDES, distances, strict=True) if d < (near + far) / 2)
    return kept, not any(near < d < far for d in distances)


def _raised(name: str, person: Person) -> Kept | None:
    """Off the surface the person lies on, judged from the plane of the torso."""
    points = person.points_V3
    if points is None:
        return None
    index = vocabulary().index
    ends = [points[index(f"{side}_{end}")] for end in ("shoulder", "hip") for side in SIDES]
    normal = np.cross(ends[0] - ends[3], ends[1] - ends[2])
    torso, length = _torso(points), np.linalg.norm(normal)
    places = _mean(person, points, name)
    if places is None or not torso > 0 or not length > 0:
        return None
    normal = normal / length * (-1.0 if normal[2] > 0 else 1.0)  # towards the camera
    left, right = -((places - np.mean(ends, axis=0)) @ normal) / torso
    return _within((float(left), float(right)), -RAISED_FAR, -RAISED_NEAR)


def _crossing_over(name: str, person: Person) -> Kept | None:
    """The limb nearer the camera where the two cross in the picture; none when they do not."""
    index = vocabulary().index
    lines = {side: [index(f"{side}_{joint}") for joint in _chain(name)] for side in SIDES}
    rows = lines["left"] + lines["right"]
    if (person.states_V[rows] < State.OCCLUDED).any():
        return None
    points = person.points_V2.astype(np.float64)
    for first in range(2):
        for second in range(2):
            a, b = lines["left"][first : first + 2], lines["right"][second : second + 2]
            at = _crossing(points[a[0]], points[a[1]], points[b[0]], points[b[1]])
            if at is not None:
                return _upper(person, a, b, at)
    return (), True


def _upper(person: Person, a: list[int], b: list[int], at: tuple[float, float]) -> Kept | None:
    if person.points_V3 is None:
        return None
    z = person.points_V3[:, 2].astype(np.float64)
    left = z[a[0]] + at[0] * (z[a[1]] - z[a[0]])
    right = z[b[0]] + at[1] * (z[b[1]] - z[b[0]])
    return _larger((-left, -right), DEPTH_MARGIN * _torso(person.points_V3))


def _crossing(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Where on segments ab and cd they cross, as shares of each."""
    one, two, gap = b - a, d - c, c - a
    area = one[0] * two[1] - one[1] * two[0]
    if abs(area) < 1e-9:
        return None
    s = (gap[0] * two[1] - gap[1] * two[0]) / area
    t = (gap[0] * one[1] - gap[1] * one[0]) / area
    return (float(s), float(t)) if 0 < s < 1 and 0 < t < 1 else None


def _filter(relation: Related, person: Person, size: tuple[float, float]) -> Choice:
    rows = [vocabulary().index(j) for j in joints_of(relation.part.name, relation.part.side)]
    placed = [i for i in rows if person.states_V[i] >= State.OCCLUDED]
    names = vocabulary().names
    if relation.relation == "hidden_by_blanket":
        if person.hidden_by_V is None:  # of a predicted pose: whatever is hidden may be under it
            hidden = (i for i in placed if person.states_V[i] == State.OCCLUDED)
            return Choice(frozenset(names[i] for i in hidden), clear=False)
        blanket = HIDERS.index("blanket")
        return Choice(frozenset(names[i] for i in placed if person.hidden_by_V[i] == blanket))
    axis = 0 if relation.relation in ("in_left_half", "in_right_half") else 1
    sign = 1 if relation.relation in ("in_left_half", "in_upper_half") else -1
    below = {i: sign * (0.5 - person.points_V2[i, axis] / size[axis]) for i in placed}
    return Choice(
        frozenset(names[i] for i, share in below.items() if share > 0),
        clear=all(abs(share) >= EDGE_MARGIN for share in below.values()),
    )


_SCORES: dict[str, _Score] = {
    "higher": _axis(1, -1.0),
    "lower": _axis(1, 1.0),
    "image_left": _axis(0, -1.0),
    "image_right": _axis(0, 1.0),
    "raised": _raised,
    "more_bent": _bend(1.0),
    "straighter": _bend(-1.0),
    "nearer_camera": _depth(-1.0),
    "farther_camera": _depth(1.0),
    "nearest_face": _nearest_face,
    "touching_face": _touching_face,
    "crossing_over": _crossing_over,
}
