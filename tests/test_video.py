"""Following people through frames: tracks, boxes, smoothing, and what is done where nobody is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from posealign.commands.video import Overlay
from posealign.data.clip import rate_of, stamped
from posealign.data.pose import Pose
from posealign.errors import InvalidInput, Unavailable
from posealign.metrics.temporal import movement_loss
from posealign.temporal import OneEuro, SmoothingSettings
from posealign.video import Follower, Frame, frame_count, frame_rate, read_video
from serving.decoding import video_frames
from tests.camera.stub import SUPINE, Body, StubPredictor

WHOLE = (0.0, 0.0, 1.0, 1.0)


def frames(count: int, rate: float = 10.0) -> list[Frame]:
    image_HW3 = np.zeros((120, 160, 3), np.uint8)
    return [Frame(image_HW3, number / rate, number) for number in range(count)]


def noisy(body: Body, seed: int) -> None:
    rng = np.random.default_rng(seed)
    body.points = {
        name: tuple(np.array(place) + rng.normal(0, 0.005, 2)) for name, place in SUPINE.items()
    }  # type: ignore[misc]


def run(predictor: Any, count: int, smoothing: SmoothingSettings | None) -> list[Pose]:
    follower = Follower(predictor, "nose", smoothing=smoothing)
    found = []
    for frame in frames(count):
        noisy(predictor.bodies[0], frame.number)
        found.append(follower(frame).poses[0])
    return found


def shake(poses: list[Pose]) -> float:
    """Mean step of the first joint, in pixels, once the filter has settled."""
    points = np.array([(pose.joints[0].x, pose.joints[0].y) for pose in poses[5:]], float)
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).mean())


@pytest.mark.parametrize("body", [Body(), Body(box=WHOLE, score=0.0)], ids=["found", "nobody"])
def test_joints_that_rest_are_smoothed_found_or_not(body: Body) -> None:
    bare = run(StubPredictor([body]), 30, None)
    smooth = run(StubPredictor([body]), 30, SmoothingSettings())
    assert shake(smooth) < 0.4 * shake(bare)
    assert {pose.track for pose in smooth} == ({0} if body.score else {None})


def test_what_was_smoothed_for_nobody_is_not_carried_into_a_person_and_back() -> None:
    nobody, somebody = Body(box=WHOLE, score=0.0), Body()
    predictor = StubPredictor([nobody])
    follower = Follower(predictor, "nose", find_every=1)
    first, second, third = frames(3)
    follower(first)
    predictor.bodies = [somebody]
    somebody.points = {"nose": (0.9, 0.9)}
    found = follower(second).poses[0]
    assert (found.track, found.joints[0].x) == (0, 0.9 * 160)
    predictor.bodies = [nobody]
    nobody.points = {"nose": (0.1, 0.1)}
    again = follower(third).poses[0]
    assert (again.track, again.joints[0].x) == (None, 0.1 * 160)


def test_people_keep_their_numbers_and_boxes_are_taken_over_between_searches() -> None:
    class Boxed(StubPredictor):
        def look(self, image_HW3: Any, boxes: Any = None) -> Any:
            asked.append(boxes)
            return super().look(image_HW3, boxes)

    asked: list[Any] = []
    one, other = Body(box=(0.1, 0.1, 0.3, 0.8)), Body(box=(0.6, 0.1, 0.3, 0.8))
    predictor = Boxed([one, other])
    follower = Follower(predictor, "nose", find_every=2)
    rows = frames(4)
    assert [pose.track for pose in follower(rows[0]).poses] == [0, 1]
    follower(rows[1])
    predictor.bodies = [other, one]
    assert [pose.track for pose in follower(rows[2]).poses] == [1, 0]
    assert [boxes is None for boxes in asked] == [True, False, True]
    with pytest.raises(InvalidInput, match="find_every"):
        Follower(predictor, "nose", find_every=0)


def filtered(values_F: np.ndarray, rate: float = 30.0) -> np.ndarray:
    one = OneEuro(SmoothingSettings())
    return np.array([one(np.array([v, 0.0]), n / rate, 1.0)[0] for n, v in enumerate(values_F)])


def test_what_rests_is_held_and_what_moves_is_not_held_back() -> None:
    """Torso lengths. Noise of 1 % shrinks to a fifth; of 3 Hz by 15 % hardly anything is lost."""
    times = np.arange(90) / 30
    noise = np.random.default_rng(0).normal(0, 0.01, 90)
    swing = 0.15 * np.sin(2 * np.pi * 3 * times)
    rest = filtered(noise)[20:]
    assert np.diff(rest).std() < 0.2 * np.diff(noise).std()
    loss, lag = movement_loss(filtered(swing + noise)[20:], swing[20:], times[20:], 3.0)
    assert abs(loss) < 0.03
    assert 0 <= lag < 0.005
    drift = 0.1 * times
    assert np.abs(filtered(drift) - drift).max() < 0.02


def test_a_frame_has_the_time_that_the_file_gives_it(tmp_path: Path) -> None:
    """Telephones and browsers vary the rate; motion read by a frame's number would be nonsense."""
    shown = [0, 33, 66, 1066, 1100, 3000]  # ms
    for name, codec in (("phone.mp4", "mpeg4"), ("browser.mkv", "mpeg4"), ("old.avi", "mjpeg")):
        clip = clip_of(tmp_path / name, codec, shown)
        assert [round(frame.time * 1e3) for frame in read_video(clip)] == shown
        assert 0 < frame_rate(clip) < 60
        served = [time for _, time in video_frames(clip.read_bytes(), 10**6, 10, 20.0)]
        assert served == [frame.time for frame in read_video(clip)]


