"""The skin: one template of vertices for every body, posed by blended bones and then drawn onto
the round cones, so that elbows and hips keep their volume.

Vertices: trunk with limbs | head | left hand | right hand | left foot | right foot.
Shapes: N vertices, F faces, B bones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from posealign.synth import extremities, head
from posealign.synth.body import (
    BONES,
    DOF_INDEX,
    DOFS,
    PARENT,
    SIDES,
    Body,
    Frames,
    forward,
    head_centre,
    mean_infant,
)
from posealign.synth.surface import (
    Floats,
    onto_surface,
    round_cones,
    smooth_min,
    surface_nets,
)

Ints = NDArray[np.int64]
STEP = 0.0085  # of the trunk's grid, metres
BLEND = 0.0035  # how far creases between cones are rounded on an infant


@dataclass(frozen=True)
class Block:
    """A run of the template's vertices."""

    name: str
    start: int
    stop: int

    @property
    def span(self) -> slice:
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Template:
    faces_F3: Ints
    part_F: Ints  # the bone each face belongs to
    part_N: Ints
    rest_N3: Floats  # metres on the mean infant in the template pose, for patterns
    blocks: Mapping[str, Block]
    weight_NB: Floats  # trunk only
    frames: Frames  # of the template pose
    near: tuple[tuple[Ints, Ints], ...]  # vertices, and the cones they are drawn onto
    hand_N3: Floats
    hand_weight_NB: Floats
    foot_N3: Floats

    @cached_property
    def incidence(self) -> csr_matrix:
        """Sums the normals of faces into vertices."""
        rows = self.faces_F3.ravel()
        columns = np.repeat(np.arange(len(self.faces_F3)), 3)
        shape = (len(self.rest_N3), len(self.faces_F3))
        return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)


def template_angles() -> Floats:
    """Arms and legs spread, so that nothing touches where it should not blend."""
    angles = np.zeros(len(DOFS))
    for side in SIDES:
        angles[DOF_INDEX[f"{side}_shoulder_abduction"]] = 60
        angles[DOF_INDEX[f"{side}_hip_abduction"]] = 28
    return angles


def _cone_arrays(body: Body) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    cones = body.cones
    return (
        np.array([c.a for c in cones]), np.array([c.b for c in cones]),
        np.array([c.ra for c in cones]), np.array([c.rb for c in cones]),
        np.array([BONES.index(c.bone) for c in cones]),
    )  # fmt: skip


def posed_cones(body: Body, frames: Frames) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    a, b, ra, rb, bone = _cone_arrays(body)
    R, p = frames.R_B33[bone], frames.p_B3[bone]
    return (
        np.einsum("gij,gj->gi", R, a) + p, np.einsum("gij,gj->gi", R, b) + p, ra, rb, bone
    )  # fmt: skip


@cache
def template() -> Template:
    body = mean_infant()
    frames = forward(body, template_angles())
    a, b, ra, rb, bone_G = posed_cones(body, frames)

    def field(points_N3: Floats) -> Floats:
        return smooth_min(round_cones(points_N3, a, b, ra, rb)[0], BLEND)

    reach = max(ra.max(), rb.max()) + 0.03
    low, high = np.minimum(a, b).min(0) - reach, np.maximum(a, b).max(0) + reach
    trunk_N3, trunk_F3 = surface_nets(field, low, high, STEP)
    weight_NB = _weights(trunk_N3, (a, b, ra, rb, bone_G))
    trunk_part = weight_NB.argmax(1)
    near = _neighbours(trunk_part, bone_G)
    head_N3, head_F3 = _head_mesh()
    hand_N3, hand_F3, hand_weight = _hand_mesh()
    foot_N3, foot_F3 = _foot_mesh()
    runs = [("trunk", trunk_N3, trunk_F3), ("head", head_N3, head_F3)]
    mirror = np.array([-1.0, 1, 1])
    for side in SIDES:
        runs.append((f"{side}_hand", hand_N3 if side == "right" else hand_N3 * mirror,
                     hand_F3 if side == "right" else hand_F3[:, ::-1]))  # fmt: skip
    for side in SIDES:
        runs.append((f"{side}_foot", foot_N3 if side == "right" else foot_N3 * mirror,
                     foot_F3 if side == "right" else foot_F3[:, ::-1]))  # fmt: skip
    blocks, faces, parts, rest, at = {}, [], [], [], 0
    scale = {"head": 0.01, "hand": body["hand_length"], "foot": _foot_unit(body)}
    for name, vertices, triangles in runs:
        blocks[name] = Block(name, at, at + len(vertices))
        faces.append(triangles + at)
        parts.append(trunk_part if name == "trunk" else np.full(len(vertices), BONES.index(name)))
        rest.append(vertices * scale.get(name.rpartition("_")[2], 1.0))
        at += len(vertices)
    part_N = np.concatenate(parts)
    faces_F3 = np.concatenate(faces)
    return Template(
        faces_F3, np.median(part_N[faces_F3], axis=1).astype(np.int64), part_N,
        np.concatenate(rest), blocks, weight_NB, frames, near, hand_N3, hand_weight, foot_N3,
    )  # fmt: skip


