"""The service's calls: what each sends and how its answer is read, the same for every client.

A call is built and read here and sent elsewhere, so a blocking and an async client differ in
nothing but how they wait.
"""

from __future__ import annotations

import json
import mimetypes
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from posealign.data.pose import PoseResult, Understood
from posealign.errors import NotFound, require_instruction
from posealign.wire import Frame, frame_of, line_of, pose_result, understood

T = TypeVar("T")
Picture = str | Path | bytes  # a path, or the bytes of a file
Box = Sequence[float]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Call(Generic[T]):
    """One HTTP request, and what makes a T of its answer (of one line, where it is a stream)."""

    method: str
    path: str
    read: Callable[[Any], T]
    data: Mapping[str, str] | None = None
    files: Mapping[str, Any] | None = None
    json: Any = None
    timeout_ms: int | None = None
    once: bool = False  # carries an idempotency key, so that asking again is safe

    def options(self) -> dict[str, Any]:
        headers = {}
        if self.timeout_ms is not None:
            headers["X-Request-Timeout-Ms"] = str(self.timeout_ms)
        if self.once:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        named = {"data": self.data, "files": self.files, "json": self.json}
        return {"headers": headers} | {key: value for key, value in named.items() if value}


def pose(
    image: Picture,
    instruction: str,
    boxes: Sequence[Box] | None = None,
    skeleton: str | None = None,
    depth: Picture | None = None,
    intrinsics: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
    timeout_ms: int | None = None,
) -> Call[PoseResult]:
    """Find the joints that the instruction asks for in one picture."""
    asked = _given(instruction=require_instruction(instruction), skeleton=skeleton)
    data = asked | _found(boxes, intrinsics, options)
    files = _pictures(image, depth)
    return Call("POST", "/v1/pose", pose_result, data, files, timeout_ms=timeout_ms, once=True)


def look(
    image: Picture,
    boxes: Sequence[Box] | None = None,
    depth: Picture | None = None,
    intrinsics: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Call[Frame]:
    """Send a picture once; `ask` about it as often as you like."""
    data = _found(boxes, intrinsics, options)
    return Call("POST", "/v1/frames", frame_of, data, _pictures(image, depth))


def ask(frame: Frame | str, instruction: str, skeleton: str | None = None) -> Call[PoseResult]:
    """Ask about a picture that was sent before."""
    name = frame.id if isinstance(frame, Frame) else frame
    asked = _given(instruction=instruction, skeleton=skeleton)
    return Call("POST", f"/v1/frames/{name}/pose", pose_result, json=asked)


def resolve(text: str, skeleton: str | None = None) -> Call[Understood]:
    """What would be understood, without a picture."""
    asked = _given(text=text, skeleton=skeleton or None)
    return Call("POST", "/v1/instructions/resolve", understood, json=asked)


def video(
    clip: Picture,
    instruction: str,
    skeleton: str | None = None,
    smooth: bool = True,
    find_every: int = 15,
) -> Call[PoseResult]:
    """One result a frame, as they come."""
    asked = _given(instruction=instruction, skeleton=skeleton)
    data = asked | {"smooth": str(smooth).lower(), "find_every": str(find_every)}
    return Call("POST", "/v1/video", line_of, data, {"video": _file(clip)})


def skeletons() -> Call[Rows]:
    return Call("GET", "/v1/skeletons", list)


def models() -> Call[Rows]:
    return Call("GET", "/v1/models", list)


def limits() -> Call[dict[str, float]]:
    return Call("GET", "/v1/limits", dict)


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _found(
    boxes: Sequence[Box] | None,
    intrinsics: Sequence[float] | None,
    options: Mapping[str, Any] | None,
) -> dict[str, str]:
    return _given(
        boxes=None if boxes is None else json.dumps([list(box) for box in boxes]),
        intrinsics=None if intrinsics is None else json.dumps(list(intrinsics)),
        options=None if options is None else json.dumps(dict(options)),
    )


def _pictures(image: Picture, depth: Picture | None) -> dict[str, Any]:
    files = {"image": _file(image)}
    if depth is not None:
        files["depth"] = _file(depth)
    return files


def _file(picture: Picture) -> tuple[str, bytes, str]:
    if isinstance(picture, bytes):
        return "picture", picture, "application/octet-stream"
    path = Path(picture)
    if not path.is_file():
        raise NotFound(f"no such file: {path}")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return "picture", path.read_bytes(), kind  # a file's name may say whose picture it is
