"""What sinks share that POST from an outbox: one client, one courier, one reading of the answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import httpx

from serving.camera.log import log
from serving.camera.outbox import Courier, Delivery, Item, Outbox
from serving.camera.sinks.config import Http
from serving.camera.sinks.sink import Sink

# 4xx that may pass: too early, too many, a sign-in or an address that is being mended.
_PASSING = frozenset({401, 403, 404, 408, 423, 425, 429})


class HttpSink(Sink, ABC):
    """At least once and in order; a child says how one message is delivered."""

    def __init__(self, settings: Http, outbox: Outbox) -> None:
        verify = str(settings.ca) if settings.ca else True
        self._client = httpx.Client(timeout=settings.timeout, verify=verify, trust_env=False)
        self._courier = Courier(outbox, self.name, self.deliver)

    def start(self) -> None:
        self._courier.start()

    def stop(self) -> None:
        self._courier.stop(2.0)
        self._client.close()

    def waiting(self) -> int:
        return self._courier.waiting()

    @abstractmethod
    def deliver(self, item: Item) -> Delivery:
        """On the courier's thread; whatever it raises, the message is tried again."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Delivery:
        answer = self._client.post(url, content=body, headers=dict(headers))
        return verdict(answer.status_code, self.name)


def verdict(status: int, sink: str) -> Delivery:
    if 200 <= status < 300 or status == 409:  # 409: it has this id already
        return "done"
    log().warning("the receiver did not take a message", sink=sink, status=status)
    if 400 <= status < 500 and status not in _PASSING:
        return "never"
    return "again"
