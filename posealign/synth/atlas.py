"""Where each bone's skin lies in the texture: one rectangle a bone, unrolled like a tube.

A texel knows its bone, its angle around the bone and its place along it; so stripes and dots
are painted in metres. Shapes: S texture size, N template vertices, M vertices of a drawn skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from posealign.synth import head
from posealign.synth.body import BONES, mean_infant
from posealign.synth.skin import Template, template, template_angles
from posealign.synth.surface import Floats

SIZE = 512
_MARGIN = 3
_WRAP = 10  # texels painted twice, for triangles across the seam


def _cells() -> dict[str, tuple[int, int, int, int]]:
    cells = {"head": (0, 0, 256, 256), "chest": (256, 0, 256, 128), "pelvis": (256, 128, 256, 128)}
    for column, bone in enumerate(("upper_arm", "forearm", "thigh", "shank")):
        cells[f"left_{bone}"] = (column * 128, 256, 128, 88)
        cells[f"right_{bone}"] = (column * 128, 344, 128, 88)
    for column, bone in enumerate(("left_hand", "right_hand", "left_foot", "right_foot")):
        cells[bone] = (column * 128, 432, 128, 80)
    return cells


CELLS = _cells()


@dataclass(frozen=True)
class Drawn:
    """One bone's skin as it is drawn: indices into the template and texture places."""

    bone: str
    vertices_M: NDArray[np.int64]
    faces_F3: NDArray[np.int64]
    uv_M2: NDArray[np.float32]


@dataclass(frozen=True)
class Texels:
    bone_SS: NDArray[np.int8]
    s_SS: Floats  # metres around
    t_SS: Floats  # metres along, as local z (y for feet); chest and pelvis share the origin
    head_cm: Floats  # [256, 256, 3], the head's cell only


@dataclass(frozen=True)
class Local:
    """Each template vertex in the cylinder of its bone."""

    angle_N: Floats
    along_N: Floats
    low_B: Floats
    high_B: Floats
    radius_B: Floats


@cache
def local() -> Local:
    plan = template()
    frames = plan.frames
    n = len(plan.rest_N3)
    angle, along = np.zeros(n), np.zeros(n)
    low, high, radius = (np.zeros(len(BONES)) for _ in range(3))
    drawn_parts = _vertex_parts(plan)
    for number, bone in enumerate(BONES):
        rows = drawn_parts[number]
        kind = bone.rpartition("_")[2]
        points = plan.rest_N3[rows]
        if bone in ("chest", "pelvis"):
            points = points - frames.p_B3[0]
        elif kind not in ("head", "hand", "foot"):
            points = (points - frames.p_B3[number]) @ frames.R_B33[number]
        if kind == "foot":
            a, t = np.arctan2(points[:, 0], points[:, 2] + 0.012), points[:, 1]
        else:
            a, t = np.arctan2(points[:, 0], points[:, 1]), points[:, 2]
        own = plan.part_N[rows] == number
        angle[rows[own]], along[rows[own]] = a[own], t[own]
        low[number], high[number] = t.min(), t.max()
        radius[number] = np.percentile(np.hypot(points[:, 0], points[:, 1]), 50)
    radius[0] = radius[1]
    return Local(angle, along, low, high, radius)


def _vertex_parts(plan: Template) -> list[NDArray[np.int64]]:
    return [np.unique(plan.faces_F3[plan.part_F == k]) for k in range(len(BONES))]


@cache
def drawn() -> tuple[Drawn, ...]:
    plan = template()
    frames = plan.frames
    book = local()
    out = []
    for number, bone in enumerate(BONES):
        faces = plan.faces_F3[plan.part_F == number]
        if bone == "head":
            block = plan.blocks["head"]
            skin = faces[(faces >= block.start).all(1) & (faces < block.stop).all(1)]
            out.append(_draw_head(plan, skin, faces, number))
            continue
        points = plan.rest_N3
        if bone in ("chest", "pelvis"):
            points = points - frames.p_B3[0]
        elif bone.rpartition("_")[2] not in ("hand", "foot"):
            points = (points - frames.p_B3[number]) @ frames.R_B33[number]
        foot = bone.endswith("foot")
        corner = points[faces]
        a = np.arctan2(corner[..., 0], corner[..., 2] + 0.012 if foot else corner[..., 1])
        t = corner[..., 1 if foot else 2]
        a = np.where((a.max(1) - a.min(1) > np.pi)[:, None] & (a < 0), a + 2 * np.pi, a)
        v = (t - book.low_B[number]) / (book.high_B[number] - book.low_B[number])
        out.append(_weld(bone, faces, a / (2 * np.pi) + 0.5, v))
    return tuple(out)


