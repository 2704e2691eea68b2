"""Listen to what `posealign camera` says over MQTT: events and states, one line each.

    python examples/listen.py --host 127.0.0.1 --port 1883 --prefix posealign [--count 1]

Needs paho-mqtt, which posealign[camera] brings. An event comes at least once: one whose `id` was
seen before is dropped here, as every receiver should do. Not an alarm system.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import deque
from typing import Any

import paho.mqtt.client as mqtt


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--prefix", default="posealign")
    parser.add_argument("--ca", help="PEM file of the broker's authority: connects with TLS")
    parser.add_argument("--count", type=int, default=0, help="end after so many lines; 0: never")
    given = parser.parse_args()
    seen: deque[str] = deque(maxlen=10_000)
    lines = 0

    def connected(client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(f"{given.prefix}/+/events", 1), (f"{given.prefix}/+/status", 1)])

    def arrived(client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        nonlocal lines
        row = json.loads(message.payload)
        if row["kind"] == "event":
            if row["id"] in seen:
                return
            seen.append(row["id"])
            print(
                f"{row['time']} {row['camera']}/{row['bed']}: {row['rule']} {row['phase']}"
                f" {row['value'] or ''}".rstrip(),
                flush=True,
            )
        else:
            print(f"{row['time']} {row['camera']}: {row['state']}", flush=True)
        lines += 1
        if lines == given.count:
            client.disconnect()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    if user := os.environ.get("MQTT_USER"):
        client.username_pw_set(user, os.environ.get("MQTT_PASSWORD"))
    if given.ca:
        client.tls_set(ca_certs=given.ca)
    client.on_connect, client.on_message = connected, arrived
    client.on_subscribe = lambda *_: print("listening", file=sys.stderr, flush=True)
    client.connect(given.host, given.port)
    client.loop_forever()


if __name__ == "__main__":
    main()
