"""The Open Inference Protocol, version 2: tensors in JSON or as bytes behind the JSON.

Written after KServe's specification and Triton's extensions (binary_tensor_data, model_repository),
so that an unmodified `tritonclient[http]` works. Pure functions: bytes ↔ arrays.
"""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from posealign.data.pose import PlacedJoint, PoseResult, State
from posealign.errors import InvalidInput, PoseAlignError, TooLarge, among, nearest
from serving.body import parse_json
from serving.problems import BadRequest, headers_of, problem_of

DTYPES: dict[str, str] = {
    "BOOL": "|b1", "UINT8": "|u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "|i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
Tensor = NDArray[Any]

INPUTS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("image", "BYTES", (1,)),
    ("instruction", "BYTES", (1,)),
    ("boxes", "FP32", (-1, 4)),
    ("skeleton", "BYTES", (1,)),
    ("depth", "FP32", (-1, -1)),
    ("intrinsics", "FP32", (4,)),
)
OUTPUTS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("json", "BYTES", (1,)),
    ("refused", "BOOL", (1,)),
    ("reason", "BYTES", (1,)),
    ("names", "BYTES", (-1,)),
    ("boxes", "FP32", (-1, 4)),
    ("scores", "FP32", (-1,)),
    ("xy", "FP32", (-1, -1, 2)),
    ("z", "FP32", (-1, -1)),
    ("states", "INT8", (-1, -1)),
    ("kept", "BOOL", (-1, -1)),
    ("confidence", "FP32", (-1, -1)),
    ("radius", "FP32", (-1, -1)),
)
_EXPECTED = {name: datatype for name, datatype, _ in INPUTS}


@dataclass(frozen=True)
class Wanted:
    """An output that was asked for, and whether as bytes."""

    name: str
    binary: bool


@dataclass(frozen=True)
class InferRequest:
    id: str | None
    inputs: dict[str, Tensor]  # BYTES are arrays of objects: bytes
    outputs: tuple[Wanted, ...]
    parameters: dict[str, Any] = field(default_factory=dict)


def read_request(body: bytes, header_length: int | None) -> InferRequest:
    """`header_length` is Inference-Header-Content-Length; 0: the body is one raw tensor."""
    if header_length == 0:
        image = np.array([body], dtype=object)
        return InferRequest(None, {"image": image}, _all(binary=False))
    if header_length is not None and header_length > len(body):
        raise BadRequest(
            f"Inference-Header-Content-Length is {header_length}, the body has {len(body)} bytes"
        )
    head = body if header_length is None else body[:header_length]
    data = parse_json(head)
    if not isinstance(data, dict) or not isinstance(data.get("inputs"), list):
        raise BadRequest("expected a JSON object with `inputs`, a list of tensors")
    rest = memoryview(b"" if header_length is None else body[header_length:])
    inputs: dict[str, Tensor] = {}
    for row in data["inputs"]:
        name, tensor, rest = _input(row, rest)
        if name in inputs:
            raise BadRequest(f"input {name!r} came twice")
        inputs[name] = tensor
    if len(rest):
        raise BadRequest(f"{len(rest)} bytes follow the last tensor; expected none")
    parameters = data.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise BadRequest("`parameters` is an object")
    identity = data.get("id")
    if identity is not None and not isinstance(identity, str):
        raise BadRequest("`id` is a string")
    outputs = _wanted(data.get("outputs"), parameters)
    return InferRequest(identity, inputs, outputs, parameters)


def _input(row: Any, rest: memoryview) -> tuple[str, Tensor, memoryview]:
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise BadRequest("each input is an object with name, shape, datatype and data")
    name = row["name"]
    if name not in _EXPECTED:
        raise BadRequest(f"no input is called {name!r}{among(name, _EXPECTED)}")
    shape, datatype = row.get("shape"), row.get("datatype")
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
        raise BadRequest(f"input {name!r}: shape is {str(shape)[:80]}; expected sizes from 0")
    if datatype != "BYTES" and datatype not in DTYPES:
        raise BadRequest(
            f"input {name!r}: datatype is {str(datatype)[:40]!r}"
            f"{nearest(str(datatype), (*DTYPES, 'BYTES'))}"
        )
    parameters = row.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise BadRequest(f"input {name!r}: `parameters` is an object")
    if "shared_memory_region" in parameters:
        raise BadRequest(f"input {name!r}: shared memory is not taken; send the tensor")
    size = parameters.get("binary_data_size")
    if size is None:
        return name, _from_json(name, row.get("data"), shape, datatype), rest
    if type(size) is not int or size < 0 or size > len(rest):
        raise BadRequest(
            f"input {name!r}: binary_data_size is {size!r}, {len(rest)} bytes are left"
        )
    return name, from_bytes(name, bytes(rest[:size]), shape, datatype), rest[size:]


