"""A pose as a FHIR Observation (R4B or R5), and back.

The Observation says the body's position (LOINC 8361-8) and carries one component a joint and one an
angle. Joints that are not visible have `dataAbsentReason` unknown; `masked` is for privacy masks
alone. Pixels have no place in FHIR's own elements, so places lie in extensions; `pose_of` reads
them again. An Observation is preliminary until a person confirms it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Literal

import numpy as np

from posealign.anatomy.angles import ANGLES, angle
from posealign.anatomy.posture import lying_posture
from posealign.data.pose import Finding, PlacedJoint, Pose, PoseResult, State
from posealign.errors import InvalidInput, MissingExtra, among, nearest
from posealign.interop import terms
from posealign.interop.bindings import problems
from posealign.interop.terms import Terms

Version = Literal["R4B", "R5"]
VERSIONS = ("R4B", "R5")
TERMS = Terms()

_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_CODE = re.compile(r"[^\s]+( [^\s]+)*")


@dataclass(frozen=True)
class Context:
    """Of whom, when and where: what a picture does not tell."""

    effective: datetime
    identifier: str  # the same result always has the same one, so that it is created once
    subject: str | None = None  # Patient/17
    encounter: str | None = None
    camera: str | None = None  # Device/…
    location: str | None = None  # Location/… of the bed
    confirmed_by: str | None = None  # Practitioner/…; makes the Observation final
    posture: str | None = None  # where more is known than the joints tell
    masked: frozenset[str] = frozenset()  # joints under a privacy mask

    def __post_init__(self) -> None:
        if self.effective.tzinfo is None:
            raise InvalidInput("`effective` needs a time zone")
        if not self.identifier:
            raise InvalidInput("an Observation needs an identifier")
        for name in ("subject", "encounter", "camera", "location", "confirmed_by"):
            value = getattr(self, name)
            if value is not None and not _REFERENCE.fullmatch(value):
                raise InvalidInput(f"{name} is not a reference like Patient/17")


def observation(
    result: PoseResult,
    pose: Pose,
    context: Context,
    version: Version = "R5",
    names: Terms = TERMS,
) -> dict[str, Any]:
    """The Observation's JSON."""
    if version not in VERSIONS:
        raise InvalidInput(f"FHIR {version!r}; expected R4B or R5{nearest(version, VERSIONS)}")
    posture = context.posture or _posture(pose)
    if posture is not None and posture not in names.postures:
        raise InvalidInput(f"no code for the posture {posture!r}{among(posture, names.postures)}")
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "contained": [_model(result, context, version)],
        "extension": [_pose_extension(result, pose)],
        "identifier": [
            {"system": terms.OBSERVATION_IDENTIFIER, "value": context.identifier}
        ],
        "status": "final" if context.confirmed_by else "preliminary",
        "category": [{"coding": [names.category.plain()]}],
        "code": {"coding": [coding.plain() for coding in names.body_position]},
        "effectiveDateTime": context.effective.isoformat(timespec="milliseconds"),
        "method": {
            "coding": [{"system": terms.METHOD, "code": "picture-keypoints"}],
            "text": "estimated by a model from keypoints in a camera picture",
        },
        "device": {"reference": "#model"},
        "component": [*_joints(pose, context.masked, names), *_angles(pose)],
    }  # fmt: skip
    if posture is None:
        made["dataAbsentReason"] = _absent("unknown")
    else:
        made["valueCodeableConcept"] = {"coding": [c.plain() for c in names.postures[posture]]}
    for key in ("subject", "encounter"):
        if (reference := getattr(context, key)) is not None:
            made[key] = {"reference": reference}
    if context.location is not None:
        made["extension"].append(
            {"url": terms.LOCATION_EXTENSION, "valueReference": {"reference": context.location}}
        )
    if context.confirmed_by is not None:
        made["performer"] = [{"reference": context.confirmed_by}]
    if not made["component"]:
        del made["component"]
    return made


def observations(
    result: PoseResult, contexts: Iterable[Context], version: Version = "R5", names: Terms = TERMS
) -> list[dict[str, Any]]:
    """One Observation a person, in the result's order."""
    pairs = zip(result.poses, contexts, strict=True)
    return [observation(result, pose, context, version, names) for pose, context in pairs]


