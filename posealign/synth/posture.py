"""Postures as infants take them: what a body is asked to do before it settles.

Angles in degrees around age-typical postures, inside the ranges of motion. World: z up, the
mattress at z = 0, the head towards +y before the yaw is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posealign.anatomy.facts import motion_range
from posealign.synth.body import DOF_INDEX, DOFS, SIDES, Body, Frames, rotation
from posealign.synth.physics import Wanted
from posealign.synth.skin import Hands
from posealign.synth.surface import Floats

Rng = np.random.Generator
POSTURES = ("supine", "prone", "left_lateral", "right_lateral", "sitting", "standing", "held")
# How often each is drawn: cribs first; real collections hold too little supine to go by.
SHARES = {"supine": 0.50, "prone": 0.13, "left_lateral": 0.09, "right_lateral": 0.09,
          "sitting": 0.09, "standing": 0.03, "held": 0.07}  # fmt: skip


@dataclass(frozen=True)
class Stance:
    posture: str
    wanted: Wanted
    hands: Hands


def clip_to_ranges(angles_Q: Floats, age_months: float) -> Floats:
    """Into the soft ranges, a little widened: nobody aims at the end of a joint."""
    low_high = np.array([motion_range(dof.fact, "soft", age_months) for dof in DOFS])
    return np.clip(angles_Q, low_high[:, 0], low_high[:, 1])


def fingers(rng: Rng) -> Hands:
    """Mostly half closed, sometimes a fist, sometimes open."""

    def one() -> Floats:
        base = rng.choice([0.15, 0.45, 0.8], p=[0.3, 0.4, 0.3])
        return np.asarray(
            np.clip(base + rng.normal(0, 0.12, 5) + np.array([0.1, 0, 0, 0.05, 0.08]), 0, 1)
        )

    return Hands(one(), one(), float(rng.uniform(0, 1)))


def _arm(rng: Rng, kind: str) -> dict[str, float]:
    table = {  # flexion, abduction, rotation, elbow: means; a spread of their own below
        "up": (5, 85, 75, 85), "side": (5, 60, 30, 75), "down": (12, 30, 5, 55),
        "middle": (55, 12, -40, 95), "face": (70, 30, -15, 128), "reach": (85, 15, -10, 30),
        "over": (30, 120, 60, 60),
    }  # fmt: skip
    f, a, r, e = table[kind]
    return {
        "shoulder_flexion": rng.normal(f, 14), "shoulder_abduction": rng.normal(a, 14),
        "shoulder_rotation": rng.normal(r, 18), "elbow_flexion": rng.normal(e, 20),
        "forearm_supination": rng.normal(-10, 30), "wrist_flexion": rng.normal(5, 20),
        "wrist_ulnar": rng.normal(0, 8),
    }  # fmt: skip


def _leg(rng: Rng, hip: float, abduction: float, turn: float, knee: float) -> dict[str, float]:
    pull = rng.normal(0, 1)  # hip and knee fold together
    return {
        "hip_flexion": hip + 20 * pull + rng.normal(0, 8),
        "hip_abduction": rng.normal(abduction, 12), "hip_rotation": rng.normal(turn, 15),
        "knee_flexion": knee + 22 * pull + rng.normal(0, 14),
        "ankle_dorsiflexion": rng.normal(8, 14), "ankle_inversion": rng.normal(8, 9),
    }  # fmt: skip


def _crossed(rng: Rng) -> list[dict[str, float]]:
    """One ankle laid over the other."""
    knee = rng.uniform(35, 75)
    under = {
        "hip_flexion": 45 + rng.normal(0, 8),
        "hip_abduction": 4.0,
        "hip_rotation": 38.0,
        "knee_flexion": knee + 12,
        "ankle_dorsiflexion": 0.0,
        "ankle_inversion": 10.0,
    }
    over = dict(under) | {"hip_flexion": under["hip_flexion"] + rng.uniform(12, 24),
                          "hip_abduction": -4.0, "hip_rotation": 48.0}  # fmt: skip
    legs = [under, over]
    return legs if rng.random() < 0.5 else legs[::-1]


def _set(angles_Q: Floats, side: str, values: dict[str, float]) -> None:
    for name, value in values.items():
        angles_Q[DOF_INDEX[f"{side}_{name}"]] = value


def _axial(rng: Rng, angles_Q: Floats, spread: float, head_turn: float) -> None:
    names = ("trunk_flexion", "trunk_lateral", "trunk_axial")
    for name, sd in zip(names, (8.0, 9.0, 8.0), strict=True):
        angles_Q[DOF_INDEX[name]] = rng.normal(0, sd * spread)
    angles_Q[DOF_INDEX["neck_rotation"]] = head_turn
    angles_Q[DOF_INDEX["neck_flexion"]] = rng.normal(0, 12)
    angles_Q[DOF_INDEX["neck_lateral"]] = rng.normal(0, 10)


def _root(roll_deg: float, pitch_deg: float = 0.0) -> Floats:
    """Lying with the head to +y, rolled about the long axis; 0 is supine, 180 prone."""
    lying = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]]).T  # x → -X, y → +Z, z → +Y
    return np.asarray(
        rotation((0, 1, 0), np.deg2rad(roll_deg))
        @ rotation((1, 0, 0), np.deg2rad(pitch_deg))
        @ lying
    )


def sample(rng: Rng, body: Body, posture: str | None = None) -> Stance:
    """Draw a posture's wanted angles and orientation."""
    kind = posture or str(rng.choice(list(SHARES), p=list(SHARES.values())))
    if kind in ("sitting", "standing") and posture is None and body.age_months < 3:
        kind = "supine"
    angles = np.zeros(len(DOFS))
    maker = {"supine": _supine, "prone": _prone, "sitting": _sitting, "standing": _standing,
             "held": _held}.get(kind, _lateral)  # fmt: skip
    wanted = maker(rng, body, angles, kind)
    yaw = rotation((0, 0, 1), rng.uniform(0, 2 * np.pi))
    wanted = Wanted(
        clip_to_ranges(wanted.angles_Q, body.age_months), yaw @ wanted.root_R, wanted.hold,
        wanted.height, wanted.stiffness, wanted.fixed,
    )  # fmt: skip
    return Stance(kind, wanted, fingers(rng))