def _weights(points_N3: Floats, cones: tuple[Floats, Floats, Floats, Floats, Ints]) -> Floats:
    a, b, ra, rb, bone_G = cones
    d_NG, _ = round_cones(points_N3, a, b, ra, rb)
    d_NB = np.full((len(points_N3), len(BONES)), 1.0)
    for number in range(len(BONES)):
        if (bone_G == number).any():
            d_NB[:, number] = d_NG[:, bone_G == number].min(1)
    weight = np.exp(-np.maximum(d_NB - d_NB.min(1, keepdims=True), 0) / 0.010)
    weight[weight < 0.02] = 0
    return np.asarray(weight / weight.sum(1, keepdims=True), dtype=np.float32)


def _neighbours(part_N: Ints, bone_G: Ints) -> tuple[tuple[Ints, Ints], ...]:
    """Only the flesh of adjoining bones shapes a vertex: a hand on the belly does not melt in."""
    groups = []
    for number, name in enumerate(BONES):
        own = np.flatnonzero(part_N == number)
        if not len(own):
            continue
        allowed = {name, PARENT[name], *(c for c, p in PARENT.items() if p == name)}
        if name == "pelvis":
            allowed |= {"left_thigh", "right_thigh"}
        cones = np.flatnonzero([BONES[g] in allowed for g in bone_G])
        groups.append((own, cones))
    return tuple(groups)


def _head_mesh() -> tuple[Floats, Ints]:
    """The seam's two columns are one set of vertices."""
    u, w = head.GRID
    points = head.grid()[:-1].reshape(-1, 3)
    index = np.arange((u - 1) * w).reshape(u - 1, w)
    index = np.concatenate([index, index[:1]])
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3),
                            np.stack([a, c, d], -1).reshape(-1, 3)])  # fmt: skip
    return points, faces[:, ::-1]


def _hand_mesh() -> tuple[Floats, Ints, Floats]:
    flesh = extremities.hand_flesh()

    def field(points: Floats) -> Floats:
        return smooth_min(
            round_cones(points, flesh.a_G3, flesh.b_G3, flesh.ra_G, flesh.rb_G)[0], 0.015
        )

    points, faces = surface_nets(
        field, np.array([-0.36, -0.45, -1.15]), np.array([0.3, 0.62, 0.34]), 0.044
    )
    d_NG, _ = round_cones(points, flesh.a_G3, flesh.b_G3, flesh.ra_G, flesh.rb_G)
    bones = np.array(flesh.bone_G)
    d_NB = np.stack([d_NG[:, bones == k].min(1) for k in range(16)], 1)
    raw = np.exp(-(d_NB - d_NB.min(1, keepdims=True)) / 0.03)
    raw[raw < 0.05] = 0
    return points, faces, (raw / raw.sum(1, keepdims=True)).astype(np.float32)


def _foot_mesh() -> tuple[Floats, Ints]:
    flesh = extremities.foot_flesh()

    def field(points: Floats) -> Floats:
        d, _ = round_cones(points, flesh.a_G3, flesh.b_G3, flesh.ra_G, flesh.rb_G)
        sole = -0.235 - points[:, 2]  # flat below
        return np.asarray(np.maximum(smooth_min(d, 0.03), sole))

    return surface_nets(field, np.array([-0.4, -0.45, -0.4]), np.array([0.4, 0.85, 0.45]), 0.044)


def _foot_unit(body: Body) -> float:
    """The foot's design is 0.9 long from heel to toe."""
    return body["foot_length"] / 0.9


def head_scale(body: Body) -> Floats:
    girth = body["head_circumference"] * 100 / head.GIRTH
    face = 1.0 if body.role == "infant" else 0.92
    return 0.01 * np.array([girth * face, girth, body["head_height"] * 100 / head.HEIGHT])


def hand_scale(body: Body) -> Floats:
    across = body["hand_breadth"] / extremities.HAND_WIDTH
    return np.array([across, across, body["hand_length"]])


def foot_scale(body: Body) -> Floats:
    across = body["foot_breadth"] / extremities.FOOT_WIDTH
    unit = _foot_unit(body)
    return np.array([across, unit, 0.5 * (unit + across)])


@dataclass(frozen=True)
class Hands:
    """How the fingers of both hands are bent: curl 0 … 1 for thumb to little finger."""

    left_5: Floats
    right_5: Floats
    spread: float = 0.0

    def __getitem__(self, side: str) -> Floats:
        return self.left_5 if side == "left" else self.right_5


def hand_offset(body: Body) -> Floats:
    """The hand's mesh starts a little inside the forearm."""
    return np.array([0.0, 0.0, -0.02 * body["hand_length"]])


