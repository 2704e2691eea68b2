"""POST /v1/video: a clip in, one JSON line a frame out, as it goes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from posealign.data.pose import PoseResult
from posealign.errors import InvalidInput, Overloaded
from posealign.temporal import SmoothingSettings
from posealign.video import Follower, Frame
from serving.asking import (
    admitted,
    checked,
    fields_of,
    instruction_of,
    received,
    service_of,
    timeout_of,
)
from serving.decoding import video_frames
from serving.logs import log, stack_of
from serving.openapi import parameters, problems
from serving.problems import BadRequest, problem_of
from serving.schemas import SkeletonName, Wire
from serving.service import Service

router = APIRouter(tags=["video"])
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["video", "instruction"],
                    "additionalProperties": False,
                    "properties": {
                        "video": {"type": "string", "format": "binary"},
                        "instruction": {"type": "string", "minLength": 1},
                        "skeleton": {"type": "string"},
                        "smooth": {"type": "string", "enum": ["true", "false"]},
                        "find_every": {"type": "integer", "minimum": 1, "maximum": 1000},
                    },
                },
                "encoding": {"video": {"contentType": "video/mp4, video/webm"}},
            }
        },
    }
}


class VideoForm(Wire):
    video: str
    instruction: str = Field(min_length=1)
    skeleton: SkeletonName | None = None
    smooth: bool = True
    find_every: int = Field(15, ge=1, le=1000)


@router.post(
    "/v1/video",
    responses=problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504)
    | {200: {"description": "one JSON line a frame", "content": {"application/x-ndjson": {}}}},
    openapi_extra=_FORM | parameters("timeout"),
    response_class=Response,
)
async def video(request: Request) -> Response:
    """Answer one instruction on every frame; people keep a number from frame to frame."""
    await admitted(request)
    service = service_of(request)
    timeout = timeout_of(request)
    async with received(request) as raw:
        fields = await fields_of(request, raw)
        if not isinstance(fields.get("video"), bytes):
            raise InvalidInput("video: the clip comes as a file of a form (multipart/form-data)")
        form = checked(VideoForm, fields)
    model = service.models.get()
    follower = Follower(
        model.predictor, instruction_of(service, form.instruction), form.skeleton,
        SmoothingSettings() if form.smooth else None, form.find_every,
    )  # fmt: skip
    limits = service.settings.limits
    frames = video_frames(
        fields["video"], limits.image_pixels, limits.video_frames, limits.decode_seconds
    )
    lines = _lines(service, follower, frames, request.state.request_id, timeout)
    try:
        first = await anext(lines)  # what is wrong with the clip is a 4xx, not a broken stream
    except StopAsyncIteration:
        raise BadRequest("the clip has no frame") from None
    return StreamingResponse(
        _after(first, lines), media_type="application/x-ndjson",
        headers={"PoseAlign-Model": model.header},
    )  # fmt: skip


async def _after(first: bytes, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in lines:
        yield line


async def _lines(
    service: Service,
    follower: Follower,
    frames: Iterator[tuple[NDArray[np.uint8], float]],
    request_id: str,
    timeout: int,
) -> AsyncIterator[bytes]:
    number = 0
    try:
        while True:
            found = await asyncio.to_thread(next, frames, None)
            if found is None:
                return
            frame = Frame(found[0], found[1], number)
            result = await _patiently(service, follower, frame, request_id, timeout)
            row = {"frame": number, "time": round(frame.time, 6), **result.to_json()}
            yield json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
            number += 1
    except Exception as error:
        if number == 0:
            raise
        # The status is sent already; the last line says what ended the stream.
        log().warning(
            "video_ended", request_id=request_id, error=type(error).__name__, stack=stack_of(error)
        )
        yield json.dumps({"problem": problem_of(error, request_id)[1]}).encode() + b"\n"
    finally:
        close: Any = getattr(frames, "close", None)
        with contextlib.suppress(ValueError):  # its thread may still be reading
            close()


async def _patiently(
    service: Service, follower: Follower, frame: Frame, request_id: str, timeout: int
) -> PoseResult:
    """A clip that was admitted waits when the queue is full; it is not torn in the middle."""
    for _ in range(200):
        ticket = service.ticket(request_id, timeout)
        try:
            result = await service.run(lambda: follower(frame), ticket)
        except Overloaded:
            await asyncio.sleep(0.1)
            continue
        service.told(result, ticket)
        return result
    raise Overloaded("the queue stayed full for 20 s")