def pose_of(resource: Mapping[str, Any]) -> Pose:
    """The pose an Observation was made from."""
    rows = [e for e in resource.get("extension", []) if e["url"] == terms.POSE_EXTENSION]
    if resource.get("resourceType") != "Observation" or len(rows) != 1:
        raise InvalidInput("not an Observation made by PoseAlign: it carries no pose")
    facts = _read(rows[0])
    joints: list[PlacedJoint] = []
    filtered: list[PlacedJoint] = []
    for component in resource.get("component", []):
        if component["code"]["coding"][0]["system"] != terms.JOINT:
            continue
        row = _read(component["extension"][0])
        (filtered if row.get("filtered") else joints).append(
            _placed(component["code"]["text"], row)
        )
    x, y, width, height = facts["box"]
    return Pose(
        (x, y, width, height),
        facts["score"],
        tuple(joints),
        tuple(filtered),
        tuple(
            Finding(f["code"], f["message"], tuple(_many(f.get("joint"))))
            for f in _many(facts.get("finding"))
        ),
        facts.get("depth-consistency"),
        facts["rotation"],
        facts.get("track"),
    )


def checked(resource: dict[str, Any], version: Version) -> dict[str, Any]:
    """The same resource, after fhir.resources and our own required bindings found it valid."""
    try:
        library = import_module("fhir.resources.R4B" if version == "R4B" else "fhir.resources")
    except ImportError as error:
        raise MissingExtra(
            "checking FHIR needs fhir.resources: pip install 'posealign[clinical]'"
        ) from error
    try:
        library.get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValueError as error:
        # The message would repeat the resource, and with it the patient.
        places = {".".join(map(str, e["loc"])) for e in getattr(error, "errors", list)()}
        raise InvalidInput(f"not valid FHIR {version}: {', '.join(sorted(places))}") from None
    if wrong := problems(resource, version):
        raise InvalidInput(f"not valid FHIR {version}: {'; '.join(wrong)}")
    return resource


# Making


def _posture(pose: Pose) -> str | None:
    return lying_posture(
        {
            joint.name: (joint.x, joint.y)
            for joint in (*pose.joints, *pose.filtered)
            if joint.state != State.ABSENT and joint.x is not None and joint.y is not None
        }
    )


def _model(result: PoseResult, context: Context, version: Version) -> dict[str, Any]:
    device: dict[str, Any] = {
        "resourceType": "Device",
        "id": "model",
        "identifier": [{"system": terms.MODEL_IDENTIFIER, "value": result.model_digest}],
        "version": [{"value": result.model_digest}],
    }
    if version == "R4B":
        device["deviceName"] = [{"name": result.model_name, "type": "model-name"}]
        device["type"] = {"text": "pose estimation model"}
    else:
        device["name"] = [{"value": result.model_name, "type": "user-friendly-name"}]
        device["type"] = [{"text": "pose estimation model"}]
    if context.camera is not None:
        device["parent"] = {"reference": context.camera}
    return device


def _pose_extension(result: PoseResult, pose: Pose) -> dict[str, Any]:
    understood = result.instruction
    return _extension(terms.POSE_EXTENSION, [
        ("box", [float(value) for value in pose.box]),
        ("score", float(pose.score)),
        ("rotation", float(pose.rotation)),
        ("track", pose.track),
        ("depth-consistency", pose.depth_consistency),
        ("instruction", understood.text),
        ("skeleton", understood.skeleton),
        ("z-unit", result.z_unit),
        *(
            ("finding", [("code", f.code), ("message", f.message),
                         *(("joint", name) for name in f.joints)])
            for f in pose.plausibility
        ),
    ])  # fmt: skip


def _joints(pose: Pose, masked: frozenset[str], names: Terms) -> list[dict[str, Any]]:
    rows = [(joint, False) for joint in pose.joints] + [(joint, True) for joint in pose.filtered]
    return [_joint(joint, filtered, joint.name in masked, names) for joint, filtered in rows]