def pose_skin(body: Body, frames: Frames, hands: Hands) -> tuple[Floats, Floats]:
    """The vertices [N, 3] in the world and, near enough for laying on cloth, which way is out."""
    plan = template()
    out = np.zeros(plan.rest_N3.shape, np.float32)
    way = np.zeros_like(out)
    trunk = plan.blocks["trunk"].span
    out[trunk], way[trunk] = _pose_trunk(plan, body, frames)
    rest = {name: plan.rest_N3[block.span] for name, block in plan.blocks.items()}

    def put(name: str, bone: str, local_N3: Floats) -> None:
        span = plan.blocks[name].span
        out[span] = frames.place(bone, local_N3)
        way[span] = _rest_normals()[span] @ frames.R_B33[BONES.index(bone)].T

    put("head", "head", rest["head"] * 100 * head_scale(body) + head_centre(body))
    for side in SIDES:
        mirror = np.array([1.0 if side == "right" else -1.0, 1, 1])
        R, p = extremities.hand_frames(hands[side], hands.spread)
        local = _blend(plan.hand_weight_NB, R, p, plan.hand_N3.astype(np.float32))
        put(f"{side}_hand", f"{side}_hand", local * hand_scale(body) * mirror + hand_offset(body))
        put(f"{side}_foot", f"{side}_foot", plan.foot_N3 * foot_scale(body) * mirror)
    for bone in body.missing:
        if bone.endswith(("hand", "foot")):
            block = plan.blocks[bone].span
            out[block] = frames.place(PARENT[bone] or bone, np.zeros((1, 3)))
    return out, way


@cache
def _rest_normals() -> Floats:
    return normals(template().rest_N3)


def _blend(weight_NB: Floats, R_B33: Floats, p_B3: Floats, points_N3: Floats) -> Floats:
    """Linear blend skinning."""
    maps = np.concatenate([R_B33, p_B3[..., None]], 2).reshape(-1, 12).astype(np.float32)
    m = (weight_NB @ maps).T  # [12, N]
    x, y, z = points_N3.T
    return np.stack([m[k] * x + m[k + 1] * y + m[k + 2] * z + m[k + 3] for k in (0, 4, 8)], 1)


def _scales(body: Body) -> Floats:
    """How much wider and longer than the mean infant's each bone is [B, 3]."""
    mean = mean_infant()
    long = {"pelvis": "torso", "chest": "torso", "head": "torso", "upper_arm": "upper_arm",
            "forearm": "forearm", "thigh": "thigh", "shank": "shank",
            "hand": "hand_length", "foot": "foot_length"}  # fmt: skip
    wide = {"pelvis": "pelvis_half", "chest": "pelvis_half", "head": "torso",
            "upper_arm": "r_upper_arm", "forearm": "r_forearm", "thigh": "r_thigh",
            "shank": "r_calf", "hand": "hand_breadth", "foot": "foot_breadth"}  # fmt: skip
    rows = []
    for bone in BONES:
        name = bone.removeprefix("left_").removeprefix("right_")
        across, along = wide[name], long[name]
        w, h = body[across] / mean[across], body[along] / mean[along]
        rows.append((w, w, h))
    return np.array(rows)


def _pose_trunk(plan: Template, body: Body, frames: Frames) -> tuple[Floats, Floats]:
    old = plan.frames
    # Each bone's map from the template: turn into the bone's frame, scale, turn into the world.
    R_B33 = frames.R_B33 @ (_scales(body)[:, :, None] * old.R_B33.transpose(0, 2, 1))
    p_B3 = frames.p_B3 - np.einsum("bij,bj->bi", R_B33, old.p_B3)
    span = plan.blocks["trunk"].span
    points = _blend(plan.weight_NB, R_B33, p_B3, plan.rest_N3[span].astype(np.float32))
    a, b, ra, rb, bone_G = posed_cones(body, frames)
    if body.missing:
        near = _neighbours(plan.part_N[plan.blocks["trunk"].span], bone_G)
    else:
        near = plan.near
    blend = BLEND * body.stature / mean_infant().stature
    points_3N = np.ascontiguousarray(points.T)
    outward_3N = np.zeros_like(points_3N)
    for own, cones in near:
        flesh = (a[cones], b[cones], ra[cones], rb[cones])
        moved, slope, step = onto_surface(points_3N[:, own], flesh, blend)
        # Where the first step was long, at bent joints, a second one is needed.
        far = np.flatnonzero(np.abs(step) > 0.0008)
        if len(far):
            moved[:, far], slope[:, far], _ = onto_surface(moved[:, far], flesh, blend)
        points_3N[:, own], outward_3N[:, own] = moved, slope
    return points_3N.T, outward_3N.T


@cache
def _corners() -> tuple[NDArray[np.int64], ...]:
    return tuple(np.ascontiguousarray(column) for column in template().faces_F3.T)


def normals(vertices_N3: Floats) -> Floats:
    """Unit normals by the template's faces. Axis by axis, since single numbers are fetched fast."""
    a, b, c = _corners()
    x, y, z = np.ascontiguousarray(vertices_N3.T, dtype=np.float32)
    ux, uy, uz = x[b] - x[a], y[b] - y[a], z[b] - z[a]
    vx, vy, vz = x[c] - x[a], y[c] - y[a], z[c] - z[a]
    faces_F3 = np.stack([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx], 1)
    total = template().incidence @ faces_F3
    length = np.sqrt(np.einsum("ni,ni->n", total, total)) + 1e-20
    return np.asarray(total / length[:, None])
