"""Who saw what of whom: BALP-shaped AuditEvents in a file that shows every change.

The events follow IHE's Basic Audit Log Patterns (FHIR R4: PatientRead, PatientCreate,
PatientQuery). A log is one line an event; each line carries the hash of the line before, so a
changed, removed or inserted byte breaks the chain from there on. Beside it lies `<name>.head` with
the last hash and length, which shows a cut tail. Somebody who may rewrite both files can make a new
chain: give a key (HMAC), or keep `AuditLog.head()` in a second place.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import ipaddress
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from posealign.errors import InvalidInput, PoseAlignError

PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
START = "0" * 64

_TERMS = "http://terminology.hl7.org/CodeSystem/"
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_ENTITY_TYPE = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_SOURCE = {"system": _DCM, "code": "110153", "display": "Source Role ID"}
_DESTINATION = {"system": _DCM, "code": "110152", "display": "Destination Role ID"}
# action → (code, restful interaction, profile, user's participation); BALP lets the data's way
# name the roles: a reading client is the destination, a writing or asking one the source.
_ACTIONS = {
    "read": ("R", "read", "PatientRead", "IRCP"),
    "create": ("C", "create", "PatientCreate", "AUT"),
    "query": ("E", "search", "PatientQuery", "IRCP"),
}


class BrokenAudit(PoseAlignError):
    """The log is not what was written."""

    status, exit_code, code = 500, 5, "broken-audit"


@dataclass(frozen=True)
class Access:
    """One access to one patient's data. Without a known patient BALP's plain pattern is used."""

    action: Literal["read", "create", "query"]
    data: str  # what was accessed: Observation/17, Device/cam-3/preview
    client: str  # who asked: a program, a key's name; never a secret
    client_address: str
    server: str
    server_address: str
    patient: str | None = None  # Patient/123
    user: str | None = None  # the person behind the client, where known
    request_id: str | None = None
    query: str | None = None  # the raw search, for `query`
    success: bool = True

    def __post_init__(self) -> None:
        if self.action not in _ACTIONS:
            raise InvalidInput(f"action is {self.action!r}; expected one of {', '.join(_ACTIONS)}")
        if self.patient is not None and not _is_reference(self.patient, "Patient"):
            raise InvalidInput("an access names its patient as Patient/ID")
        for name in ("data", "client", "client_address", "server", "server_address"):
            if not getattr(self, name).strip():
                raise InvalidInput(f"an access needs its {name}")
        if self.action == "query" and not self.query:
            raise InvalidInput("an access by query needs the query")


def audit_event(access: Access, recorded: datetime) -> dict[str, Any]:
    """The AuditEvent (FHIR R4/R4B JSON) of one access."""
    if recorded.tzinfo is None:
        raise InvalidInput("recorded needs a time zone")
    code, interaction, profile, participation = _ACTIONS[access.action]
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(uuid.uuid4()),
        "type": {"system": _TERMS + "audit-event-type", "code": "rest",
                 "display": "Restful Operation"},
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": interaction}],
        "action": code,
        "recorded": recorded.astimezone(UTC).isoformat(timespec="milliseconds"),
        "outcome": "0" if access.success else "4",
        "agent": _agents(access, participation),
        "source": {
            "observer": {"display": access.server},
            "type": [{"system": _TERMS + "security-source-type", "code": "4",
                      "display": "Application Server"}],
        },
        "entity": _entities(access),
    }  # fmt: skip
    if access.success:  # the patterns describe successful actions only
        name = profile if access.patient else profile.removeprefix("Patient")
        event["meta"] = {"profile": [PROFILE + name]}
    return event


def _agents(access: Access, participation: str) -> list[dict[str, Any]]:
    client, server = (_DESTINATION, _SOURCE) if access.action == "read" else (_SOURCE, _DESTINATION)
    agents: list[dict[str, Any]] = [
        _machine(client, access.client, access.client_address, access.user is None),
        _machine(server, access.server, access.server_address, False),
    ]
    if access.user is not None:
        kind = {"system": _TERMS + "v3-ParticipationType", "code": participation}
        agents.append(
            {
                "type": {"coding": [kind]},
                "who": {"identifier": {"value": access.user}},
                "requestor": True,
            }
        )
    return agents


def _machine(role: dict[str, str], name: str, address: str, requestor: bool) -> dict[str, Any]:
    return {
        "type": {"coding": [role]},
        "who": {"identifier": {"value": name}},
        "requestor": requestor,
        "network": {"address": address, "type": _network_type(address)},
    }


def _network_type(address: str) -> str:
    if "://" in address:
        return "5"  # URI
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return "1"  # machine name
    return "2"


def _entities(access: Access) -> list[dict[str, Any]]:
    kind = {"system": _TERMS + "audit-entity-type", "code": "2", "display": "System Object"}
    role = {"system": _TERMS + "object-role", "code": "4", "display": "Domain Resource"}
    entities: list[dict[str, Any]] = []
    if access.query is not None:
        role = {"system": _TERMS + "object-role", "code": "24", "display": "Query"}
        raw = base64.b64encode(access.query.encode()).decode()
        entities.append({"type": kind, "role": role, "query": raw})
    else:
        entities.append({"type": kind, "role": role, "what": _what(access.data)})
    if access.patient is not None:
        entities.append(
            {
                "type": {"system": _TERMS + "audit-entity-type", "code": "1", "display": "Person"},
                "role": {"system": _TERMS + "object-role", "code": "1", "display": "Patient"},
                "what": {"reference": access.patient},
            }
        )
    if access.request_id is not None:
        entities.append(
            {
                "type": {"system": _ENTITY_TYPE, "code": "XrequestId"},
                "what": {"identifier": {"value": access.request_id}},
            }
        )
    return entities


def _what(data: str) -> dict[str, Any]:
    kind = data.split("/", 1)[0]
    if _is_reference(data, kind) and kind in ("Observation", "Device", "DiagnosticReport", "Media"):
        return {"reference": data}
    return {"identifier": {"value": data}}


def _is_reference(text: str, kind: str) -> bool:
    head, _, identifier = text.partition("/")
    plain = identifier.replace("-", "").replace(".", "")
    return head == kind and plain.isascii() and plain.isalnum() and len(identifier) <= 64


class AuditLog:
    """Appends events to a chained file; several processes may share one."""

    def __init__(self, path: Path, key: bytes | None = None) -> None:
        self.path, self._key = path, key
        path.parent.mkdir(parents=True, exist_ok=True)

    def record(self, access: Access, recorded: datetime | None = None) -> dict[str, Any]:
        """Write one event; it is on disk when this returns. Returns the event."""
        event = audit_event(access, recorded or datetime.now(UTC))
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            head = self._recover(file.fileno())
            line = _line(head["sequence"] + 1, head["hash"], event, self._key)
            os.lseek(file.fileno(), head["bytes"], os.SEEK_SET)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            self._write_head(head["sequence"] + 1, line, head["bytes"])
        return event

    def head(self) -> dict[str, Any]:
        """Sequence, hash and length of the log: keep it elsewhere to notice a rewritten log."""
        path = _head_path(self.path)
        if not path.is_file():
            return {"bytes": 0, "hash": START, "sequence": 0}
        return _read_head(path)

    def _recover(self, descriptor: int) -> dict[str, Any]:
        """The head; a line that was being written when the power went is finished or cut off."""
        head, size = self.head(), os.fstat(descriptor).st_size
        if size < head["bytes"]:
            raise BrokenAudit(f"{self.path} has {size} bytes, its head says {head['bytes']}")
        if size == head["bytes"]:
            return head
        tail = os.pread(descriptor, size - head["bytes"], head["bytes"])
        line, *more = tail.splitlines(keepends=True)
        if more:  # a cut write leaves one line at most: somebody wrote here, or the head is gone
            raise BrokenAudit(f"{self.path} goes on after its end; see `verify`")
        try:
            _check_line(line, head["sequence"] + 1, head["hash"], self._key)
        except BrokenAudit:  # never acknowledged: `record` had not returned
            os.ftruncate(descriptor, head["bytes"])
            return head
        os.ftruncate(descriptor, head["bytes"] + len(line))
        self._write_head(head["sequence"] + 1, line, head["bytes"])
        return self.head()

    def _write_head(self, sequence: int, line: bytes, before: int) -> None:
        head = {"bytes": before + len(line), "hash": _hash_of(line), "sequence": sequence}
        path = _head_path(self.path)
        partial = path.with_suffix(".partial")
        partial.write_bytes(_canonical(head) + b"\n")
        os.replace(partial, path)


def verify(path: Path, key: bytes | None = None, head: dict[str, Any] | None = None) -> int:
    """The number of events of an unchanged log; BrokenAudit names the first line that is not.

    `head` is one kept elsewhere: the log must contain it.
    """
    own = _read_head(_head_path(path))
    anchors = {own["sequence"]: own["hash"]} | ({head["sequence"]: head["hash"]} if head else {})
    previous, sequence, size = START, 0, 0
    for line in _lines(path):
        sequence += 1
        previous = _check_line(line, sequence, previous, key)
        size += len(line)
        if anchors.get(sequence, previous) != previous:
            raise BrokenAudit(f"{path}: line {sequence} is not the one that was written")
    if size != own["bytes"] or sequence != own["sequence"] or sequence < max(anchors):
        raise BrokenAudit(f"{path} has {sequence} lines; its head says {max(anchors)}")
    return sequence


def events(path: Path) -> Iterator[dict[str, Any]]:
    """The AuditEvents of a log, oldest first; `verify` first."""
    for line in _lines(path):
        yield json.loads(line)["event"]


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _line(sequence: int, previous: str, event: dict[str, Any], key: bytes | None) -> bytes:
    record = {"event": event, "previous": previous, "sequence": sequence}
    return _canonical(record | {"hash": _digest(_canonical(record), key)}) + b"\n"


def _check_line(line: bytes, sequence: int, previous: str, key: bytes | None) -> str:
    """The line's hash; any byte that differs from what was written is an error."""
    try:
        record = json.loads(line)
        same = _line(record["sequence"], record["previous"], record["event"], key) == line
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenAudit(f"line {sequence} of the audit log cannot be read") from error
    if not same or record["sequence"] != sequence or record["previous"] != previous:
        raise BrokenAudit(f"line {sequence} of the audit log was changed, or one before it removed")
    return str(record["hash"])


def _hash_of(line: bytes) -> str:
    return str(json.loads(line)["hash"])


def _digest(data: bytes, key: bytes | None) -> str:
    if key is None:
        return hashlib.sha256(data).hexdigest()
    return hmac.new(key, data, hashlib.sha256).hexdigest()


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def _head_path(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def _read_head(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        head = json.loads(data)
        good = _canonical(head) + b"\n" == data and set(head) == {"bytes", "hash", "sequence"}
    except (OSError, ValueError, TypeError) as error:
        raise BrokenAudit(f"{path} cannot be read: the audit log's end is unknown") from error
    if not good:
        raise BrokenAudit(f"{path} was changed")
    return dict(head)
