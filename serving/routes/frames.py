"""POST /v1/frames: look once; POST /v1/frames/{id}/pose: ask many times."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from posealign.data.pose import PoseResult
from posealign.errors import NotFound
from posealign.predictor import Look
from serving.asking import (
    admitted,
    answered,
    checked,
    fields_of,
    idempotent,
    instruction_of,
    json_response,
    picture_of,
    pictures_in,
    pose_response,
    received,
    service_of,
    ticket_for,
)
from serving.auth import Principal
from serving.openapi import body_of, parameters, problems
from serving.schemas import FrameAnswer, LookId, LookJson, PoseAnswer, Question
from serving.service import KeptLook, Service

router = APIRouter(tags=["frames"])
FrameId = Annotated[LookId, Path(description="from POST /v1/frames")]


@router.post(
    "/v1/frames",
    status_code=201,
    response_model=FrameAnswer,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503, 504),
    openapi_extra=body_of(LookJson, form=True) | parameters("timeout", "idempotency"),
)
async def look(request: Request) -> Response:
    """Look at a picture and keep what was seen (not the picture) for later questions."""
    principal = await admitted(request)
    service = service_of(request)
    ticket = ticket_for(request)
    async with received(request) as raw:
        fields = pictures_in(await fields_of(request, raw))
        body = checked(LookJson, fields)
        model = service.models.get(body.options.model)
        picture = picture_of(fields, body)

        def work() -> Look:
            return picture.look(service, model)

        async def answer() -> Response:
            seen = await answered(request, work, ticket)
            identity = secrets.token_urlsafe(16)
            service.frames.put(identity, KeptLook(seen, model, principal.name))
            request.state.digest = model.digest
            width, height = seen.size
            return json_response(
                {
                    "id": identity, "width": width, "height": height,
                    "people": [list(person.box) for person in seen.people],
                    "expires_in": service.settings.limits.frame_seconds,
                    "model": {"name": model.name, "digest": model.digest},
                },
                {"Location": f"/v1/frames/{identity}", "PoseAlign-Model": model.header},
                201,
            )  # fmt: skip

        return await idempotent(request, principal, fields, answer)


@router.post(
    "/v1/frames/{frame}/pose",
    response_model=PoseAnswer,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503, 504),
    openapi_extra=body_of(Question) | parameters("timeout", "idempotency"),
)
async def ask(request: Request, frame: FrameId) -> Response:
    """Ask about a look; nothing is decoded and the image graph does not run again."""
    principal = await admitted(request)
    service = service_of(request)
    ticket = ticket_for(request)
    async with received(request) as raw:
        fields = await fields_of(request, raw)
        body = checked(Question, fields)
        instruction = instruction_of(service, body.instruction)
        kept = _kept(service, frame, principal)

        def work() -> PoseResult:
            return kept.look.ask(instruction, body.skeleton)

        async def answer() -> Response:
            return pose_response(request, await answered(request, work, ticket), ticket)

        return await idempotent(request, principal, fields, answer)


@router.delete(
    "/v1/frames/{frame}", status_code=204, responses=problems(401, 403, 404, 422, 429, 503)
)
async def forget(request: Request, frame: FrameId) -> Response:
    """Forget a look before its time."""
    principal = await admitted(request)
    service = service_of(request)
    _kept(service, frame, principal)
    service.frames.drop(frame)
    return Response(status_code=204)


def _kept(service: Service, frame: str, principal: Principal) -> KeptLook:
    """Another caller's look is as unknown as one that never was."""
    kept = service.frames.get(frame)
    mine = kept is not None and kept.owner == principal.name
    service.metrics.cache.labels("hit" if mine else "miss").inc()
    if kept is None or not mine:
        raise NotFound(
            f"no look is kept under {frame!r}: it was forgotten after "
            f"{service.settings.limits.frame_seconds:g} s, pushed out by newer ones, or lives in "
            "another worker; POST /v1/frames again"
        )
    return kept
