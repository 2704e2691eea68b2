"""A client for the service: typed, sync and async, nothing but httpx.

    with Client("http://127.0.0.1:8000", key="pa_…") as client:
        result = client.pose("baby.jpg", "only the left leg")
        print(result.poses[0]["left_knee"].x)

Answers are the library's own PoseResult and Understood; problems are raised as the library's own
errors. A full queue (429) and a starting server (503) are asked again, as Retry-After says.
Every method's parameters are those of the function of its name in posealign.calls.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

import httpx

from posealign import __version__, calls
from posealign.calls import Call
from posealign.errors import Unavailable
from posealign.wire import error_of, seconds

P = ParamSpec("P")
T = TypeVar("T")
Http = TypeVar("Http", httpx.Client, httpx.AsyncClient)
Transport = TypeVar("Transport")
_AGAIN = (429, 503)
_READY = "/v2/health/ready"


class _Connection(ABC, Generic[Http, Transport]):
    """What both clients know: where the server is, and whether to ask it again."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 2,
        transport: Transport | None = None,
    ) -> None:
        headers = {"User-Agent": f"posealign-client/{__version__}", "Accept": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self._retries = retries
        self._http: Http = self._open(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )

    @abstractmethod
    def _open(self, **options: Any) -> Http:
        """httpx's own client."""

    def _pause(self, response: httpx.Response, attempt: int) -> float | None:
        """Seconds until the question is asked again; None where this is the answer.

        Retry-After, a little spread, so that many clients do not come back together.
        """
        if response.status_code not in _AGAIN or attempt > self._retries:
            return None
        wait = seconds(response.headers.get("retry-after"))
        return wait * (1 + 0.5 * random.random()) * attempt

    def _unreachable(self, error: httpx.HTTPError) -> Unavailable:
        return Unavailable(
            f"no answer from {self._http.base_url}: {type(error).__name__}; "
            "is `posealign serve` up?"
        )


def _answer(call: Call[T], response: httpx.Response) -> T:
    if response.is_success:
        return call.read(response.json())
    raise error_of(response.status_code, response.content, response.headers.get("retry-after"))


def _named(method: Callable[..., Any], build: Callable[..., Any]) -> None:
    """The method says of itself what its call says, for help() and editors."""
    shown = inspect.signature(build)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__name__, method.__doc__ = build.__name__, build.__doc__
    method.__signature__ = shown.replace(  # type: ignore[attr-defined]
        parameters=[own, *shown.parameters.values()], return_annotation=inspect.Signature.empty
    )


def _blocking(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    def method(client: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(build(*args, **kwargs))

    _named(method, build)
    return method


def _waiting(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    async def method(client: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.send(build(*args, **kwargs))

    _named(method, build)
    return method


def _lines(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], Iterator[T]]:
    def method(client: Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return client.stream(build(*args, **kwargs))

    _named(method, build)
    return method


def _async_lines(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]:
    def method(client: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return client.stream(build(*args, **kwargs))

    _named(method, build)
    return method


class Client(_Connection[httpx.Client, httpx.BaseTransport]):
    """Blocking. One instance keeps its connections; use it as a context manager."""

    pose = _blocking(calls.pose)
    look = _blocking(calls.look)
    ask = _blocking(calls.ask)
    resolve = _blocking(calls.resolve)
    skeletons = _blocking(calls.skeletons)
    models = _blocking(calls.models)
    limits = _blocking(calls.limits)
    video = _lines(calls.video)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def ready(self) -> bool:
        try:
            return self._http.get(_READY).status_code == 200
        except httpx.HTTPError:
            return False

    def send(self, call: Call[T]) -> T:
        attempt, options = 1, call.options()
        while True:
            try:
                response = self._http.request(call.method, call.path, **options)
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            pause = self._pause(response, attempt)
            if pause is None:
                return _answer(call, response)
            time.sleep(pause)
            attempt += 1

    def stream(self, call: Call[T]) -> Iterator[T]:
        with self._http.stream(call.method, call.path, **call.options()) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, response.read(), None)
            for line in response.iter_lines():
                yield call.read(line)

    def _open(self, **options: Any) -> httpx.Client:
        return httpx.Client(**options)


class AsyncClient(_Connection[httpx.AsyncClient, httpx.AsyncBaseTransport]):
    """The same with `async`; every method is that of Client."""

    pose = _waiting(calls.pose)
    look = _waiting(calls.look)
    ask = _waiting(calls.ask)
    resolve = _waiting(calls.resolve)
    skeletons = _waiting(calls.skeletons)
    models = _waiting(calls.models)
    limits = _waiting(calls.limits)
    video = _async_lines(calls.video)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def ready(self) -> bool:
        try:
            return (await self._http.get(_READY)).status_code == 200
        except httpx.HTTPError:
            return False

    async def send(self, call: Call[T]) -> T:
        attempt, options = 1, call.options()
        while True:
            try:
                response = await self._http.request(call.method, call.path, **options)
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            pause = self._pause(response, attempt)
            if pause is None:
                return _answer(call, response)
            await asyncio.sleep(pause)
            attempt += 1

    async def stream(self, call: Call[T]) -> AsyncIterator[T]:
        async with self._http.stream(call.method, call.path, **call.options()) as response:
            if response.status_code != 200:
                raise error_of(response.status_code, await response.aread(), None)
            async for line in response.aiter_lines():
                yield call.read(line)

    def _open(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(**options)