def _supine(rng: Rng, body: Body, angles: Floats, kind: str) -> Wanted:
    _axial(rng, angles, 1.0, float(np.clip(rng.normal(0, 42), -85, 85)))
    for side in SIDES:
        arm = rng.choice(["up", "side", "down", "middle", "face", "reach", "over"],
                         p=[0.26, 0.22, 0.18, 0.10, 0.13, 0.06, 0.05])  # fmt: skip
        _set(angles, side, _arm(rng, str(arm)))
    if rng.random() < 0.14:
        for side, leg in zip(SIDES, _crossed(rng), strict=True):
            _set(angles, side, leg)
    else:
        age = body.age_months
        hip = np.interp(age, [0, 4, 9, 15], [72, 62, 48, 35])
        knee = np.interp(age, [0, 4, 9, 15], [92, 80, 65, 50])
        for side in SIDES:
            _set(angles, side, _leg(rng, hip, 38, 32, knee))
    return Wanted(angles, _root(rng.normal(0, 7)), hold=0.0, stiffness=rng.uniform(0.7, 1.6))


def _prone(rng: Rng, body: Body, angles: Floats, kind: str) -> Wanted:
    turn = rng.choice([-1, 1]) * rng.uniform(55, 90)
    prop = body.age_months > 3 and rng.random() < 0.35  # on the forearms, head up
    _axial(rng, angles, 0.8, float(rng.normal(0, 25)) if prop else float(turn))
    if prop:
        angles[DOF_INDEX["trunk_flexion"]] = rng.normal(-18, 5)
        angles[DOF_INDEX["neck_flexion"]] = rng.normal(-40, 10)
    for side in SIDES:
        arm = _arm(rng, str(rng.choice(["up", "side", "over", "down"], p=[0.5, 0.2, 0.15, 0.15])))
        if prop:
            arm |= {
                "shoulder_flexion": rng.normal(80, 8),
                "shoulder_abduction": rng.normal(18, 8),
                "shoulder_rotation": rng.normal(0, 12),
                "elbow_flexion": rng.normal(92, 10),
            }
        _set(angles, side, arm)
        _set(angles, side, _leg(rng, 45, 45, 45, 75) | {"ankle_dorsiflexion": rng.normal(-20, 15)})
    return Wanted(
        angles, _root(180 + rng.normal(0, 6), 12 if prop else 0), stiffness=1.6 if prop else 1.0
    )


