"""RTSP with a password in, the embedded bundle between, MQTT over TLS, FHIR, webhook, page out."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from posealign.data.image import decode_image
from posealign.interop.audit import events, verify
from posealign.interop.fhir import checked, pose_of
from posealign.predictor import Predictor
from serving.camera.config import Watch
from serving.camera.messages import PoseMessage
from serving.camera.secret import Secrets
from serving.camera.sinks.webhook import sign
from serving.camera.station import Station
from serving.camera.watch import WatchServer
from tests.camera.servers import Broker, Listener, Receiver, RtspCamera, until

PASSWORD = "p@ss:w/örd %41?#&"
BROKER_PASSWORD = "br0ker secret"
HOOK_SECRET = "hook-secret-123"
TOKEN = "fhir-token-456"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The embedded bundle, told to see somebody in any picture: the picture here is a ball."""
    made = Predictor("default", "cpu", 1)
    made.settings = replace(made.settings, finder_threshold=1e-6, max_people=1, passes=1)
    return made


@pytest.fixture
def certificates(debian: Callable[[str, str], str], tmp_path: Path) -> Path:
    openssl = debian("openssl", "openssl")
    folder = tmp_path / "tls"
    folder.mkdir()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def secure(debian: Callable[[str, str], str], certificates: Path, tmp_path: Path) -> Any:
    folder = tmp_path / "secure"
    folder.mkdir()
    passwords = folder / "passwords"
    program = debian("mosquitto_passwd", "mosquitto")
    subprocess.run([program, "-b", "-c", str(passwords), "ward", BROKER_PASSWORD], check=True)
    more = (
        f"allow_anonymous false\npassword_file {passwords}\n"
        f"certfile {certificates}/cert.pem\nkeyfile {certificates}/key.pem\n"
    )
    made = Broker(debian("mosquitto", "mosquitto"), folder, more)
    yield made
    made.stop()


