"""Exact labels: where all vocabulary joints are, and whether a picture shows them.

Conventions: limb joints are joint centres; `hip` is where annotators put it (0.53 torso lengths
apart), `hip_center` the anatomical centre; points of face, fingertips, toes and heels lie on the
skin. A joint under thin clothes is visible; fingers in mittens, toes in socks and ears under a
hat are occluded by clothing. Shapes: V vocabulary joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.facts import facts
from posealign.data.pose import State
from posealign.data.sample import HIDERS
from posealign.skeletons.load import vocabulary
from posealign.synth import extremities, head, stage
from posealign.synth.body import BONES, SIDES, Body, Frames, head_centre, lumbar
from posealign.synth.extremities import FINGERS
from posealign.synth.skin import Hands, foot_scale, hand_offset, hand_scale, head_scale
from posealign.synth.stage import Camera
from posealign.synth.surface import Floats

NOTHING_BEFORE = 0.012  # metres: a surface this little nearer hides nothing


@dataclass(frozen=True)
class Rule:
    """Which bones' skin shows a joint, and how deep under that skin it may lie, in metres
    for a body whose torso is one metre long.
    """

    bone: str  # the one a limb difference takes it with
    shown_by: tuple[str, ...]
    depth: float


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(_rule(name) for name in vocabulary().names)


def _rule(name: str) -> Rule:
    side, _, rest = name.partition("_")
    bones = {"shoulder": ("upper_arm", ("chest", "{}_upper_arm"), 0.24),
             "elbow": ("forearm", ("{}_upper_arm", "{}_forearm"), 0.16),
             "wrist": ("hand", ("{}_forearm", "{}_hand"), 0.12),
             "hip": ("thigh", ("pelvis", "{}_thigh", "chest"), 0.38),
             "hip_center": ("thigh", ("pelvis", "{}_thigh", "chest"), 0.42),
             "knee": ("shank", ("{}_thigh", "{}_shank"), 0.22),
             "ankle": ("foot", ("{}_shank", "{}_foot"), 0.17),
             "collar": ("chest", ("chest", "{}_upper_arm", "head"), 0.26)}  # fmt: skip
    if side in SIDES and rest in bones:
        bone, shown, depth = bones[rest]
        own = bone if bone == "chest" else f"{side}_{bone}"
        return Rule(own, tuple(s.format(side) for s in shown), depth)
    if side in SIDES and rest in ("big_toe", "small_toe", "heel", "forefoot"):
        return Rule(f"{side}_foot", (f"{side}_foot", f"{side}_shank"), 0.085)
    if side in SIDES and rest in ("eye", "ear"):
        return Rule("head", ("head",), 0.035)
    if side in SIDES:  # hands
        deep = 0.10 if rest in ("hand_root", "palm") else 0.075
        shown = (f"{side}_hand", f"{side}_forearm") if rest == "hand_root" else (f"{side}_hand",)
        return Rule(f"{side}_hand", shown, deep)
    trunk = {"neck": ("chest", ("chest", "head"), 0.34), "head_center": ("head", ("head",), 0.45),
             "head_top": ("head", ("head",), 0.035), "nose": ("head", ("head",), 0.03)}  # fmt: skip
    if name in trunk:
        return Rule(*trunk[name])
    if name.startswith("face_"):
        return Rule("head", ("head",), 0.03)
    return Rule("pelvis", ("pelvis", "chest", "left_thigh", "right_thigh"), 0.46)


def joints(body: Body, frames: Frames, hands: Hands) -> Floats:
    """All vocabulary joints [V, 3] in the world; NaN for what the body does not have."""
    bones, local_V3 = _layout()[0], np.zeros((len(vocabulary()), 3))
    for name, value in _trunk_points(body).items():
        local_V3[vocabulary().index(name)] = value
    rows, landmarks = _layout()[1]
    local_V3[rows] = landmarks * head_scale(body) + head_centre(body)
    for side, m in (("left", -1.0), ("right", 1.0)):
        mirror = np.array([m, 1, 1])
        rows, points = _layout()[2][side]
        local_V3[rows] = points * foot_scale(body) * mirror
        bent = extremities.hand_joints(hands[side], hands.spread).reshape(-1, 3)
        design = np.concatenate([bent, [extremities.PALM_POINT]])
        local_V3[_layout()[3][side]] = design * hand_scale(body) * mirror + hand_offset(body)
    points = np.einsum("vij,vj->vi", frames.R_B33[bones], local_V3) + frames.p_B3[bones]
    for number, rule in enumerate(rules()):
        if rule.bone in body.missing:
            points[number] = np.nan
    return np.asarray(points)


_JOINT_AT = (("shoulder", "upper_arm"), ("elbow", "forearm"), ("wrist", "hand"),
             ("hip_center", "thigh"), ("knee", "shank"), ("ankle", "foot"))  # fmt: skip


def _trunk_points(body: Body) -> dict[str, tuple[float, float, float]]:
    """In the frames of their bones; what is not named lies in its bone's joint."""
    t = body["torso"]
    rise = t - lumbar(body)
    apart = facts()["joint_centres_cm"]["hip_width_as_annotated_2d_over_torso"] * t / 2
    root = tuple(float(x) for x in hand_offset(body) * 2.5)
    out = {"spine1": (0.0, -0.03 * t, 0.17 * t), "spine2": (0.0, -0.02 * t, 0.0),
           "spine3": (0.0, -0.03 * t, 0.27 * t)}  # fmt: skip
    for side, m in (("left", -1.0), ("right", 1.0)):
        out[f"{side}_hip"] = (m * apart, 0.0, 0.0)
        out[f"{side}_collar"] = (m * 0.17 * body["shoulders"], 0.01 * t, rise - 0.03 * t)
        out[f"{side}_hand_root"] = (root[0], root[1], root[2])
    return out


