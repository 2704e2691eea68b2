"""A plain infant in space, seen by a camera above it, as rewards see it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from posealign.anatomy.bones import expected
from posealign.anatomy.surface import under_skin
from posealign.rewards.poses import Poses, Scene
from posealign.skeletons.load import skeleton

NAMES = skeleton("coco17").names
TORSO_PX, TORSO_M, SIZE, CELL = 60.0, 0.21, 192, 4.0


def space() -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Trunk lengths; on its back, head up, limbs a little bent, its left on the picture's right."""
    place = {name: np.array([0.0, -0.35, 0.0]) for name in NAMES}
    place["nose"] = np.array([0, -0.4, -0.1])
    for side, sign in (("left", 1), ("right", -1)):
        place[f"{side}_eye"] = np.array([0.08 * sign, -0.45, -0.1])
        place[f"{side}_ear"] = np.array([0.2 * sign, -0.4, 0.0])
        place[f"{side}_shoulder"] = np.array([0.32 * sign, 0, 0.0])
        place[f"{side}_hip"] = np.array([0.19 * sign, 1, 0.0])
        for start, end, bone, way in (
            ("shoulder", "elbow", "upper_arm", (0.6 * sign, 0.8, 0)),
            ("elbow", "wrist", "forearm", (0.0, 0.8, -0.6)),
            ("hip", "knee", "thigh", (0.3 * sign, 0.7, -0.6)),
            ("knee", "ankle", "shank", (0.0, 0.8, 0.6)),
        ):  # fmt: skip
            step = np.array(way) / np.linalg.norm(way) * np.exp(expected(f"left_{bone}").log_ratio)
            place[f"{side}_{end}"] = place[f"{side}_{start}"] + step
    return place


def poses(count: int = 1, **moved: tuple[float, float, float]) -> Poses:
    """`moved` joints stand elsewhere: trunk lengths added to their place."""
    place = space()
    for name, by in moved.items():
        place[name] = place[name] + np.array(by)
    table = np.stack([place[name] for name in NAMES])
    points = torch.tensor(table[:, :2] * TORSO_PX + [SIZE / 2, 50.0], dtype=torch.float32)
    z = torch.tensor(table[:, 2], dtype=torch.float32)
    emitted = torch.ones(count, 1, len(NAMES), dtype=torch.bool)
    return Poses(points.expand(count, 1, -1, -1).clone(), z.expand(count, 1, -1).clone(), emitted)


def only(one: Poses, *names: str, but: bool = False) -> Poses:
    """Emit these joints and no other; with `but`, all but these."""
    emitted = torch.zeros_like(one.emitted_GBV)
    emitted[..., [NAMES.index(name) for name in names]] = True
    return replace(one, emitted_GBV=~emitted if but else emitted)


def scene(**changes: Any) -> Scene:
    """Labelled with the plain infant itself; the depth camera sees its skin everywhere."""
    truth = poses()
    count = len(NAMES)
    cells = int(SIZE / CELL)
    r = torch.tensor(under_skin(NAMES)).float() * TORSO_M
    surface = torch.full((1, cells, cells), 1.0)
    for k in range(count):
        x, y = (truth.points_GBV2[0, 0, k] / CELL).round().int().tolist()
        surface[0, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = (
            1.0 + truth.z_GBV[0, 0, k] * TORSO_M - r[k]
        )
    yes, no = torch.ones(1, count, dtype=torch.bool), torch.zeros(1, count, dtype=torch.bool)
    values: dict[str, Any] = {
        "names": NAMES, "points_BV2": truth.points_GBV2[0], "labelled_BV": yes,
        "present_BV": yes, "absent_BV": no, "visible_BV": yes, "asked_BV": yes,
        "area_B": torch.tensor([120.0 * 160 * 0.53]),
        "sigmas_V": torch.tensor(skeleton("coco17").sigmas_J).float(),
        "age_B": torch.tensor([6.0]), "torso_B": torch.tensor([TORSO_M]),
        "surface_Bhw": surface, "sensor_B": torch.tensor([0.002]), "pixels_per_cell": CELL,
        "posture_B": torch.tensor([0]), "premise_B": torch.tensor([-1]),
        "infant_B": torch.tensor([True]),
    }  # fmt: skip
    return Scene(**(values | changes))


def mask(*names: str) -> torch.Tensor:
    row = torch.zeros(1, len(NAMES), dtype=torch.bool)
    row[0, [NAMES.index(name) for name in names]] = True
    return row
