"""The watch page: cameras with their rates, ages, drops and the last picture, without faces.

Opening a picture is an access to the patients in it: one audit event each, written first.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import threading
from collections.abc import AsyncIterator
from functools import cache
from importlib.resources import files
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from posealign.data.image import encode_image
from posealign.draw import draw
from posealign.errors import (
    Forbidden,
    InvalidConfig,
    NotFound,
    PoseAlignError,
    Unauthorized,
    nearest,
)
from serving.camera.config import Watch
from serving.camera.log import log
from serving.camera.scene import Shown
from serving.camera.station import Post, Station
from serving.settings import is_loopback

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = {"watch.html": "text/html", "watch.css": "text/css", "watch.js": "text/javascript"}


@cache
def _file(name: str) -> bytes:
    return files("serving.camera").joinpath("web", name).read_bytes()


def create_app(station: Station, settings: Watch) -> FastAPI:
    token = station.secrets.read(settings.token) if settings.token is not None else None
    if token is None and not is_loopback(settings.host):
        raise InvalidConfig(
            f"watch.host is {settings.host!r}, which others can reach: it needs watch.token, "
            "or 127.0.0.1 as host"
        )
    app = FastAPI(title="PoseAlign cameras", openapi_url=None, docs_url=None, redoc_url=None)
    hosts = [*settings.allowed_hosts, "localhost", "127.0.0.1", "[::1]", settings.host]
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)

    @app.middleware("http")
    async def guarded(request: Request, go: Any) -> Response:
        open_path = request.url.path.startswith("/health/")
        if token is not None and not open_path and not _knows(request, token):
            problem = _problem(Unauthorized("the token is asked for, as password or as bearer"))
            problem.headers["WWW-Authenticate"] = 'Basic realm="posealign", charset="UTF-8"'
            return problem
        answer: Response = await go(request)
        answer.headers.update(_HEADERS)
        return answer

    @app.exception_handler(PoseAlignError)
    async def named(_: Request, error: PoseAlignError) -> Response:
        return _problem(error)

    _routes(app, station, settings)
    return app


def _routes(app: FastAPI, station: Station, settings: Watch) -> None:
    @app.get("/")
    def page() -> Response:
        return Response(_file("watch.html"), media_type="text/html")

    @app.get("/watch.{suffix}")
    def part(suffix: str) -> Response:
        name = f"watch.{suffix}"
        if name not in _PAGE:
            raise NotFound("no such page")
        return Response(_file(name), media_type=_PAGE[name])

    @app.get("/cameras")
    def cameras() -> dict[str, Any]:
        return {"cameras": [_row(station, post) for post in station.posts.values()]}

    @app.get("/cameras/{name}/picture.jpg")
    def picture(name: str, request: Request) -> Response:
        post = _post(station, settings, name)
        shown = _shown(post)
        _accessed(station, post, "picture", request)
        return Response(_jpeg(station, shown), media_type="image/jpeg")

    @app.get("/cameras/{name}/preview.mjpg")
    async def preview(name: str, request: Request) -> Response:
        post = _post(station, settings, name)
        await asyncio.to_thread(_accessed, station, post, "preview", request)
        return StreamingResponse(
            _mjpeg(station, post, settings.preview_rate, request),
            media_type="multipart/x-mixed-replace; boundary=frame",
        )

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(_metrics(station), media_type=CONTENT_TYPE_LATEST)

    @app.get("/health/live")
    def live() -> Response:
        return PlainTextResponse("ok")

    @app.get("/health/ready")
    def ready() -> Response:
        live = [post.capture.health() == "live" for post in station.posts.values()]
        return JSONResponse({"live": sum(live), "cameras": len(live)}, 200 if any(live) else 503)


def _row(station: Station, post: Post) -> dict[str, Any]:
    status, stats = station.status(post), station.stats(post)
    age = post.capture.age()
    return {
        "name": post.camera.name,
        "age_s": round(age, 2) if age is not None else None,
        **status.model_dump(include={"state", "trouble", "detail", "enabled", "instruction"}),
        **stats.model_dump(exclude={"version", "id", "camera", "time", "sequence", "kind"}),
    }


def _post(station: Station, settings: Watch, name: str) -> Post:
    post = station.posts.get(name)
    if post is None:
        raise NotFound(f"no camera is called {name!r}{nearest(name, station.posts)}")
    if not settings.preview:
        raise Forbidden("pictures are switched off (watch.preview)")
    return post


def _shown(post: Post) -> Shown:
    if post.shown is None:
        raise NotFound(f"camera {post.camera.name!r} has shown nothing yet")
    return post.shown


def _accessed(station: Station, post: Post, what: str, request: Request) -> None:
    """One event a patient in view; where it cannot be written nothing is shown."""
    address = request.client.host if request.client is not None else "unknown"
    for patient in {bed.subject for bed in post.camera.beds} or {None}:
        known = patient if patient is not None and patient.startswith("Patient/") else None
        data = f"Camera/{post.camera.name}/{what}"
        station.audit("read", data, known, "watch-page", address)


def _jpeg(station: Station, shown: Shown) -> bytes:
    return encode_image(draw(shown.picture(station.config.deidentify), shown.result), ".jpg", 80)


async def _mjpeg(
    station: Station, post: Post, rate: float, request: Request
) -> AsyncIterator[bytes]:
    last: Shown | None = None
    while not await request.is_disconnected():
        shown = post.shown
        if shown is not None and shown is not last:
            last = shown
            jpeg = await asyncio.to_thread(_jpeg, station, shown)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            yield head.encode() + jpeg + b"\r\n"
        await asyncio.sleep(1 / rate)


_GAUGES = {
    "fps": "frames a second from the camera", "answers_per_second": "answered frames a second",
    "frames": "frames since the start", "answered": "answered frames since the start",
    "dropped": "frames replaced by newer ones", "damaged": "frames that could not be decoded",
    "failed": "answers that failed", "connects": "connections opened",
    "age_p99_ms": "age of results, 99th percentile", "clock_offset_s": "computer clock off by",
}  # fmt: skip


def _metrics(station: Station) -> bytes:
    registry = CollectorRegistry()
    gauges = {
        name: Gauge(f"posealign_camera_{name}", text, ("camera",), registry=registry)
        for name, text in _GAUGES.items()
    }
    live = Gauge("posealign_camera_live", "1 while live", ("camera",), registry=registry)
    waiting = Gauge("posealign_sink_waiting", "undelivered", ("sink",), registry=registry)
    for name, post in station.posts.items():
        row = _row(station, post)
        live.labels(name).set(row["state"] == "live")
        for key, gauge in gauges.items():
            if row[key] is not None:
                gauge.labels(name).set(row[key])
    for sink in station.sinks:
        waiting.labels(sink.name).set(sink.waiting())
    return generate_latest(registry)


def _knows(request: Request, token: str) -> bool:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    return hmac.compare_digest(value.encode(), token.encode())


def _problem(error: PoseAlignError) -> JSONResponse:
    row = {"type": f"about:blank#{error.code}", "title": error.code, "status": error.status,
           "detail": str(error)}  # fmt: skip
    return JSONResponse(row, error.status, headers=_HEADERS, media_type="application/problem+json")


class WatchServer:
    """The page in a thread of its own."""

    def __init__(self, station: Station, settings: Watch) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(station, settings), settings.host, settings.port, log_config=None,
                access_log=False, lifespan="off", timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.run, name="watch-page", daemon=True)

    def start(self, patience: float = 10.0) -> int:
        """The port that is listened at."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(patience / 0.05)):
            if self._server.started or not self._thread.is_alive():
                break
            waited.wait(0.05)
        if not self._server.started:
            raise InvalidConfig("the watch page cannot be opened: is its port taken?")
        port = int(self._server.servers[0].sockets[0].getsockname()[1])
        log().info("watch page", port=port)
        return port

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(5.0)
