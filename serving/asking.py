"""From a request to an answer: the steps that all routes share.

room → key → body → question → engine (decode, look, ask on a thread) → JSON
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from posealign.data.pose import PoseResult
from posealign.errors import (
    InvalidImage,
    InvalidInput,
    TooLarge,
    first_fault,
    require_instruction,
)
from posealign.predictor import Look
from serving.auth import Principal, bearer
from serving.body import Part, parse, parse_json, read_body
from serving.models import Model
from serving.problems import BadRequest
from serving.schemas import LookJson, Options, PoseJson
from serving.service import Service
from serving.ticket import Ticket

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
_AS_JSON = {  # form fields that hold JSON, and how it looks
    "boxes": "[[10, 20, 300, 280]]", "intrinsics": "[570, 570, 320, 240]",
    "options": '{"metres_per_unit": 0.00025}',
}  # fmt: skip
_PICTURES = ("image", "depth", "video")


def service_of(request: Request) -> Service:
    return cast(Service, request.app.state.service)


async def admitted(request: Request, scope: str = "infer") -> Principal:
    """Who asks, and whether there is room; before a byte of the body is read."""
    service = service_of(request)
    request.state.audited = True
    principal = await service.auth.principal(bearer(request.headers))
    request.state.principal = principal.name
    principal.require(scope)
    service.working().check_room()
    return principal


def timeout_of(request: Request) -> int:
    """X-Request-Timeout-Ms, within what the server allows."""
    limits = service_of(request).settings.limits
    given = request.headers.get("x-request-timeout-ms")
    if given is None:
        return limits.timeout_ms
    if (
        not given.isascii()
        or not given.isdigit()
        or not 1 <= int(given[:12]) <= limits.timeout_ms_max
    ):
        raise BadRequest(
            f"X-Request-Timeout-Ms is {given[:20]!r}; expected 1 to {limits.timeout_ms_max}"
        )
    return int(given)


def ticket_for(request: Request) -> Ticket:
    """A place in the queue, its deadline running from now."""
    return service_of(request).ticket(request.state.request_id, timeout_of(request))


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[bytes]:
    """The body, counted against the budget for as long as it is held."""
    service = service_of(request)
    async with service.uploads.reading() as held:
        yield await read_body(request, service.settings.limits, held)


async def fields_of(request: Request, body: bytes, many: str | None = None) -> dict[str, Any]:
    """A form or JSON as one plain dict; pictures as bytes. `many` may come several times."""
    parsed = await parse(request, body)
    if not isinstance(parsed, list) or not all(isinstance(part, Part) for part in parsed):
        if not isinstance(parsed, dict):
            raise BadRequest("expected a JSON object")
        return parsed
    fields: dict[str, Any] = {}
    for part in parsed:
        value = _value(part)
        if many is not None and part.name == many:
            fields.setdefault(many, []).append(value)
        elif part.name in fields:
            raise InvalidInput(f"the field {part.name!r} came twice; expected once")
        else:
            fields[part.name] = value
    return fields


def _value(part: Part) -> Any:
    if part.name in _PICTURES or part.name == "images":
        if not part.file and part.data and part.data.isascii():
            raise InvalidImage(
                f"the field {part.name!r} holds text and no file; with curl: -F {part.name}=@PATH"
            )
        return part.data
    try:
        text = part.data.decode("utf-8")
    except UnicodeDecodeError:
        if part.file:
            raise InvalidInput(
                f"the field {part.name!r} holds a file; a picture goes into 'image'"
            ) from None
        raise InvalidInput(f"the field {part.name!r} is not UTF-8 text") from None
    if part.name not in _AS_JSON:
        return text
    try:
        return parse_json(part.data)
    except BadRequest as error:
        raise InvalidInput(
            f"the field {part.name!r} holds JSON such as {_AS_JSON[part.name]}: {error}"
        ) from None


def pictures_in(fields: dict[str, Any]) -> dict[str, Any]:
    """Base64 text becomes bytes; what is no text is left for validation to complain about."""
    out = dict(fields)
    for name in _PICTURES:
        if isinstance(out.get(name), str):
            out[name] = from_base64(name, out[name])
    if isinstance(out.get("images"), list):
        out["images"] = [
            from_base64("images", value) if isinstance(value, str) else value
            for value in out["images"]
        ]
    return out


def from_base64(name: str, text: str) -> bytes:
    """Also takes a data URL, as a browser makes it."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(
            f"{name} is no base64; send the picture's bytes as base64, or as a file of a form "
            "(addresses and paths of pictures are not taken)"
        ) from None


