"""uvicorn, told to be patient with drains and impatient with slow senders."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import multiprocess

from serving.app import RESOLVED, create_app
from serving.logs import log, stack_of
from serving.service import Service
from serving.settings import Settings

_LAST_WORDS = 0.25  # seconds for requests of connections that are open already


class ImpatientProtocol(HttpToolsProtocol):
    """Closes a connection whose headers do not arrive in time; uvicorn itself waits for ever."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self._timer is None:
            self._arm()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._disarm()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        seconds = float(os.environ.get("POSEALIGN_HEADER_SECONDS", "10"))
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
            self.transport.close()


class DrainingServer(uvicorn.Server):
    """The first signal makes it not ready, and a moment later it stops; the second ends it."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        service = self._service()
        if service is None or service.draining:
            super().handle_exit(sig, frame)
            return
        service.draining = True
        log().info("draining", seconds=service.settings.drain_seconds)
        # A timer thread: a signal handler may not touch the event loop's insides.
        timer = threading.Timer(service.settings.drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door, then let those who are inside already ask and be told 503.

        uvicorn alone would cut a connection whose request is on its way.
        """
        for server in self.servers:
            server.close()
        await asyncio.sleep(_LAST_WORDS)
        await super().shutdown(sockets)

    def _service(self) -> Service | None:
        app: Any = self.config.loaded_app if self.config.loaded else None
        while app is not None and not isinstance(app, FastAPI):
            app = getattr(app, "app", None)
        service = getattr(app.state, "service", None) if app is not None else None
        return service if isinstance(service, Service) else None


class _Worker(multiprocess.Process):
    """A worker process that drains as one process does."""

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


def config_of(settings: Settings, app: Any, **changes: Any) -> uvicorn.Config:
    options: dict[str, Any] = {
        "host": settings.host, "port": settings.port, "http": ImpatientProtocol,
        "ws": "websockets-sansio", "workers": settings.workers, "log_config": None,
        "access_log": False,
        "server_header": False, "timeout_keep_alive": 75, "timeout_graceful_shutdown": 60,
        "ws_max_size": settings.limits.image_bytes, "h11_max_incomplete_event_size": 64 << 10,
        "ssl_certfile": settings.tls_certificate, "ssl_keyfile": settings.tls_key,
        "backlog": 2048, "proxy_headers": False,
    }  # fmt: skip
    return uvicorn.Config(app, **{**options, **changes})


def run(settings: Settings) -> int:
    """Serve until a signal; returns the exit code."""
    os.environ["POSEALIGN_HEADER_SECONDS"] = str(settings.limits.header_seconds)
    # An engine thread may hold the interpreter this long while the event loop waits: 5 ms is much.
    sys.setswitchinterval(0.0005)
    if settings.workers == 1:
        app = create_app(settings)
        server = DrainingServer(config_of(settings, app))
        _reload_on_hangup(app.state.service)
        try:
            server.run()
        except SystemExit:  # how uvicorn ends when it cannot bind
            if server.started:
                raise
        return 0 if server.started else 1
    with tempfile.TemporaryDirectory(prefix="posealign-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        os.environ[RESOLVED] = settings.model_dump_json()
        config = config_of(settings, "serving.app:from_environment", factory=True)
        try:
            bound = config.bind_socket()
        except SystemExit:
            return 1
        # uvicorn's supervisor looks its worker class up in its own module.
        multiprocess.Process = _Worker  # type: ignore[misc]
        multiprocess.Multiprocess(config, sockets=[bound]).run()
        for file in Path(folder).glob("*.db"):
            file.unlink(missing_ok=True)
    return 0


def _reload_on_hangup(service: Service) -> None:
    """SIGHUP loads the primary model anew."""

    def reload() -> None:
        try:
            service.reload(service.models.get().name)
        except Exception as error:
            log().error("reload_failed", error=type(error).__name__, stack=stack_of(error))

    if sys.platform != "win32":
        signal.signal(
            signal.SIGHUP, lambda *_: threading.Thread(target=reload, daemon=True).start()
        )
