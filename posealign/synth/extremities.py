"""Hands with fingers and feet with toes: their bones, flesh and points.

Both are designed for a length of one and scaled; the right ones, mirrored in x for the left.
Hand: origin in the wrist, fingers along -z, thumb forward (+y), palm towards -x.
Foot: origin in the ankle, toes forward (+y), sole down, the big toe towards -x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from posealign.synth.body import rotation
from posealign.synth.surface import Floats

FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
HAND_WIDTH, FOOT_WIDTH = 0.55, 0.44  # breadth over length, of the design

# base joint, direction, lengths of the three phalanges, radius: thumb first, then by finger
_DESIGN = {
    "thumb": ((-0.03, 0.15, -0.15), (-0.18, 0.62, -0.76), (0.17, 0.15, 0.12), 0.082),
    "forefinger": ((0.0, 0.185, -0.54), (0.0, 0.13, -0.99), (0.19, 0.12, 0.095), 0.066),
    "middle_finger": ((0.005, 0.06, -0.56), (0.0, 0.03, -1.0), (0.21, 0.13, 0.10), 0.068),
    "ring_finger": ((0.0, -0.065, -0.54), (0.0, -0.08, -1.0), (0.19, 0.125, 0.095), 0.065),
    "pinky_finger": ((-0.005, -0.18, -0.49), (0.0, -0.2, -0.98), (0.15, 0.095, 0.085), 0.058),
}  # fmt: skip
HAND_BONES = ("palm", *(f"{finger}{k}" for finger in FINGERS for k in (1, 2, 3)))


@dataclass(frozen=True)
class Flesh:
    """Round cones of a hand or a foot; `bone` indexes HAND_BONES (0 for the foot)."""

    a_G3: Floats
    b_G3: Floats
    ra_G: Floats
    rb_G: Floats
    bone_G: tuple[int, ...]


def _flesh(rows: list[tuple[Floats, Floats, float, float, int]]) -> Flesh:
    a, b, ra, rb, bone = zip(*rows, strict=True)
    return Flesh(np.array(a), np.array(b), np.array(ra), np.array(rb), tuple(bone))


@lru_cache(maxsize=4096)
def bend_hand(curl_5: tuple[float, ...], spread: float = 0.0) -> tuple[Floats, Floats, Floats]:
    """A right hand of length one: joints [5 fingers, 4, 3], and the rotations [16, 3, 3] and
    origins [16, 3] of HAND_BONES against the straight hand; curl in 0 (straight) … 1 (fist).
    """
    joints = np.zeros((5, 4, 3))
    R_33, p_3 = np.tile(np.eye(3), (16, 1, 1)), np.zeros((16, 3))
    for number, finger in enumerate(FINGERS):
        base, direction, lengths, _ = _DESIGN[finger]
        along = np.array(direction) / np.linalg.norm(direction)
        straight = np.array(base)
        turned: Floats = np.eye(3)
        curl = float(curl_5[number])
        if finger == "thumb":
            axis, turns = np.array([0.25, -0.3, -0.92]), (35 * curl, 45 * curl, 50 * curl)
        else:
            turned = rotation((1.0, 0, 0), np.deg2rad((2 - number) * spread * 12))
            axis, turns = np.array([0.0, 1.0, 0.0]), (80 * curl, 95 * curl, 60 * curl)
        axis /= np.linalg.norm(axis)
        joints[number, 0] = base
        for k in range(3):
            turned = rotation((axis[0], axis[1], axis[2]), np.deg2rad(turns[k])) @ turned
            bone = 1 + number * 3 + k
            R_33[bone] = turned
            p_3[bone] = joints[number, k] - turned @ straight
            joints[number, k + 1] = joints[number, k] + turned @ along * lengths[k]
            straight = straight + along * lengths[k]
    return joints, R_33, p_3


def hand_joints(curl_5: Floats, spread: float = 0.0) -> Floats:
    """Joints [5 fingers, 4, 3] of a right hand of length one."""
    return bend_hand(tuple(curl_5.tolist()), spread)[0]


def hand_frames(curl_5: Floats, spread: float = 0.0) -> tuple[Floats, Floats]:
    """How HAND_BONES moved from the straight hand."""
    return bend_hand(tuple(curl_5.tolist()), spread)[1:]


def hand_flesh() -> Flesh:
    joints = hand_joints(np.zeros(5))
    rows: list[tuple[Floats, Floats, float, float, int]] = []
    wrist = np.array([0.0, 0.0, 0.10])
    rows.append((wrist, np.array([0.0, 0.01, -0.1]), 0.17, 0.155, 0))
    for number in range(1, 5):
        start = np.array([0.0, joints[number, 0, 1] * 0.65, -0.13])
        rows.append((start, joints[number, 0], 0.115, 0.085, 0))
    rows.append((np.array([-0.03, 0.08, -0.1]), joints[0, 1], 0.12, 0.085, 1))
    rows.append((np.array([-0.035, -0.1, -0.14]), np.array([-0.03, -0.12, -0.36]), 0.1, 0.085, 0))
    for number, finger in enumerate(FINGERS):
        radius = _DESIGN[finger][3]
        for k in range(3):
            if finger == "thumb" and k == 0:
                continue
            end = joints[number, k + 1].copy()
            if k == 2:  # the tip's point lies on the skin
                back = joints[number, 3] - joints[number, 2]
                end -= 0.8 * radius * back / np.linalg.norm(back)
            taper = (1.0, 0.95, 0.9)[k]
            rows.append((joints[number, k], end, radius * taper, radius * taper * 0.95,
                         1 + number * 3 + k))  # fmt: skip
    return _flesh(rows)


def foot_flesh() -> Flesh:
    """A chubby foot; the sole lies 0.23 lengths below the ankle."""

    def v(*x: float) -> Floats:
        return np.array(x)

    rows = [
        (v(0, -0.01, 0.10), v(0, -0.02, -0.02), 0.19, 0.19, 0),
        (v(0, -0.09, -0.08), v(0, 0.1, -0.07), 0.16, 0.17, 0),
        (v(-0.02, 0.1, -0.05), v(-0.09, 0.42, -0.115), 0.165, 0.115, 0),
        (v(0.03, 0.08, -0.07), v(0.09, 0.37, -0.13), 0.15, 0.10, 0),
        (v(-0.09, 0.42, -0.115), v(0.09, 0.37, -0.13), 0.115, 0.10, 0),
    ]
    toes = ((-0.135, 0.63, 0.078), (-0.045, 0.655, 0.055), (0.03, 0.63, 0.052),
            (0.095, 0.595, 0.05), (0.152, 0.55, 0.05))  # fmt: skip
    for x, y, radius in toes:
        root = v(x * 0.85, 0.42 - abs(x + 0.05) * 0.2, -0.135)
        rows.append((root, v(x, y - radius, -0.165 + radius * 0.3), radius * 1.05, radius, 0))
    return _flesh(rows)


FOOT_POINTS = {
    "big_toe": (-0.135, 0.62, -0.13),
    "small_toe": (0.152, 0.54, -0.14),
    "heel": (0.0, -0.245, -0.12),
    "forefoot": (0.0, 0.41, -0.14),
}
PALM_POINT = (-0.08, 0.0, -0.36)
