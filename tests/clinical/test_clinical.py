"""Read-outs on bodies whose angles and movements are known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from posealign.clinical.readout import angle_readouts
from posealign.clinical.summary import NOT_A_DIAGNOSIS, motion, posture, speeds, summary
from posealign.clinical.track import Track, track_of
from posealign.commands import clinical as command
from posealign.data.pose import PlacedJoint, Pose, State
from posealign.errors import InvalidInput
from posealign.interop.terms import Terms
from posealign.skeletons.load import skeleton
from tests.serving.toy import toy_bundle

COCO = skeleton("coco17")
RATE = 30.0


def lying() -> np.ndarray:  # type: ignore[type-arg]
    """On the back, seen from above, head up in the picture; torso 100 px, left knee bent 90°."""
    place = dict.fromkeys(COCO.names, np.array([np.nan, np.nan]))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        place[f"{side}_shoulder"] = np.array([200 + 35 * sign, 100.0])
        place[f"{side}_elbow"] = place[f"{side}_shoulder"] + [0, 50]
        place[f"{side}_wrist"] = place[f"{side}_elbow"] + [0, 40]
        place[f"{side}_hip"] = np.array([200 + 25 * sign, 200.0])
        place[f"{side}_knee"] = place[f"{side}_hip"] + [0, 50]
        place[f"{side}_ankle"] = place[f"{side}_knee"] + [0, 45]
    place["left_ankle"] = place["left_knee"] + [45, 0]
    return np.stack([place[name] for name in COCO.names])


def film(seconds: float = 4.0, radius: float = 2.0) -> Track:
    """The right forearm swings by ±30° once a second; the left arm rests."""
    times = np.arange(round(seconds * RATE)) / RATE
    points = np.repeat(lying()[None], len(times), axis=0)
    bend = np.radians(30 * np.sin(2 * np.pi * times) + 40)
    elbow = COCO.index("right_elbow")
    wrist = points[:, elbow] + 40 * np.stack([np.sin(bend), np.cos(bend)], axis=-1)
    points[:, COCO.index("right_wrist")] = wrist
    return Track(COCO.names, times, points, np.full(points.shape[:2], radius))


def by_name(rows: list[dict]) -> dict[str, dict]:  # type: ignore[type-arg]
    return {row["name"]: row for row in rows}


def test_angles_of_one_picture_by_hand() -> None:
    points = lying()[None]
    track = Track(COCO.names, np.zeros(1), points, np.full((1, 17), 2.0))
    found = by_name(summary(track)["angles"])
    assert found["left_knee_flexion"]["value"] == pytest.approx(90)
    assert found["right_knee_flexion"]["value"] == pytest.approx(0, abs=1e-6)
    assert found["left_knee_flexion"]["low"] < 90 < found["left_knee_flexion"]["high"]
    assert found["left_knee_flexion"]["plane"] == "picture"
    assert found["left_knee_flexion"]["frames"] == 1
    assert "left_knee_flexion_range" not in found


def test_a_wider_radius_widens_the_interval() -> None:
    widths = []
    for radius in (1.0, 4.0, 10.0):
        track = Track(COCO.names, np.zeros(1), lying()[None], np.full((1, 17), radius))
        read = angle_readouts(track, "left_knee_flexion")[0]
        widths.append((read.high or 0) - (read.low or 0))
    assert widths[0] < widths[1] < widths[2]


def test_the_interval_holds_the_truth_nine_times_of_ten() -> None:
    """Joints are moved by errors as large as their radii say."""
    random, inside = np.random.default_rng(0), 0
    for _ in range(100):
        moved = lying()[None] + random.normal(0, 5 / np.sqrt(2 * np.log(10)), (1, 17, 2))
        read = angle_readouts(
            Track(COCO.names, np.zeros(1), moved, np.full((1, 17), 5.0)), "left_knee_flexion"
        )[0]
        inside += (read.low or 0) <= 90 <= (read.high or 0)
    assert 82 <= inside <= 97


def test_range_of_motion_symmetry_and_quantity() -> None:
    found = summary(film())
    angles = by_name(found["angles"])
    # ±30° spends its time at the turning points: the 5th to 95th percentile is 59.3°.
    assert angles["right_elbow_flexion_range"]["value"] == pytest.approx(59.3, abs=1.0)
    assert angles["left_elbow_flexion_range"]["value"] == pytest.approx(0, abs=1e-6)
    sides = by_name(found["symmetry"])
    assert sides["elbow_flexion_left_minus_right"]["value"] == pytest.approx(-40, abs=2)
    assert sides["wrist_motion_asymmetry"]["value"] == -1
    assert sides["ankle_motion_asymmetry"]["value"] is None
    moved = by_name(found["motion"])
    # The wrist's path: 4 · 30° of a circle of 40 px, a torso of 100 px, once a second.
    assert moved["right_wrist_speed"]["value"] == pytest.approx(4 * np.radians(30) * 0.4, rel=0.02)
    assert moved["quantity_of_motion"]["value"] == pytest.approx(0.838 / 4, rel=0.02)
    assert moved["left_wrist_speed"]["value"] == 0
    for group in ("angles", "symmetry", "motion"):
        for row in found[group]:
            if row["value"] is not None:
                assert row["low"] <= row["value"] <= row["high"]
                assert 0 < row["frames"] <= 1


def test_a_carried_child_does_not_move_by_itself() -> None:
    track = film()
    drift = np.stack([np.arange(len(track)) * 3.0, np.zeros(len(track))], axis=-1)
    carried = Track(track.names, track.times_F, track.points_FJ2 + drift[:, None], track.radius_FJ)
    assert np.allclose(speeds(carried), speeds(track), equal_nan=True)


def test_posture_has_codes_and_shares() -> None:
    track = film(1.0)
    points = track.points_FJ2.copy()
    points[:10, :, 0] = 400 - points[:10, :, 0]  # seen from behind for a third of the time
    found = posture(Track(track.names, track.times_F, points, track.radius_FJ), Terms())
    assert [(row["posture"], row["frames"]) for row in found] == [
        ("supine", 0.6667), ("prone", 0.3333)
    ]  # fmt: skip
    assert found[0]["codes"][0]["code"] == "40199007"
    other = Terms(postures={})
    assert posture(track, other)[0]["codes"] == []


def test_missing_joints_are_said_not_guessed() -> None:
    track = film()
    points = track.points_FJ2.copy()
    points[: len(track) // 2, COCO.index("left_ankle")] = np.nan
    points[:, COCO.index("right_ankle")] = np.nan
    found = by_name(summary(Track(track.names, track.times_F, points, track.radius_FJ))["angles"])
    assert found["left_knee_flexion"]["frames"] == 0.5
    assert found["right_knee_flexion"]["value"] is None
    assert found["right_knee_flexion"]["frames"] == 0


def test_angles_in_space_where_depth_gave_places() -> None:
    flat = lying()
    space = np.concatenate([flat / 500, np.zeros((17, 1))], axis=1)
    space[COCO.index("right_ankle")] = space[COCO.index("right_knee")] + [0, 0, -0.09]
    track = Track(COCO.names, np.zeros(1), flat[None], np.full((1, 17), 2.0), space[None])
    read = angle_readouts(track, "right_knee_flexion")[0]
    assert read.plane == "space"
    assert read.value == pytest.approx(90)
    assert (read.low or 0) < 90 < (read.high or 0)


def test_track_of_poses_leaves_unsure_joints_out() -> None:
    joints = (
        PlacedJoint("left_knee", 3.0, 4.0, State.VISIBLE, 0.9, 2.0),
        PlacedJoint("right_knee", 3.0, 4.0, State.VISIBLE, 0.1, 2.0),
        PlacedJoint("left_ankle", None, None, State.ABSENT, 0.9, None),
    )
    track = track_of([Pose((0, 0, 9, 9), 1.0, joints), None], [0.0, 0.1])
    assert np.isfinite(track.points_FJ2[..., 0]).sum() == 1
    assert motion(track) == []  # two frames are no movement


def test_impossible_tracks_are_refused() -> None:
    points, radius = np.zeros((2, 17, 2)), np.zeros((2, 17))
    with pytest.raises(InvalidInput, match="rise"):
        Track(COCO.names, np.array([1.0, 1.0]), points, radius)
    with pytest.raises(InvalidInput, match="3 frames and 17 joints"):
        Track(COCO.names, np.arange(3.0), points, radius)
    with pytest.raises(InvalidInput, match="one frame"):
        Track(COCO.names, np.zeros(0), points[:0], radius[:0])


def test_the_command_reads_pictures_and_says_what_it_is_not(tmp_path: Path) -> None:
    bundle = toy_bundle(tmp_path / "toy")
    rng = np.random.default_rng(0)
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 255, (90, 80, 3)))
    app = typer.Typer()
    app.command()(command.clinical)
    pattern = str(tmp_path / "*.png")
    result = CliRunner().invoke(app, [pattern, "--bundle", str(bundle), "--rate", "10", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["frames"] == 3
    assert found["note"] == NOT_A_DIAGNOSIS
