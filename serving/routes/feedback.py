"""POST /v1/feedback/corrections: a person's corrections of an answer, to learn from."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from posealign.errors import InvalidInput, NotFound, first_fault
from serving.asking import (
    checked,
    fields_of,
    idempotent,
    instruction_of,
    json_response,
    received,
    service_of,
)
from serving.auth import bearer
from serving.feedback import preference_of
from serving.openapi import body_of, parameters, problems
from serving.schemas import Correction, Kept

router = APIRouter(tags=["feedback"])


@router.post(
    "/v1/feedback/corrections",
    status_code=201,
    response_model=Kept,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 429),
    openapi_extra=body_of(Correction) | parameters("idempotency"),
)
async def corrections(request: Request) -> Response:
    """Write down which joints of an answer a person moved. Needs the scope `feedback`."""
    service = service_of(request)
    request.state.audited = True
    principal = await service.auth.principal(bearer(request.headers))
    request.state.principal = principal.name
    principal.require("feedback")
    store = service.feedback
    if store is None:
        raise NotFound("this server keeps no feedback; it is started with feedback_file: PATH")
    async with received(request) as raw:
        fields = await fields_of(request, raw)
        correction = checked(Correction, fields)
    instruction_of(service, correction.instruction)
    request.state.digest = correction.model
    try:
        record = preference_of(correction, principal.name)
    except ValidationError as error:
        raise InvalidInput(first_fault(error)) from None

    async def kept() -> Response:
        await asyncio.to_thread(store.keep, record)
        return json_response(
            {
                "id": request.state.request_id, "rater": record.rater,
                "corrected": list(record.corrected), "model": record.model,
            },
            status=201,
        )  # fmt: skip

    return await idempotent(request, principal, fields, kept)
