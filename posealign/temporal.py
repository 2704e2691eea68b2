"""Joints over time: the One-Euro filter and a crop that follows the person.

The One-Euro filter (Casiez, Roussel, Vogel, CHI 2012) smooths a resting joint strongly and a
moving one little. Shapes: J joints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import TORSO
from posealign.data.finder import iou
from posealign.data.pose import PlacedJoint, Pose, State
from posealign.errors import InvalidInput


@dataclass(frozen=True)
class SmoothingSettings:
    """Cut-offs in Hz; `beta` opens the filter with speed, in torso lengths a second. A speed below
    `rest` is a sensor's noise and opens nothing: so what moves may open it far, and what rests is
    held still. Speed is told by how far the filter lags, so a slow drift lags little more than
    `rest` times a frame: 2 % of the torso at 30 frames a second. A limb that swings stands still
    twice a turn: speed is forgotten over `hold` seconds only, or its ends would be cut off.
    """

    min_cutoff: float = 0.6
    beta: float = 320.0
    derivative_cutoff: float = 1.5
    rest: float = 0.5
    hold: float = 0.4  # seconds in which a speed that was reached falls to a third
    forget_after: float = 0.5  # seconds without a joint, then it starts anew

    def __post_init__(self) -> None:
        positive = (self.min_cutoff, self.derivative_cutoff, self.forget_after)
        if min(positive) <= 0 or min(self.beta, self.rest, self.hold) < 0:
            raise InvalidInput(f"smoothing wants positive settings, got {self}")


class OneEuro:
    """One value's filter; `scale` makes speeds independent of the picture's size."""

    def __init__(self, settings: SmoothingSettings) -> None:
        self._settings = settings
        self._value: NDArray[np.float64] | None = None
        self._speed = np.zeros(0)
        self._held = 0.0
        self._time = 0.0

    def __call__(
        self, value: NDArray[np.float64], time: float, scale: float
    ) -> NDArray[np.float64]:
        settings = self._settings
        step = time - self._time
        if self._value is None or not 0 < step <= settings.forget_after:
            if self._value is not None and step <= 0:
                return self._value
            self._value, self._speed, self._time = value, np.zeros_like(value), time
            self._held = 0.0
            return value
        speed = (value - self._value) / step
        self._speed += _alpha(settings.derivative_cutoff, step) * (speed - self._speed)
        fast = float(np.linalg.norm(self._speed)) / max(scale, 1e-9)
        lasting = np.exp(-step / settings.hold) if settings.hold else 0.0
        self._held = max(fast, self._held * float(lasting))
        opened = settings.beta * max(self._held - settings.rest, 0.0)
        alpha = _alpha(settings.min_cutoff + opened, step)
        self._value = self._value + alpha * (value - self._value)
        self._time = time
        return self._value


def _alpha(cutoff: float, step: float) -> float:
    lag = 1.0 / (2.0 * np.pi * cutoff)
    return 1.0 / (1.0 + lag / step)


class Smoother:
    """Smooths the poses of one person from frame to frame, joint by joint."""

    def __init__(self, settings: SmoothingSettings | None = None) -> None:
        self._settings = settings or SmoothingSettings()
        self._filters: dict[str, OneEuro] = {}

    def __call__(self, pose: Pose, time: float) -> Pose:
        scale = body_scale(pose)
        joints = tuple(self._joint(joint, time, scale) for joint in pose.joints)
        return replace(pose, joints=joints)

    def _joint(self, joint: PlacedJoint, time: float, scale: float) -> PlacedJoint:
        if joint.x is None or joint.y is None:
            self._filters.pop(joint.name, None)
            return joint
        smooth = self._filters.setdefault(joint.name, OneEuro(self._settings))
        x, y = smooth(np.array([joint.x, joint.y]), time, scale)
        return replace(joint, x=float(x), y=float(y))


def body_scale(pose: Pose) -> float:
    """Torso length in pixels, or a third of the box's diagonal where the torso is not there."""
    place = {
        joint.name: (joint.x, joint.y)
        for joint in pose.joints
        if joint.x is not None and joint.y is not None and joint.state != State.ABSENT
    }
    if all(name in place for name in TORSO):
        a, b, c, d = (np.array(place[name], np.float64) for name in TORSO)
        torso = float(np.linalg.norm((a + b) / 2 - (c + d) / 2))
        if torso > 1:
            return torso
    return float(np.hypot(pose.box[2], pose.box[3])) / 3


def match(
    boxes: list[tuple[float, float, float, float]],
    tracks: dict[int, tuple[float, float, float, float]],
    least: float = 0.2,
) -> list[int | None]:
    """For each box the track it continues (greedy by overlap), or None for somebody new."""
    pairs = sorted(
        ((iou(box, old), b, key) for b, box in enumerate(boxes) for key, old in tracks.items()),
        reverse=True,
    )
    found: list[int | None] = [None] * len(boxes)
    taken: set[int] = set()
    for overlap, b, key in pairs:
        if overlap >= least and found[b] is None and key not in taken:
            found[b] = key
            taken.add(key)
    return found
