"""Surfaces from distance fields: round cones, ellipsoids, smooth unions, surface nets.

Shapes: N points, F faces, G primitives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Field = Callable[[Floats], Floats]


def round_cones(
    points_N3: Floats, a_G3: Floats, b_G3: Floats, ra_G: Floats, rb_G: Floats
) -> tuple[Floats, Floats]:
    """Signed distances [N, G] and their gradients [N, G, 3] to spheres swept from a to b."""
    axis_G3 = b_G3 - a_G3
    length2_G = np.maximum((axis_G3**2).sum(1), 1e-12)
    rel = points_N3[:, None] - a_G3[None]
    t = np.clip((rel * axis_G3).sum(2) / length2_G, 0, 1)
    away = rel - t[..., None] * axis_G3
    distance = np.sqrt((away**2).sum(2))
    gradient = away / np.maximum(distance, 1e-9)[..., None]
    return distance - (ra_G + (rb_G - ra_G) * t), gradient


def ellipsoids(points_N3: Floats, centre_G3: Floats, radii_G3: Floats) -> Floats:
    """Approximate signed distances [N, G] to axis-aligned ellipsoids."""
    rel = points_N3[:, None] - centre_G3[None]
    k0 = np.linalg.norm(rel / radii_G3, axis=2)
    k1 = np.linalg.norm(rel / radii_G3**2, axis=2)
    return np.asarray(k0 * (k0 - 1) / np.maximum(k1, 1e-9))


def onto_surface(
    points_3N: NDArray[np.float32], cones: tuple[Floats, Floats, Floats, Floats], blend: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """One Newton step towards the smooth union of round cones: the points [3, N] moved, the
    outward directions [3, N] and the steps [N]. Cones lie along the first axis, where sums
    over a few of them are cheap; N×G×3 arrays would spend the time in memory.
    """
    a_G3, b_G3, ra_G, rb_G = (part.astype(np.float32) for part in cones)
    axis_G3 = b_G3 - a_G3
    unit_G3 = axis_G3 / np.maximum((axis_G3**2).sum(1, keepdims=True), 1e-12)
    t_GN = unit_G3 @ points_3N - (a_G3 * unit_G3).sum(1)[:, None]
    np.clip(t_GN, 0, 1, out=t_GN)
    away = []
    for k in range(3):
        part = t_GN * -axis_G3[:, k, None]
        part += points_3N[k] - a_G3[:, k, None]
        away.append(part)
    length = away[0] * away[0]
    length += away[1] * away[1]
    length += away[2] * away[2]
    np.sqrt(length, out=length)
    length += np.float32(1e-9)
    d = t_GN
    d *= (ra_G - rb_G)[:, None]
    d += length
    d -= ra_G[:, None]
    least = d.min(0)
    d -= least
    d *= np.float32(-1 / blend)
    share = np.exp(d, out=d)
    total = share.sum(0)
    step = least - np.float32(blend) * np.log(total)
    share /= length
    share /= total
    slope = np.stack([np.einsum("gn,gn->n", share, away[k]) for k in range(3)])
    return points_3N - step * slope, slope, step


def cross(a_N3: Floats, b_N3: Floats) -> Floats:
    """np.cross without its bookkeeping."""
    x, y, z = a_N3[..., 0], a_N3[..., 1], a_N3[..., 2]
    u, v, w = b_N3[..., 0], b_N3[..., 1], b_N3[..., 2]
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], -1)


def smooth_min(d_NG: Floats, k: float) -> Floats:
    """A union whose creases are rounded over about k; exact far from creases."""
    least = d_NG.min(1, keepdims=True)
    return np.asarray(least[:, 0] - k * np.log(np.exp(-(d_NG - least) / k).sum(1)))


def surface_nets(
    field: Field, low: Floats, high: Floats, step: float
) -> tuple[Floats, NDArray[np.int64]]:
    """A closed mesh around the field's zero level, on a regular grid; faces look outwards."""
    axes = [np.arange(low[k], high[k] + step, step) for k in range(3)]
    shape = tuple(len(axis) for axis in axes)
    grid_N3 = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    values = np.concatenate([field(part) for part in np.array_split(grid_N3, 40)]).reshape(shape)
    inside = values < 0
    total, count = np.zeros((*(n - 1 for n in shape), 3)), np.zeros([n - 1 for n in shape])
    corner = [slice(0, -1), slice(1, None)]
    # Every cell edge that crosses the surface pulls the cell's vertex to its crossing point.
    for axis in range(3):
        u, v = (k for k in range(3) if k != axis)
        for cu in range(2):
            for cv in range(2):
                first: list[slice] = [slice(None)] * 3
                first[u], first[v] = corner[cu], corner[cv]
                second = list(first)
                first[axis], second[axis] = corner[0], corner[1]
                f0, f1 = values[tuple(first)], values[tuple(second)]
                crosses = (f0 < 0) != (f1 < 0)
                t = np.where(crosses, f0 / np.where(f0 == f1, 1, f0 - f1), 0)
                total[..., axis] += np.where(crosses, t, 0)
                total[..., u] += np.where(crosses, cu, 0)
                total[..., v] += np.where(crosses, cv, 0)
                count += crosses
    used = count > 0
    number = np.full(used.shape, -1)
    number[used] = np.arange(used.sum())
    cells = np.argwhere(used)
    vertices_N3 = low + step * (cells + total[used] / count[used][:, None])
    faces = [_quads(inside, number, axis) for axis in range(3)]
    return vertices_N3, np.concatenate(faces)


def _quads(inside: NDArray[np.bool_], number: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    """Two triangles for each grid edge along `axis` that crosses the surface."""
    lower, upper = (
        np.take(inside, range(inside.shape[axis] - 1), axis),
        np.take(inside, range(1, inside.shape[axis]), axis),
    )
    edges = np.argwhere(lower != upper)
    u, v = (axis + 1) % 3, (axis + 2) % 3
    edges = edges[(edges[:, u] > 0) & (edges[:, v] > 0)]
    limit = number.shape
    edges = edges[(edges[:, u] < limit[u]) & (edges[:, v] < limit[v])]

    def at(du: int, dv: int) -> NDArray[np.int64]:
        cell = edges.copy()
        cell[:, u] -= du
        cell[:, v] -= dv
        return np.asarray(number[tuple(cell.T)])

    quad = np.stack([at(1, 1), at(0, 1), at(0, 0), at(1, 0)], 1)
    flip = ~lower[tuple(edges.T)]
    quad[flip] = quad[flip][:, ::-1]
    return np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