Rows = NDArray[np.int64]


@cache
def _layout() -> tuple[Rows, tuple[Rows, Floats], dict[str, tuple[Rows, Floats]], dict[str, Rows]]:
    """The bone whose frame each joint is placed in [V]; rows and design of the head's points, of
    the feet's, and rows of the hands' (fingers from their roots, then the palm).
    """
    index = vocabulary().index
    bone = {"pelvis": "pelvis", "spine1": "pelvis", "spine2": "chest", "spine3": "chest",
            "neck": "head"}  # fmt: skip
    marks = head.landmarks()
    bone |= dict.fromkeys(marks, "head")
    feet, hands = {}, {}
    for side in SIDES:
        bone |= {f"{side}_hip": "pelvis", f"{side}_collar": "chest"}
        bone |= {f"{side}_{joint}": f"{side}_{where}" for joint, where in _JOINT_AT}
        toes = [f"{side}_{name}" for name in extremities.FOOT_POINTS]
        fingers = [f"{side}_{finger}{k + 1}" for finger in FINGERS for k in range(4)]
        bone |= dict.fromkeys(toes, f"{side}_foot")
        bone |= dict.fromkeys([*fingers, f"{side}_palm", f"{side}_hand_root"], f"{side}_hand")
        feet[side] = (np.array([index(n) for n in toes]),
                      np.array(list(extremities.FOOT_POINTS.values())))  # fmt: skip
        hands[side] = np.array([index(n) for n in (*fingers, f"{side}_palm")])
    rows = np.array([BONES.index(bone[name]) for name in vocabulary().names])
    heads = np.array([index(name) for name in marks])
    return rows, (heads, np.array(list(marks.values()))), feet, hands


@dataclass(frozen=True)
class Seen:
    """A person's joints in one picture. `clear_V`: far from edges, so that states are certain."""

    points_V2: Floats
    points_V3: Floats
    states_V: NDArray[np.int8]
    hidden_by_V: NDArray[np.int8]
    clear_V: NDArray[np.bool_]


