"""`posealign camera` as a person runs it, and the watch page's doors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import structlog
from fhir.resources.observation import Observation

from posealign.errors import InvalidConfig, InvalidInput, NotFound
from posealign.interop.audit import events, verify
from posealign.interop.fhir import pose_of
from serving.camera.command import camera
from serving.camera.config import Watch
from serving.camera.messages import PoseMessage
from serving.camera.secret import Secret, Secrets
from serving.camera.station import Station
from serving.camera.watch import WatchServer
from tests.camera.servers import MjpegCamera, until
from tests.camera.stub import Body, StubPredictor


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (160, 120))
    for number in range(20):
        image = np.full((120, 160, 3), 80, np.uint8)
        cv2.circle(image, (20 + 5 * number, 60), 15, (200, 200, 255), -1)
        writer.write(image)
    writer.release()
    return path


def posealign(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "posealign", "camera", *arguments],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_file_is_watched_to_its_end(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "cameras.yaml"
    path.write_text(
        "cameras:\n"
        f"  - {{name: a, source: {{url: 'file:{clip}'}}, instruction: only the left leg}}\n"
        f"sinks: {{files: {{folder: {tmp_path}/rows}}}}\n"
        f"state: {tmp_path}/state\n"
    )
    done = posealign("--config", str(path), "watch.port=0")
    assert done.returncode == 0, done.stderr
    (rows,) = (tmp_path / "rows").glob("pose-*.jsonl")
    messages = [PoseMessage.model_validate_json(row) for row in rows.read_text().splitlines()]
    assert messages
    assert messages[-1].asked.joints == ("left_hip", "left_knee", "left_ankle")
    log = [json.loads(row) for row in done.stderr.splitlines()]
    assert [row["state"] for row in log if row["event"] == "camera"][-1] == "ended"


def test_errors_and_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        with pytest.raises(InvalidInput, match="--config"):
            camera()
        camera(schema=True)
        assert json.loads(capsys.readouterr().out)["$id"].startswith("https://")
        path = tmp_path / "cameras.yaml"
        path.write_text(
            "cameras: [{name: a, instruction: x, source: {url: 'rtsp://u:hunter22@h/1'}}]"
        )
        with pytest.raises(InvalidConfig, match="credentials") as caught:
            camera(path)
        assert "hunter22" not in str(caught.value) + capsys.readouterr().err
        path.write_text("cameras: [{name: a, instruction: x, source: {url: 'v4l2:/dev/video97'}}]")
        with pytest.raises(NotFound, match=r"camera 'a': there is no /dev/video97"):
            camera(path, check=True)
    finally:
        structlog.reset_defaults()


def test_the_page_wants_its_token_and_writes_every_access(
    station: Callable[..., Station], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGE", "page-token-1")
    source = MjpegCamera()
    beds = [
        {"name": "one", "subject": "Patient/1", "zone": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]},
        {"name": "two", "subject": "Patient/2", "zone": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]},
    ]
    row = {"name": "a", "source": {"url": f"http://127.0.0.1:{source.port}/"}, "beds": beds,
           "instruction": "all"}  # fmt: skip
    made = station({"cameras": [row]}, StubPredictor([Body(box=(0.0, 0.1, 0.4, 0.8))]), Secrets())
    server = WatchServer(made, Watch(port=0, token=Secret(env="PAGE")))
    base = f"http://127.0.0.1:{server.start()}"
    try:
        until(lambda: made.posts["a"].shown, 10)
        for wrong in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic %%"}):
            for path in ("/", "/cameras", "/cameras/a/picture.jpg", "/metrics"):
                assert httpx.get(base + path, headers=wrong).status_code == 401
        assert httpx.get(base + "/health/live").status_code == 200
        log = tmp_path / "state" / "audit.jsonl"
        assert not log.exists()  # nobody saw anything yet
        picture = httpx.get(base + "/cameras/a/picture.jpg", auth=("", "page-token-1"))
        assert picture.headers["content-type"] == "image/jpeg"
        assert verify(log) == 2  # one for each patient in view
        seen = [e["what"]["reference"] for event in events(log) for e in event["entity"]
                if e.get("role", {}).get("code") == "1"]  # fmt: skip
        assert sorted(seen) == ["Patient/1", "Patient/2"]
        headers = {"Authorization": "Bearer page-token-1"}
        answer = httpx.get(base + "/cameras", headers=headers)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        log.write_bytes(b"broken")  # an access that cannot be written does not happen
        assert httpx.get(base + "/cameras/a/picture.jpg", headers=headers).status_code == 500
    finally:
        server.stop()
        source.stop()


def test_observations_into_a_folder(station: Callable[..., Station], tmp_path: Path) -> None:
    source = MjpegCamera()
    row: dict[str, Any] = {
        "name": "a", "source": {"url": f"http://127.0.0.1:{source.port}/"}, "instruction": "all",
        "beds": [{"name": "one", "subject": "Patient/1"}],
    }  # fmt: skip
    sinks = {"fhir": {"folder": tmp_path / "fhir", "version": "R5", "every": 1}}
    station({"cameras": [row], "sinks": sinks})
    try:
        found = until(lambda: list((tmp_path / "fhir").glob("*.json")), 10)
        resource = json.loads(found[0].read_bytes())
        Observation.model_validate(resource)
        assert resource["valueCodeableConcept"]["coding"][0]["code"] == "40199007"
        assert len(pose_of(resource).joints) == 17
        assert oct(found[0].stat().st_mode & 0o777) == "0o600"
    finally:
        source.stop()


def test_http_passwords_reach_the_camera_only(
    station: Callable[..., Station], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("U", "viewer")
    monkeypatch.setenv("P", "pa:ss@w#rd")
    source = MjpegCamera(authorization="Basic dmlld2VyOnBhOnNzQHcjcmQ=")
    login = {"username": {"env": "U"}, "password": {"env": "P"}}
    url = f"http://127.0.0.1:{source.port}/v"
    row = {"name": "a", "instruction": "head", "source": {"url": url, "credentials": login}}
    bad = {"name": "b", "instruction": "head", "source": {"url": url}}
    made = station({"cameras": [row, bad]})
    try:
        until(lambda: made.posts["a"].capture.health() == "live", 10)
        until(lambda: made.posts["b"].capture.trouble == "unauthorized", 10)
    finally:
        source.stop()
