"""One request and one answer of each kind, as the OpenAPI document shows them.

tests/serving/test_examples.py sends every request to a real server and holds every answer against
its model. The picture is 16×16; the answers are those of a real picture, shortened.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAKklEQVR42mNkYGAQIAUxMZAIaK+BBZnTsWoaVkU/wrLo"
    "6KQRqYFxGKQlAFCpBYEUkgPuAAAAAElFTkSuQmCC"
)
DIGEST = "14b8c52c28d1ab120ed8a73e9a8d2e261127ebbd784ca44d88988a6238ad4a5b"
MODEL = {"name": "default", "digest": DIGEST}
LEG = ("left_hip", "left_knee", "left_ankle")

UNDERSTOOD: dict[str, Any] = {
    "text": "only the left leg", "language": "en", "refused": False, "reason": None,
    "joints": list(LEG), "dims": 2, "visibility": "any", "subject": "all", "skeleton": "coco17",
    "query": "left_leg", "relations": [], "candidates": [], "needs_picture": False,
    "near_matches": [], "confidence": 0.98,
}  # fmt: skip
REFUSED: dict[str, Any] = {
    **UNDERSTOOD, "text": "order a pizza", "refused": True, "reason": "not_pose", "joints": [],
    "query": None, "confidence": 0.99,
}  # fmt: skip
POSE: dict[str, Any] = {
    "box": [41.0, 22.0, 190.0, 260.0], "score": 0.93,
    "joints": [
        {"name": "left_hip", "x": 131.2, "y": 170.4, "state": "occluded", "confidence": 0.71,
         "radius": 9.8},
        {"name": "left_knee", "x": 158.9, "y": 214.0, "state": "visible", "confidence": 0.92,
         "radius": 4.1},
        {"name": "left_ankle", "x": None, "y": None, "state": "absent", "confidence": 0.12,
         "radius": None},
    ],
    "filtered": [], "edges": [["left_ankle", "left_knee"], ["left_knee", "left_hip"]],
    "plausibility": [], "depth_consistency": None,
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "model": MODEL, "instruction": UNDERSTOOD, "poses": [POSE],
    "timings_ms": {"find": 9.1, "image": 14.2, "text": 1.1, "answer": 6.4, "total": 30.8},
}  # fmt: skip
NOT_A_PICTURE: dict[str, Any] = {
    "type": "urn:posealign:error:invalid-image", "title": "The picture cannot be decoded",
    "status": 400, "detail": "no picture: the file is empty", "code": "invalid-image",
    "remedy": "Send a whole JPEG, PNG, WebP or BMP.",
    "instance": "urn:posealign:request:5f0c2b9a4d1e",
}  # fmt: skip
ASKED: dict[str, Any] = {"image": PICTURE, "instruction": "only the left leg"}
IN_3D: dict[str, Any] = {
    "image": PICTURE, "instruction": "只看左腿", "boxes": [[2, 1, 12, 14]], "skeleton": "halpe26",
    "options": {"metres_per_unit": 0.001},
}  # fmt: skip
CORRECTION: dict[str, Any] = {
    "picture": "9d5e3ecdeb7f2d7f3f7b1b0a4d6c1b8e0f2a3c4d5e6f708192a3b4c5d6e7f809",
    "instruction": "only the left leg", "model": DIGEST,
    "answer": {
        "left_hip": {"x": 131.2, "y": 170.4, "state": "occluded"},
        "left_knee": {"x": 158.9, "y": 214.0, "state": "visible"},
        "left_ankle": {"state": "absent"},
    },
    "corrected": {"left_knee": {"x": 149.0, "y": 221.5, "state": "visible"}},
}  # fmt: skip


def shown(*rows: dict[str, Any]) -> ConfigDict:
    """`model_config` of a model with these examples."""
    return ConfigDict(json_schema_extra={"examples": list(rows)})