def _weld(bone: str, faces: NDArray[np.int64], u_F3: Floats, v_F3: Floats) -> Drawn:
    """Corners with the same vertex on the same side of the seam become one drawn vertex."""
    x, y, w, h = CELLS[bone]
    key = faces.ravel() * 2 + (u_F3.ravel() > 1.0)
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    u, v = u_F3.ravel()[first], v_F3.ravel()[first]
    px = np.clip(x + _MARGIN + u * (w - 2 * _MARGIN - _WRAP), x + 1, x + w - 1)
    py = y + _MARGIN + np.clip(v, 0, 1) * (h - 2 * _MARGIN)
    uv = np.stack([px / SIZE, py / SIZE], 1).astype(np.float32)
    return Drawn(bone, faces.ravel()[first], back.reshape(-1, 3), uv)


def _draw_head(
    plan: Template, skin: NDArray[np.int64], faces: NDArray[np.int64], number: int
) -> Drawn:
    """The head's grid is its own texture map; flesh of the neck takes the skin below the chin."""
    u_count, w_count = head.GRID
    start = plan.blocks["head"].start
    index = skin - start
    column, row = index // w_count, index % w_count
    wraps = (column.max(1) - column.min(1) > u_count / 2)[:, None] & (column == 0)
    u = np.where(wraps, u_count - 1, column) / (u_count - 1)
    v = row / (w_count - 1)
    # The seam's second column gets u = 1 exactly; `_weld` tells it by u > 1.
    u = np.where(wraps, 1.0 + 1e-9, u)
    neck = faces[(faces < start).any(1)]
    faces = np.concatenate([skin, neck])
    u = np.concatenate([u, np.full(neck.shape, 0.02)])
    v = np.concatenate([v, np.full(neck.shape, 0.2)])
    return _weld("head", faces, u, v)


@cache
def texels() -> Texels:
    bone = np.full((SIZE, SIZE), -1, np.int8)
    s, t = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE))
    book = local()
    for name, (x, y, w, h) in CELLS.items():
        number = BONES.index(name)
        u = (np.arange(w) + 0.5 - _MARGIN) / (w - 2 * _MARGIN - _WRAP)
        v = (np.arange(h) + 0.5 - _MARGIN) / (h - 2 * _MARGIN)
        cell = (slice(y, y + h), slice(x, x + w))
        bone[cell] = number
        s[cell] = ((u - 0.5) * 2 * np.pi * book.radius_B[number])[None]
        low, high = book.low_B[number], book.high_B[number]
        t[cell] = (low + v * (high - low))[:, None]
    grid = head.grid().astype(np.float32)  # [U, W, 3]
    _, _, w, h = CELLS["head"]
    u = (np.arange(w) + 0.5 - _MARGIN) / (w - 2 * _MARGIN - _WRAP) * (head.GRID[0] - 1)
    v = np.clip((np.arange(h) + 0.5 - _MARGIN) / (h - 2 * _MARGIN), 0, 1) * (head.GRID[1] - 1)
    u = u % (head.GRID[0] - 1)
    map_u, map_v = np.meshgrid(u.astype(np.float32), v.astype(np.float32))
    head_cm = cv2.remap(np.ascontiguousarray(grid), map_v, map_u, cv2.INTER_LINEAR)
    # Half as wide numbers paint faster, and a micrometre is enough for paint.
    return Texels(bone, s.astype(np.float32), t.astype(np.float32), head_cm.astype(np.float64))


def share_along() -> tuple[Floats, Floats]:
    """How far down its bone a texel [S, S] and a vertex [N] is: 0 at the joint, 1 at the end.

    On the trunk it is the height above the mid-hip over the trunk's length.
    """
    body, plan, grid, book = mean_infant(), template(), texels(), local()
    lengths = np.ones(len(BONES))
    for number, bone in enumerate(BONES):
        kind = bone.removeprefix("left_").removeprefix("right_")
        if bone in ("chest", "pelvis"):
            lengths[number] = -body["torso"]
        elif kind in ("upper_arm", "forearm", "thigh", "shank"):
            lengths[number] = body[kind]
        elif kind in ("hand", "foot"):
            lengths[number] = body[f"{kind}_length"]
    texel: Floats = np.negative(grid.t_SS) / lengths[np.maximum(grid.bone_SS, 0)].astype(np.float32)
    vertex: Floats = np.negative(book.along_N) / lengths[plan.part_N]
    return texel, vertex


__all__ = ["CELLS", "SIZE", "drawn", "local", "share_along", "template_angles", "texels"]
