"""Audit events are BALP-shaped, and no byte of their log changes unseen."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from posealign.errors import InvalidInput
from posealign.interop.audit import Access, AuditLog, BrokenAudit, audit_event, events, verify
from posealign.interop.bindings import problems

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def access(**changes: object) -> Access:
    values: dict[str, object] = {
        "action": "read", "data": "Device/cam-3", "client": "key:ward-2",
        "client_address": "10.0.0.7", "server": "posealign", "server_address": "pose.local",
        "patient": "Patient/17", "request_id": "r-1",
    }  # fmt: skip
    return Access(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("action", ["read", "create", "query"])
@pytest.mark.parametrize("patient", [None, "Patient/17"])
@pytest.mark.parametrize("user", [None, "nurse-4"])
@pytest.mark.parametrize("success", [True, False])
def test_event_is_valid_and_balp_shaped(
    action: str, patient: str | None, user: str | None, success: bool
) -> None:
    query = "patient=17" if action == "query" else None
    event = audit_event(
        access(action=action, patient=patient, user=user, query=query, success=success), NOW
    )
    AuditEvent.model_validate(event)
    assert problems(event, "R4B") == []
    roles = [agent["type"]["coding"][0]["code"] for agent in event["agent"]]
    assert roles[:2] == (["110152", "110153"] if action == "read" else ["110153", "110152"])
    assert [agent["requestor"] for agent in event["agent"]].count(True) == 1
    people = [e for e in event["entity"] if e.get("role", {}).get("code") == "1"]
    assert [e["what"]["reference"] for e in people] == ([patient] if patient else [])
    assert ("meta" in event) == success


def test_access_is_checked() -> None:
    for changes in ({"action": "peek"}, {"patient": "17"}, {"client": " "}, {"action": "query"}):
        with pytest.raises(InvalidInput):
            access(**changes)


def test_any_changed_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for number in range(1):
        log.record(access(request_id=str(number)), NOW)
    assert verify(path) == 1
    for file in (path, path.with_name("audit.jsonl.head")):
        good = file.read_bytes()
        for place in range(len(good)):
            changed = bytearray(good)
            changed[place] ^= 0x20 if place % 2 else 0x01
            file.write_bytes(changed)
            with pytest.raises(BrokenAudit):
                verify(path)
        file.write_bytes(good)
    assert verify(path) == 1


def test_removed_inserted_and_swapped_lines_are_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for number in range(5):
        log.record(access(request_id=str(number)), NOW)
    lines = path.read_bytes().splitlines(keepends=True)
    for wrong in (lines[:-1], lines[1:], lines[:2] + lines[3:], lines + lines[-1:],
                  [lines[1], lines[0], *lines[2:]], []):  # fmt: skip
        path.write_bytes(b"".join(wrong))
        with pytest.raises(BrokenAudit):
            verify(path)


def test_a_rewritten_log_is_found_by_key_or_by_a_head_kept_elsewhere(tmp_path: Path) -> None:
    path, key = tmp_path / "audit.jsonl", b"k" * 32
    AuditLog(path, key).record(access(), NOW)
    kept = AuditLog(path, key).head()
    for file in tmp_path.iterdir():
        file.unlink()
    AuditLog(path).record(access(patient="Patient/18"), NOW)  # somebody without the key
    assert verify(path) == 1
    with pytest.raises(BrokenAudit):
        verify(path, key)
    with pytest.raises(BrokenAudit):
        verify(path, head=kept)


@pytest.mark.parametrize("torn", [1, 40, -1])
def test_a_write_cut_short_is_mended_and_nothing_acknowledged_is_lost(
    tmp_path: Path, torn: int
) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.record(access(request_id="first"), NOW)
    head = path.with_name("audit.jsonl.head").read_bytes()
    whole = path.read_bytes()
    log.record(access(request_id="second"), NOW)
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:torn])
    path.with_name("audit.jsonl.head").write_bytes(head)
    log.record(access(request_id="third"), NOW)
    assert verify(path) == 2


def test_many_writers_share_one_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"

    def write(name: int) -> None:
        log = AuditLog(path)
        for number in range(10):
            log.record(access(request_id=f"{name}-{number}"))

    writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert verify(path) == 40
    seen = {json.dumps(event["entity"][2]["what"]) for event in events(path)}
    assert len(seen) == 40