def clip_of(path: Path, codec: str, shown: list[int]) -> Path:
    """Grey frames, each shown from so many milliseconds on."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=1000)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for time in shown:
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_where_a_file_gives_no_times_the_rate_has_to_do() -> None:
    class Capture:
        left, rate = 3, 10.0

        def get(self, key: int) -> float:
            return self.rate if key == cv2.CAP_PROP_FPS else 0.0

        def read(self) -> tuple[bool, object]:
            self.left -= 1
            return self.left >= 0, object()

    capture: Any = Capture()
    assert [time for _, time in stamped(capture)] == pytest.approx([0.0, 0.1, 0.2])
    for told, taken in ((0.0, 25.0), (1000.0, 25.0), (120.0, 120.0)):
        capture.rate = told
        assert rate_of(capture) == taken


def test_an_overlay_holds_every_frame_though_drawn_ones_are_larger(tmp_path: Path) -> None:
    """Frames of another size than the first are left out by OpenCV, with a warning at most."""
    clip = tmp_path / "a clip.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 12.0, (160, 120))
    for _ in range(6):
        writer.write(np.zeros((120, 160, 3), np.uint8))
    writer.release()
    overlay = Overlay(tmp_path / "made for it" / "out.mp4", clip)
    for frame in read_video(clip):
        height = 501 + frame.number  # words below the picture may take more room or less
        overlay.write(np.full((height, 641, 3), (250, 10, 10), np.uint8))
    overlay.close()
    overlay.check()
    drawn = list(read_video(overlay.path))
    assert len(drawn) == frame_count(overlay.path) == 6
    assert drawn[5].image_HW3.shape == (502, 642, 3)
    assert np.abs(drawn[5].image_HW3[:500, :640] - (250.0, 10.0, 10.0)).max() < 12
    assert frame_rate(overlay.path) == frame_rate(clip) == 12.0


def test_an_overlay_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"written as \.mp4; got"):
        Overlay(tmp_path / "out.avi", tmp_path / "clip.mp4")
    clip = tmp_path / "clip.mp4"
    clip.touch()
    with pytest.raises(InvalidInput, match="would overwrite"):
        Overlay(clip, clip)
    overlay = Overlay(Path("/proc/out.mp4"), clip)
    overlay.write(np.zeros((64, 64, 3), np.uint8))
    overlay.close()
    with pytest.raises(Unavailable, match="0 of 1 frames"):
        overlay.check()
