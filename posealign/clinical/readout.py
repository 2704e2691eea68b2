"""One figure with its interval and the share of frames it rests on.

Intervals hold two doubts: where the joints are (their 90 % radii, by drawing places from them) and
which frames happened to be seen (moving blocks of a second, drawn again). Everything is seeded.
Shapes: F frames, J joints, D draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posealign.anatomy.angles import ANGLES, TORSO, angle
from posealign.clinical.track import RADIUS_SIGMAS, Track
from posealign.metrics.oks import Floats

DRAWS = 200
BLOCK = 1.0  # seconds: neighbouring frames are not independent
LEVEL = (5.0, 95.0)


@dataclass(frozen=True)
class ReadOut:
    """`low` and `high` bound 90 %; `frames` is the share of frames the figure rests on."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    frames: float
    plane: str | None = None  # picture | space: what an angle is measured in


Statistic = Callable[[Floats], float]


def angle_readouts(track: Track, name: str, seed: int = 0) -> list[ReadOut]:
    """The angle itself (median over frames) and, in a video, its range of motion."""
    drawn_DF, plain_F, plane = angle_draws(track, name, seed)
    share = float(np.isfinite(plain_F).mean())
    found = [_read(name, np.nanmedian, drawn_DF, plain_F, track, "deg", share, plane, seed)]
    if len(track) > 1:
        found.append(
            _read(f"{name}_range", spread, drawn_DF, plain_F, track, "deg", share, plane, seed)
        )
    return found


def angle_draws(track: Track, name: str, seed: int = 0) -> tuple[Floats, Floats, str]:
    """[D, F] angles of places drawn within the radii, [F] of the places themselves, the plane."""
    if track.space_FJ3 is not None:
        plain = angle(track.space_FJ3, track.names, name)
        if np.isfinite(plain).any():
            return _in_space(track, track.space_FJ3, name, seed), plain, "space"
    plain = angle(track.points_FJ2, track.names, name)
    index = [track.names.index(joint) for joint in ANGLES[name].joints]
    sigma = np.nan_to_num(track.radius_FJ[:, index]) / RADIUS_SIGMAS
    names = tuple(track.names[j] for j in index)
    drawn = _drawn(track.points_FJ2[:, index], np.repeat(sigma[..., None], 2, 2), names, name, seed)
    return drawn, plain, "picture"


def _in_space(track: Track, space_FJ3: Floats, name: str, seed: int) -> Floats:
    """A pixel's doubt across is the same share of the torso in space; along the ray it doubles."""
    index = [track.names.index(joint) for joint in ANGLES[name].joints]
    names = tuple(track.names[j] for j in index)
    four = space_FJ3[:, [track.names.index(name) for name in TORSO]]
    metres = np.linalg.norm(four[:, :2].mean(axis=1) - four[:, 2:].mean(axis=1), axis=-1)
    scale = np.nan_to_num(metres / track.torso_F)
    sigma = np.nan_to_num(track.radius_FJ[:, index]) / RADIUS_SIGMAS * scale[:, None]
    sigma_FK3 = sigma[..., None] * np.array([1.0, 1.0, 2.0])
    return _drawn(space_FJ3[:, index], sigma_FK3, names, name, seed)


def _drawn(
    points_FKD: Floats, sigma_FKD: Floats, names: tuple[str, ...], name: str, seed: int
) -> Floats:
    """[D, F] angles of places moved by their doubts, some draws at a time."""
    random = np.random.default_rng(seed)
    frames = len(points_FKD)
    together = max(1, 20_000 // frames)
    parts = []
    for start in range(0, DRAWS, together):
        count = min(together, DRAWS - start)
        noise = random.normal(size=(count, *points_FKD.shape)) * sigma_FKD
        moved = (points_FKD + noise).reshape(count * frames, *points_FKD.shape[1:])
        parts.append(angle(moved, names, name).reshape(count, frames))
    return np.concatenate(parts)


def spread(values_F: Floats) -> float:
    """From the 5th to the 95th percentile: a range that one bad frame does not make."""
    known = values_F[np.isfinite(values_F)]
    if len(known) < 5:
        return float("nan")
    low, high = np.percentile(known, LEVEL)
    return float(high - low)


def difference_readout(track: Track, left: str, right: str, seed: int = 0) -> ReadOut:
    """Median left minus right of an angle, over the frames that show both."""
    one, one_F, plane = angle_draws(track, left, seed)
    other, other_F, _ = angle_draws(track, right, seed + 1)
    share = float(np.isfinite(one_F - other_F).mean())
    name = f"{left.removeprefix('left_')}_left_minus_right"
    return _read(name, np.nanmedian, one - other, one_F - other_F, track, "deg", share, plane, seed)


def series_readout(
    name: str, values_F: Floats, statistic: Statistic, track: Track, unit: str, seed: int = 0
) -> ReadOut:
    """A figure of a series whose doubt is which frames were seen."""
    share = float(np.isfinite(values_F).mean()) if len(values_F) else 0.0
    drawn = np.broadcast_to(values_F, (DRAWS, len(values_F)))
    return _read(name, statistic, drawn, values_F, track, unit, share, None, seed)


def _read(
    name: str,
    statistic: Statistic,
    drawn_DF: Floats,
    plain_F: Floats,
    track: Track,
    unit: str,
    share: float,
    plane: str | None,
    seed: int,
) -> ReadOut:
    if not np.isfinite(plain_F).any():
        return ReadOut(name, None, None, None, unit, 0.0, plane)
    random = np.random.default_rng(seed)
    size = plain_F.shape[0]
    values = []
    for row in drawn_DF:
        picked = row[_blocks(size, track.rate, random)]
        if np.isfinite(picked).any():
            values.append(float(statistic(picked)))
    known = np.array([value for value in values if np.isfinite(value)])
    value = float(statistic(plain_F))
    if not np.isfinite(value) or len(known) < DRAWS // 4:
        return ReadOut(name, None, None, None, unit, round(share, 4), plane)
    low, high = np.percentile(known, LEVEL)
    # Doubt only widens a range or a bent limb, so the interval is moved to hold the value.
    low, high = min(low, value), max(high, value)
    return ReadOut(
        name, round(value, 4), round(float(low), 4), round(float(high), 4), unit,
        round(share, 4), plane,
    )  # fmt: skip


def _blocks(count: int, rate: float, random: np.random.Generator) -> NDArray[np.int64]:
    """Frames drawn again in blocks of a second; a single picture is itself."""
    if count == 1 or not np.isfinite(rate):
        return np.arange(count)
    length = int(np.clip(round(BLOCK * rate), 1, count))
    starts = random.integers(0, count - length + 1, -(-count // length))
    return np.concatenate([np.arange(start, start + length) for start in starts])[:count]
