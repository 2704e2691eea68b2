"""Blankets settled by physics: a square of MuJoCo flex falls on a body at rest.

It takes a second or two, so a bank keeps a few, each with the pose it was settled over.
Shapes: G vertices along an edge of the simulated cloth, C along an edge of the drawn one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from posealign.synth.body import BONES, SIDES, Body, Frames, head_centre, rotation
from posealign.synth.physics import engine, quaternion
from posealign.synth.skin import foot_scale, hand_scale, head_scale
from posealign.synth.stage import CLOTH
from posealign.synth.surface import Floats

GRID = 20
STEP_S = 0.005
FALL_S = 0.9
THICK = 0.009  # of clothes, which the simulated body does not wear, and of the cloth


@dataclass(frozen=True)
class Spread:
    """Where a rectangle of cloth is held before it falls: a corner and two horizontal edges."""

    corner: Floats
    along: Floats
    across: Floats

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.along))


@dataclass(frozen=True)
class Settled:
    """How it came to lie, and its length for the pattern's size."""

    vertices_CC3: Floats
    length: float


def lay(rng: np.random.Generator, body: Body, frames: Frames) -> Spread:
    """From somewhere on the trunk to beyond the feet, seldom straight."""
    size = body.stature / 0.62
    pelvis, chest = frames.p_B3[0], frames.p_B3[1]
    up = (chest - pelvis) * [1, 1, 0]
    up = up / max(float(np.linalg.norm(up)), 1e-6)
    up = rotation((0, 0, 1), rng.normal(0, 0.3)) @ up
    side = np.array([-up[1], up[0], 0.0])
    top = rng.uniform(-0.12, 0.22) * size
    width, length = rng.uniform(0.35, 0.62) * size, rng.uniform(0.3, 0.6) * size
    corner = pelvis + up * top + side * (width / 2 + rng.normal(0, 0.05))
    # Right-handed, so that the cloth's normals look up and it is lit from above.
    return Spread(corner, -up * length, -side * width)


def _solids(body: Body, frames: Frames) -> list[str]:
    """The body as fixed geoms, a little grown."""
    out = []
    for cone in body.cones:
        radius = 0.5 * (cone.ra + cone.rb) + THICK
        a, b = frames.place(cone.bone, np.array([cone.a, cone.b]))
        if np.linalg.norm(a - b) < 1e-3:
            out.append(f'<geom type="sphere" pos="{_said(a)}" size="{radius:.5f}"/>')
        else:
            ends = _said(np.concatenate([a, b]))
            out.append(f'<geom type="capsule" fromto="{ends}" size="{radius:.5f}"/>')
    scale, centre = head_scale(body), np.array(head_centre(body))
    lumps = [("head", centre + scale * at, scale * radii) for at, radii in (
        (np.array([0, -0.75, 2.0]), np.array([5.6, 6.7, 5.8])),
        (np.array([0, 1.7, -2.4]), np.array([4.5, 4.2, 4.1])))]  # fmt: skip
    for side in SIDES:
        hand, foot = hand_scale(body), foot_scale(body)
        lumps.append((f"{side}_hand", np.array([0, 0, -0.42]) * hand, hand * [0.16, 0.22, 0.42]))
        lumps.append((f"{side}_foot", np.array([0, 0.19, -0.07]) * foot, foot * [0.2, 0.44, 0.17]))
    for bone, at, radii in lumps:
        if bone in body.missing:
            continue
        turn = quaternion(frames.R_B33[BONES.index(bone)])
        place = frames.place(bone, at[None])[0]
        out.append(f'<geom type="ellipsoid" pos="{_said(place)}" quat="{_said(turn)}" '
                   f'size="{_said(radii + THICK)}"/>')  # fmt: skip
    return out


def _said(numbers: Floats) -> str:
    return " ".join(f"{float(x):.5f}" for x in numbers)


def settle_blanket(
    rng: np.random.Generator,
    body: Body,
    frames: Frames,
    spread: Spread,
    top: float,
) -> Floats:
    """The cloth [C, C, 3], dropped from just above `top`; gathered a little, so it has folds."""
    mujoco = engine()
    along, across = spread.along, spread.across
    middle = spread.corner + (along + across) / 2
    spacing = [float(np.linalg.norm(edge)) / (GRID - 1) for edge in (along, across)]
    axes = _said(np.concatenate([along / np.linalg.norm(along), across / np.linalg.norm(across)]))
    mass = 1.1 * float(np.linalg.norm(along) * np.linalg.norm(across))
    place = _said(np.array([middle[0], middle[1], top + 0.03]))
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><option timestep="{STEP_S}" integrator="discrete" solver="CG" tolerance="1e-5"/>'
        '<size memory="300M"/><worldbody><geom type="plane" size="5 5 .1"/>'
        + "".join(_solids(body, frames))
        + f'<flexcomp name="cloth" type="grid" dim="2" count="{GRID} {GRID} 1" '
        f'spacing="{spacing[0]:.5f} {spacing[1]:.5f} 0.01" pos="{place}" xyaxes="{axes}" '
        f'radius="0.003" mass="{mass:.4f}"><contact selfcollide="none" condim="3" '
        'friction="0.8" solref="0.01 1"/><edge equality="true"/><elasticity young="2e3" '
        'poisson="0.1" thickness="2e-3" elastic2d="bend"/></flexcomp></worldbody></mujoco>'
    )
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    rest_G3 = data.flexvert_xpos.reshape(-1, 3).copy()
    gather = 1 - rng.uniform(0.02, 0.10, 2)
    flat = (rest_G3 - middle)[:, :2]
    change = np.zeros_like(rest_G3)
    change[:, :2] = flat * gather - flat
    change[:, 2] = 0.012 * np.sin(flat @ rng.normal(0, 40, 2) + rng.uniform(0, 6))
    # A vertex is a body with three slides, whose axes are the cloth's own.
    frame = np.stack([along / np.linalg.norm(along), across / np.linalg.norm(across), [0, 0, 1.0]])
    data.qpos[:] = (change @ frame.T).ravel()
    for _ in range(round(FALL_S / STEP_S)):
        mujoco.mj_step(model, data)
        data.qvel *= 0.98  # air
    grid = data.flexvert_xpos.reshape(GRID, GRID, 3).astype(np.float32)
    fine = cv2.resize(grid, (CLOTH, CLOTH), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float64)
