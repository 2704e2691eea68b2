"""Each example runs as its first lines say, against a real server or broker."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from serving import settings
from serving.camera import config as cameras
from serving.camera.messages import EventMessage, Model, StatusMessage, wire
from tests.camera.servers import Broker, Listener
from tests.serving.conftest import Running, png, running, toy_settings
from tests.serving.toy import toy_bundle

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    toy = toy_bundle(tmp_path_factory.mktemp("bundle") / "toy")
    with running(toy_settings(toy)) as found:
        yield found


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "baby.png"
    path.write_bytes(png())
    return str(path)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_curl(server: Running, picture: str) -> None:
    done = run("sh", str(EXAMPLES / "ask.sh"), picture, "only the left leg", server.url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["instruction"]["joints"] == [
        "left_hip", "left_knee", "left_ankle",
    ]  # fmt: skip
    done = run("sh", str(EXAMPLES / "ask.sh"), str(EXAMPLES / "ask.sh"), "the left leg", server.url)
    assert done.returncode != 0
    assert json.loads(done.stdout)["code"] == "unsupported-image"


def test_python(server: Running, picture: str) -> None:
    command = (sys.executable, str(EXAMPLES / "ask.py"))
    done = run(*command, picture, "only the left leg", "右手", "--server", server.url)
    assert done.returncode == 0, done.stderr
    assert "left_knee" in done.stdout
    assert "right_wrist" in done.stdout
    done = run(*command, "nowhere.png", "the left leg", "--server", server.url)
    assert done.returncode == 1
    assert done.stderr.startswith("not-found: no such file")


def test_javascript(server: Running, picture: str, debian: Callable[[str, str], str]) -> None:
    node = debian("node", "nodejs")
    script = str(EXAMPLES / "ask.mjs")
    done = run(node, script, picture, "only the left leg", server.url)
    assert done.returncode == 0, done.stderr
    assert "left_knee" in done.stdout
    done = run(node, script, str(EXAMPLES / "ask.sh"), "the left leg", server.url)
    assert done.returncode == 1
    assert done.stderr.startswith("unsupported-image:")


def test_mqtt(debian: Callable[[str, str], str], tmp_path: Path) -> None:
    broker = Broker(debian("mosquitto", "mosquitto"), tmp_path)
    listener = Listener(broker.port, "t")
    command = [sys.executable, str(EXAMPLES / "listen.py"), "--port", str(broker.port),
               "--prefix", "ward", "--count", "2"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        try:
            assert it.stderr is not None
            assert it.stderr.readline() == "listening\n"
            for topic, message in events():
                listener.say(f"ward/cot/{topic}", message)
            out, _ = it.communicate(timeout=20)
        finally:
            it.kill()
            listener.stop()
            broker.stop()
    assert [line.split(" ", 1)[1] for line in out.splitlines()] == [
        "cot/bed-2: on-belly begin prone", "cot: live",
    ]  # fmt: skip


def events() -> list[tuple[str, bytes]]:
    """An event twice, as a lost acknowledgement would bring it, then a state."""
    now = datetime.now(UTC).isoformat()
    head: dict[str, Any] = {"id": "1", "camera": "cot", "time": now, "sequence": 1}
    event = EventMessage(
        **head, bed="bed-2", rule="on-belly", rule_kind="posture", phase="begin", value="prone",
        previous="supine", since=now, model=Model(name="toy", digest="0"),
    )  # fmt: skip
    status = StatusMessage(
        **head, state="live", trouble=None, detail=None, enabled=True, instruction="both arms"
    )
    return [("events", wire(event)), ("events", wire(event)), ("status", wire(status))]


def test_the_camera_examples_are_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CAMERA_USER", "MQTT_USER", "MQTT_PASSWORD", "WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "x")
    for name in ("cameras.yaml", "tour.yaml"):
        assert cameras.load(EXAMPLES / name).cameras


def test_the_unit_starts_what_is_there(debian: Callable[[str, str], str], tmp_path: Path) -> None:
    """Its configuration has known keys alone, and systemd finds nothing wrong where it is here."""
    written = (EXAMPLES / "serve.yaml").read_text("utf-8")
    here = tmp_path / "serve.yaml"
    (tmp_path / "keys.jsonl").touch()
    made = run(
        debian("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
        "-keyout", str(tmp_path / "tls.key"), "-out", str(tmp_path / "tls.crt"),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    here.write_text(written.replace("/etc/posealign", str(tmp_path)), "utf-8")
    found = settings.load(here)
    assert not found.on_loopback
    assert found.with_auth
    unit = (EXAMPLES / "posealign.service").read_text("utf-8")
    assert "serve --config /etc/posealign/serve.yaml" in unit
    stop = int(re.findall(r"TimeoutStopSec=(\d+)", unit)[0])
    assert stop > found.drain_seconds + 60  # uvicorn's own patience with what was admitted
    if checker := shutil.which("systemd-analyze"):
        local = tmp_path / "posealign.service"
        local.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit), "utf-8")
        done = run(checker, "verify", str(local))
        assert "Unknown" not in done.stderr
