"""A second opinion on labels: reads only what was written to disk, shares no code with synth."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

# How deep under its own skin a joint may lie, in torso lengths; points on the skin: 0.
DEPTH = {"shoulder": 0.14, "elbow": 0.105, "wrist": 0.075, "knee": 0.15, "ankle": 0.10}
LIMBS = ("upper_arm", "forearm", "hand", "thigh", "shank", "foot")
BONES = ("pelvis", "chest", "head", *(f"{s}_{b}" for s in ("left", "right") for b in LIMBS))
LIMB = {"shoulder": ("chest", "{}_upper_arm"), "elbow": ("{}_upper_arm", "{}_forearm"),
        "wrist": ("{}_forearm", "{}_hand"), "knee": ("{}_thigh", "{}_shank"),
        "ankle": ("{}_shank", "{}_foot"), "nose": ("head",), "eye": ("head",), "ear": ("head",),
        "big_toe": ("{}_foot",), "heel": ("{}_foot",)}  # fmt: skip


@dataclass
class Found:
    people: int = 0
    worst_px: float = 0.0
    agree: int = 0
    checked: int = 0
    disagreements: list[tuple[str, str, int, float]] = field(default_factory=list)
    depths_over_torso: dict[str, list[float]] = field(default_factory=dict)
    depth_errors_mm: list[float] = field(default_factory=list)
    states: list[int] = field(default_factory=lambda: [0, 0, 0])


def check(folder: Path) -> Found:
    """annotations.json with images/, exact/, depth/ and parts/ beside it."""
    whole = json.loads((folder / "annotations.json").read_text("utf-8"))
    names = whole["categories"][0]["keypoints"]
    pictures = {row["id"]: row for row in whole["images"]}
    found = Found()
    order: dict[int, int] = {}
    for note in whole["annotations"]:
        picture = pictures[note["image_id"]]
        stem = picture["file_name"].removesuffix(".jpg")
        exact = cv2.imread(str(folder / "exact" / f"{stem}.exact.png"), cv2.IMREAD_UNCHANGED)
        parts = cv2.imread(str(folder / "parts" / f"{stem}.parts.png"), cv2.IMREAD_UNCHANGED)
        sensed = cv2.imread(str(folder / "depth" / f"{stem}.depth.png"), cv2.IMREAD_UNCHANGED)
        assert exact.dtype == sensed.dtype == np.uint16
        known = sensed > 0
        found.depth_errors_mm += list(np.abs(sensed[known].astype(float) - exact[known])[::97])
        place = order.get(note["image_id"], 0)
        order[note["image_id"]] = place + 1
        _person(found, note, picture, names, exact / 1000.0, parts, place)
    return found


def _person(found, note, picture, names, depth, parts, place):  # type: ignore[no-untyped-def]
    found.people += 1
    fx, fy, cx, cy = picture["intrinsics"]
    at = dict(zip(names, note["keypoints_3d"], strict=True))
    keypoints = np.array(note["keypoints"]).reshape(-1, 3)
    shoulders = [np.array(at[f"{s}_shoulder"]) for s in ("left", "right") if at[f"{s}_shoulder"]]
    torso = float(np.linalg.norm(np.mean(shoulders, 0) - np.array(at["pelvis"])))
    jump = cv2.dilate(depth, np.ones((7, 7))) - cv2.erode(depth, np.ones((7, 7))) > 0.025
    edge = cv2.dilate(parts, np.ones((7, 7))) != cv2.erode(parts, np.ones((7, 7)))
    for name, (u, v, state) in zip(names, keypoints, strict=True):
        found.states[int(state)] += 1
        if state == 0:
            continue
        x, y, z = at[name]
        found.worst_px = max(found.worst_px, abs(fx * x / z + cx - u), abs(fy * y / z + cy - v))
        column, row = round(u), round(v)
        assert 0 <= column < picture["width"], name
        assert 0 <= row < picture["height"], name
        side, _, kind = name.partition("_")
        kind = kind if side in ("left", "right") else name
        if kind not in LIMB or jump[row, column] or edge[row, column]:
            continue
        # Later people in a picture are the second figure of the parts picture.
        first = 1 if place == 0 else 16
        own = [first + BONES.index(bone.format(side)) for bone in LIMB[kind]]
        code, behind = int(parts[row, column]), z - float(depth[row, column])
        deepest = DEPTH.get(kind, 0.02) * torso
        if 0.004 < behind - deepest < 0.05 * torso + 0.012 and code in own:
            continue  # too close to call
        should_see = behind <= deepest + 0.004 if code in own else behind <= 0.008
        if abs(behind) < 0.012 and code not in own:
            continue
        in_cloth = state == 1 and note["hidden_by"][names.index(name)] == 2
        found.checked += 1
        if in_cloth or should_see == (state == 2):
            found.agree += 1
        else:
            found.disagreements.append((picture["file_name"], name, int(state), behind / torso))
        if state == 2 and code in own and kind in DEPTH:
            found.depths_over_torso.setdefault(kind, []).append(behind / torso)
