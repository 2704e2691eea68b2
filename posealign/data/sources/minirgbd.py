"""MINI-RGBD: folders 01 … 12, each with rgb, depth, joints_2Ddep and joints_3D.

Files count from 0: `rgb/syn_00000.png`, `depth/syn_00000_depth.png` (millimetres),
`joints_2Ddep/syn_joints_2Ddep_00000.txt` with rows `x y depth id`, and
`joints_3D/syn_joints_3D_00000.txt` with rows `x y z id` in metres. Occlusion is not labelled:
joints in the picture count as visible, others as absent. Shapes: J = 25 joints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posealign.data.pose import State
from posealign.data.sample import Person, Sample
from posealign.data.sources.labels import box_of_points, direct, to_vocabulary
from posealign.data.sources.pictures import Pictures
from posealign.errors import InvalidInput, NotFound
from posealign.skeletons.load import vocabulary

INTRINSICS = (588.679, 590.2569, 322.2205, 237.4679)  # the set's own camera: fx, fy, cx, cy
_JOINTS = 25
_ALLOWED_PX = 15.0  # between the labelled 2D joints and the projected 3D ones


class MiniRgbdSource:
    """Frames in order of folder and number."""

    def __init__(self, root: str | Path, folders: tuple[str, ...] | None = None) -> None:
        self.root = Path(root)
        self.name = "minirgbd"
        if not self.root.is_dir():
            raise NotFound(f"there is no folder {self.root}")
        there = sorted(entry.name for entry in self.root.iterdir() if (entry / "rgb").is_dir())
        wanted = folders if folders is not None else tuple(there)
        if missing := sorted(set(wanted) - set(there)):
            raise NotFound(
                f"{self.root} has no sequence {', '.join(missing)}; there are "
                f"{', '.join(there) or 'none: expected folders 01, 02 … with rgb inside'}"
            )
        if not wanted:
            raise NotFound(f"{self.root} holds no folder with rgb, depth and joints_2Ddep inside")
        self._frames = [
            (folder, match[1])
            for folder in wanted
            for path in sorted((self.root / folder / "rgb").iterdir())
            if (match := re.fullmatch(r"syn_(\d+)\.png", path.name))
        ]
        self.pictures = Pictures(self.root)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        folder, number = self._frames[index]
        image_HW3 = self.pictures.image(f"{folder}/rgb/syn_{number}.png")
        size = image_HW3.shape[1], image_HW3.shape[0]
        depth_HW = self.pictures.depth(f"{folder}/depth/syn_{number}_depth.png")
        if depth_HW.shape != image_HW3.shape[:2]:
            raise InvalidInput(
                f"{self.root / folder}: depth {number} is {depth_HW.shape}, "
                f"the picture {image_HW3.shape[:2]}"
            )
        return Sample(
            key=f"{folder}/{number}",
            image_HW3=image_HW3,
            people=(self._person(folder, number, size),),
            source=self.name,
            depth_HW=depth_HW,
            intrinsics=INTRINSICS,
            facts={"file": f"{folder}/rgb/syn_{number}.png", "sequence": folder},
        )

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def _person(self, folder: str, number: str, size: tuple[int, int]) -> Person:
        flat_J3 = self._joints(f"{folder}/joints_2Ddep/syn_joints_2Ddep_{number}.txt")
        path = f"{folder}/joints_3D/syn_joints_3D_{number}.txt"
        solid_J3 = _facing(self._joints(path), flat_J3[:, :2], self.root / path)
        inside_J = (flat_J3[:, :2] >= 0).all(axis=1) & (flat_J3[:, :2] < size).all(axis=1)
        states_J = np.where(inside_J, State.VISIBLE, State.ABSENT).astype(np.int8)
        points_V2, states_V = to_vocabulary("smil25", flat_J3[:, :2], states_J)
        rows, joints = direct("smil25")
        points_V3 = np.full((len(vocabulary()), 3), np.nan, np.float32)
        points_V3[joints] = solid_J3[rows]
        box = box_of_points(flat_J3[:, :2], size) or (0.0, 0.0, float(size[0]), float(size[1]))
        return Person(points_V2, states_V, box, points_V3=points_V3, role="infant")

    def _joints(self, name: str) -> NDArray[np.float64]:
        rows: dict[int, list[float]] = {}
        for line in self.pictures.read(name).decode("utf-8", "replace").splitlines():
            parts = line.split()
            if not parts:
                continue
            try:
                x, y, z, joint = *map(float, parts[:3]), int(parts[3])
            except (ValueError, IndexError):
                raise InvalidInput(
                    f"{self.root / name}: expected rows `x y z id`, found {line!r}"
                ) from None
            rows[int(joint)] = [x, y, z]
        if sorted(rows) != list(range(_JOINTS)):
            raise InvalidInput(
                f"{self.root / name} has joints {sorted(rows)}; expected 0 to {_JOINTS - 1}"
            )
        return np.array([rows[joint] for joint in range(_JOINTS)])


def _facing(
    solid_J3: NDArray[np.float64], flat_J2: NDArray[np.float64], path: Path
) -> NDArray[np.float64]:
    """Camera axes x right, y down, z away; files with y up and z towards are turned."""
    fx, fy, cx, cy = INTRINSICS
    off = {}
    for turn in ((1.0, 1.0, 1.0), (1.0, -1.0, -1.0)):
        x, y, z = (solid_J3 * turn).T
        with np.errstate(divide="ignore", invalid="ignore"):
            projected_J2 = np.column_stack([fx * x / z + cx, fy * y / z + cy])
        distance = (
            np.linalg.norm(projected_J2 - flat_J2, axis=1).mean() if (z > 0).all() else np.inf
        )
        off[turn] = float(distance)
    best = min(off, key=lambda turn: off[turn])
    if off[best] > _ALLOWED_PX:
        raise InvalidInput(
            f"{path}: its joints do not project onto the 2D joints (off by {off[best]:.0f} px); "
            f"metres in the camera's frame are expected"
        )
    return solid_J3 * best
