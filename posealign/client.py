"""A client for the service: typed, sync and async, nothing but httpx.

    with Client("http://127.0.0.1:8000", key="pa_…") as client:
        result = client.pose("baby.jpg", "only the left leg")
        print(result.poses[0]["left_knee"].x)

Answers are the library's own PoseResult and Understood; problems are raised as the library's own
errors. A full queue (429) and a starting server (503) are asked again, as Retry-After says.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import random
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from posealign import __version__
from posealign.data.pose import PoseResult, Understood
from posealign.errors import NotFound, Unavailable, require_instruction
from posealign.wire import Frame, error_of, frame_of, line_of, pose_result, seconds, understood

Picture = str | Path | bytes  # a path, or the bytes of a file
Box = Sequence[float]
_AGAIN = (429, 503)


def _headers(key: str | None) -> dict[str, str]:
    headers = {"User-Agent": f"posealign-client/{__version__}", "Accept": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _file(picture: Picture) -> tuple[str, bytes, str]:
    if isinstance(picture, bytes):
        return "picture", picture, "application/octet-stream"
    path = Path(picture)
    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return "picture", path.read_bytes(), kind  # a file's name may say whose picture it is


@dataclass(frozen=True)
class _Request:
    """One HTTP request, the same for both clients."""

    method: str
    path: str
    data: Mapping[str, str] | None = None
    files: Any = None
    json: Any = None
    timeout_ms: int | None = None
    once: bool = False  # carries an idempotency key, so that asking again is safe

    def options(self) -> dict[str, Any]:
        headers = {}
        if self.timeout_ms is not None:
            headers["X-Request-Timeout-Ms"] = str(self.timeout_ms)
        if self.once:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        named = {"data": self.data, "files": self.files, "json": self.json}
        return {"headers": headers} | {key: value for key, value in named.items() if value}


def _pose(
    image: Picture,
    instruction: str,
    boxes: Sequence[Box] | None,
    skeleton: str | None,
    depth: Picture | None,
    intrinsics: Sequence[float] | None,
    options: Mapping[str, Any] | None,
    timeout_ms: int | None,
) -> _Request:
    data = {"instruction": require_instruction(instruction), **_look(boxes, intrinsics, options)}
    if skeleton is not None:
        data["skeleton"] = skeleton
    return _Request(
        "POST", "/v1/pose", data, _pictures(image, depth), timeout_ms=timeout_ms, once=True
    )


def _look(
    boxes: Sequence[Box] | None,
    intrinsics: Sequence[float] | None,
    options: Mapping[str, Any] | None,
) -> dict[str, str]:
    given: dict[str, Any] = {
        "boxes": None if boxes is None else [list(box) for box in boxes],
        "intrinsics": None if intrinsics is None else list(intrinsics),
        "options": None if options is None else dict(options),
    }
    return {name: json.dumps(value) for name, value in given.items() if value is not None}


def _pictures(image: Picture, depth: Picture | None) -> dict[str, Any]:
    files = {"image": _file(image)}
    if depth is not None:
        files["depth"] = _file(depth)
    return files


def _question(instruction: str, skeleton: str | None) -> dict[str, Any]:
    asked = {"instruction": instruction, "skeleton": skeleton}
    return {key: value for key, value in asked.items() if value is not None}


def _video(
    clip: Picture, instruction: str, skeleton: str | None, smooth: bool, find_every: int
) -> dict[str, Any]:
    data = {
        "instruction": instruction,
        "smooth": str(smooth).lower(),
        "find_every": str(find_every),
    }
    if skeleton is not None:
        data["skeleton"] = skeleton
    return {"data": data, "files": {"video": _file(clip)}}


def _pause(attempt: int, response: httpx.Response) -> float:
    """Retry-After, a little spread, so that many clients do not come back together."""
    return seconds(response.headers.get("retry-after")) * (1 + 0.5 * random.random()) * attempt


def _unreachable(url: httpx.URL, error: httpx.HTTPError) -> Unavailable:
    return Unavailable(f"no answer from {url}: {type(error).__name__}; is `posealign serve` up?")


class Client:
    """Blocking. One instance keeps its connections; use it as a context manager."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 2,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._http = httpx.Client(
            base_url=url, headers=_headers(key), timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def pose(
        self,
        image: Picture,
        instruction: str,
        boxes: Sequence[Box] | None = None,
        skeleton: str | None = None,
        depth: Picture | None = None,
        intrinsics: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
    ) -> PoseResult:
        """Find the joints that the instruction asks for in one picture."""
        request = _pose(image, instruction, boxes, skeleton, depth, intrinsics, options, timeout_ms)
        return pose_result(self._json(request))

    def look(
        self,
        image: Picture,
        boxes: Sequence[Box] | None = None,
        depth: Picture | None = None,
        intrinsics: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Frame:
        """Send a picture once; `ask` about it as often as you like."""
        data = _look(boxes, intrinsics, options)
        return frame_of(self._json(_Request("POST", "/v1/frames", data, _pictures(image, depth))))

    def ask(self, frame: Frame | str, instruction: str, skeleton: str | None = None) -> PoseResult:
        name = frame.id if isinstance(frame, Frame) else frame
        question = _question(instruction, skeleton)
        return pose_result(self._json(_Request("POST", f"/v1/frames/{name}/pose", json=question)))

    def resolve(self, text: str, skeleton: str | None = None) -> Understood:
        """What would be understood, without a picture."""
        body = {"text": text} | ({"skeleton": skeleton} if skeleton else {})
        return understood(self._json(_Request("POST", "/v1/instructions/resolve", json=body)))

    def video(
        self,
        clip: Picture,
        instruction: str,
        skeleton: str | None = None,
        smooth: bool = True,
        find_every: int = 15,
    ) -> Iterator[PoseResult]:
        """One result a frame, as they come."""
        sent = _video(clip, instruction, skeleton, smooth, find_every)
        with self._http.stream("POST", "/v1/video", **sent) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, response.read(), None)
            for line in response.iter_lines():
                yield line_of(line)

    def skeletons(self) -> list[dict[str, Any]]:
        return list(self._json(_Request("GET", "/v1/skeletons")))

    def models(self) -> list[dict[str, Any]]:
        return list(self._json(_Request("GET", "/v1/models")))

    def limits(self) -> dict[str, float]:
        return dict(self._json(_Request("GET", "/v1/limits")))

    def ready(self) -> bool:
        try:
            return self._http.get("/v2/health/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def _json(self, request: _Request) -> Any:
        options = request.options()
        for attempt in range(1, self._retries + 2):
            try:
                response = self._http.request(request.method, request.path, **options)
            except httpx.HTTPError as error:
                raise _unreachable(self._http.base_url, error) from error
            if response.status_code not in _AGAIN or attempt > self._retries:
                break
            time.sleep(_pause(attempt, response))
        if response.is_success:
            return response.json()
        raise error_of(response.status_code, response.content, response.headers.get("retry-after"))


class AsyncClient:
    """The same with `async`; every method is that of Client."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 2,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._http = httpx.AsyncClient(
            base_url=url, headers=_headers(key), timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def pose(
        self,
        image: Picture,
        instruction: str,
        boxes: Sequence[Box] | None = None,
        skeleton: str | None = None,
        depth: Picture | None = None,
        intrinsics: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
        timeout_ms: int | None = None,
    ) -> PoseResult:
        request = _pose(image, instruction, boxes, skeleton, depth, intrinsics, options, timeout_ms)
        return pose_result(await self._json(request))

    async def look(
        self,
        image: Picture,
        boxes: Sequence[Box] | None = None,
        depth: Picture | None = None,
        intrinsics: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Frame:
        request = _Request(
            "POST", "/v1/frames", _look(boxes, intrinsics, options), _pictures(image, depth)
        )
        return frame_of(await self._json(request))

    async def ask(
        self, frame: Frame | str, instruction: str, skeleton: str | None = None
    ) -> PoseResult:
        name = frame.id if isinstance(frame, Frame) else frame
        question = _question(instruction, skeleton)
        request = _Request("POST", f"/v1/frames/{name}/pose", json=question)
        return pose_result(await self._json(request))

    async def resolve(self, text: str, skeleton: str | None = None) -> Understood:
        body = {"text": text} | ({"skeleton": skeleton} if skeleton else {})
        request = _Request("POST", "/v1/instructions/resolve", json=body)
        return understood(await self._json(request))

    async def video(
        self,
        clip: Picture,
        instruction: str,
        skeleton: str | None = None,
        smooth: bool = True,
        find_every: int = 15,
    ) -> AsyncIterator[PoseResult]:
        sent = _video(clip, instruction, skeleton, smooth, find_every)
        async with self._http.stream("POST", "/v1/video", **sent) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, await response.aread(), None)
            async for line in response.aiter_lines():
                yield line_of(line)

    async def skeletons(self) -> list[dict[str, Any]]:
        return list(await self._json(_Request("GET", "/v1/skeletons")))

    async def models(self) -> list[dict[str, Any]]:
        return list(await self._json(_Request("GET", "/v1/models")))

    async def limits(self) -> dict[str, float]:
        return dict(await self._json(_Request("GET", "/v1/limits")))

    async def ready(self) -> bool:
        try:
            return (await self._http.get("/v2/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    async def _json(self, request: _Request) -> Any:
        options = request.options()
        for attempt in range(1, self._retries + 2):
            try:
                response = await self._http.request(request.method, request.path, **options)
            except httpx.HTTPError as error:
                raise _unreachable(self._http.base_url, error) from error
            if response.status_code not in _AGAIN or attempt > self._retries:
                break
            await asyncio.sleep(_pause(attempt, response))
        if response.is_success:
            return response.json()
        raise error_of(response.status_code, response.content, response.headers.get("retry-after"))