def test_end_to_end(
    rtsp: Callable[..., RtspCamera], secure: Broker, receiver: Receiver, certificates: Path,
    station: Callable[..., Station], predictor: Predictor, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in {
        "CAM_USER": "viewer", "CAM_PASSWORD": PASSWORD, "BROKER_USER": "ward",
        "BROKER_PASSWORD": BROKER_PASSWORD, "HOOK": HOOK_SECRET, "TOKEN": TOKEN,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    camera = rtsp(login=("viewer", PASSWORD))
    config = {
        "cameras": [{
            "name": "cot", "rate": 5, "instruction": "only the left leg", "device": "Device/cam-9",
            "source": {"url": camera.url(), "credentials": {
                "username": {"env": "CAM_USER"}, "password": {"env": "CAM_PASSWORD"}}},
            "beds": [{"name": "bed-2", "subject": "Patient/p-17", "encounter": "Encounter/e-4",
                      "location": "Location/l-2"}],
            "rules": [
                {"name": "someone", "kind": "inside", "zone": "all", "instruction": "both hands",
                 "outside": False, "after": 0},
                {"name": "nobody", "kind": "empty", "after": 0},
                {"name": "away", "kind": "inside", "zone": "all", "instruction": "both hands",
                 "outside": True, "after": 0},
                {"name": "hands-hidden", "kind": "hidden", "instruction": "both hands", "after": 0},
            ],
            "zones": [{"name": "all", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
        }],
        "sinks": {
            "mqtt": {"host": "localhost", "port": secure.port, "prefix": "ward/pose",
                     "credentials": {"username": {"env": "BROKER_USER"},
                                     "password": {"env": "BROKER_PASSWORD"}},
                     "tls": {"ca": certificates / "cert.pem"}, "discovery": "homeassistant"},
            "webhook": {"url": receiver.url + "/hook", "secret": {"env": "HOOK"}},
            "fhir": {"url": receiver.url + "/fhir", "token": {"env": "TOKEN"}, "every": 1},
            "snapshots": {"folder": tmp_path / "snapshots"},
            "files": {"folder": tmp_path / "rows", "kinds": ["pose", "event"]},
        },
        "stats_every": 1,
    }  # fmt: skip

    def setup(client: Any) -> None:
        client.username_pw_set("ward", BROKER_PASSWORD)
        client.tls_set(str(certificates / "cert.pem"), cert_reqs=ssl.CERT_REQUIRED)
        client.tls_insecure_set(True)

    listener = Listener(secure.port, setup=setup)
    made = station(config, predictor, Secrets())
    server = WatchServer(made, Watch(port=0))
    port = server.start()
    try:
        poses = until(lambda: listener.of("ward/pose/cot/pose")[2:], 30, "poses over MQTT")
        first = PoseMessage.model_validate(poses[0])
        assert first.asked.joints == ("left_hip", "left_knee", "left_ankle")
        assert first.people[0].bed == "bed-2"
        assert first.model.digest == predictor.bundle.digest
        _check_preview(port, made)
        _check_instruction(listener, made)
        _check_webhook(receiver)
        _check_fhir(receiver)
        _check_page(port)
        until(lambda: listener.of("ward/pose/cot/stats"), 5, "stats")
        assert ("ward/pose/available", b"online") in [m[:2] for m in listener.messages]
        assert any(topic.startswith("homeassistant/") for topic, _, _ in listener.messages)
        listener.say("ward/pose/cot/enabled/set", "off")
        until(lambda: made.posts["cot"].capture.health() == "off", 5, "switched off")
    finally:
        server.stop()
        made.stop()
        until(lambda: ("ward/pose/available", b"offline") in [m[:2] for m in listener.messages], 3)
        listener.stop()
    told = json.dumps([[t, p.decode("utf-8", "replace")] for t, p, _ in listener.messages])
    for private in (PASSWORD, "p-17", "e-4", BROKER_PASSWORD, HOOK_SECRET, TOKEN):
        assert private not in told
    _check_events(listener, receiver, tmp_path)
    _check_audit(tmp_path / "state" / "audit.jsonl", receiver)


def _check_instruction(listener: Listener, made: Station) -> None:
    """The frame that starts after the order is answered by it; nonsense changes nothing."""
    topic = "ward/pose/cot/pose"
    at: list[int] = []
    scene = made.posts["cot"].scene
    plain = scene.ask

    def noted(text: str) -> None:
        plain(text)
        at.append(made.posts["cot"].answers.total)

    scene.ask = noted  # type: ignore[method-assign]
    listener.say("ward/pose/cot/instruction/set", "both hands")
    until(lambda: at and len(listener.of(topic)) > at[0] + 3, 10, "answers go on")
    texts = {row["sequence"]: row["asked"]["text"] for row in listener.of(topic)}
    # One frame may have been under way when the order came.
    assert all(texts[n] == "both hands" for n in texts if n > at[0] + 1)
    listener.say("ward/pose/cot/instruction/set", "what is the weather in Paris tomorrow?")
    status = until(
        lambda: [s for s in listener.of("ward/pose/cot/status") if s["refused"]], 5, "refused"
    )
    assert status[-1]["instruction"] == "both hands"


def _check_webhook(receiver: Receiver) -> None:
    path, headers, body = until(
        lambda: [row for row in receiver.got if row[0] == "/hook"], 5, "an event by webhook"
    )[0]
    event = json.loads(body)
    assert headers["X-PoseAlign-Id"] == event["id"]
    stamp = headers["X-PoseAlign-Timestamp"]
    assert headers["X-PoseAlign-Signature"] == sign(HOOK_SECRET.encode(), stamp, body)
    assert event["note"].endswith("not an alarm")
    assert "p-17" not in body.decode()
    assert path == "/hook"


def _check_fhir(receiver: Receiver) -> None:
    until(lambda: len(receiver.created) >= 2, 8, "Observations")
    rows = [row for row in receiver.got if row[0] == "/fhir/Observation"]
    assert rows[0][1]["Authorization"] == f"Bearer {TOKEN}"
    for resource in list(receiver.created.values()):
        checked(resource, "R4B")
        assert resource["subject"] == {"reference": "Patient/p-17"}
        assert resource["encounter"] == {"reference": "Encounter/e-4"}
        assert resource["status"] == "preliminary"
        assert pose_of(resource).joints


def _check_preview(port: int, made: Station) -> None:
    with httpx.stream("GET", f"http://127.0.0.1:{port}/cameras/cot/preview.mjpg") as answer:
        data = b""
        for chunk in answer.iter_bytes():
            data += chunk
            if data.count(b"--frame") >= 2:
                break
    start = data.index(b"\r\n\r\n") + 4
    image = decode_image(data[start : data.index(b"\r\n--frame", start)])
    assert image.shape[2] == 3
    shown = made.posts["cot"].shown
    assert shown is not None
    clean = shown.picture("face").astype(int)
    assert np.abs(clean - shown.image_HW3).max() > 10  # faces (here: the whole) are coarse


def _check_page(port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    row = httpx.get(f"{base}/cameras").json()["cameras"][0]
    assert (row["name"], row["state"]) == ("cot", "live")
    assert row["fps"] > 5
    assert row["age_s"] < 2
    page = httpx.get(base + "/")
    assert "watch.js" in page.text
    assert httpx.get(f"{base}/watch.js").status_code == 200
    metrics = httpx.get(f"{base}/metrics").text
    assert 'posealign_camera_fps{camera="cot"}' in metrics
    for private in (PASSWORD, "p-17", "rtsp://"):
        assert private not in metrics + page.text + json.dumps(row)
    assert httpx.get(f"{base}/cameras/none/picture.jpg").status_code == 404
    assert httpx.get(base, headers={"Host": "evil.example"}).status_code == 400


def _check_events(listener: Listener, receiver: Receiver, tmp_path: Path) -> None:
    told = listener.of("ward/pose/cot/events")
    hooked = [json.loads(body) for path, _, body in receiver.got if path == "/hook"]
    assert told
    assert {e["id"] for e in told} == {e["id"] for e in hooked}
    lines = [json.loads(r) for p in (tmp_path / "rows").glob("event-*.jsonl")
             for r in p.read_text().splitlines()]  # fmt: skip
    assert {e["id"] for e in lines} == {e["id"] for e in told}
    pictures = [tmp_path / "snapshots" / e["snapshot"] for e in told if e["phase"] != "lost"]
    assert pictures
    assert all(decode_image(p.read_bytes()).shape[2] == 3 for p in pictures)


def _check_audit(path: Path, receiver: Receiver) -> None:
    count = verify(path)
    kinds = [event["subtype"][0]["code"] for event in events(path)]
    assert kinds.count("read") == 1  # one preview was opened
    assert kinds.count("create") == len(receiver.created)
    assert count == len(kinds)
