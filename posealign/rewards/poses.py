"""What rewards judge: G answers to each of B pictures, and what is known of the pictures.

Torch throughout, so that the same rules score samples and, differentiated, serve as losses.
Shapes: G rollouts a picture, B pictures, V joints in the order of `names`, h×w surface cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from posealign.errors import InvalidInput

POSTURES = ("supine", "prone", "lateral")
NO_POSTURE = -1


@dataclass(frozen=True)
class Poses:
    """Answers: places in input pixels, depths in trunk lengths from the mid-hip.

    A joint that is not emitted has numbers all the same; they count for nothing.
    """

    points_GBV2: Tensor
    z_GBV: Tensor
    emitted_GBV: Tensor  # bool

    def __post_init__(self) -> None:
        shape = tuple(self.points_GBV2.shape)
        if len(shape) != 4 or shape[-1] != 2:
            raise InvalidInput(f"expected points [G, B, V, 2], got {list(shape)}")
        for name in ("z_GBV", "emitted_GBV"):
            found = tuple(getattr(self, name).shape)
            if found != shape[:3]:
                raise InvalidInput(f"expected {name} {list(shape[:3])}, got {list(found)}")
        if self.emitted_GBV.dtype != torch.bool:
            raise InvalidInput(f"emitted_GBV says yes or no; got {self.emitted_GBV.dtype}")


@dataclass(frozen=True)
class Scene:
    """What the rules may know of B pictures. Masks say where nobody knows.

    `surface` is the measured depth in metres on a coarse grid over the input, already a local
    median, 0 where the sensor saw nothing; `pixels_per_cell` is the grid's step.
    """

    names: tuple[str, ...]
    points_BV2: Tensor  # labelled places
    labelled_BV: Tensor  # a place is known
    present_BV: Tensor  # known to be in the picture
    absent_BV: Tensor  # known not to be
    visible_BV: Tensor  # labelled and uncovered
    asked_BV: Tensor
    area_B: Tensor  # of the person, in square input pixels
    sigmas_V: Tensor
    age_B: Tensor  # months, NaN unknown
    torso_B: Tensor  # metres
    surface_Bhw: Tensor
    sensor_B: Tensor  # standard deviation of the depth sensor there, metres
    pixels_per_cell: float
    posture_B: Tensor  # index into POSTURES, as labelled
    premise_B: Tensor  # index into POSTURES, as the instruction says
    infant_B: Tensor  # bool: only an infant's body is held to an infant's measures

    def __post_init__(self) -> None:
        count, joints = self.labelled_BV.shape
        if len(self.names) != joints:
            raise InvalidInput(f"{len(self.names)} names for {joints} joints")
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name.endswith("_BV") and tuple(value.shape) != (count, joints):
                raise InvalidInput(
                    f"expected {one.name} {[count, joints]}, got {list(value.shape)}"
                )
            if one.name.endswith("_B") and tuple(value.shape) != (count,):
                raise InvalidInput(f"expected {one.name} {[count]}, got {list(value.shape)}")

    @property
    def wanted_BV(self) -> Tensor:
        """Joints a right answer has: asked for and there."""
        return self.asked_BV & self.present_BV

    def rows(self, index: Tensor) -> Scene:
        """Some of the pictures, in this order."""
        values: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, value in values.items():
            if isinstance(value, Tensor) and not name.endswith("_V"):
                values[name] = value[index]
        return Scene(**values)


@dataclass(frozen=True)
class Rules:
    """How strictly is judged. `band` is Vision-R1's: worthless below, full marks above.

    `capped` False lets a penalty grow without end, as a loss needs it to pull from far away.
    """

    band: tuple[float, float] = (0.5, 0.75)
    flat: bool = False  # judge in the picture's plane: no depths
    capped: bool = True
    limits: str = field(default="soft")  # ranges of motion: soft or hard

    def __post_init__(self) -> None:
        if not 0 <= self.band[0] < self.band[1] <= 1:
            raise InvalidInput(f"a band is two numbers 0 ≤ low < high ≤ 1, got {self.band}")
        if self.limits not in ("soft", "hard"):
            raise InvalidInput(f"limits are soft or hard, got {self.limits!r}")
