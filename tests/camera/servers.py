"""What stands around the station: a camera, a line that misbehaves, a broker, receivers."""

from __future__ import annotations

import json
import random
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from posealign.data.image import encode_image
from tests import machine

HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float, what: str = "") -> Any:
    """The condition's value once it is true; fails after `seconds`, later where others worked."""
    start = time.monotonic()
    while True:
        if value := condition():
            return value
        if time.monotonic() > start + seconds * machine.patience():
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.02)


class RtspCamera:
    """gst-rtsp-server in a process that can be killed and started again on the same port."""

    def __init__(
        self, mounts: int = 1, fps: int = 10, login: tuple[str, str] | None = None
    ) -> None:
        self._more = [str(mounts), str(fps), *(login or ())]
        self.port = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(HERE / "rtsp_server.py"), str(self.port), *self._more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline().split()
        assert line[:1] == ["ready"], "the RTSP server did not start"
        self.port = int(line[1])

    def url(self, number: int = 0, port: int | None = None) -> str:
        return f"rtsp://127.0.0.1:{port or self.port}/cam{number}"

    def order(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class Line:
    """A TCP line to a server. `mode`: pass, silent (half-open), garbage, slow, closed."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.mode = "pass"
        self._stopping = False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def set(self, mode: str) -> None:
        self.mode = mode
        if mode == "closed":
            self._cut()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "closed":
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target), 1)
            except OSError:
                near.close()
                continue
            self._pairs.append((near, far))
            thread = threading.Thread(target=self._carry, args=(near, far), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        noise = random.Random(3)
        try:
            while not self._stopping:
                ready, _, _ = select.select([near, far], [], [], 0.1)
                for one in ready:
                    data = one.recv(65536 if self.mode != "slow" else 32)
                    if not data:
                        return
                    if self.mode == "silent":
                        continue
                    if self.mode == "slow":
                        time.sleep(0.1)
                    if self.mode == "garbage" and one is far:
                        data = noise.randbytes(len(data))
                    (far if one is near else near).sendall(data)
        except OSError:
            return
        finally:
            near.close()
            far.close()

    def _cut(self) -> None:
        for pair in self._pairs:
            for end in pair:
                end.close()
        self._pairs.clear()

    def stop(self) -> None:
        self._stopping = True
        self._listener.close()
        self._cut()
        for thread in self._threads:
            thread.join(1.0)


class MjpegCamera:
    """HTTP multipart pictures, and Basic or Digest-free passwords; sizes can change any time."""

    def __init__(self, fps: float = 10, authorization: str | None = None) -> None:
        self.size = (160, 120)
        self.still = False
        self._count = 0
        camera = self

        class Handler(_Quiet):
            def do_GET(self) -> None:
                if authorization and self.headers.get("Authorization") != authorization:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    while not camera.stopped:
                        jpeg = camera.picture()
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                        self.wfile.write(head.encode() + b"\r\n\r\n" + jpeg + b"\r\n")
                        time.sleep(1 / fps)
                except OSError:
                    return

        self.stopped = False
        self._server = _serve(Handler)
        self.port = self._server.server_address[1]

    def picture(self) -> bytes:
        self._count += 0 if self.still else 1
        width, height = self.size
        image = np.full((height, width, 3), 90, np.uint8)
        image[:, : (self._count * 4) % width] = (200, 150, 120)
        return encode_image(image, ".jpg")

    def stop(self) -> None:
        self.stopped = True
        self._server.shutdown()
        self._server.server_close()


class Receiver:
    """A webhook or FHIR server: keeps what it got; `fail` makes it answer so many times wrongly."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.created: dict[str, dict[str, Any]] = {}  # FHIR, by identifier
        self.fail: list[int] = []
        receiver = self

        class Handler(_Quiet):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.fail.pop(0) if receiver.fail else 201
                if status < 300:
                    receiver.got.append((self.path, dict(self.headers.items()), body))
                    if self.headers.get("If-None-Exist"):
                        key = self.headers["If-None-Exist"]
                        status = 200 if key in receiver.created else 201
                        receiver.created.setdefault(key, json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = _serve(Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


def _serve(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


class Broker:
    """mosquitto with its own configuration; it can be restarted on the same port."""

    def __init__(self, program: str, folder: Path, more: str = "allow_anonymous true\n") -> None:
        self._program, self.port = program, free_port()
        self._config = folder / "mosquitto.conf"
        text = f"listener {self.port} 127.0.0.1\n{more}persistence true\n"
        self._config.write_text(text + f"persistence_location {folder}/\nuser root\n")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self._open, 5, "mosquitto listens")

    def _open(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.5).close()
        except OSError:
            return False
        return True

    def stop(self, kill: bool = False) -> None:
        self._process.kill() if kill else self._process.terminate()
        self._process.wait()


class Listener:
    """A subscriber that keeps every message; its session survives the broker's restarts."""

    def __init__(
        self, port: int, name: str = "listener", setup: Callable[[Any], None] | None = None
    ):
        import paho.mqtt.client as mqtt

        self.messages: list[tuple[str, bytes, bool]] = []
        self.ready = threading.Event()
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, name, clean_session=False, protocol=mqtt.MQTTv311
        )
        if setup is not None:
            setup(self._client)
        self._client.on_connect = lambda c, *_: c.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: self.ready.set()
        self._client.on_message = self._keep
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port, 15)
        self._client.loop_start()
        assert self.ready.wait(5)

    def _keep(self, _client: Any, _data: Any, message: Any) -> None:
        """A broker that went down before our acknowledgement repeats the message and says so: that
        is between it and us, and says nothing of who sent it.
        """
        row = (message.topic, message.payload, message.retain)
        if not (message.dup and row in self.messages):
            self.messages.append(row)

    def say(self, topic: str, text: str | bytes, retain: bool = False) -> None:
        self._client.publish(topic, text, qos=1, retain=retain).wait_for_publish(5)

    def of(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for name, payload, _ in self.messages if name == topic]

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
