"""The small parts: configuration, clock, schedule, masks and faces, lag, pauses, slots, phrases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posealign.data.image import encode_image
from posealign.data.pose import PlacedJoint, Pose, State
from posealign.errors import InvalidConfig, InvalidInput
from serving.camera import messages
from serving.camera.capture import LONGEST, SHORTEST, Capture, fingerprint, pause
from serving.camera.clock import LASTING, Clock, iso
from serving.camera.config import Camera, Cameras, Source, Window, load
from serving.camera.observe import Asking
from serving.camera.phrases import phrases_for
from serving.camera.privacy import deidentify, face_circle, inside, paint_masks
from serving.camera.scene import Scene
from serving.camera.secret import Secrets
from serving.camera.slot import Ages, Grabbed, LatestSlot, Rate
from serving.camera.source import Lag, Trouble, absent_device, address, answers, grabs
from serving.camera.station import scheduled
from tests.camera.stub import SUPINE, Body, StubPredictor

ROOT = Path(__file__).parents[2]


# Configuration


def test_the_example_loads() -> None:
    found = load(ROOT / "examples" / "cameras.yaml")
    assert len(found.cameras) >= 2
    assert found.sinks.mqtt is not None


def camera(**more: Any) -> dict[str, Any]:
    return {"name": "a", "source": {"url": "file:x.mp4"}, "instruction": "head", **more}


BED = {"name": "b"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no camera": ({"cameras": []}, "at least 1"),
    "unknown key": ({"cameras": [camera(instructions="x")]}, "did you mean 'instruction'"),
    "two of a name": ({"cameras": [camera(), camera()]}, "twice"),
    "two beds, no zones": ({"cameras": [camera(beds=[BED, {"name": "c"}])]}, "zone each"),
    "a name": ({"cameras": [camera(name="Bed 1")]}, "pattern"),
    "a scheme": ({"cameras": [camera(source={"url": "rstp://x/1"})]}, "rtsp"),
    "credentials": ({"cameras": [camera(source={"url": "rtsp://u:p@x/1"})]}, "credentials"),
    "a token": ({"cameras": [camera(source={"url": "http://x/1?token=1"})]}, "token"),
    "a zone": ({"cameras": [camera(rules=[{"name": "r", "kind": "inside", "zone": "flor",
                "instruction": "x"}], zones=[{"name": "floor", "polygon": [[0, 0], [1, 0], [1, 1]]}
                ])]}, "did you mean 'floor'"),
    "a time zone": ({"cameras": [camera()], "timezone": "Mars/Olympus"}, "time zone"),
    "a polygon": ({"cameras": [camera(masks=[[[0, 0], [2, 0], [1, 1]]])]}, "less than or equal"),
    "a subject": ({"cameras": [camera(beds=[{**BED, "subject": "17"}])]}, "pattern"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_configurations_say_what_is_right(name: str, tmp_path: Path) -> None:
    values, said = WRONG[name]
    path = tmp_path / "cameras.yaml"
    path.write_text(messages.TypeAdapter(dict[str, Any]).dump_json(values).decode())
    with pytest.raises(InvalidConfig, match=said):
        load(path)


def test_the_schema_is_versioned_and_closed() -> None:
    schema = messages.schema()
    assert schema["$id"].endswith(f"{messages.VERSION}.json")
    kinds = {name for name in schema["$defs"] if name.endswith("Message")}
    assert kinds == {"PoseMessage", "EventMessage", "StatusMessage", "StatsMessage"}
    for name in kinds:
        assert schema["$defs"][name]["additionalProperties"] is False
        assert schema["$defs"][name]["properties"]["version"]["const"] == messages.VERSION


# Clock and schedule


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(-4000, 4000)), max_size=60))
def test_dates_never_go_back(steps: list[tuple[float, float]]) -> None:
    now, off = [100.0], [1e9]
    clock = Clock(lambda: now[0], lambda: now[0] + off[0])
    last = clock.date()
    for passed, jump in steps:
        now[0] += passed
        off[0] += jump
        date = clock.date()
        assert date >= last
        last = date


def test_a_lasting_step_forward_is_taken_over_and_one_back_is_walked_off() -> None:
    now, off = [0.0], [1e9]
    clock = Clock(lambda: now[0], lambda: now[0] + off[0])
    off[0] += 3600
    now[0] += 1
    assert abs(clock.date() - (1e9 + 1)) < 0.1
    now[0] += LASTING + 1
    assert abs(clock.date() - clock.wall()) < 0.1
    off[0] -= 3600
    before, start = clock.date(), now[0]
    for _ in range(4000):
        now[0] += 2
        clock.date()
    assert clock.date() - before < now[0] - start
    assert abs(clock.offset()) < 1
    assert iso(0) == "1970-01-01T00:00:00.000Z"


@given(st.integers(0, 14 * 24 * 60))
def test_schedule_over_midnight(minutes: int) -> None:
    local = datetime(2026, 3, 2) + timedelta(minutes=minutes)  # a Monday
    night = (Window(days=("mon", "fri"), start="20:00", end="07:00"),)
    day, time = local.weekday(), local.hour * 60 + local.minute
    expected = (day in (0, 4) and time >= 1200) or (day in (1, 5) and time < 420)
    assert scheduled(night, local) == expected
    assert scheduled((), local)
    assert scheduled((Window(start="00:00", end="24:00"),), local)


# Privacy


def test_nothing_under_a_mask_is_ever_looked_at() -> None:
    seen: list[np.ndarray] = []

    class Looking(StubPredictor):
        def look(self, image_HW3: Any, boxes: Any = None) -> Any:
            seen.append(image_HW3.copy())
            return super().look(image_HW3, boxes)

    mask = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]
    scene = Scene(Camera.model_validate(camera(masks=[mask], instruction="all")), Looking(),
                  Clock(), False)  # fmt: skip
    outcome = scene(grabbed(np.full((100, 80, 3), 200, np.uint8)))
    assert (seen[0][:, 41:] == 0).all()
    assert (seen[0][:, :39] == 200).all()
    joints = {j.name: j for j in outcome.message.people[0].joints}
    assert joints["left_knee"].masked
    assert joints["left_knee"].x is None
    assert not joints["right_knee"].masked
    assert "left_knee" in outcome.occupants[0].masked


def grabbed(image: np.ndarray, received: float = 1.0) -> Grabbed:
    class Still:
        def to_ndarray(self, *, format: str) -> np.ndarray:  # noqa: A002
            return image.copy()

    return Grabbed(Still(), 0, received, 0.0, None)


def test_faces_become_coarse_and_the_rest_stays() -> None:
    image = np.random.default_rng(0).integers(0, 255, (400, 300, 3)).astype(np.uint8)
    look = StubPredictor([Body()]).look(image)
    people = Asking(look, None, ()).people(("the face",))
    clean = deidentify(image, people, "face")
    x, y, radius = face_circle(people[0]) or (0, 0, 0)
    for name in ("nose", "left_eye", "right_ear"):
        px, py = SUPINE[name]
        assert np.hypot(px * 300 - x, py * 400 - y) < radius
        place = (slice(int(py * 400) - 6, int(py * 400) + 7), slice(int(px * 300) - 6,
                 int(px * 300) + 7))  # fmt: skip
        assert clean[place].std() < 0.35 * image[place].std()
    assert (clean[300:] == image[300:]).all()
    assert (deidentify(image, people, "none") == image).all()


def test_without_face_joints_the_person_and_without_people_everything_goes() -> None:
    image = np.random.default_rng(0).integers(0, 255, (400, 300, 3)).astype(np.uint8)
    faceless = Body({n: p for n, p in SUPINE.items() if "wrist" in n})
    people = Asking(StubPredictor([faceless]).look(image), None, ()).people(("the face",))
    clean = deidentify(image, people, "face")
    assert clean[50:370, 70:230].std() < 0.35 * image.std()
    assert (clean[:, :20] == image[:, :20]).all()
    for mode, nobody in (("face", []), ("frame", people)):
        assert deidentify(image, nobody, mode).std() < 0.35 * image.std()  # type: ignore[arg-type]
    joints = [PlacedJoint(n, 1.0, 1.0, State.VISIBLE, 0.05, 1.0) for n in ("nose", "left_eye")]
    assert face_circle(Pose((0.0, 0.0, 10.0, 10.0), 1.0, tuple(joints))) is None


def test_masks_and_zones_share_one_geometry() -> None:
    triangle = [(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)]
    image = paint_masks(np.full((200, 100, 3), 255, np.uint8), [triangle])
    for x, y in ((50, 100), (50, 30), (5, 5), (95, 190), (20, 25)):
        assert inside(triangle, x, y, 100, 200) == (image[y, x, 0] == 0)


# Beds


def test_people_are_given_to_their_beds_and_others_are_left_out() -> None:
    left, right = Body(box=(0.0, 0.1, 0.3, 0.8)), Body(box=(0.55, 0.1, 0.3, 0.8), score=0.6)
    visitor = Body(box=(0.4, 0.9, 0.1, 0.1))
    beds = [
        {"name": "one", "zone": [[0, 0], [0.4, 0], [0.4, 0.85], [0, 0.85]], "subject": "Patient/1"},
        {"name": "two", "zone": [[0.5, 0], [1, 0], [1, 0.85], [0.5, 0.85]]},
    ]
    scene = Scene(Camera.model_validate(camera(beds=beds)),
                  StubPredictor([right, visitor, left]), Clock(), False)  # fmt: skip
    outcome = scene(grabbed(np.zeros((100, 200, 3), np.uint8)))
    assert sorted(str(p.bed) for p in outcome.message.people) == ["one", "two"]
    subjects = {o.bed.name: o.bed.subject for o in outcome.occupants}
    assert subjects == {"one": "Patient/1", "two": None}
    assert "Patient" not in outcome.message.model_dump_json()
    assert {o.posture for o in outcome.occupants} == {"supine"}


def test_instructions_that_are_refused_change_nothing() -> None:
    scene = Scene(Camera.model_validate(camera()), StubPredictor(), Clock(), False)
    with pytest.raises(InvalidInput, match="people have no such part"):
        scene.ask("the weather")
    assert scene.instruction == "head"
    with pytest.raises(InvalidInput):
        Scene(Camera.model_validate(camera(instruction="tail")), StubPredictor(), Clock(), False)


def test_phrases_are_chosen_by_what_the_bundle_understands() -> None:
    stub = StubPredictor()
    assert phrases_for(["left_hip", "right_hip"], stub.resolve) == ("both hips",)
    trunk = ["left_shoulder", "right_shoulder", "left_hip", "right_hip"]
    assert phrases_for(trunk, stub.resolve) == ("both shoulders and both hips",)
    assert phrases_for(["left_antenna"], stub.resolve) == ()


# Streams


def test_lag_ignores_drift_and_jumps_and_sees_delay() -> None:
    lag = Lag()
    assert all(lag(n * 0.1 * (1 + 2e-4), n * 0.1) < 0.01 for n in range(50_000))
    assert lag(9e4, 5000.1) == 0.0  # the source's clock jumped
    assert lag(9e4 + 0.1, 5002.1) > 1.5  # two seconds for a tenth
    assert lag(5.0, 5002.2) == 0.0  # and began anew


def test_pauses_grow_with_jitter_between_half_a_second_and_thirty() -> None:
    spans = [[pause(n) for _ in range(300)] for n in range(1, 12)]
    assert all(SHORTEST <= value <= LONGEST for span in spans for value in span)
    assert max(spans[0]) <= 1.0
    assert max(spans[-1]) > 20
    assert len({round(value, 6) for value in spans[-1]}) > 250


def test_the_slot_keeps_the_latest_and_counts_the_others() -> None:
    slot = LatestSlot(threading.Condition())
    frames = [grabbed(np.zeros((1, 1, 3), np.uint8), float(n)) for n in range(5)]
    for frame in frames:
        slot.put(frame)
    assert slot.dropped == 4
    assert slot.take() is frames[-1]
    assert slot.take() is None


def test_rates_ages_and_fingerprints() -> None:
    rate, ages = Rate(), Ages()
    for n in range(50):
        rate(n * 0.1)
        ages(n / 50)
    assert abs(rate.value(4.9) - 10) < 0.3
    assert rate.value(60) == 0
    assert ages.percentile(0.99) == pytest.approx(0.98)
    assert Ages().percentile(0.5) is None
    frame = np.zeros((10, 10, 3), np.uint8)
    other = frame.copy()
    other[:, 3] = 1
    assert fingerprint(grabbed(frame).frame) == fingerprint(grabbed(frame).frame)
    assert fingerprint(grabbed(frame).frame) != fingerprint(grabbed(other).frame)


def test_watch_page_needs_a_token_beyond_loopback(station: Callable[..., Any]) -> None:
    from serving.camera.config import Watch
    from serving.camera.watch import create_app

    made = station({"cameras": [camera()]})
    with pytest.raises(InvalidConfig, match="token"):
        create_app(made, Watch(host="0.0.0.0"))


def test_the_whole_configuration_has_defaults_that_are_safe() -> None:
    found = Cameras.model_validate({"cameras": [camera()]})
    assert found.deidentify == "face"
    assert found.watch is not None
    assert found.watch.host == "127.0.0.1"
    assert found.audit


@pytest.mark.parametrize("url", ["v4l2:/dev/video99", "file:/nowhere/clip.mp4"])
def test_what_is_not_there_is_named(url: str) -> None:
    source = Source(url=url)
    with pytest.raises(Trouble) as caught:
        next(grabs(address(source, Secrets()), source, 1.0, lambda: 0.0, lambda: False, int))
    assert caught.value.code == "not_found"
    assert not answers(address(source, Secrets()))


def test_a_device_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    wanted = Source(url=f"v4l2:{tmp_path}/video1")
    assert "is a camera plugged in" in str(absent_device(wanted, tmp_path))
    (tmp_path / "video0").touch()
    said = str(absent_device(wanted, tmp_path))
    assert f"no {tmp_path}/video1" in said
    assert f"did you mean '{tmp_path}/video0'" in said
    (tmp_path / "video1").touch()
    assert absent_device(wanted, tmp_path) is None
    assert absent_device(Source(url="file:/nowhere.mp4")) == "there is no file /nowhere.mp4"
    assert absent_device(Source(url=f"file:{__file__}")) is None
    assert absent_device(Source(url="rtsp://nowhere/1")) is None


def test_a_device_is_opened_as_video4linux_and_as_nothing_else(tmp_path: Path) -> None:
    """The same bytes: as a file they are read to their end, as a device they are none."""
    picture = encode_image(np.zeros((64, 64, 3), np.uint8), ".jpg")
    (tmp_path / "video0").write_bytes(picture)
    codes = {}
    for scheme in ("file", "v4l2"):
        source = Source(url=f"{scheme}:{tmp_path}/video0")
        with pytest.raises(Trouble) as caught:
            list(grabs(address(source, Secrets()), source, 1.0, lambda: 0.0, lambda: False, int))
        codes[scheme] = caught.value.code
    assert codes["file"] == "ended"
    assert codes["v4l2"] in ("failed", "not_found")


def test_a_camera_that_never_answers_a_knock_is_tried_all_the_same() -> None:
    now = [0.0]
    clock = Clock(lambda: now[0], lambda: now[0])
    values = camera(source={"url": "rtsp://127.0.0.1:9/1"})
    slot = LatestSlot(threading.Condition())
    capture = Capture(Camera.model_validate(values), Secrets(), slot, clock, lambda: True)
    assert capture._there()  # it may be one that does not open to knocks
    capture._door = True
    assert not capture._there()
    now[0] = LONGEST + 1
    assert capture._there()  # or one that is only slow
    assert not capture._there()
    assert capture.trouble == "unreachable"
