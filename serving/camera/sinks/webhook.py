"""Signed POSTs, in order, until the receiver says 2xx.

X-PoseAlign-Id         the message's id, the same at every attempt
X-PoseAlign-Timestamp  seconds since 1970 of this attempt
X-PoseAlign-Signature  v1=HMAC-SHA256(secret, timestamp + "." + body), in hex
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

import httpx

from serving.camera.clock import Clock
from serving.camera.log import log
from serving.camera.messages import EventMessage, StatusMessage
from serving.camera.outbox import Courier, Delivery, Item, Outbox
from serving.camera.scene import Outcome
from serving.camera.secret import Secrets
from serving.camera.sinks.config import Webhook
from serving.camera.sinks.sink import Sink

# 4xx that may pass: too early, too many, a sign-in or an address that is being mended.
_PASSING = frozenset({401, 403, 404, 408, 423, 425, 429})


class WebhookSink(Sink):
    name = "webhook"

    def __init__(
        self, settings: Webhook, secrets: Secrets, outbox: Outbox, clock: Clock,
        subjects: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._settings, self._clock, self._subjects = settings, clock, subjects
        url = settings.url
        self._url = url if isinstance(url, str) else secrets.read(url)
        self._secret = secrets.read(settings.secret).encode()
        verify = str(settings.ca) if settings.ca else True
        self._client = httpx.Client(timeout=settings.timeout, verify=verify, trust_env=False)
        self._courier = Courier(outbox, self.name, self._deliver)

    def start(self) -> None:
        self._courier.start()

    def stop(self) -> None:
        self._courier.stop(2.0)
        self._client.close()

    def waiting(self) -> int:
        return self._courier.waiting()

    def event(self, message: EventMessage, outcome: Outcome | None) -> None:
        if "event" in self._settings.send:
            self._put(message, message.bed)

    def status(self, message: StatusMessage) -> None:
        if "status" in self._settings.send:
            self._put(message, None)

    def _put(self, message: EventMessage | StatusMessage, bed: str | None) -> None:
        plain = message.model_dump(mode="json")
        if self._settings.with_subject and bed is not None and bed in self._subjects:
            plain["subject"] = self._subjects[bed]
        self._courier.put(message.id, message.kind, json.dumps(plain).encode())

    def _deliver(self, item: Item) -> Delivery:
        stamp = str(int(self._clock.wall()))
        headers = {
            "Content-Type": "application/json",
            "X-PoseAlign-Id": item.id,
            "X-PoseAlign-Timestamp": stamp,
            "X-PoseAlign-Signature": sign(self._secret, stamp, item.body),
        }
        status = self._client.post(self._url, content=item.body, headers=headers).status_code
        return verdict(status, self.name)


def sign(secret: bytes, stamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verdict(status: int, sink: str) -> Delivery:
    if 200 <= status < 300 or status == 409:  # 409: it has this id already
        return "done"
    log().warning("the receiver did not take a message", sink=sink, status=status)
    if 400 <= status < 500 and status not in _PASSING:
        return "never"
    return "again"
