"""Required bindings that fhir.resources does not check: it takes any code for a status.

`problems` walks a resource of the kinds we write (Observation, Device, AuditEvent, Bundle) and
names every code that is not in its required value set, every code of a system we know that the
system does not have, and the invariants our resources must keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from posealign.anatomy.angles import ANGLES
from posealign.interop import terms


def _codes(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OBSERVATION_STATUS = _codes(
    "registered preliminary final amended corrected cancelled entered-in-error unknown"
)
_BUNDLE = _codes(
    "document message transaction transaction-response batch batch-response history searchset "
    "collection"
)
_DEVICE_STATUS = frozenset({"active", "inactive", "entered-in-error"})

# (resource, path without indices) → codes; "*" stands for every resource.
_REQUIRED: dict[str, dict[tuple[str, str], frozenset[str]]] = {
    "R4B": {
        ("Observation", "status"): _OBSERVATION_STATUS,
        ("Device", "status"): _DEVICE_STATUS | {"unknown"},
        ("Device", "deviceName.type"): _codes(
            "udi-label-name user-friendly-name patient-reported-name manufacturer-name model-name "
            "other"
        ),
        ("AuditEvent", "action"): frozenset("CRUDE"),
        ("AuditEvent", "outcome"): frozenset({"0", "4", "8", "12"}),
        ("AuditEvent", "agent.network.type"): frozenset("12345"),
        ("Bundle", "type"): _BUNDLE,
    },
    "R5": {
        ("Observation", "status"): _OBSERVATION_STATUS,
        ("Device", "status"): _DEVICE_STATUS,
        ("Device", "name.type"): _codes("registered-name user-friendly-name patient-reported-name"),
        ("Bundle", "type"): _BUNDLE | {"subscription-notification"},
    },
}
_ANYWHERE: dict[str, frozenset[str]] = {
    "identifier.use": _codes("usual official temp secondary old"),
    "text.status": _codes("generated extensions additional empty"),
    "comparator": frozenset({"<", "<=", ">=", ">", "ad"}),
    "request.method": _codes("GET HEAD POST PUT DELETE PATCH"),
}
_NEEDED = {
    "Observation": ("status", "code"),
    "AuditEvent": ("type", "recorded", "agent", "source"),
    "Bundle": ("type",),
}
# Systems whose codes we use: a code outside is a slip of ours (or of a changed configuration).
_SYSTEMS: dict[str, frozenset[str]] = {
    terms.ABSENT_REASON: _codes(
        "unknown asked-unknown temp-unknown not-asked asked-declined masked not-applicable "
        "unsupported as-text error not-a-number negative-infinity positive-infinity not-performed "
        "not-permitted"
    ),
    terms.CATEGORY: _codes(
        "social-history vital-signs imaging laboratory procedure survey exam therapy activity"
    ),
    terms.STATE: frozenset({"absent", "occluded", "visible"}),
    terms.ANGLE: frozenset(ANGLES) | {f"{name}_in_picture" for name in ANGLES},
    terms.METHOD: frozenset({"picture-keypoints"}),
    terms.UCUM: frozenset({"deg", "m", "s"}),
    "http://terminology.hl7.org/CodeSystem/audit-event-type": frozenset({"rest"}),
    "http://hl7.org/fhir/restful-interaction": frozenset({"read", "create", "search"}),
    "http://dicom.nema.org/resources/ontology/DCM": frozenset({"110152", "110153"}),
    "http://terminology.hl7.org/CodeSystem/audit-entity-type": frozenset("1234"),
    "http://terminology.hl7.org/CodeSystem/object-role": frozenset(str(n) for n in range(1, 25)),
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType": frozenset({"IRCP", "AUT"}),
    "http://terminology.hl7.org/CodeSystem/security-source-type": frozenset("123456789"),
}


def problems(resource: Mapping[str, Any], version: str) -> list[str]:
    """What is wrong, as `path: code`; an empty list is good."""
    return sorted(set(_problems(resource, version)))


def _problems(resource: Mapping[str, Any], version: str) -> Iterator[str]:
    kind = str(resource.get("resourceType"))
    for name in _NEEDED.get(kind, ()):
        if name not in resource:
            yield f"{kind}.{name}: missing"
    if kind == "Observation":
        yield from _invariants(resource)
    for path, value, parent in _walk(resource, ""):
        required = _REQUIRED[version].get((kind, path)) or next(
            (codes for tail, codes in _ANYWHERE.items() if f".{path}".endswith(f".{tail}")), None
        )
        if required is not None and value not in required:
            yield f"{kind}.{path}: {value!r} is not in its required value set"
        if path.rsplit(".", 1)[-1] == "code" and isinstance(value, str):
            known = _SYSTEMS.get(str(parent.get("system")))
            if known is not None and value not in known:
                yield f"{kind}.{path}: {parent['system']} has no code {value!r}"
    for number, inner in enumerate(resource.get("contained", ())):
        for problem in _problems(inner, version):
            yield f"contained[{number}].{problem}"
    for entry in resource.get("entry", ()):
        yield from _problems(entry.get("resource", {}), version)


def _invariants(resource: Mapping[str, Any]) -> Iterator[str]:
    """obs-6 and obs-7, and that every component says something."""
    rows = [("Observation", resource)]
    rows += [("Observation.component", row) for row in resource.get("component", ())]
    for path, row in rows:
        valued = any(key.startswith("value") for key in row)
        if valued == ("dataAbsentReason" in row):
            yield f"{path}: exactly one of a value and dataAbsentReason is needed"
    own = {(c.get("system"), c.get("code")) for c in resource.get("code", {}).get("coding", ())}
    for row in resource.get("component", ()):
        codes = {(c.get("system"), c.get("code")) for c in row["code"].get("coding", ())}
        if own & codes and any(key.startswith("value") for key in resource):
            yield "Observation.component.code: the Observation's own code (obs-7)"


def _walk(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """(path without indices, leaf, object around it); inner resources are walked on their own."""
    for name, inner in value.items():
        if name in ("contained", "resource"):
            continue
        place = f"{path}.{name}" if path else name
        for row in inner if isinstance(inner, list) else [inner]:
            if isinstance(row, Mapping):
                yield from _walk(row, place)
            else:
                yield place, row, value
