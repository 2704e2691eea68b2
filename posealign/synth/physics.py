"""A body as a MuJoCo model: dropped on a mattress it comes to rest as a body would.

Joints are springs around a wanted posture, weak enough for gravity and contacts to bend.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from posealign.anatomy.facts import motion_range
from posealign.errors import MissingExtra
from posealign.synth.body import BONES, DOF_INDEX, DOFS, PARENT, SIDES, Body, Frames, head_centre
from posealign.synth.skin import foot_scale, hand_scale, head_scale
from posealign.synth.surface import Floats

STEP_S = 0.005


def engine() -> Any:
    """The mujoco module, or a message that says what to install."""
    # Read once, when mujoco is first imported: Mesa draws without a screen.
    os.environ.setdefault("MUJOCO_GL", "egl")
    os.environ.setdefault("LP_NUM_THREADS", "0")  # draw in this thread: one process a core
    try:
        import mujoco  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra(
            "synthetic pictures need MuJoCo: pip install 'posealign[synth]'"
        ) from error
    return mujoco


@dataclass(frozen=True)
class Wanted:
    """What a body is asked to do before physics has its say; angles in degrees."""

    angles_Q: Floats
    root_R: Floats
    hold: float = 0.0  # how stiffly the trunk keeps its orientation, N m / rad
    height: float | None = None  # of the mid-hip; None: just above the mattress
    stiffness: float = 1.0
    fixed: bool = False  # carried in somebody's arms: the root does not move


def limits_Q2(margin_deg: float = 6.0) -> Floats:
    """The joints' limits: inside the hard ranges, since MuJoCo's limits give a little."""
    low_high = np.array([motion_range(dof.fact) for dof in DOFS])
    return np.asarray(low_high + np.array([margin_deg, -margin_deg]))


def _geoms(spec_bodies: dict[str, Any], body: Body) -> None:
    mujoco = engine()
    for cone in body.cones:
        radius = 0.5 * (cone.ra + cone.rb)
        a, b = np.array(cone.a), np.array(cone.b)
        if np.linalg.norm(a - b) < 1e-3:
            spec_bodies[cone.bone].add_geom(
                type=mujoco.mjtGeom.mjGEOM_SPHERE, pos=a.tolist(), size=[radius, 0, 0])  # fmt: skip
        else:
            spec_bodies[cone.bone].add_geom(
                type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=[*a, *b], size=[radius, 0, 0]
            )
    scale = head_scale(body)
    centre = np.array(head_centre(body))
    for at, radii in (((0, -0.75, 2.0), (5.6, 6.7, 5.8)), ((0, 1.7, -2.4), (4.5, 4.2, 4.1))):
        spec_bodies["head"].add_geom(
            type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, pos=(centre + scale * at).tolist(),
            size=(scale * radii).tolist(), density=900)  # fmt: skip
    for side in SIDES:
        hand, foot = hand_scale(body), foot_scale(body)
        if f"{side}_hand" not in body.missing:
            spec_bodies[f"{side}_hand"].add_geom(
                type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, pos=[0, 0, -0.42 * hand[2]],
                size=(hand * [0.13, 0.22, 0.42]).tolist())  # fmt: skip
        if f"{side}_foot" not in body.missing:
            spec_bodies[f"{side}_foot"].add_geom(
                type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=[0.17 * foot[0], 0, 0],
                fromto=[0, -0.07 * foot[1], -0.06 * foot[2], 0, 0.45 * foot[1], -0.08 * foot[2]],
            )  # fmt: skip


def build(body: Body, wanted: Wanted) -> Any:
    """The compiled model."""
    mujoco = engine()
    spec = mujoco.MjSpec()
    spec.option.timestep = STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_PYRAMIDAL
    spec.compiler.degree = False
    spec.default.geom.density = 1000
    spec.default.geom.friction = [0.9, 0.01, 0.001]
    spec.default.geom.solref = [0.03, 1.0]
    spec.default.geom.contype, spec.default.geom.conaffinity = 1, 1
    spec.default.geom.condim = 3
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 0.1])
    bodies: dict[str, Any] = {}
    weight = body.stature**3 * 21  # kilograms, roughly
    limits = np.deg2rad(limits_Q2())
    for index, bone in enumerate(BONES):
        if bone in body.missing:
            continue
        parent = PARENT[bone]
        if parent is None:
            node = spec.worldbody.add_body(name=bone)
            if not wanted.fixed:
                for axis in np.eye(3):
                    node.add_joint(type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis.tolist(),
                                   damping=weight * 0.6)  # fmt: skip
                node.add_joint(type=mujoco.mjtJoint.mjJNT_BALL, damping=0.02 * weight,
                               stiffness=wanted.hold * weight)  # fmt: skip
        else:
            node = bodies[parent].add_body(name=bone, pos=body.offsets_B3[index].tolist())
        bodies[bone] = node
        for number, dof in enumerate(DOFS):
            if dof.bone != bone:
                continue
            k = wanted.stiffness * _stiffness(bone) * weight * body.stature
            node.add_joint(
                name=dof.name, type=mujoco.mjtJoint.mjJNT_HINGE, axis=list(dof.axis),
                limited=1, range=limits[number].tolist(), stiffness=k, damping=0.10 * k,
                springref=float(np.deg2rad(wanted.angles_Q[number])), armature=2e-5 * weight,
                solref_limit=[0.01, 1.0],
            )  # fmt: skip
    _geoms(bodies, body)
    for bone, parent in PARENT.items():  # neighbours share flesh
        if parent is None or bone in body.missing or parent in body.missing:
            continue
        spec.add_exclude(bodyname1=bone, bodyname2=parent)
    for first, second in (("left_thigh", "right_thigh"), ("left_upper_arm", "head"),
                          ("right_upper_arm", "head"), ("left_thigh", "chest"),
                          ("right_thigh", "chest")):  # fmt: skip
        if first not in body.missing and second not in body.missing and "upper" not in first:
            spec.add_exclude(bodyname1=first, bodyname2=second)
    return spec.compile()


def _stiffness(bone: str) -> float:
    """N m / rad for a body of one kilogram and one metre."""
    name = bone.removeprefix("left_").removeprefix("right_")
    return {"chest": 1.6, "head": 0.5, "upper_arm": 0.14, "forearm": 0.09, "hand": 0.05,
            "thigh": 0.35, "shank": 0.14, "foot": 0.06}[name]  # fmt: skip


def quaternion(R: Floats) -> Floats:
    out = np.zeros(4)
    engine().mju_mat2Quat(out, np.ascontiguousarray(R).ravel())
    return out


@dataclass(frozen=True)
class Rest:
    """How a body came to lie."""

    frames: Frames
    angles_Q: Floats
    stretched: float = 0.0  # how much it still moved at the end, m/s


class Simulation:
    """One body in its model; `wanted` may change while it runs."""

    def __init__(self, body: Body, wanted: Wanted) -> None:
        mujoco = engine()
        self._mujoco = mujoco
        self.body = body
        self.model: Any = build(body, wanted)
        self.data: Any = mujoco.MjData(self.model)
        names = [d.name for d in DOFS if d.bone not in body.missing]
        self._dofs = np.array([DOF_INDEX[name] for name in names])
        self._qpos = np.array([self.model.joint(name).qposadr[0] for name in names])
        self._bones = np.array(
            [self.model.body(b).id if b not in body.missing else 0 for b in BONES]
        )
        low, high = limits_Q2().T
        start_Q = np.clip(wanted.angles_Q, low, high)
        self.data.qpos[self._qpos] = np.deg2rad(start_Q[self._dofs])
        turn = quaternion(wanted.root_R)
        pelvis = self.model.body("pelvis").id
        if wanted.fixed:
            self.model.body_quat[pelvis] = turn
        else:
            self.data.qpos[3:7] = turn
            self.model.qpos_spring[3:7] = turn
        mujoco.mj_forward(self.model, self.data)
        lift = wanted.height if wanted.height is not None else 0.005 - self._lowest()
        if wanted.fixed:
            self.model.body_pos[pelvis] = [0, 0, lift]
        else:
            self.data.qpos[2] = lift
        mujoco.mj_forward(self.model, self.data)

    def _lowest(self) -> float:
        """Of the balls around the geoms' centres, a cheap lower bound for all but long ones."""
        cones = list(range(1, self.model.ngeom))
        low = []
        for g in cones:
            axis = abs(self.data.geom_xmat[g, 8])
            size = self.model.geom_size[g]
            capsule = self.model.geom_type[g] == int(self._mujoco.mjtGeom.mjGEOM_CAPSULE)
            reach = size[0] + axis * size[1] if capsule else size.max()
            low.append(self.data.geom_xpos[g, 2] - reach)
        return float(min(low))

    def aim(self, angles_Q: Floats) -> None:
        """Change the posture that the joints' springs pull to."""
        self.model.qpos_spring[self._qpos] = np.deg2rad(angles_Q[self._dofs])

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self._mujoco.mj_step(self.model, self.data)

    def rest(self) -> Rest:
        self._mujoco.mj_kinematics(self.model, self.data)
        angles = np.zeros(len(DOFS))
        angles[self._dofs] = np.rad2deg(self.data.qpos[self._qpos])
        R = self.data.xmat[self._bones].reshape(-1, 3, 3).copy()
        p = self.data.xpos[self._bones].copy()
        for index, bone in enumerate(BONES):  # a missing bone ends where it would begin
            if bone in self.body.missing:
                up = BONES.index(PARENT[bone] or bone)
                R[index] = R[up]
                p[index] = p[up] + R[up] @ self.body.offsets_B3[index]
        return Rest(Frames(R, p), angles, float(np.abs(self.data.qvel).max()))


def settle(body: Body, wanted: Wanted, seconds: float = 0.9) -> Rest:
    """Let the body come to rest."""
    simulation = Simulation(body, wanted)
    simulation.run(seconds)
    return simulation.rest()
