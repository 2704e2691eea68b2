"""WS /v1/stream: frames in, poses out; while one is worked on, only the latest is kept.

    → {"instruction": "the left leg", "skeleton": "coco17", "smooth": true}     text, any time
    → JPEG bytes                                                                binary, a frame
    ← {"frame": 7, "dropped": 2, "model": …, "instruction": …, "poses": …}
    ← {"problem": {…}}

A browser cannot send headers with a socket: the first message may carry `"key": "…"`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Any, cast

from fastapi import APIRouter, WebSocket
from pydantic import Field, ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from posealign.data.pose import PoseResult
from posealign.errors import InvalidInput, Overloaded, PoseAlignError, TooLarge, first_fault
from posealign.temporal import SmoothingSettings
from posealign.video import Follower, Frame
from serving.asking import instruction_of
from serving.auth import bearer
from serving.body import parse_json
from serving.logs import log
from serving.problems import SlowSender, problem_of
from serving.schemas import SkeletonName, Wire
from serving.service import Service

router = APIRouter()


class StreamQuestion(Wire):
    instruction: str = Field(min_length=1)
    skeleton: SkeletonName | None = None
    smooth: bool = True
    find_every: int = Field(15, ge=1, le=1000)
    key: str | None = None


@dataclass
class _Slot:
    """The latest frame that nobody has taken yet."""

    data: bytes | None = None
    number: int = 0
    dropped: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.filled = asyncio.Event()

    def put(self, data: bytes) -> None:
        if self.data is not None:
            self.dropped += 1
        self.data, self.number = data, self.number + 1
        self.filled.set()

    def take(self) -> tuple[bytes, int, int] | None:
        if self.data is None:
            self.filled.clear()
            return None
        taken = self.data, self.number, self.dropped
        self.data, self.dropped = None, 0
        self.filled.clear()
        return taken


class _Stream:
    def __init__(self, socket: WebSocket, service: Service) -> None:
        self._socket, self._service = socket, service
        self._id = str(socket.state.request_id)
        self._slot = _Slot()
        self._follower: Follower | None = None
        self._known = not service.auth.on
        self._answers = 0

    async def run(self) -> None:
        await self._socket.accept()
        answering = asyncio.create_task(self._answer())
        try:
            await self._receive()
        except WebSocketDisconnect:
            pass
        except PoseAlignError as error:
            await self._end(error)
        finally:
            answering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await answering
            log().info("stream_ended", request_id=self._id, frames=self._answers)

    async def _receive(self) -> None:
        seconds = self._service.settings.limits.stream_idle_seconds
        header = bearer(self._socket.headers)
        if header is not None:
            await self._identify(header)
        while True:
            try:
                message = await asyncio.wait_for(self._socket.receive(), seconds)
            except TimeoutError:
                raise SlowSender(f"nothing came for {seconds:g} s") from None
            if message["type"] == "websocket.disconnect":
                return
            if (text := message.get("text")) is not None:
                await self._ask(text)
            elif (data := message.get("bytes")) is not None:
                self._frame(data)

    async def _identify(self, authorization: str | None) -> None:
        principal = await self._service.auth.principal(authorization)
        principal.require("infer")
        self._known = True

    async def _ask(self, text: str) -> None:
        try:
            question = StreamQuestion.model_validate(parse_json(text.encode()))
        except ValidationError as error:
            raise InvalidInput(first_fault(error, {"": StreamQuestion.model_fields})) from None
        if not self._known:
            await self._identify(f"Bearer {question.key}" if question.key else None)
        instruction = instruction_of(self._service, question.instruction)
        self._follower = Follower(
            self._service.models.get().predictor, instruction, question.skeleton,
            SmoothingSettings() if question.smooth else None, question.find_every,
        )  # fmt: skip

    def _frame(self, data: bytes) -> None:
        if self._follower is None:
            raise InvalidInput('say what to find first: {"instruction": "the left leg"}')
        most = self._service.settings.limits.image_bytes
        if len(data) > most:
            raise TooLarge(f"a frame of {len(data):,} bytes; at most {most:,} are taken")
        self._slot.put(data)

    async def _answer(self) -> None:
        lost = 0
        while True:
            await self._slot.filled.wait()
            taken = self._slot.take()
            if taken is None or self._follower is None:
                continue
            data, number, dropped = taken
            lost += dropped
            try:
                result = await self._pose(data, number, self._follower)
            except Overloaded:
                lost += 1  # a frame has no right to wait; the next one will be fresher
                await asyncio.sleep(0.05)
                continue
            except PoseAlignError as error:
                await self._send({"frame": number, "problem": problem_of(error, self._id)[1]})
                continue
            await self._send({"frame": number, "dropped": lost, **result.to_json()})
            lost = 0
            self._answers += 1

    async def _pose(self, data: bytes, number: int, follower: Follower) -> PoseResult:
        service = self._service
        ticket = service.ticket(self._id, service.settings.limits.timeout_ms)
        stamp = time.monotonic()

        def work() -> PoseResult:
            return follower(Frame(service.decoder.image(data), stamp, number))

        result = await service.run(work, ticket)
        service.told(result, ticket)
        return result

    async def _send(self, row: dict[str, Any]) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.send_json(row)

    async def _end(self, error: PoseAlignError) -> None:
        await self._send({"problem": problem_of(error, self._id)[1]})
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(1008, error.code)


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    service = cast(Service, socket.app.state.service)
    await _Stream(socket, service).run()