def hider_of(code: int, own: range, is_adult: bool) -> int:
    """Which of HIDERS a pixel of the parts picture stands for."""
    if code in own:
        return HIDERS.index("self")
    if code == stage.BLANKET:
        return HIDERS.index("blanket")
    if 0 < code < stage.BED:
        return HIDERS.index("caregiver" if is_adult else "other")
    return HIDERS.index("object")


def look(
    points_world_V3: Floats,
    camera: Camera,
    drawn: stage.Rendered,
    own_first: int,
    torso: float,
    covered: frozenset[str] = frozenset(),
    hat: bool = False,
    other_is_adult: bool = False,
) -> Seen:
    """Project the joints and ask depth and parts what stands before each."""
    count = len(points_world_V3)
    camera_V3 = camera.to_camera(points_world_V3)
    points_V2 = camera.project(camera_V3)
    states, hidden = np.zeros(count, np.int8), np.full(count, -1, np.int8)
    own = range(own_first, own_first + len(BONES))
    real = np.isfinite(points_V2).all(1) & (camera_V3[:, 2] > stage.NEAR)
    column = np.rint(np.where(real, np.clip(points_V2[:, 0], -9, 9999), -9)).astype(np.int64)
    row = np.rint(np.where(real, np.clip(points_V2[:, 1], -9, 9999), -9)).astype(np.int64)
    inside = real & (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    clear = real & ~inside
    shows, limits, fingers_or_toes = _tables()
    at = np.flatnonzero(inside)
    r, c = row[at], column[at]
    code = drawn.parts_HW[r, c].astype(np.int64)
    gap = camera_V3[at, 2] - drawn.depth_HW[r, c]
    bone = code - own_first
    shown = (bone >= 0) & (bone < len(BONES))
    shown[shown] = shows[at[shown], bone[shown]]
    limit = np.where(shown, limits[at] * torso, NOTHING_BEFORE)
    seen = gap <= limit
    states[at] = np.where(seen, State.VISIBLE, State.OCCLUDED)
    hider_C = np.array([hider_of(k, own, other_is_adult) for k in range(64)], np.int8)
    hidden[at] = np.where(seen, -1, hider_C[code])
    clear[at] = _certain(drawn)[r, c] & (np.abs(gap - limit) > 0.004)
    cloth = np.zeros(count, bool)
    for part in covered:
        cloth |= fingers_or_toes.get(part, False)
    if hat:
        cloth |= fingers_or_toes["ears"]
    cloth &= states == State.VISIBLE
    states[cloth], hidden[cloth] = State.OCCLUDED, HIDERS.index("clothing")
    return Seen(points_V2, camera_V3, states, hidden, clear)


@cache
def _tables() -> tuple[NDArray[np.bool_], Floats, dict[str, NDArray[np.bool_]]]:
    """Which bones' skin shows a joint, how deep it may lie, and what socks, mittens, hats hide."""
    shows = np.array([[bone in rule.shown_by for bone in BONES] for rule in rules()])
    names = vocabulary().names
    cloth = {"ears": np.array([name.endswith("_ear") for name in names])}
    for side in SIDES:
        toes = (f"{side}_big_toe", f"{side}_small_toe")
        hand = tuple(f"{side}_{part}" for part in (*FINGERS, "palm"))
        cloth[f"{side}_foot"] = np.array([name in toes for name in names])
        cloth[f"{side}_hand"] = np.array([name.startswith(hand) for name in names])
    return shows, np.array([rule.depth for rule in rules()]), cloth


def _certain(drawn: stage.Rendered) -> NDArray[np.bool_]:
    """Where the pixels around show the same part at about the same depth."""
    window = np.ones((5, 5), np.uint8)
    same = cv2.dilate(drawn.parts_HW, window) == cv2.erode(drawn.parts_HW, window)
    flat = cv2.dilate(drawn.depth_HW, window) - cv2.erode(drawn.depth_HW, window) < 0.03
    return np.asarray(same & flat)
