"""Codes of the clinical formats, in one place: SNOMED CT, LOINC, our own systems.

A hospital may bind other codes: `Terms` is a frozen model that a configuration can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

BASE = "https://posealign.org/fhir/"
JOINT = BASE + "CodeSystem/joint"
ANGLE = BASE + "CodeSystem/joint-angle"
STATE = BASE + "CodeSystem/joint-state"
METHOD = BASE + "CodeSystem/method"
POSE_EXTENSION = BASE + "StructureDefinition/pose"
PLACEMENT_EXTENSION = BASE + "StructureDefinition/joint-placement"
LOCATION_EXTENSION = "http://hl7.org/fhir/StructureDefinition/event-location"
MODEL_IDENTIFIER = BASE + "NamingSystem/model-digest"
OBSERVATION_IDENTIFIER = BASE + "NamingSystem/observation"


class Coding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    code: str
    display: str | None = None

    def plain(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


def _snomed(code: str, display: str) -> tuple[Coding, ...]:
    return (Coding(system=SNOMED, code=code, display=display),)


POSTURES: Mapping[str, tuple[Coding, ...]] = MappingProxyType({
    "supine": _snomed("40199007", "Supine body position"),
    "prone": _snomed("1240000", "Prone body position"),
    "sitting": _snomed("33586001", "Sitting position"),
    "left_lateral": _snomed("102536004", "Left lateral decubitus position"),
    "right_lateral": _snomed("102535000", "Right lateral decubitus position"),
    "lateral": _snomed("32185000", "Lateral decubitus position"),
})  # fmt: skip


class Terms(BaseModel):
    """What an Observation is called and which code a posture gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body_position: tuple[Coding, ...] = (
        Coding(system=LOINC, code="8361-8", display="Body position with respect to gravity"),
        Coding(system=SNOMED, code="397155001", display="Body position"),
    )
    postures: dict[str, tuple[Coding, ...]] = dict(POSTURES)
    category: Coding = Coding(system=CATEGORY, code="exam", display="Exam")
    joints: dict[str, tuple[Coding, ...]] = {}  # further codes of joints, e.g. of body structures
