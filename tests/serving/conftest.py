"""A toy bundle, and real servers on free ports: in this process, or in one of their own."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from serving.app import create_app
from serving.server import config_of
from serving.service import Service
from serving.settings import Settings
from tests.serving.toy import toy_bundle


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small bundle whose words are known."""
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "toy")


def png(width: int = 96, height: int = 120, seed: int = 0) -> bytes:
    """A noisy picture as PNG."""
    rows = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(rows).save(file, "PNG")
    return file.getvalue()


class Running:
    """A server in this process, on a thread, on a port of its own."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self.app = create_app(settings, **options)
        self.server = uvicorn.Server(config_of(settings, self.app, port=0))
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()
        _until(lambda: self.server.started)
        self.port = int(self.server.servers[0].sockets[0].getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        _until(lambda: self.service.ready or self.service.models.problem is not None)

    @property
    def service(self) -> Service:
        service = self.app.state.service
        assert isinstance(service, Service)
        return service

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, verify=False, **options)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        total = 0.0
        for metric in self.service.metrics.registry.collect():
            for sample in metric.samples:
                fits = all(sample.labels.get(key) == value for key, value in labels.items())
                if sample.name == name and fits:
                    total += sample.value
        return total

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(20)


def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the server did not come up")
        time.sleep(0.01)


@contextmanager
def running(settings: Settings, **options: Any) -> Iterator[Running]:
    server = Running(settings, **options)
    try:
        yield server
    finally:
        server.stop()


def toy_settings(toy: Path, **changes: Any) -> Settings:
    return Settings(**{"bundle": str(toy), "threads": 1, "drain_seconds": 0.0, **changes})


@pytest.fixture(scope="session")
def server(toy: Path) -> Iterator[Running]:
    """One server for all tests that leave it as it was."""
    with running(toy_settings(toy)) as found:
        yield found


@pytest.fixture
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*arguments: str, stderr: Any = subprocess.DEVNULL) -> Iterator[tuple[Any, int]]:
    """A server in a process of its own; (process, port)."""
    port = free_port()
    running_process = subprocess.Popen(
        [sys.executable, *arguments, "--port", str(port)], stderr=stderr, stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield running_process, port
    finally:
        running_process.kill()
        running_process.wait()


def until_ready(port: int, seconds: float = 150.0) -> float:
    """Seconds until /v2/health/ready says 200."""
    start = time.monotonic()
    with httpx.Client(timeout=2, verify=False) as client:
        while time.monotonic() - start < seconds:
            try:
                if client.get(f"http://127.0.0.1:{port}/v2/health/ready").status_code == 200:
                    return time.monotonic() - start
            except httpx.HTTPError:
                pass
            time.sleep(0.02)
    raise TimeoutError("not ready")
