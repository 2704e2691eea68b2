"""The application: routes, errors as problems, the guard around everything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from posealign import __version__
from posealign.errors import InvalidInput, NotFound, PoseAlignError, fault_words
from serving import logs
from serving.guard import Guard
from serving.models import Opener, open_predictor
from serving.oip import oip_error
from serving.openapi import document
from serving.problems import BadRequest, MethodNotAllowed, problem_response
from serving.routes import (
    about,
    feedback,
    frames,
    instructions,
    oip,
    page,
    pose,
    stream,
    video,
)
from serving.service import Service, make_service
from serving.settings import Settings

RESOLVED = "POSEALIGN_RESOLVED_SETTINGS"  # how worker processes are told what was decided
ROUTERS = (
    pose.router, frames.router, instructions.router, video.router, stream.router, feedback.router,
    about.router, oip.router, page.router,
)  # fmt: skip


def create_app(
    settings: Settings | None = None, opener: Opener = open_predictor, exporter: Any = None
) -> FastAPI:
    """`opener` makes a Predictor from settings and a name; tests give another one."""
    service = make_service(settings or Settings(), opener, exporter)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start_in_background()
        yield
        service.draining = True
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="PoseAlign", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        middleware=_middleware(service),
    )  # fmt: skip
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    _handle_errors(app)
    return app


def _middleware(service: Service) -> list[Middleware]:
    settings = service.settings
    rows = [Middleware(_guard, service=service)]
    if settings.cors_origins:
        rows.append(
            Middleware(
                CORSMiddleware, allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=[
                    "Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id",
                    "X-Request-Timeout-Ms", "X-Api-Key",
                ],
                expose_headers=["X-Request-Id", "Retry-After", "PoseAlign-Model"],
                max_age=600,
            )
        )  # fmt: skip
    return rows


def _guard(app: ASGIApp, service: Service) -> ASGIApp:
    return Guard(app, service)


def _handle_errors(app: FastAPI) -> None:
    def respond(request: Request, error: Exception) -> Response:
        request_id = getattr(request.state, "request_id", "-")
        if isinstance(error, PoseAlignError):
            request.state.facts = {"code": error.code}
        as_oip = request.url.path == "/v2" or request.url.path.startswith("/v2/")
        return (oip_error if as_oip else problem_response)(error, request_id)

    def from_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = respond(request, _named(error, request))
        response.headers.update(error.headers or {})
        return response

    def from_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"][1:])
        return respond(request, InvalidInput(f"{where}: {fault_words(first)}"))

    app.add_exception_handler(PoseAlignError, respond)
    app.add_exception_handler(HTTPException, from_http)
    app.add_exception_handler(RequestValidationError, from_validation)


def _named(error: HTTPException, request: Request) -> PoseAlignError:
    if error.status_code == 404:
        return NotFound("no such route; /openapi.json lists them")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        return MethodNotAllowed(f"{request.method} is not taken here; expected {allowed}")
    return BadRequest("the request cannot be read")


def from_environment() -> FastAPI:
    """The factory that uvicorn's worker processes call."""
    settings = Settings.model_validate_json(os.environ[RESOLVED])
    logs.configure(settings.log_level)
    return create_app(settings)
