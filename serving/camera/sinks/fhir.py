"""Observations for a FHIR server or a folder: every so often for each bed, and at events.

A server gets each with If-None-Exist, so that one that arrives twice is created once. Everything is
checked before it goes; every creation is an audit event.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from posealign.interop import terms
from posealign.interop.fhir import Context, checked, observation
from posealign.interop.terms import Terms
from serving.camera.messages import EventMessage
from serving.camera.outbox import Delivery, Item, Outbox
from serving.camera.scene import Occupant, Outcome
from serving.camera.secret import Secrets
from serving.camera.sinks.config import Fhir
from serving.camera.sinks.http import HttpSink

Audited = Callable[[str, str, str | None, str], None]  # action, data, patient, client


class FhirSink(HttpSink):
    name = "fhir"

    def __init__(
        self, settings: Fhir, secrets: Secrets, outbox: Outbox, names: Terms,
        devices: Mapping[str, str], audited: Audited,
    ) -> None:  # fmt: skip
        super().__init__(settings, outbox)
        self._settings, self._names, self._devices = settings, names, devices
        self._audited = audited
        self._url = ""
        if settings.url is not None:
            url = settings.url
            self._url = (url if isinstance(url, str) else secrets.read(url)).rstrip("/")
        if settings.folder is not None:
            settings.folder.mkdir(parents=True, exist_ok=True)
        self._token = secrets.read(settings.token) if settings.token is not None else None
        self._sent: dict[str, float] = {}  # bed → when (monotonic)

    def pose(self, outcome: Outcome) -> None:
        every, now = self._settings.every, outcome.shown.received
        if every is None:
            return
        for occupant in outcome.occupants:
            before = self._sent.get(occupant.bed.name)
            if before is None or now - before >= every:
                self._put(outcome, occupant, f"{outcome.message.id}-{occupant.bed.name}")

    def event(self, message: EventMessage, outcome: Outcome | None) -> None:
        if not self._settings.at_events or outcome is None:
            return
        for occupant in outcome.occupants:
            if occupant.bed.name == message.bed:
                self._put(outcome, occupant, message.id)

    def _put(self, outcome: Outcome, occupant: Occupant, identifier: str) -> None:
        bed = occupant.bed
        if bed.subject is None and not self._settings.unmapped:
            return
        self._sent[bed.name] = outcome.shown.received
        context = Context(
            datetime.fromtimestamp(outcome.date, UTC), identifier, bed.subject, bed.encounter,
            self._devices.get(outcome.message.camera), bed.location, None, occupant.posture,
            occupant.masked,
        )  # fmt: skip
        version = self._settings.version
        made = observation(outcome.result, occupant.pose, context, version, self._names)
        made["id"] = identifier[:64]
        body = json.dumps(checked(made, version), allow_nan=False).encode()
        self._courier.put(identifier, "Observation", body)

    def deliver(self, item: Item) -> Delivery:
        resource = json.loads(item.body)
        if self._settings.folder is not None:
            self._write(item)
        else:
            outcome = self._post(item, resource)
            if outcome != "done":
                return outcome
        patient = resource.get("subject", {}).get("reference")
        known = patient if str(patient).startswith("Patient/") else None
        self._audited("create", f"Observation/{resource['id']}", known, "posealign-camera")
        return "done"

    def _write(self, item: Item) -> None:
        assert self._settings.folder is not None
        path = self._settings.folder / f"Observation-{item.id}.json"
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(item.body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)

    def _post(self, item: Item, resource: Mapping[str, object]) -> Delivery:
        version = "4.3" if self._settings.version == "R4B" else "5.0"
        headers = {
            "Content-Type": f"application/fhir+json; fhirVersion={version}",
            "If-None-Exist": f"identifier={terms.OBSERVATION_IDENTIFIER}|{item.id}",
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        plain = {key: value for key, value in resource.items() if key != "id"}
        return self.post(f"{self._url}/Observation", json.dumps(plain).encode(), headers)
