"""Idempotency keys: the same request sent twice is worked on once and answered alike.

A key belongs to who sent it and to the route. The first answer is kept in memory for ten minutes;
failures that another try may mend (429, 5xx) are not kept.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from posealign.runtime.cache import Cache
from serving.problems import BadRequest, Conflict

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_KEPT = 1024
_SECONDS = 600.0
_PASSING = (408, 429, 499, 500, 503, 504)  # another try may mend these
_LARGEST = 4 << 20  # bytes of an answer that is kept


@dataclass(frozen=True)
class _Kept:
    digest: str
    status: int
    body: bytes
    media_type: str | None
    model: str | None


class Answers:
    """Used on the event loop only, so it needs no lock."""

    def __init__(self) -> None:
        self._kept: Cache[_Kept] = Cache(_KEPT, _SECONDS)
        self._running: dict[tuple[str, ...], asyncio.Future[None]] = {}

    async def once(
        self,
        key: str | None,
        scope: tuple[str, ...],
        digest_of: Callable[[], str],
        work: Callable[[], Awaitable[Response]],
    ) -> Response:
        if key is None:
            return await work()
        if not _KEY.fullmatch(key):
            raise BadRequest("Idempotency-Key has 1 to 128 visible ASCII characters")
        place = (*scope, key)
        digest = digest_of()
        while (running := self._running.get(place)) is not None:
            await asyncio.shield(running)  # the same request is being worked on
        if (kept := self._kept.get(place)) is not None:
            if kept.digest != digest:
                raise Conflict("this Idempotency-Key was used for another question")
            return _again(kept)
        done = self._running[place] = asyncio.get_running_loop().create_future()
        try:
            response = await work()
            if response.status_code not in _PASSING and len(response.body) <= _LARGEST:
                self._kept.put(place, _keep(digest, response))
            return response
        finally:
            del self._running[place]
            done.set_result(None)


def _keep(digest: str, response: Response) -> _Kept:
    model = response.headers.get("posealign-model")
    return _Kept(digest, response.status_code, bytes(response.body), response.media_type, model)


def _again(kept: _Kept) -> Response:
    headers = {"Idempotency-Replayed": "true"}
    if kept.model is not None:
        headers["PoseAlign-Model"] = kept.model
    return Response(kept.body, kept.status, headers, kept.media_type)