def _from_json(name: str, data: Any, shape: list[int], datatype: str) -> Tensor:
    if not isinstance(data, list):
        raise BadRequest(f"input {name!r}: neither `data` nor binary_data_size is there")
    flat = _flat(data)
    if len(flat) != prod(shape):
        raise BadRequest(f"input {name!r}: {len(flat)} values for the shape {shape}")
    if datatype == "BYTES":
        if not all(isinstance(value, str) for value in flat):
            raise BadRequest(f"input {name!r}: BYTES in JSON are strings")
        tensor = np.empty(len(flat), dtype=object)
        tensor[:] = [value.encode("utf-8", "surrogatepass") for value in flat]
        return tensor.reshape(shape)
    if not all(isinstance(value, bool | int | float) for value in flat):
        raise BadRequest(f"input {name!r}: {datatype} is made of numbers")
    try:
        with np.errstate(over="raise"):
            return np.array(flat, dtype=DTYPES[datatype]).reshape(shape)
    except (OverflowError, FloatingPointError, ValueError):
        raise BadRequest(f"input {name!r}: a number does not fit into {datatype}") from None


def _flat(data: list[Any]) -> list[Any]:
    """Nested lists are allowed by the protocol, in row-major order."""
    out: list[Any] = []
    stack = [iter(data)]
    while stack:
        for value in stack[-1]:
            if isinstance(value, list):
                stack.append(iter(value))
                break
            out.append(value)
        else:
            stack.pop()
    return out


def from_bytes(name: str, data: bytes, shape: list[int], datatype: str) -> Tensor:
    """Little-endian rows; BYTES are a 4-byte length and that many bytes, element after element."""
    count = prod(shape)
    if datatype != "BYTES":
        dtype = np.dtype(DTYPES[datatype])
        if len(data) != count * dtype.itemsize:
            raise BadRequest(
                f"input {name!r}: {datatype} {shape} has {count * dtype.itemsize} bytes, "
                f"got {len(data)}"
            )
        return np.frombuffer(data, dtype).reshape(shape)
    elements: list[bytes] = []
    place = 0
    while place < len(data):
        if place + 4 > len(data):
            raise BadRequest(f"input {name!r}: {len(data) - place} stray bytes at the end")
        length = struct.unpack_from("<I", data, place)[0]
        place += 4
        if place + length > len(data):
            raise BadRequest(
                f"input {name!r}: an element announces {length} bytes, {len(data) - place} are left"
            )
        elements.append(data[place : place + length])
        place += length
    if len(elements) != count:
        raise BadRequest(f"input {name!r}: {len(elements)} elements for the shape {shape}")
    tensor = np.empty(count, dtype=object)
    tensor[:] = elements
    return tensor.reshape(shape)


def to_bytes(tensor: Tensor) -> bytes:
    """The inverse of `from_bytes`."""
    if tensor.dtype != object:
        return np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<")).tobytes()
    return b"".join(struct.pack("<I", len(value)) + value for value in tensor.reshape(-1))


def _wanted(rows: Any, parameters: Mapping[str, Any]) -> tuple[Wanted, ...]:
    default = bool(parameters.get("binary_data_output", False))
    if rows is None or rows == []:
        return _all(default)
    if not isinstance(rows, list):
        raise BadRequest("`outputs` is a list of objects with a name")
    known = [name for name, _, _ in OUTPUTS]
    wanted: list[Wanted] = []
    for row in rows:
        name = row.get("name") if isinstance(row, dict) else None
        if name not in known:
            raise BadRequest(f"no output is called {str(name)[:60]!r}{among(str(name), known)}")
        options = row.get("parameters") or {}
        if not isinstance(options, dict):
            raise BadRequest(f"output {name!r}: `parameters` is an object")
        if options.get("classification"):
            raise BadRequest(f"output {name!r}: this model classifies nothing")
        if "shared_memory_region" in options:
            raise BadRequest(f"output {name!r}: shared memory is not taken")
        wanted.append(Wanted(name, bool(options.get("binary_data", default))))
    return tuple(wanted)


def _all(binary: bool) -> tuple[Wanted, ...]:
    return tuple(Wanted(name, binary) for name, _, _ in OUTPUTS)


def text_of(request: InferRequest, name: str) -> str | None:
    """A BYTES input of one element as text."""
    value = element_of(request, name)
    if value is None:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(f"input {name!r} is not UTF-8 text") from None


def element_of(request: InferRequest, name: str) -> bytes | None:
    tensor = request.inputs.get(name)
    if tensor is None:
        return None
    if tensor.dtype != object or tensor.size != 1:
        raise BadRequest(f"input {name!r}: expected BYTES of one element, shape [1]")
    value: bytes = tensor.reshape(-1)[0]
    return value