def checked(model: type[M], fields: dict[str, Any]) -> M:
    """Validate everything but the pictures, which are bytes by now."""
    plain = {name: value for name, value in fields.items() if not _is_picture(value)}
    stand_ins: dict[str, Any] = {
        name: ["-"] * len(value) if isinstance(value, list) else "-"
        for name, value in fields.items()
        if _is_picture(value)
    }
    try:
        return model.model_validate({**plain, **stand_ins})
    except ValidationError as error:
        fields = {"": model.model_fields, "options": Options.model_fields}
        fault = first_fault(error, fields)
        like = _AS_JSON.get(re.split(r"[.:]", fault)[0])
        raise InvalidInput(f"{fault}; the field looks like {like}" if like else fault) from None


def _is_picture(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, bytes) for item in value)
    return isinstance(value, bytes)


def instruction_of(service: Service, text: str) -> str:
    most = service.settings.limits.instruction_characters
    if len(text) > most:
        raise TooLarge(f"the instruction has {len(text)} characters; at most {most} are taken")
    return require_instruction(text)


@dataclass(frozen=True)
class Picture:
    """A picture as it came, and how to look at it."""

    image: bytes
    boxes: list[tuple[float, float, float, float]] | None = None
    depth: bytes | None = None
    intrinsics: tuple[float, float, float, float] | None = None
    metres_per_unit: float = 0.001

    def look(self, service: Service, model: Model) -> Look:
        """On an engine thread."""
        if self.boxes is not None and len(self.boxes) > service.settings.limits.boxes:
            raise TooLarge(f"{len(self.boxes)} boxes; at most {service.settings.limits.boxes}")
        image = service.decoder.image(self.image)
        depth = None
        if self.depth is not None:
            depth = service.decoder.depth(self.depth, self.metres_per_unit)
        return model.predictor.look(image, self.boxes, depth, self.intrinsics)


def picture_of(fields: dict[str, Any], body: PoseJson | LookJson) -> Picture:
    return Picture(
        fields["image"], body.boxes, fields.get("depth"), body.intrinsics,
        body.options.metres_per_unit,
    )  # fmt: skip


async def answered(request: Request, work: Callable[[], T], ticket: Ticket) -> T:
    """Run on the engine; when the client goes away meanwhile, its turn is given up."""
    running = asyncio.ensure_future(service_of(request).run(work, ticket))
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            running.cancel()
            ticket.cancel()
            ticket.check()
        return await running
    except asyncio.CancelledError:
        running.cancel()
        raise
    finally:
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def pose_response(request: Request, result: PoseResult, ticket: Ticket) -> Response:
    """The wire form, with the model that answered in a header too."""
    service_of(request).told(result, ticket)
    request.state.digest = result.model_digest
    request.state.facts = {
        "model": result.model_name, "digest": result.model_digest[:12],
        "people": len(result.poses), "joints": len(result.instruction.joints),
        "refused": result.instruction.refused, "language": result.instruction.language,
        "queue_ms": round(ticket.queue_ms, 2), "compute_ms": round(ticket.compute_ms, 2),
    }  # fmt: skip
    headers = {
        "PoseAlign-Model": model_header(result),
        "Server-Timing": f"queue;dur={ticket.queue_ms:.2f}, work;dur={ticket.work_ms:.2f}",
    }
    return json_response(result.to_json(), headers)


def model_header(result: PoseResult) -> str:
    return f"{result.model_name}@{result.model_digest}"


def json_response(data: Any, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, status, headers, media_type="application/json")


async def idempotent(
    request: Request,
    principal: Principal,
    fields: dict[str, Any],
    work: Callable[[], Awaitable[Response]],
) -> Response:
    """By what was sent, not by its bytes: a form's boundary is another one each time."""
    return await service_of(request).answers.once(
        request.headers.get("idempotency-key"),
        (principal.name, request.method, request.url.path),
        lambda: _digest(fields),
        work,
    )


def _digest(fields: dict[str, Any]) -> str:
    sha = hashlib.sha256()
    for name, value in sorted(fields.items()):
        sha.update(name.encode() + b"\0")
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            plain = row if isinstance(row, bytes) else json.dumps(row, sort_keys=True).encode()
            sha.update(hashlib.sha256(plain).digest())
    return sha.hexdigest()
