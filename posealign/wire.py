"""The wire's JSON as the library's nouns and errors: what every client of the service needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from posealign import errors
from posealign.data.pose import Finding, PlacedJoint, Pose, PoseResult, State, Understood
from posealign.errors import Overloaded, PoseAlignError


@dataclass(frozen=True)
class Frame:
    """A look that the server keeps; ask about it without sending the picture again."""

    id: str
    width: int
    height: int
    people: tuple[tuple[float, float, float, float], ...]
    expires_in: float


class ServerProblem(PoseAlignError):
    """A problem that this version of the client has no name for."""


def pose_result(body: Mapping[str, Any]) -> PoseResult:
    """The inverse of PoseResult.to_json()."""
    poses = body["poses"]
    edges = tuple((str(a), str(b)) for a, b in poses[0]["edges"]) if poses else ()
    return PoseResult(
        understood(body["instruction"]),
        tuple(_one_pose(row) for row in poses),
        edges,
        poses[0].get("z_unit") if poses else None,
        body["model"]["name"],
        body["model"]["digest"],
        dict(body["timings_ms"]),
    )


def understood(body: Mapping[str, Any]) -> Understood:
    lists = ("joints", "relations", "candidates", "near_matches")
    known = Understood.__dataclass_fields__  # a newer server may say more
    values: dict[str, Any] = {key: value for key, value in body.items() if key in known}
    return Understood(**{**values, **{key: tuple(values[key]) for key in lists}})


def _one_pose(row: Mapping[str, Any]) -> Pose:
    return Pose(
        box=tuple(row["box"]),
        score=row["score"],
        joints=tuple(_joint(joint) for joint in row["joints"]),
        filtered=tuple(_joint(joint) for joint in row["filtered"]),
        plausibility=tuple(
            Finding(found["code"], found["message"], tuple(found["joints"]))
            for found in row["plausibility"]
        ),
        depth_consistency=row["depth_consistency"],
        track=row.get("track"),
    )


def _joint(row: Mapping[str, Any]) -> PlacedJoint:
    position = row.get("position")
    return PlacedJoint(
        row["name"], row["x"], row["y"], State[row["state"].upper()], row["confidence"],
        row["radius"], row.get("z"), tuple(position) if position is not None else None,
        row.get("hidden_by"),
    )  # fmt: skip


def frame_of(body: Mapping[str, Any]) -> Frame:
    people = tuple((x, y, w, h) for x, y, w, h in body["people"])
    return Frame(body["id"], body["width"], body["height"], people, body["expires_in"])


def error_of(status: int, body: bytes, retry_after: str | None) -> PoseAlignError:
    """A problem as the library's own error of that code."""
    try:
        problem = json.loads(body)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "", f"the server answered {status}"
    if status == 429:
        return Overloaded(detail, seconds(retry_after))
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, PoseAlignError) and kind.code == code:
            return kind(detail)
    return ServerProblem(detail)


def seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 1.0


def line_of(line: str) -> PoseResult:
    row = json.loads(line)
    if "problem" in row:
        raise error_of(row["problem"]["status"], json.dumps(row["problem"]).encode(), None)
    return pose_result(row)
