"""An adult beside the bed whose hands reach a wanted place: two-bone inverse kinematics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posealign.synth.body import BONES, DOF_INDEX, DOFS, SIDES, Body, Frames, forward, rotation
from posealign.synth.skin import Hands
from posealign.synth.surface import Floats


@dataclass(frozen=True)
class Caregiver:
    body: Body
    frames: Frames
    hands: Hands


def _unit(v: Floats) -> Floats:
    return np.asarray(v / max(float(np.linalg.norm(v)), 1e-9))


def reach(
    rng: np.random.Generator,
    body: Body,
    frames: Frames,
    side: str,
    wrist: Floats,
    fingers: Floats,
    palm_to: Floats,
) -> Frames:
    """Bend one arm so that its wrist is at `wrist` (or as near as it can get), fingers pointing
    along `fingers`, the palm looking at `palm_to`.
    """
    R, p = frames.R_B33.copy(), frames.p_B3.copy()
    upper, fore, hand = (BONES.index(f"{side}_{b}") for b in ("upper_arm", "forearm", "hand"))
    shoulder = p[upper]
    a, b = body["upper_arm"], body["forearm"]
    line = wrist - shoulder
    distance = float(np.clip(np.linalg.norm(line), abs(a - b) + 0.02, (a + b) * 0.995))
    line = _unit(line)
    along = (a * a - b * b + distance * distance) / (2 * distance)
    out = np.sqrt(max(a * a - along * along, 0.0))
    m = 1.0 if side == "right" else -1.0
    pole = np.array([0, 0, -1.0]) + 0.6 * m * R[BONES.index("chest")][:, 0]
    pole = _unit(pole - (pole @ line) * line)
    elbow = shoulder + along * line + out * pole
    end = shoulder + distance * line
    for index, start, stop in ((upper, shoulder, elbow), (fore, elbow, end)):
        z = _unit(start - stop)
        bend = _unit((end - elbow) if index == upper else (shoulder - elbow))
        front = _unit(bend - (bend @ z) * z)
        x = np.cross(front, z)
        R[index] = np.stack([x, front, z], 1)
        p[index] = start
    z = -_unit(fingers)
    face = palm_to - (palm_to @ z) * z
    x = -m * _unit(face)  # the palm looks along -x on the right
    R[hand] = np.stack([x, np.cross(z, x), z], 1)
    p[hand] = end
    return Frames(R, p)


def stand(
    rng: np.random.Generator, body: Body, target: Floats, towards: float, floor_z: float
) -> Frames:
    """Upright beside the bed, leaning over so that the arms can reach the target."""
    arm = body["upper_arm"] + body["forearm"]
    leg = body["thigh"] + body["shank"] + 0.04 * body.stature
    hips = floor_z + leg
    away = np.array([np.cos(towards), np.sin(towards), 0.0])
    shoulder_height = body["torso"]
    # Stand so far off that a lean of 20 to 55 degrees brings the shoulders within reach.
    best = None
    for lean in np.deg2rad(np.arange(5, 75, 5)):
        forwards, up = np.sin(lean) * shoulder_height, np.cos(lean) * shoulder_height
        drop = hips + up - target[2]
        if drop < arm * 0.92:
            best = (lean, forwards, up, drop)
            break
    lean, forwards, _, drop = best or (np.deg2rad(70), shoulder_height, 0.2, arm * 0.9)
    flat = np.sqrt(max((0.86 * arm) ** 2 - drop**2, 0.02))
    place = target + away * (flat + forwards)
    # Facing the target: the body's forward axis is -away.
    forward_axis = -away
    right = np.cross(forward_axis, [0, 0, 1.0])
    upright = np.stack([right, forward_axis, np.array([0, 0, 1.0])], 1)
    angles = np.zeros(len(DOFS))
    angles[DOF_INDEX["neck_flexion"]] = rng.uniform(5, 30)
    for side in SIDES:
        angles[DOF_INDEX[f"{side}_hip_flexion"]] = np.rad2deg(lean)
        angles[DOF_INDEX[f"{side}_shoulder_abduction"]] = 20
    root = upright @ rotation((1, 0, 0), -float(lean))
    return forward(body, angles, root, np.array([place[0], place[1], hips]))


def tending(
    rng: np.random.Generator, body: Body, targets: list[Floats], towards: float, floor_z: float
) -> Caregiver:
    """Both hands on (or near) the targets, palms down."""
    middle = np.mean(targets, axis=0)
    frames = stand(rng, body, middle, towards, floor_z)
    curl = np.clip(rng.uniform(0.1, 0.45) + rng.normal(0, 0.06, 5), 0, 1)
    chest = frames.p_B3[BONES.index("chest")]
    order = sorted(SIDES, key=lambda s: float(np.linalg.norm(
        frames.p_B3[BONES.index(f"{s}_upper_arm")] - targets[0])))  # fmt: skip
    for side, target in zip(order, targets, strict=False):
        flat = _unit((target - chest) * [1, 1, 0])
        fingers = _unit(flat - np.array([0, 0, rng.uniform(0.3, 0.8)]))
        wrist = target - fingers * 0.6 * body["hand_length"] + np.array([0, 0, 0.02])
        frames = reach(rng, body, frames, side, wrist, fingers, np.array([0, 0, -1.0]) + 0.3 * flat)
    return Caregiver(body, frames, Hands(curl, curl.copy(), 0.6))


def holding(
    rng: np.random.Generator, body: Body, infant: Frames, infant_body: Body, floor_z: float
) -> Caregiver:
    """Behind an infant that is carried: one forearm under the bottom, one hand on the chest."""
    pelvis, chest = infant.p_B3[0], infant.p_B3[1]
    front = infant.R_B33[1][:, 1] * [1, 1, 0]
    front = _unit(front)
    gap = 0.75 * body["pelvis_half"] + 0.85 * infant_body["pelvis_half"]
    height = chest[2] - 0.40 * body["torso"]
    place = np.array([*(chest - front * gap)[:2], height])
    right = np.cross(front, [0, 0, 1.0])
    root = np.stack([right, front, np.array([0, 0, 1.0])], 1)
    angles = np.zeros(len(DOFS))
    angles[DOF_INDEX["neck_flexion"]] = rng.uniform(-5, 25)
    angles[DOF_INDEX["neck_rotation"]] = rng.uniform(-30, 30)
    for side in SIDES:
        angles[DOF_INDEX[f"{side}_shoulder_abduction"]] = 15
    frames = forward(body, angles, root, place)
    first, second = SIDES if rng.random() < 0.5 else SIDES[::-1]
    m = {"left": -1.0, "right": 1.0}
    deep = 0.75 * infant_body["pelvis_half"]
    across = infant.R_B33[1][:, 0]
    under = pelvis + front * (deep * 0.6) - np.array([0, 0, 0.95 * deep])
    frames = reach(
        rng,
        body,
        frames,
        first,
        under + right * m[first] * 0.06,
        -right * m[first],
        np.array([0, 0, 1.0]),
    )
    belly = chest + front * (deep * 1.15) + np.array([0, 0, 0.12 * infant_body["torso"]])
    frames = reach(
        rng,
        body,
        frames,
        second,
        belly + right * m[second] * 0.07,
        _unit(-right * m[second] - 0.1 * across),
        -front,
    )
    curl = np.full(5, 0.25)
    return Caregiver(body, frames, Hands(curl, curl.copy(), 0.4))
