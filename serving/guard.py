"""The outermost layer: request ids, Host and Origin, headers, the access log, the last catch.

A plain ASGI middleware: it never touches a body, so streams stay streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import secrets
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posealign import __version__
from posealign.interop.audit import Access
from serving.logs import log, stack_of
from serving.oip import oip_error
from serving.problems import HostRefused, problem_response
from serving.service import Service

API_VERSION = "1"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DISCARD = 2.0  # seconds in which an unread body may still arrive before a connection closes
_PROBES = ("/v2/health/live", "/v2/health/ready", "/metrics")
_PATIENT = re.compile(r"Patient/[A-Za-z0-9.-]{1,64}")
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "PoseAlign-Api-Version": API_VERSION,
    "PoseAlign-Version": __version__,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": CONTENT_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Guard:
    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        settings = service.settings
        names = {"localhost", socket.gethostname().lower(), settings.host.lower()}
        self._hosts = names | {host.lower() for host in settings.allowed_hosts}
        self._origins = set(settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(12)
        scope.setdefault("state", {})["request_id"] = request_id
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, headers)
            return
        asked = _Asked(receive)
        answer = _Answer(scope, send, request_id, self._service, asked)
        start = time.perf_counter()
        try:
            self._check(scope, headers)
            with self._service.traces.span(f"{scope['method']} {scope['path']}", headers) as span:
                await self._app(scope, asked, answer)
                if span is not None:
                    span.set_attribute("http.response.status_code", answer.status)
        except Exception as error:
            await self._failed(error, scope, asked, answer, request_id)
        finally:
            self._record(scope, answer, request_id, time.perf_counter() - start)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Closed lists; an address cannot be rebound to another site, a name can."""
        if scope["path"] in _PROBES:
            return
        host = _name(headers.get("host", ""))
        if host not in self._hosts and not _is_address(host):
            raise HostRefused(
                f"the Host {host[:100]!r} is not served here; allowed: "
                f"{', '.join(sorted(self._hosts))} and IP addresses"
            )
        origin = headers.get("origin")
        if origin is None or origin in self._origins:
            return
        if urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            raise HostRefused(
                f"a page of {origin[:100]!r} may not call this server; "
                "add it to cors_origins if it should"
            )

    async def _socket(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        try:
            self._check(scope, headers)
        except HostRefused:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "host refused"})
            return
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            log().error(
                "socket_failed", request_id=scope["state"]["request_id"],
                error=type(error).__name__, stack=stack_of(error),
            )  # fmt: skip

    async def _failed(
        self, error: Exception, scope: Scope, receive: Receive, answer: _Answer, request_id: str
    ) -> None:
        if not isinstance(error, HostRefused):
            log().error(
                "failed", request_id=request_id, error=type(error).__name__, stack=stack_of(error)
            )
        if not answer.started:
            respond = oip_error if scope["path"].startswith("/v2") else problem_response
            await respond(error, request_id)(scope, receive, answer)

    def _record(self, scope: Scope, answer: _Answer, request_id: str, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        state: dict[str, Any] = scope["state"]
        metrics, method = self._service.metrics, scope["method"]
        metrics.requests.labels(route, method if route != "unmatched" else "-", answer.status).inc()
        metrics.seconds.labels(route).observe(seconds)
        if answer.status == 429:
            metrics.shed.inc()
        principal = state.get("principal", "-")
        log().info(
            "request", request_id=request_id, method=method, route=route, status=answer.status,
            ms=round(seconds * 1e3, 2), principal=principal, **state.get("facts", {}),
        )  # fmt: skip


class _Asked:
    """The request's body, which can be thrown away when nobody is going to read it."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._whole = receive, False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._whole = self._whole or not message.get("more_body", False)
        return message

    async def discard(self, seconds: float) -> None:
        """A connection closed on bytes nobody read is reset, and the answer lost with it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._whole:
                    await self()


class _Answer:
    """Adds the headers that every answer has, and remembers its status."""

    def __init__(
        self, scope: Scope, send: Send, request_id: str, service: Service, asked: _Asked
    ) -> None:
        self._scope, self._send, self._id, self._service = scope, send, request_id, service
        self._asked = asked
        self.status, self.started = 499, False  # 499 until something is sent

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers["X-Request-Id"] = self._id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if "cache-control" not in headers:
                headers["Cache-Control"] = "no-store"
            if self._service.draining:
                headers["Connection"] = "close"
                await self._asked.discard(_DISCARD)
            await self._audit()
        await self._send(message)

    async def _audit(self) -> None:
        """Written before the answer leaves: no access is answered that is not on record."""
        state = self._scope["state"]
        if self._service.audit is None or not state.get("audited"):
            return
        patient = Headers(scope=self._scope).get("posealign-patient", "")
        route = getattr(self._scope.get("route"), "path", "unmatched")
        data = f"{self._scope['method']} {route} {state.get('digest', '')[:12]}"
        access = Access(
            action="create", data=data.strip(), client=state.get("principal", "unknown"),
            client_address=(self._scope.get("client") or ("unknown",))[0],
            server="posealign", server_address=self._service.settings.host,
            patient=patient if _PATIENT.fullmatch(patient) else None,
            request_id=self._id, success=self.status < 400,
        )  # fmt: skip
        await asyncio.to_thread(self._service.audit.record, access)


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    if host.startswith("["):
        return host.partition("]")[0].strip("[").lower()
    return host.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
