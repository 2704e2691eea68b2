"""At least once, in order, by id: through broken receivers, broker restarts and crashes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from posealign.errors import MissingExtra
from serving.camera.clock import Clock
from serving.camera.messages import EventMessage, Model
from serving.camera.outbox import MOST, Courier, Item, Outbox
from serving.camera.secret import Secret, Secrets
from serving.camera.sinks import files
from serving.camera.sinks.config import Fhir, Files, Mqtt, Webhook
from serving.camera.sinks.files import FilesSink
from serving.camera.sinks.http import verdict
from serving.camera.sinks.mqtt import MqttSink
from serving.camera.sinks.webhook import WebhookSink
from serving.lines import mend
from tests.camera.servers import Broker, Listener, Receiver, until


def event(number: int) -> EventMessage:
    return EventMessage(
        id=uuid.uuid4().hex, camera="cot", time="2026-03-01T12:00:00.000Z", sequence=number,
        bed="bed-1", rule="r", rule_kind="hidden", phase="begin", value=None, previous=None,
        since="2026-03-01T12:00:00.000Z", model=Model(name="stub", digest="00"),
    )  # fmt: skip


def mqtt_sink(broker: Broker, outbox: Outbox) -> MqttSink:
    settings = Mqtt(host="127.0.0.1", port=broker.port, prefix="p")
    return MqttSink(settings, Secrets(), outbox, ("cot",), lambda *_: None)


@pytest.mark.parametrize("kill", [False, True])
def test_nothing_is_lost_or_sent_twice_over_broker_restarts(
    kill: bool, broker: Broker, tmp_path: Path
) -> None:
    listener = Listener(broker.port)
    outbox = Outbox(tmp_path / "outbox.sqlite")
    sink = mqtt_sink(broker, outbox)
    sink.start()
    sent = []
    for number in range(60):
        sent.append(event(number))
        sink.event(sent[-1], None)
        if number in (20, 40):
            if kill:  # what the broker acknowledged and had not handed on would die with it
                until(lambda: sink.waiting() == 0, 10)
                until(lambda: len(listener.of("p/cot/events")) >= len(sent), 5)
                listener.ready.clear()
            broker.stop(kill)
            time.sleep(0.3)
            broker.start()
            if kill:  # it forgot who listens
                assert listener.ready.wait(10)
    until(lambda: sink.waiting() == 0, 20, "all delivered")
    until(lambda: len(listener.of("p/cot/events")) >= 60, 10, "all received")
    time.sleep(0.3)
    got = [row["id"] for row in listener.of("p/cot/events")]
    assert list(dict.fromkeys(got)) == [message.id for message in sent]  # nothing lost, in order
    # The one message whose acknowledgement a restart swallowed comes again, under the same id.
    assert len(got) - len(sent) <= (0 if kill else 2)
    sink.stop()
    listener.stop()
    outbox.close()


def test_what_waits_survives_the_process(broker: Broker, tmp_path: Path) -> None:
    listener = Listener(broker.port)
    path = tmp_path / "outbox.sqlite"
    broker.stop()
    first = Outbox(path)
    sink = mqtt_sink(broker, first)
    sink.start()
    sent = [event(number) for number in range(5)]
    for message in sent:
        sink.event(message, None)
    sink.stop()
    first.close()
    broker.start()
    second = Outbox(path)
    again = mqtt_sink(broker, second)
    again.start()
    until(lambda: len(listener.of("p/cot/events")) >= 5, 15, "delivered by the next process")
    assert [row["id"] for row in listener.of("p/cot/events")] == [m.id for m in sent]
    again.stop()
    second.close()
    listener.stop()


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    code = (
        "import sys, os\nfrom pathlib import Path\nfrom serving.camera.outbox import Outbox\n"
        f"o = Outbox(Path({str(path)!r}))\n"
        "for n in range(1000):\n"
        "    o.put('s', str(n), 'k', b'x')\n    print(n, flush=True)\n"
        "    n == 57 and os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    said = len(done.stdout.split())
    assert said == 58
    outbox = Outbox(path)
    assert outbox.waiting("s") == said
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"
    outbox.close()


def webhook(receiver: Receiver, outbox: Outbox, **more: Any) -> WebhookSink:
    os.environ["TEST_HOOK"] = "hook-secret"
    settings = Webhook(url=receiver.url, secret=Secret(env="TEST_HOOK"), **more)
    return WebhookSink(settings, Secrets(), outbox, Clock(), {"bed-1": "Patient/17"})


def test_a_webhook_is_tried_until_it_is_taken_and_only_then(
    receiver: Receiver, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    receiver.fail = [500, 503, 429]
    sink = webhook(receiver, outbox)
    sink.start()
    sent = [event(number) for number in range(4)]
    for message in sent:
        sink.event(message, None)
    until(lambda: len(receiver.got) >= 4, 30, "taken")
    time.sleep(0.2)
    assert [json.loads(body)["id"] for _, _, body in receiver.got] == [m.id for m in sent]
    receiver.fail = [400]
    sink.event(event(9), None)
    sink.event(last := event(10), None)
    until(lambda: len(receiver.got) == 5, 10, "goes on after one that is refused for good")
    assert json.loads(receiver.got[-1][2])["id"] == last.id
    assert outbox.buried("webhook") == 1
    sink.stop()
    outbox.close()


def test_the_subject_goes_along_only_where_it_is_wanted(receiver: Receiver, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    sink = webhook(receiver, outbox, with_subject=True)
    sink.start()
    sink.event(event(1), None)
    until(lambda: receiver.got, 5)
    assert json.loads(receiver.got[0][2])["subject"] == "Patient/17"
    sink.stop()
    outbox.close()


def test_an_id_is_kept_once_and_a_full_outbox_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    assert outbox.put("s", "1", "k", b"x")
    assert outbox.put("s", "1", "k", b"x")
    assert outbox.waiting("s") == 1
    monkeypatch.setattr("serving.camera.outbox.MOST", 2)
    assert outbox.put("s", "2", "k", b"x")
    assert not outbox.put("s", "3", "k", b"x")
    assert outbox.put("other", "3", "k", b"x")
    assert MOST > 1000
    outbox.close()


def test_a_delivery_that_raises_keeps_its_message(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    calls: list[str] = []

    def deliver(item: Item) -> Any:
        calls.append(item.id)
        if len(calls) < 3:
            raise sqlite3.OperationalError("disk")
        return "done"

    courier = Courier(outbox, "s", deliver, longest=0.3)
    courier.start()
    courier.put("1", "k", b"x")
    until(lambda: courier.waiting() == 0, 5)
    assert calls == ["1", "1", "1"]
    courier.stop(1)
    outbox.close()


def test_verdicts() -> None:
    assert [verdict(s, "x") for s in (200, 204, 409, 500, 429, 401, 400, 422)] == [
        "done", "done", "done", "again", "again", "again", "never", "never",
    ]  # fmt: skip


def test_lines_are_whole_after_a_crash(tmp_path: Path) -> None:
    for content, expected in (
        (b'{"a":1}\n{"b":', b'{"a":1}\n'), (b'{"a":1}\n', b'{"a":1}\n'), (b'{"a"', b""),
        (b'{"a":1}\n' + b"x" * 200_000, b'{"a":1}\n'), (b"", b""),
    ):  # fmt: skip
        path = tmp_path / "event-1.jsonl"
        path.write_bytes(content)
        mend(path)
        assert path.read_bytes() == expected


def _run(sink: FilesSink, count: int) -> None:
    sink.start()
    for number in range(count):
        sink.event(event(number), None)
    sink.stop()


def test_json_lines(tmp_path: Path) -> None:
    _run(FilesSink(Files(folder=tmp_path, kinds=("event",))), 20)
    lines = (tmp_path / "event-2026-03-01.jsonl").read_text().splitlines()
    assert [json.loads(row)["sequence"] for row in lines] == list(range(20))


def parquet_settings(folder: Path, rows: int) -> Files:
    return Files(folder=folder, format="parquet", kinds=("event",), rows=rows)


def read_parquet(folder: Path) -> list[dict[str, Any]]:
    """Every row of every file, in the order of their messages."""
    tables = [parquet.read_table(path) for path in folder.glob("*.parquet")]
    return sorted((row for t in tables for row in t.to_pylist()), key=lambda row: row["sequence"])


def test_parquet_is_read_back_as_it_was_told(tmp_path: Path) -> None:
    told = [event(number) for number in range(20)]
    sink = FilesSink(parquet_settings(tmp_path, 8))
    sink.start()
    for message in told:
        sink.event(message, None)
    sink.stop()
    sizes = [parquet.read_metadata(path).num_rows for path in tmp_path.glob("*.parquet")]
    assert sorted(sizes) == [4, 8, 8]  # whole files while it runs, and the rest at the end
    rows = read_parquet(tmp_path)
    assert [EventMessage.model_validate_json(row["message"]) for row in rows] == told
    assert [row["id"] for row in rows] == [message.id for message in told]
    assert {row["time"] for row in rows} == {datetime(2026, 3, 1, 12, tzinfo=UTC)}
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_parquet_is_read_a_row_group_at_a_time(tmp_path: Path) -> None:
    _run(FilesSink(parquet_settings(tmp_path, 5000)), 2)
    path = next(tmp_path.glob("*.parquet"))
    many = [{**json.loads(event(n).model_dump_json())} for n in range(2500)]
    files._write_parquet(many, path)
    found = parquet.ParquetFile(path)
    assert [found.metadata.row_group(n).num_rows for n in range(3)] == [1000, 1000, 500]
    assert found.read_row_group(2)["sequence"].to_pylist() == list(range(2000, 2500))


_WRITER = """
import sys, time
from pathlib import Path
from serving.camera.sinks.files import FilesSink
from tests.camera.test_delivery import event, parquet_settings
folder = Path(sys.argv[1])
sink = FilesSink(parquet_settings(folder, 8))
sink.start()
for number in range(20):
    sink.event(event(number), None)
