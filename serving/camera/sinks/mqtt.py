"""MQTT 5: poses as they come, events at least once, orders for cameras.

    <prefix>/available                   online | offline (last will), retained
    <prefix>/<camera>/status             retained
    <prefix>/<camera>/pose               QoS 0 or 1, the latest matters
    <prefix>/<camera>/events             QoS 1, through the outbox
    <prefix>/<camera>/stats
    <prefix>/<camera>/instruction/set    a text
    <prefix>/<camera>/enabled/set        on | off

A retained order is left alone: it would come again at every start.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from posealign.errors import MissingExtra
from serving.camera.log import log
from serving.camera.messages import EventMessage, StatsMessage, StatusMessage, wire
from serving.camera.outbox import Courier, Delivery, Item, Outbox
from serving.camera.scene import Outcome
from serving.camera.secret import Secrets
from serving.camera.sinks.config import Mqtt, Tls
from serving.camera.sinks.sink import Sink

ORDER_BYTES = 4096
_SLOWEST_RECONNECT = 8
Order = Callable[[str, str, str], None]  # camera, "instruction" | "enabled", value


class MqttSink(Sink):
    name = "mqtt"

    def __init__(
        self,
        settings: Mqtt,
        secrets: Secrets,
        outbox: Outbox,
        cameras: tuple[str, ...],
        order: Order,
    ) -> None:
        self._settings, self._cameras, self._order = settings, cameras, order
        self._courier = Courier(outbox, self.name, self._deliver, longest=2.0)
        self._connected = threading.Event()
        self._acknowledged = threading.Condition()
        self._codes: dict[int, bool] = {}  # message id → whether it was taken
        self._latest: dict[str, bytes] = {}  # retained topics, told again after a reconnect
        self.dropped = 0
        self._client = self._made(secrets)

    def _made(self, secrets: Secrets) -> Any:
        try:
            mqtt = import_module("paho.mqtt.client")
        except ImportError as error:
            raise MissingExtra("MQTT needs paho-mqtt: pip install 'posealign[camera]'") from error
        settings = self._settings
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, settings.client_id, protocol=mqtt.MQTTv5
        )
        if settings.credentials is not None:
            client.username_pw_set(*secrets.login(settings.credentials))
        if settings.tls is not None:
            _secure(client, settings.tls)
        client.will_set(self._topic("available"), "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, _SLOWEST_RECONNECT)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message, client.on_publish = self._on_message, self._on_publish
        return client

    def _topic(self, *parts: str) -> str:
        return "/".join((self._settings.prefix, *parts))

    # What the station calls

    def start(self) -> None:
        settings = self._settings
        self._client.connect_async(settings.host, settings.port, settings.keepalive)
        self._client.loop_start()
        self._courier.start()

    def stop(self) -> None:
        self._courier.stop(2.0 if self._connected.is_set() else 0.0)
        if self._connected.is_set():
            last = self._client.publish(self._topic("available"), "offline", qos=1, retain=True)
            self._wait(last.mid, 1.0)
            self._client.disconnect()
        self._client.loop_stop()

    def waiting(self) -> int:
        return self._courier.waiting()

    def pose(self, outcome: Outcome) -> None:
        message = outcome.message
        topic = self._topic(message.camera, "pose")
        self._now(topic, wire(message), self._settings.pose_qos)

    def event(self, message: EventMessage, outcome: Outcome | None) -> None:
        self._courier.put(message.id, self._topic(message.camera, "events"), wire(message))

    def status(self, message: StatusMessage) -> None:
        topic, body = self._topic(message.camera, "status"), wire(message)
        self._latest[topic] = body
        self._now(topic, body, 1, retain=True)

    def stats(self, message: StatsMessage) -> None:
        self._now(self._topic(message.camera, "stats"), wire(message), 0)

    # Sending

    def _now(self, topic: str, body: bytes, qos: int, retain: bool = False) -> None:
        if not self._connected.is_set():
            self.dropped += 1
            return
        self._client.publish(topic, body, qos=qos, retain=retain)

    def _deliver(self, item: Item) -> Delivery:
        # One message is under way at a time. paho sends it again after a reconnect by itself, so
        # nothing is published twice from here while its answer is outstanding.
        if not self._connected.wait(1.0):
            return "again"
        sent = self._client.publish(item.kind, item.body, qos=1)
        while not self._courier.stopping:
            taken = self._wait(sent.mid, 0.5)
            if taken is not None:
                return "done" if taken else "never"
        return "again"

    def _wait(self, mid: int, seconds: float) -> bool | None:
        with self._acknowledged:
            self._acknowledged.wait_for(lambda: mid in self._codes, seconds)
            return self._codes.pop(mid, None)

    # What paho calls, in its thread

    def _on_connect(self, client: Any, _: Any, __: Any, reason: Any, ___: Any = None) -> None:
        if reason.is_failure:
            log().warning("the broker refuses the connection", sink=self.name, code=reason.value)
            return
        client.subscribe([(self._topic("+", "+", "set"), 1)])
        client.publish(self._topic("available"), "online", qos=1, retain=True)
        for topic, body in list(self._latest.items()):
            client.publish(topic, body, qos=1, retain=True)
        for topic, body in self._announced():
            client.publish(topic, body, qos=1, retain=True)
        self._connected.set()
        self._courier.nudge()

    def _on_disconnect(self, *_: Any) -> None:
        self._connected.clear()

    def _on_publish(self, _: Any, __: Any, mid: int, reason: Any, ___: Any = None) -> None:
        with self._acknowledged:
            self._codes[mid] = not reason.is_failure
            while len(self._codes) > 4096:  # of messages nobody waits for
                self._codes.pop(next(iter(self._codes)))
            self._acknowledged.notify_all()

    def _on_message(self, _: Any, __: Any, message: Any) -> None:
        parts = message.topic.removeprefix(self._settings.prefix + "/").split("/")
        if message.retain or len(parts) != 3 or parts[0] not in self._cameras:
            return
        camera, what, _set = parts
        try:
            value = message.payload.decode("utf-8").strip()
        except UnicodeDecodeError:
            value = ""
        if what not in ("instruction", "enabled") or not value or len(value) > ORDER_BYTES:
            log().warning("an order that cannot be read", sink=self.name, camera=camera)
            return
        self._order(camera, what, value)

    # Home Assistant's discovery, optional

    def _announced(self) -> list[tuple[str, bytes]]:
        root = self._settings.discovery
        if root is None:
            return []
        rows = []
        for camera in self._cameras:
            device = {"identifiers": [f"posealign_{camera}"], "name": camera, "model": "PoseAlign"}
            node = f"posealign_{self._settings.client_id}_{camera}"
            shared = {
                "availability_topic": self._topic("available"), "device": device,
            }  # fmt: skip
            for kind, name, more in (
                ("sensor", "state", {
                    "state_topic": self._topic(camera, "status"),
                    "value_template": "{{ value_json.state }}"}),
                ("switch", "enabled", {
                    "state_topic": self._topic(camera, "status"),
                    "value_template": "{{ 'on' if value_json.enabled else 'off' }}",
                    "command_topic": self._topic(camera, "enabled", "set"),
                    "payload_on": "on", "payload_off": "off"}),
                ("text", "instruction", {
                    "state_topic": self._topic(camera, "status"), "max": 255,
                    "value_template": "{{ value_json.instruction[:255] }}",
                    "command_topic": self._topic(camera, "instruction", "set")}),
                ("event", "events", {
                    "state_topic": self._topic(camera, "events"),
                    "event_types": ["begin", "end", "change", "lost"],
                    "value_template": "{{ {'event_type': value_json.phase,"
                                      " 'rule': value_json.rule,"
                                      " 'bed': value_json.bed} | to_json }}"}),
            ):  # fmt: skip
                row = {**shared, **more, "name": name, "unique_id": f"{node}_{name}"}
                topic = f"{root}/{kind}/{node}_{name}/config"
                rows.append((topic, json.dumps(row).encode()))
        return rows


def _secure(client: Any, tls: Tls) -> None:
    client.tls_set(
        str(tls.ca) if tls.ca else None,
        str(tls.certificate) if tls.certificate else None,
        str(tls.key) if tls.key else None,
    )
