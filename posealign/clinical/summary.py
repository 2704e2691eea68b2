"""All read-outs of a track, as JSON. Shapes: F frames, J joints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from scipy.stats import skew

from posealign.anatomy.angles import ANGLES, TORSO
from posealign.anatomy.posture import lying_posture
from posealign.clinical.readout import (
    ReadOut,
    angle_readouts,
    difference_readout,
    series_readout,
)
from posealign.clinical.track import Track
from posealign.interop.terms import Terms
from posealign.metrics.oks import Floats

NOT_A_DIAGNOSIS = (
    "These read-outs describe joints found in pictures. They are not a diagnosis, no medical "
    "device made them, and a clinician has to judge them."
)
LIMBS = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")


def summary(track: Track, terms: Terms | None = None, seed: int = 0) -> dict[str, Any]:
    """Angles, ranges, symmetry, quantity of motion and posture; each with interval and share."""
    terms = terms or Terms()
    known = [name for name, row in ANGLES.items() if set(row.joints) <= set(track.names)]
    angles = [read for name in known for read in angle_readouts(track, name, seed)]
    differences = [
        difference_readout(track, name, other, seed)
        for name in known
        if name.startswith("left_") and (other := name.replace("left_", "right_")) in known
    ]
    return {
        "note": NOT_A_DIAGNOSIS,
        "frames": len(track),
        "seconds": round(float(track.times_F[-1] - track.times_F[0]), 3),
        "angles": [asdict(read) for read in angles],
        "symmetry": [asdict(read) for read in differences + _side_motion(track, seed)],
        "motion": [asdict(read) for read in motion(track, seed)],
        "posture": posture(track, terms),
    }


def speeds(track: Track) -> Floats:
    """[F - 1, J] torso lengths a second; NaN where a joint or the torso is missing.

    The trunk's own movement is taken off: a camera or a carrying arm moves all joints.
    """
    corners = [track.names.index(name) for name in TORSO if name in track.names]
    if len(corners) < 4 or len(track) < 2:
        return np.full((max(len(track) - 1, 0), len(track.names)), np.nan)
    centre = track.points_FJ2[:, corners].mean(axis=1, keepdims=True)
    torso = track.torso_F
    known = torso[np.isfinite(torso)]
    size = float(np.median(known)) if len(known) else float("nan")
    steps = np.diff(track.points_FJ2 - centre, axis=0)
    return np.asarray(
        np.linalg.norm(steps, axis=-1) / np.diff(track.times_F)[:, None] / size, np.float64
    )


def motion(track: Track, seed: int = 0) -> list[ReadOut]:
    """Quantity of motion: mean speed of hands and feet, its spread and its skewness."""
    if len(track) < 3:
        return []
    speed = speeds(track)
    limbs = [track.names.index(name) for name in LIMBS if name in track.names]
    there = np.isfinite(speed[:, limbs])
    total = np.where(there, speed[:, limbs], 0).sum(axis=1)
    mean = np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)
    unit = "torso/s"
    found = [
        series_readout("quantity_of_motion", mean, _mean, track, unit, seed),
        series_readout("quantity_of_motion_sd", mean, _deviation, track, unit, seed),
        series_readout("quantity_of_motion_skewness", mean, _skewness, track, "1", seed),
    ]
    found += [
        series_readout(f"{name}_speed", speed[:, j], _mean, track, unit, seed)
        for name, j in zip(LIMBS, limbs, strict=False)
    ]
    return found


def _side_motion(track: Track, seed: int) -> list[ReadOut]:
    """(left − right) / (left + right) of mean speeds: 0 is even, 1 is left alone."""
    if len(track) < 3:
        return []
    speed = speeds(track)
    found = []
    for joint in ("wrist", "ankle"):
        sides = [f"left_{joint}", f"right_{joint}"]
        if not set(sides) <= set(track.names):
            continue
        left, right = (speed[:, track.names.index(name)] for name in sides)
        share = round(float(np.isfinite(left + right).mean()), 4)
        value, low, high = _asymmetry(left, right, seed)
        found.append(ReadOut(f"{joint}_motion_asymmetry", value, low, high, "1", share))
    return found


def _asymmetry(
    left_F: Floats, right_F: Floats, seed: int
) -> tuple[float | None, float | None, float | None]:
    both = np.isfinite(left_F) & np.isfinite(right_F)
    left, right = left_F[both], right_F[both]
    if len(left) < 5 or left.sum() + right.sum() == 0:
        return None, None, None

    def figure(rows: Any) -> float:
        one, other = left[rows].mean(), right[rows].mean()
        return float((one - other) / (one + other)) if one + other > 0 else 0.0

    random = np.random.default_rng(seed)
    drawn = [figure(random.integers(0, len(left), len(left))) for _ in range(200)]
    low, high = np.percentile(drawn, [5, 95])
    return round(figure(slice(None)), 4), round(float(low), 4), round(float(high), 4)


def posture(track: Track, terms: Terms) -> list[dict[str, Any]]:
    """Shares of the frames whose posture the joints tell, each with its codes as data.

    Judged by which side of the trunk faces the camera: for a camera that looks down on the child.
    """
    names = list(track.names)
    seen: dict[str, int] = {}
    told = 0
    for points_J2 in track.points_FJ2:
        places = {
            name: points_J2[names.index(name)]
            for name in TORSO
            if name in names and np.isfinite(points_J2[names.index(name)]).all()
        }
        found = lying_posture(places)
        if found is not None:
            told += 1
            seen[found] = seen.get(found, 0) + 1
    return [
        {
            "posture": name,
            "share_of_told": round(count / told, 4),
            "frames": round(count / len(track), 4),
            "codes": [code.plain() for code in terms.postures.get(name, ())],
        }
        for name, count in sorted(seen.items(), key=lambda row: (-row[1], row[0]))
    ]


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _deviation(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.std()) if len(known) > 1 else float("nan")


def _skewness(values: Floats) -> float:
    known = values[np.isfinite(values)]
    if len(known) < 5 or known.std() < 1e-9:
        return float("nan")
    return float(skew(known))