def _lateral(rng: Rng, body: Body, angles: Floats, kind: str) -> Wanted:
    side = -1 if kind == "left_lateral" else 1
    _axial(rng, angles, 0.9, float(rng.normal(0, 18)))
    for name in SIDES:
        _set(
            angles,
            name,
            _arm(rng, str(rng.choice(["middle", "face", "reach"], p=[0.5, 0.25, 0.25]))),
        )
        _set(angles, name, _leg(rng, 62, 8, 5, 75))
    return Wanted(angles, _root(side * -rng.uniform(70, 105)), hold=1.0, stiffness=1.3)


def _sitting(rng: Rng, body: Body, angles: Floats, kind: str) -> Wanted:
    _axial(rng, angles, 1.0, float(rng.normal(0, 28)))
    angles[DOF_INDEX["trunk_flexion"]] = rng.normal(12, 8)
    for side in SIDES:
        _set(angles, side, _arm(rng, str(rng.choice(["down", "side", "reach", "face", "middle"]))))
        _set(angles, side, _leg(rng, 88, 38, 42, 48))
    return Wanted(angles, _root(0, rng.uniform(58, 88)), hold=4.0, stiffness=1.8)


def _standing(rng: Rng, body: Body, angles: Floats, kind: str) -> Wanted:
    _axial(rng, angles, 0.8, float(rng.normal(0, 25)))
    for side in SIDES:
        _set(angles, side, _arm(rng, str(rng.choice(["side", "reach", "up", "down"]))))
        _set(angles, side, _leg(rng, 12, 14, 10, 14))
    upright = _root(0, rng.uniform(82, 98))
    leg = body["thigh"] + body["shank"] + 0.25 * body["foot_length"]
    return Wanted(angles, upright, hold=6.0, height=leg, stiffness=2.0, fixed=True)


def _held(rng: Rng, body: Body, angles: Floats, kind: str) -> Wanted:
    _axial(rng, angles, 1.0, float(rng.normal(0, 30)))
    for side in SIDES:
        _set(angles, side, _arm(rng, str(rng.choice(["side", "reach", "middle", "face", "down"]))))
        _set(angles, side, _leg(rng, 60, 25, 15, 60))
    return Wanted(
        angles,
        _root(rng.normal(0, 8), rng.uniform(50, 100)),
        height=0.75,
        fixed=True,
        stiffness=1.2,
    )


def lying_posture(frames: Frames) -> str:
    """The posture by gravity alone, from the trunk's axes in the world: how it came to lie."""
    chest_R, pelvis_R = frames.R_B33[1], frames.R_B33[0]
    front = (chest_R[:, 1] + pelvis_R[:, 1]) / 2
    right = (chest_R[:, 0] + pelvis_R[:, 0]) / 2
    up = (chest_R[:, 2] + pelvis_R[:, 2]) / 2
    if up[2] > 0.75:
        return "upright"
    names = ("supine", "prone", "left_lateral", "right_lateral")
    return names[int(np.argmax([front[2], -front[2], right[2], -right[2]]))]
