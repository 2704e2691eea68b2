"""POST /v1/instructions/resolve: what would be understood, without a picture."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from posealign.data.pose import PoseResult
from serving.asking import (
    admitted,
    answered,
    checked,
    fields_of,
    instruction_of,
    json_response,
    received,
    service_of,
    ticket_for,
)
from serving.openapi import body_of, parameters, problems
from serving.schemas import Resolve, Understood

router = APIRouter(tags=["instructions"])


@router.post(
    "/v1/instructions/resolve",
    response_model=Understood,
    responses=problems(400, 401, 403, 408, 413, 415, 422, 429, 503, 504),
    openapi_extra=body_of(Resolve) | parameters("timeout"),
)
async def resolve(request: Request) -> Response:
    """The joints, filters and relations that these words mean; a refusal says why."""
    await admitted(request)
    service = service_of(request)
    ticket = ticket_for(request)
    async with received(request) as raw:
        body = checked(Resolve, await fields_of(request, raw))
    text = instruction_of(service, body.text)
    model = service.models.get()

    def work() -> dict[str, object]:
        understood = model.predictor.resolve(text, body.skeleton)
        bare = PoseResult(understood, (), (), None, model.name, model.digest)
        plain: dict[str, object] = bare.to_json()["instruction"]
        return plain

    found = await answered(request, work, ticket)
    return json_response(found, {"PoseAlign-Model": model.header})
