"""Cameras, brokers and receivers that the tests start and stop themselves."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.camera.config import Cameras
from serving.camera.secret import Secrets
from serving.camera.station import Station
from tests.camera.servers import SYSTEM_PYTHON, Broker, Line, Receiver, RtspCamera
from tests.camera.stub import StubPredictor

ROOT = Path(__file__).parents[2]
_GST = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
    "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
    "assert all(Gst.ElementFactory.find(n) for n in ('x264enc', 'rtph264pay', 'videotestsrc'))"
)


@pytest.fixture(scope="session")
def gstreamer() -> None:
    """Skips where Debian's RTSP server could not be installed."""
    try:
        done = subprocess.run([SYSTEM_PYTHON, "-c", _GST], check=False, capture_output=True)
        good = done.returncode == 0
    except OSError:
        good = False
    if good:
        return
    note = ROOT / ".venv" / ".debian-missing"
    known = note.read_text() if note.is_file() else ""
    missing = any(name in known for name in ("gir1.2-gst-rtsp", "python3-gi", "gstreamer1.0"))
    if missing or not shutil.which("apt-get"):
        pytest.skip("no Debian package gir1.2-gst-rtsp-server-1.0, and it could not be installed")
    pytest.fail("no RTSP server: run `.ci/debian test` (package gir1.2-gst-rtsp-server-1.0)")


@pytest.fixture
def rtsp(gstreamer: None) -> Iterator[Callable[..., RtspCamera]]:
    made: list[RtspCamera] = []

    def start(*arguments: Any, **named: Any) -> RtspCamera:
        made.append(RtspCamera(*arguments, **named))
        return made[-1]

    yield start
    for camera in made:
        camera.stop()


@pytest.fixture
def line() -> Iterator[Callable[[int], Line]]:
    made: list[Line] = []

    def start(port: int) -> Line:
        made.append(Line(port))
        return made[-1]

    yield start
    for each in made:
        each.stop()


@pytest.fixture
def broker(debian: Callable[[str, str], str], tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    made = Broker(debian("mosquitto", "mosquitto"), folder)
    yield made
    made.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Callable[..., Station]]:
    """station({...}) → started, on a stub unless a predictor is given; stopped at the end."""
    made: list[Station] = []

    def start(
        config: dict[str, Any], predictor: Any = None, secrets: Secrets | None = None, **more: Any
    ) -> Station:
        values = {"state": tmp_path / "state", "watch": None, **config}
        made.append(
            Station(
                Cameras.model_validate(values), predictor or StubPredictor(), secrets or Secrets(),
                **more,
            )
        )  # fmt: skip
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()