def numbers_of(request: InferRequest, name: str, shape: tuple[int, ...]) -> Tensor | None:
    """A number tensor of the given shape, -1 for any size."""
    tensor = request.inputs.get(name)
    if tensor is None:
        return None
    fits = tensor.ndim == len(shape) and all(
        want in (-1, have) for want, have in zip(shape, tensor.shape, strict=True)
    )
    if tensor.dtype == object or not fits:
        raise BadRequest(f"input {name!r}: expected numbers of shape {list(shape)}")
    return tensor


def tensors_of(result: PoseResult) -> dict[str, Tensor]:
    """An answer as tensors. Where `states` is 0 (absent) or -1 (not asked of this person), there is
    no place: xy, z and radius are -1.
    """
    names = result.instruction.joints
    people, count = len(result.poses), len(names)
    shape = (people, count)
    xy = np.full((*shape, 2), -1, np.float32)
    z, radius = np.full(shape, -1, np.float32), np.full(shape, -1, np.float32)
    states = np.full(shape, State.UNLABELLED, np.int8)
    kept, confidence = np.zeros(shape, np.bool_), np.zeros(shape, np.float32)
    for p, pose in enumerate(result.poses):
        rows: list[tuple[PlacedJoint, bool]] = [(joint, True) for joint in pose.joints]
        rows += [(joint, False) for joint in pose.filtered]
        for joint, keep in rows:
            j = names.index(joint.name)
            states[p, j], kept[p, j], confidence[p, j] = joint.state, keep, joint.confidence
            if joint.x is not None and joint.y is not None:
                xy[p, j] = joint.x, joint.y
            if joint.z is not None:
                z[p, j] = joint.z
            if joint.radius is not None:
                radius[p, j] = joint.radius
    plain = result.to_json()
    del plain["timings_ms"]  # the same question has the same answer, byte for byte
    whole = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return {
        "json": _objects([whole]),
        "refused": np.array([result.instruction.refused]),
        "reason": _objects([result.instruction.reason or ""]),
        "names": _objects(list(names)),
        "boxes": np.array([pose.box for pose in result.poses], np.float32).reshape(-1, 4),
        "scores": np.array([pose.score for pose in result.poses], np.float32),
        "xy": xy, "z": z, "states": states, "kept": kept, "confidence": confidence,
        "radius": radius,
    }  # fmt: skip


def _objects(values: list[str]) -> Tensor:
    tensor = np.empty(len(values), dtype=object)
    tensor[:] = [value.encode() for value in values]
    return tensor


def write_response(
    request: InferRequest, result: PoseResult, version: str
) -> tuple[bytes, int | None]:
    """The body and, where it holds bytes, the length of its JSON."""
    tensors = tensors_of(result)
    types = {name: datatype for name, datatype, _ in OUTPUTS}
    rows: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for wanted in request.outputs:
        tensor = tensors[wanted.name]
        row: dict[str, Any] = {
            "name": wanted.name, "datatype": types[wanted.name], "shape": list(tensor.shape),
        }  # fmt: skip
        if wanted.binary:
            data = to_bytes(tensor)
            row["parameters"] = {"binary_data_size": len(data)}
            tail.append(data)
        else:
            flat = tensor.reshape(-1).tolist()
            row["data"] = [v.decode() for v in flat] if tensor.dtype == object else flat
        rows.append(row)
    body: dict[str, Any] = {
        "model_name": result.model_name, "model_version": version,
        "parameters": {"digest": result.model_digest}, "outputs": rows,
    }  # fmt: skip
    if request.id is not None:
        body["id"] = request.id
    head = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    if any(wanted.binary for wanted in request.outputs):
        return head + b"".join(tail), len(head)
    return head, None


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Undo Content-Encoding; what would grow beyond `most` bytes is refused."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise InvalidInput(f"Content-Encoding {encoding[:40]!r}; expected gzip or deflate")
    unpacker = zlib.decompressobj(wbits=47 if encoding == "gzip" else 15)
    try:
        out = unpacker.decompress(body, most + 1)
        whole = unpacker.eof
    except zlib.error:
        raise BadRequest(f"the body is not {encoding}") from None
    if len(out) > most:
        raise TooLarge(f"the body unpacks to more than {most:,} bytes")
    if not whole:
        raise BadRequest(f"the {encoding} body is cut off")
    return out


def packed(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """The body as the client would like it, and its Content-Encoding."""
    kinds = [kind.partition(";")[0].strip() for kind in accepted.split(",")]
    if "gzip" in kinds:
        return gzip.compress(body, 1), "gzip"
    if "deflate" in kinds:
        return zlib.compress(body, 1), "deflate"
    return body, None


def oip_error(error: BaseException, request_id: str) -> Response:
    """The protocol's form of an error: {"error": sentence}."""
    status, problem = problem_of(error, request_id)
    if isinstance(error, PoseAlignError) and status == 422:
        status = 400
    text = json.dumps({"error": problem["detail"]}, ensure_ascii=False)
    return Response(text, status, headers_of(error), media_type="application/json")