lines = folder / "event.open.jsonl"
while sink.waiting() or not lines.is_file() or lines.read_bytes().count(b"\\n") != 4:
    time.sleep(0.01)
print("told", flush=True)
time.sleep(60)
"""


def test_a_killed_writer_loses_no_row_of_parquet(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "told\n"
        writer.kill()
    assert len(read_parquet(tmp_path)) == 16  # two files; four rows wait as lines
    lines = tmp_path / "event.open.jsonl"
    with lines.open("ab") as file:
        file.write(b'{"id": "cut o')
    # Killed between writing the file and taking its lines away: it is written over, not doubled.
    left = lines.read_bytes()
    _run(FilesSink(parquet_settings(tmp_path, 8)), 0)
    lines.write_bytes(left)
    _run(FilesSink(parquet_settings(tmp_path, 8)), 0)
    assert [row["sequence"] for row in read_parquet(tmp_path)] == list(range(20))
    assert not lines.exists()


def test_parquet_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"posealign\[parquet\]"):
        FilesSink(parquet_settings(tmp_path, 8))


def test_fhir_goes_to_one_place() -> None:
    for wrong in ({}, {"url": "http://a/b", "folder": "x"}, {"url": "ftp://a"},
                  {"url": "http://u:p@a/b"}):  # fmt: skip
        with pytest.raises(ValueError, match=r"url|address"):
            Fhir.model_validate(wrong)


def test_a_slow_receiver_holds_nobody_up(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    slow: Callable[[Item], Any] = lambda _: time.sleep(0.5) or "again"  # noqa: E731
    courier = Courier(outbox, "s", slow)
    courier.start()
    start = time.monotonic()
    for number in range(20):
        courier.put(str(number), "k", b"x")
    assert time.monotonic() - start < 2
    courier.stop(0)
    outbox.close()


def test_orders_that_cannot_be_meant_are_left_alone(broker: Broker, tmp_path: Path) -> None:
    listener = Listener(broker.port)
    listener.say("p/cot/instruction/set", "an old order", retain=True)
    orders: list[tuple[str, str, str]] = []
    outbox = Outbox(tmp_path / "outbox.sqlite")
    settings = Mqtt(host="127.0.0.1", port=broker.port, prefix="p")
    sink = MqttSink(settings, Secrets(), outbox, ("cot",), lambda *order: orders.append(order))
    sink.start()
    until(lambda: ("p/available", b"online") in [m[:2] for m in listener.messages], 10)
    for topic, payload in (
        ("p/cot/instruction/set", b"\xff\xfe"), ("p/cot/instruction/set", "x" * 5000),
        ("p/cot/instruction/set", " "), ("p/cot/reboot/set", "now"), ("p/other/enabled/set", "on"),
        ("p/cot/instruction/set", "双手"), ("p/cot/enabled/set", "off"),
    ):  # fmt: skip
        listener.say(topic, payload)
    until(lambda: len(orders) >= 2, 10)
    time.sleep(0.2)
    assert orders == [("cot", "instruction", "双手"), ("cot", "enabled", "off")]
    sink.stop()
    listener.stop()
    outbox.close()
