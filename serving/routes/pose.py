"""POST /v1/pose: a picture and an instruction in, poses out; and several pictures at once."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from posealign.data.pose import PoseResult
from posealign.errors import InvalidInput, TooLarge
from serving.asking import (
    Picture,
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
from serving.openapi import body_of, parameters, problems
from serving.problems import problem_of
from serving.schemas import BatchAnswer, BatchJson, PoseAnswer, PoseJson

router = APIRouter(tags=["pose"])


@router.post(
    "/v1/pose",
    response_model=PoseAnswer,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503, 504),
    openapi_extra=body_of(PoseJson, form=True) | parameters("timeout", "idempotency"),
)
async def pose(request: Request) -> Response:
    """Find the joints that the instruction asks for in one picture."""
    principal = await admitted(request)
    service = service_of(request)
    ticket = ticket_for(request)
    async with received(request) as raw:
        fields = pictures_in(await fields_of(request, raw))
        body = checked(PoseJson, fields)
        instruction = instruction_of(service, body.instruction)
        model = service.models.get(body.options.model)
        picture = picture_of(fields, body)

        def work() -> PoseResult:
            return picture.look(service, model).ask(instruction, body.skeleton)

        async def answer() -> Response:
            return pose_response(request, await answered(request, work, ticket), ticket)

        return await idempotent(request, principal, fields, answer)


@router.post(
    "/v1/pose/batch",
    response_model=BatchAnswer,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503, 504),
    openapi_extra=body_of(BatchJson, form=True) | parameters("timeout", "idempotency"),
)
async def batch(request: Request) -> Response:
    """Several pictures at once; each gets its own answer or its own problem."""
    principal = await admitted(request)
    service = service_of(request)
    async with received(request) as raw:
        fields = pictures_in(await fields_of(request, raw, many="images"))
        if isinstance(fields.get("images"), bytes):
            fields["images"] = [fields["images"]]
        body = checked(BatchJson, fields)
        images: list[bytes] = fields["images"]
        most = service.settings.limits.images
        if len(images) > most:
            raise TooLarge(f"{len(images)} pictures; at most {most} in one request")
        texts = body.instruction
        if isinstance(texts, str):
            texts = [texts] * len(images)
        if len(texts) != len(images):
            raise InvalidInput(
                f"{len(texts)} instructions for {len(images)} pictures; give one, or one each"
            )
        asked = [instruction_of(service, text) for text in texts]
        model = service.models.get(body.options.model)
        tickets = [ticket_for(request) for _ in images]

        def one(number: int) -> PoseResult:
            return Picture(images[number]).look(service, model).ask(asked[number], body.skeleton)

        def row(number: int, result: PoseResult | BaseException) -> dict[str, Any]:
            if isinstance(result, PoseResult):
                service.told(result, tickets[number])
                return {"index": number, "status": 200, "answer": result.to_json()}
            status, problem = problem_of(result, request.state.request_id)
            return {"index": number, "status": status, "problem": problem}

        async def answer() -> Response:
            # One after another: a request with many pictures takes one place, not many.
            rows = []
            for number, ticket in enumerate(tickets):
                try:
                    found = await answered(request, lambda n=number: one(n), ticket)  # type: ignore[misc]
                    rows.append(row(number, found))
                except asyncio.CancelledError:
                    raise
                except Exception as error:
                    rows.append(row(number, error))
            return json_response({"results": rows}, {"PoseAlign-Model": model.header})

        return await idempotent(request, principal, fields, answer)
