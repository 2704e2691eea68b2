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

from serving.camera.clock import Clock
from serving.camera.messages import EventMessage, StatusMessage
from serving.camera.outbox import Delivery, Item, Outbox
from serving.camera.scene import Outcome
from serving.camera.secret import Secrets
from serving.camera.sinks.config import Webhook
from serving.camera.sinks.http import HttpSink


class WebhookSink(HttpSink):
    name = "webhook"

    def __init__(
        self, settings: Webhook, secrets: Secrets, outbox: Outbox, clock: Clock,
        subjects: Mapping[str, str],
    ) -> None:  # fmt: skip
        super().__init__(settings, outbox)
        self._settings, self._clock, self._subjects = settings, clock, subjects
        url = settings.url
        self._url = url if isinstance(url, str) else secrets.read(url)
        self._secret = secrets.read(settings.secret).encode()

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

    def deliver(self, item: Item) -> Delivery:
        stamp = str(int(self._clock.wall()))
        headers = {
            "Content-Type": "application/json",
            "X-PoseAlign-Id": item.id,
            "X-PoseAlign-Timestamp": stamp,
            "X-PoseAlign-Signature": sign(self._secret, stamp, item.body),
        }
        return self.post(self._url, item.body, headers)


def sign(secret: bytes, stamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