def _joint(joint: PlacedJoint, filtered: bool, masked: bool, names: Terms) -> dict[str, Any]:
    codings = [coding.plain() for coding in names.joints.get(joint.name, ())]
    own: dict[str, Any] = {"system": terms.JOINT}
    if _CODE.fullmatch(joint.name):
        own["code"] = joint.name
    if masked:  # what lies under a mask is not told, whatever was placed there
        joint = PlacedJoint(joint.name, None, None, State.ABSENT, 0.0, None)
    state = State(joint.state).name.lower()
    component: dict[str, Any] = {
        "extension": [_extension(terms.PLACEMENT_EXTENSION, [
            ("state", state),
            ("x", joint.x),
            ("y", joint.y),
            ("confidence", float(joint.confidence)),
            ("radius", joint.radius),
            ("z", joint.z),
            ("position", None if joint.position is None else [float(v) for v in joint.position]),
            ("filtered", True if filtered else None),
        ])],
        "code": {"coding": [own, *codings], "text": joint.name},
    }  # fmt: skip
    if joint.state == State.VISIBLE:
        component["valueCodeableConcept"] = {"coding": [{"system": terms.STATE, "code": state}]}
    else:
        component["dataAbsentReason"] = _absent("masked" if masked else "unknown")
    return component


def _angles(pose: Pose) -> list[dict[str, Any]]:
    """Angles whose joints are all visible: in space where positions are known, else as seen."""
    seen = [
        joint
        for joint in (*pose.joints, *pose.filtered)
        if joint.state == State.VISIBLE and joint.x is not None and joint.y is not None
    ]
    if not seen:
        return []
    in_space = all(joint.position is not None for joint in seen)
    points = np.array([joint.position if in_space else (joint.x, joint.y) for joint in seen])
    order = [joint.name for joint in seen]
    components = []
    for name in ANGLES:
        degrees = float(angle(points[None], order, name)[0])
        if math.isnan(degrees):
            continue
        code = name if in_space else f"{name}_in_picture"
        components.append(
            {
                "code": {"coding": [{"system": terms.ANGLE, "code": code}], "text": code},
                "valueQuantity": {
                    "value": round(degrees, 1), "unit": "°", "system": terms.UCUM, "code": "deg",
                },
            }
        )  # fmt: skip
    return components


def _absent(code: str) -> dict[str, Any]:
    return {"coding": [{"system": terms.ABSENT_REASON, "code": code}]}


# Nested extensions: names and plain values, both ways


def _extension(url: str, rows: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """None is left out; a list of numbers becomes numbered parts, a list of pairs a nesting."""
    parts: list[dict[str, Any]] = []
    for name, value in rows:
        if value is None:
            continue
        if isinstance(value, list):
            pairs = value if value and isinstance(value[0], tuple) else _numbered(value)
            parts.append(_extension(name, pairs))
        else:
            parts.append({"url": name, **_value(name, value)})
    return {"url": url, "extension": parts}


def _numbered(values: list[float]) -> list[tuple[str, Any]]:
    return [(str(place), value) for place, value in enumerate(values)]


def _value(name: str, value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(f"{name} is {value}; FHIR has finite numbers only")
        return {"valueDecimal": value}
    text = str(value)
    if not text.strip():
        raise InvalidInput(f"{name} is empty; FHIR has no empty strings")
    return {"valueString": text}


def _read(extension: Mapping[str, Any]) -> dict[str, Any]:
    """Parts by name; a repeated name becomes a list, numbered parts a list of numbers."""
    found: dict[str, Any] = {}
    for part in extension["extension"]:
        name = part["url"]
        if "extension" in part:
            inner = _read(part)
            value: Any = inner
            if inner and all(key.isdigit() for key in inner):
                value = [inner[str(place)] for place in range(len(inner))]
        else:
            value = next(v for key, v in part.items() if key.startswith("value"))
            value = float(value) if "valueDecimal" in part else value
        if name in found:
            kept = found[name] if isinstance(found[name], _Repeated) else _Repeated([found[name]])
            found[name] = _Repeated([*kept, value])
        else:
            found[name] = value
    return found


class _Repeated(list[Any]):
    """Values of parts that share a name (a list of numbers is one value)."""


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, _Repeated) else [value]


def _placed(name: str, row: Mapping[str, Any]) -> PlacedJoint:
    position = row.get("position")
    return PlacedJoint(
        name,
        row.get("x"),
        row.get("y"),
        State[row["state"].upper()],
        row["confidence"],
        row.get("radius"),
        row.get("z"),
        tuple(position) if position is not None else None,
    )
