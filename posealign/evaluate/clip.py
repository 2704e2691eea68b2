"""Clips made of still pictures: how much joints jitter at rest, what smoothing costs a movement.

At rest the picture stays and only the sensor's noise changes. Moving, the whole picture swings
sideways at 3 Hz, so the truth is known for every joint and needs no labels. Both go through the
Follower that video and cameras use; what it answers is then smoothed as the Follower would.
Shapes: F frames, J joints; H, W picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from posealign.data.pose import Pose
from posealign.data.sample import Sample
from posealign.evaluate.rows import Row
from posealign.evaluate.settings import ClipSettings, Evaluation
from posealign.metrics import pck, temporal
from posealign.metrics.oks import Floats
from posealign.predictor import Predictor
from posealign.skeletons.load import skeleton as load_skeleton
from posealign.temporal import Smoother, SmoothingSettings
from posealign.video import Follower, Frame

SWING = 0.15  # amplitude as a share of the torso


def clip_rows(predictor: Predictor, sample: Sample, evaluation: Evaluation) -> Row:
    """Jitter, loss, lag and missing rate of one picture's clips."""
    settings, skeleton = evaluation.clip, load_skeleton(evaluation.skeleton)
    height, width = sample.image_HW3.shape[:2]
    still = np.zeros(round(settings.seconds * settings.rate))
    times = np.arange(len(still)) / settings.rate
    if max((person.score for person in predictor.look(sample.image_HW3).people), default=0) == 0:
        return {"skipped": "nobody was found"}
    first = _places(predictor, _frames(sample, still[:1], settings), evaluation)["raw"]
    known = np.isfinite(first[..., 0])
    torso = float(pck.torso_size(first, skeleton.names, known)[0])
    if not np.isfinite(torso) or torso < 4:
        return {"skipped": "no torso was found"}
    swing = SWING * torso * np.sin(2 * np.pi * settings.hertz * times)
    row: Row = {"torso": round(torso, 3), "size": [width, height]}
    resting = _places(predictor, _frames(sample, still, settings), evaluation)
    swinging = _places(predictor, _frames(sample, swing, settings), evaluation)
    settled = len(still) // 4  # the filter starts on its first frame
    for name, rest in resting.items():
        shift = swinging[name][settled:, known[0], 0]
        losses = [
            temporal.movement_loss(shift[:, j], swing[settled:], times[settled:], settings.hertz)
            for j in range(shift.shape[1])
            if np.isfinite(shift[:, j]).mean() > 0.8
        ]
        expected = np.broadcast_to(known[0], rest.shape[:2])
        row[name] = {
            "jitter": _middle(temporal.jitter(rest[settled:], torso)[known[0]]),
            "loss": _middle(np.array([loss for loss, _ in losses])),
            "lag": _middle(np.array([lag for _, lag in losses])),
            "missing": round(temporal.missing_rate(rest, expected), 6),
        }
    return row


def _frames(sample: Sample, shift_F: Floats, settings: ClipSettings) -> Iterator[Frame]:
    height, width = sample.image_HW3.shape[:2]
    random = np.random.default_rng(0)
    for number, shift in enumerate(shift_F):
        matrix = np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])
        moved = cv2.warpAffine(
            sample.image_HW3, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        moved = np.asarray(moved, np.float32)
        moved += random.normal(0, settings.noise, moved.shape).astype(np.float32)
        image = np.clip(np.round(moved), 0, 255).astype(np.uint8)
        yield Frame(image, number / settings.rate, number)


def _places(
    predictor: Predictor, frames: Iterator[Frame], evaluation: Evaluation
) -> dict[str, Floats]:
    """[F, J, 2] of the first frame's largest person, raw and smooth; NaN where the person or a
    joint is lost. Each frame is looked at once.
    """
    follower = Follower(predictor, evaluation.instruction, evaluation.skeleton, None)
    smoother = Smoother(SmoothingSettings())
    names = load_skeleton(evaluation.skeleton).names
    places: dict[str, list[Floats]] = {"raw": [], "smooth": []}
    followed: int | None = None
    for frame in frames:
        poses = follower(frame).poses
        if frame.number == 0 and poses:
            followed = max(poses, key=lambda pose: pose.box[2] * pose.box[3]).track
        pose = next((pose for pose in poses if pose.track == followed), None)
        smooth = None if pose is None else smoother(pose, frame.time)
        for name, one in (("raw", pose), ("smooth", smooth)):
            places[name].append(_points(one, names))
    return {name: np.stack(points) for name, points in places.items()}


def _points(pose: Pose | None, names: Sequence[str]) -> Floats:
    points_J2 = np.full((len(names), 2), np.nan)
    for joint in pose.joints if pose is not None else ():
        if joint.x is not None and joint.y is not None:
            points_J2[names.index(joint.name)] = joint.x, joint.y
    return points_J2


def _middle(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return round(float(np.median(known)), 6) if len(known) else None
