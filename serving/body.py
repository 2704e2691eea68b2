"""Reading a request's body: within its bytes, within its seconds, in memory and never on disk."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from posealign.errors import Overloaded, TooLarge
from serving.problems import BadRequest, SlowSender, UnsupportedMedia
from serving.settings import Limits
from serving.ticket import Disconnected

_PARTS = 64
_HEADER_BYTES = 8192
_AT_ONCE = 256 << 10  # bytes that may be parsed on the event loop


class Uploads:
    """How many bytes of bodies are held at once; over the budget a sender is asked to wait."""

    def __init__(self, budget: int) -> None:
        self.budget, self.held = budget, 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[_Held]:
        held = _Held(self)
        try:
            yield held
        finally:
            self.held -= held.bytes


@dataclass
class _Held:
    uploads: Uploads
    bytes: int = 0

    def add(self, count: int) -> None:
        self.bytes += count
        self.uploads.held += count
        if self.uploads.held > self.uploads.budget:
            raise Overloaded("too many bytes are being received at once; send it again", 1.0)


@dataclass(frozen=True)
class Part:
    """One field of a form; `file` is whether it came with a file name."""

    name: str
    data: bytes
    file: bool


async def read_body(request: Request, limits: Limits, held: _Held) -> bytes:
    """All of it, or TooLarge, SlowSender, Disconnected."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limits.body_bytes:
        raise TooLarge(
            f"a body of {int(announced):,} bytes; at most {limits.body_bytes:,} are taken"
        )
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limits.body_bytes:
                    raise TooLarge(f"the body has more than {limits.body_bytes:,} bytes")
                held.add(len(chunk))
                chunks.append(chunk)
    except TimeoutError:
        raise SlowSender(
            f"{size:,} bytes arrived in {limits.body_seconds:g} s, and the body was not whole"
        ) from None
    except ClientDisconnect:
        raise Disconnected("the client went away while sending") from None
    return b"".join(chunks)


async def parse(request: Request, body: bytes) -> list[Part] | Any:
    """Parts of a form, or what the JSON says; large bodies are parsed off the event loop."""
    media, options = parse_options_header(request.headers.get("content-type", ""))
    if media == b"multipart/form-data":
        boundary = options.get(b"boundary", b"")
        return await _where(len(body), parse_form, body, boundary)
    if media == b"application/json":
        return await _where(len(body), parse_json, body)
    raise UnsupportedMedia(
        f"content type {media.decode('latin-1') or 'none'!r}; expected multipart/form-data or "
        "application/json"
    )


async def _where(size: int, action: Any, *arguments: Any) -> Any:
    if size <= _AT_ONCE:
        return action(*arguments)
    return await asyncio.to_thread(action, *arguments)


def parse_json(body: bytes) -> Any:
    """Strict: no NaN, no number that a float cannot hold, no endless nesting."""
    try:
        return json.loads(body, parse_constant=_no_constant, parse_float=_finite)
    except BadRequest:
        raise
    except RecursionError:
        raise BadRequest("the JSON is nested too deeply") from None
    except (ValueError, UnicodeDecodeError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRequest(f"this is not JSON{where}") from None


def _no_constant(word: str) -> float:
    raise BadRequest(f"JSON has no {word}; leave the value out, or send null where it is taken")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadRequest(f"the number {text[:40]} is too large for a double")
    return value


class _Form:
    """Collects parts from the parser's callbacks."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._data: list[bytes] = []
        self._header = self._value = b""
        self._disposition = b""
        self.ended = False

    def part_begin(self) -> None:
        if len(self.parts) >= _PARTS:
            raise TooLarge(f"the form has more than {_PARTS} parts")
        self._data, self._disposition = [], b""

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._check()

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check()

    def _check(self) -> None:
        if len(self._header) + len(self._value) > _HEADER_BYTES:
            raise TooLarge(f"a part's header has more than {_HEADER_BYTES} bytes")

    def header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def part_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name")
        if not name:
            raise BadRequest("a part of the form has no name in its Content-Disposition")
        data = b"".join(self._data)
        self.parts.append(Part(name.decode("utf-8", "replace"), data, b"filename" in options))

    def end(self) -> None:
        self.ended = True


def parse_form(body: bytes, boundary: bytes) -> list[Part]:
    """multipart/form-data in memory."""
    if not boundary:
        raise BadRequest("multipart/form-data without a boundary in its Content-Type")
    form = _Form()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.part_begin, "on_part_data": form.part_data,
                "on_part_end": form.part_end, "on_header_field": form.header_field,
                "on_header_value": form.header_value, "on_header_end": form.header_end,
                "on_end": form.end,
            },
        )  # fmt: skip
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadRequest(f"the form is not multipart/form-data: {error}") from None
    if not form.ended:
        raise BadRequest("the form ends before its last boundary: a part of it is missing")
    return form.parts
