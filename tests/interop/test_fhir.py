"""Poses become valid Observations, R4B and R5, and Observations poses again."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from posealign.data.pose import PlacedJoint, Pose, State
from posealign.errors import InvalidInput
from posealign.interop import terms
from posealign.interop.bindings import problems
from posealign.interop.fhir import Context, Version, checked, observation, observations, pose_of
from posealign.interop.terms import Coding, Terms
from tests.interop.random_results import random_result

CONTEXT = Context(
    datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC), "cam-3/17", "Patient/17", "Encounter/4",
    "Device/cam-3", "Location/bed-2",
)  # fmt: skip
VERSIONS: tuple[Version, ...] = ("R4B", "R5")


def same(a: Any, b: Any, where: str = "") -> None:
    if isinstance(a, float) and isinstance(b, float):
        assert abs(a - b) <= 1e-6, where
    elif isinstance(a, (tuple, list)):
        assert len(a) == len(b), where
        for place, pair in enumerate(zip(a, b, strict=True)):
            same(*pair, f"{where}[{place}]")
    elif hasattr(a, "__dataclass_fields__"):
        assert type(a) is type(b), where
        for name in a.__dataclass_fields__:
            same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    else:
        assert a == b, where


@pytest.mark.parametrize("version", VERSIONS)
def test_2000_random_results_keep_the_bindings_and_come_back(version: Version) -> None:
    for seed in range(2000):
        result = random_result(seed)
        made = json.loads(json.dumps(observation(result, result.poses[0], CONTEXT, version)))
        assert problems(made, version) == []
        same(pose_of(made), result.poses[0])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_random_results_are_valid_in_fhir_resources(version: Version, count: int) -> None:
    for seed in range(count):
        result = random_result(seed)
        confirmed = "Practitioner/9" if seed % 3 == 0 else None
        context = replace(CONTEXT, confirmed_by=confirmed)
        made = observation(result, result.poses[0], context, version)
        wire = json.loads(json.dumps(made, allow_nan=False))
        checked(wire, version)
        same(pose_of(wire), result.poses[0])
        assert wire["status"] == ("final" if confirmed else "preliminary")


def pose(**places: tuple[float, float, State]) -> Pose:
    joints = [PlacedJoint(n, x, y, s, 0.9, 4.0) for n, (x, y, s) in places.items()]
    return Pose((0.0, 0.0, 100.0, 200.0), 1.0, tuple(joints))


V, O = State.VISIBLE, State.OCCLUDED  # noqa: E741
SUPINE = pose(
    left_shoulder=(140, 100, V), right_shoulder=(100, 100, V),
    left_hip=(135, 180, V), right_hip=(105, 180, V), left_knee=(135, 230, V),
    left_ankle=(185, 230, V), right_knee=(105, 230, O),
)  # fmt: skip


def test_position_angle_states_and_model_digest() -> None:
    result = replace(random_result(1), poses=(SUPINE,))
    made = observation(result, SUPINE, CONTEXT, "R5")
    assert [c["code"] for c in made["code"]["coding"]] == ["8361-8", "397155001"]
    assert made["valueCodeableConcept"]["coding"][0]["code"] == "40199007"
    assert made["contained"][0]["identifier"][0]["value"] == result.model_digest
    rows = {c["code"]["text"]: c for c in made["component"]}
    knee = rows["left_knee_flexion_in_picture"]["valueQuantity"]
    assert (knee["value"], knee["code"], knee["system"]) == (90.0, "deg", terms.UCUM)
    assert rows["right_knee"]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert "right_knee_flexion_in_picture" not in rows  # nothing is reckoned from hidden joints
    assert rows["left_knee"]["valueCodeableConcept"]["coding"][0]["code"] == "visible"


def test_masked_is_for_privacy_masks_and_tells_nothing() -> None:
    result = replace(random_result(1), poses=(SUPINE,))
    made = observation(result, SUPINE, replace(CONTEXT, masked=frozenset({"left_knee"})), "R5")
    row = next(c for c in made["component"] if c["code"]["text"] == "left_knee")
    assert row["dataAbsentReason"]["coding"][0]["code"] == "masked"
    assert pose_of(made)["left_knee"].x is None
    reasons = json.dumps(observation(result, SUPINE, CONTEXT, "R5"))
    assert "masked" not in reasons


def test_unknown_position_is_said() -> None:
    nobody = pose(nose=(10, 10, V))
    made = observation(replace(random_result(1), poses=(nobody,)), nobody, CONTEXT, "R4B")
    assert made["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert "valueCodeableConcept" not in made


def test_bindings_can_be_changed() -> None:
    supine = Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActClass", code="SUP")
    names = Terms(postures={"supine": (supine,)}, joints={"left_knee": (
        Coding(system=terms.SNOMED, code="82169009"),)})  # fmt: skip
    made = observation(random_result(1), SUPINE, CONTEXT, "R5", names)
    checked(made, "R5")
    assert made["valueCodeableConcept"]["coding"][0]["code"] == "SUP"
    same(pose_of(made), SUPINE)
    with pytest.raises(InvalidInput, match="prone"):
        observation(random_result(1), SUPINE, replace(CONTEXT, posture="prone"), "R5", names)


@pytest.mark.parametrize("version", VERSIONS)
def test_wrong_codes_are_found_that_the_library_takes(version: Version) -> None:
    good = observation(random_result(4), SUPINE, CONTEXT, version)
    assert problems(good, version) == []
    name = "deviceName" if version == "R4B" else "name"
    for path, value in (
        (("status",), "done"), (("contained", 0, name, 0, "type"), "nickname"),
        (("contained", 0, "status"), "broken"), (("identifier", 0, "use"), "sometimes"),
        (("category", 0, "coding", 0, "code"), "look"),
        (("component", 0, "dataAbsentReason"), {"coding": [
            {"system": terms.ABSENT_REASON, "code": "hidden"}]}),
        (("component", 0, "code"), good["code"]),
    ):  # fmt: skip
        wrong: Any = copy.deepcopy(good)
        place = wrong
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert problems(wrong, version), path
        with pytest.raises(InvalidInput):
            checked(wrong, version)
    del wrong["status"]
    assert "Observation.status: missing" in problems(wrong, version)


def test_an_error_does_not_repeat_the_patient() -> None:
    made = observation(random_result(4), SUPINE, CONTEXT, "R5")
    made["subject"] = {"reference": "Patient/secret-17", "nonsense": 1}
    with pytest.raises(InvalidInput) as caught:
        checked(made, "R5")
    assert "secret-17" not in str(caught.value)


def test_what_cannot_be_said_is_refused() -> None:
    for changes in ({"subject": "17"}, {"effective": datetime(2026, 3, 1)}, {"identifier": ""}):
        with pytest.raises(InvalidInput):
            replace(CONTEXT, **changes)  # type: ignore[arg-type]
    broken = replace(SUPINE, score=float("nan"))
    with pytest.raises(InvalidInput, match="finite"):
        observation(random_result(1), broken, CONTEXT, "R5")
    with pytest.raises(InvalidInput, match="R5"):
        observation(random_result(1), SUPINE, CONTEXT, "R4")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="no pose"):
        pose_of({"resourceType": "Observation"})
    assert len(observations(random_result(3), [CONTEXT])) == 1
