"""/v2: the Open Inference Protocol's routes (KServe, Triton clients)."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import Response

from posealign import __version__
from posealign.data.pose import PoseResult
from posealign.errors import NotFound, among
from posealign.skeletons.load import NAMES
from serving import oip
from serving.asking import (
    admitted,
    answered,
    instruction_of,
    json_response,
    model_header,
    pose_response,
    received,
    service_of,
    timeout_of,
)
from serving.auth import bearer
from serving.models import Model
from serving.oip import INPUTS, OUTPUTS, InferRequest, element_of, numbers_of, text_of
from serving.problems import BadRequest
from serving.service import Service

router = APIRouter(tags=["open inference protocol"])
EXTENSIONS = ["binary_tensor_data", "model_repository", "model_configuration", "statistics"]
_DEFAULT = "all joints"  # a raw request brings a picture and no words
MODELS = "/v2/models/{name}"
VERSIONS = "/v2/models/{name}/versions/{version}"


@router.get("/v2")
@router.get("/v2/", include_in_schema=False)
async def server(request: Request) -> Response:
    """Server metadata; which provider runs the graphs is said here."""
    service = service_of(request)
    provider = service.models.get().provider if service.models.ready else None
    return json_response(
        {
            "name": "posealign", "version": __version__, "extensions": EXTENSIONS,
            "provider": provider,
        }
    )  # fmt: skip


@router.get("/v2/health/live")
async def live(request: Request) -> Response:
    return json_response({"live": True, "ready": service_of(request).ready})


@router.get("/v2/health/ready")
async def ready(request: Request) -> Response:
    service = service_of(request)
    body: dict[str, Any] = {"live": True, "ready": service.ready}
    if not service.ready:
        body["reason"] = service.reason
    return json_response(body, None, 200 if service.ready else 503)


@router.get(MODELS)
@router.get(VERSIONS)
async def metadata(request: Request, name: str, version: str | None = None) -> Response:
    model = await _model(request, name, version)
    return json_response(
        {
            "name": model.name, "versions": [model.version], "platform": "onnxruntime_onnx",
            "inputs": _rows(INPUTS), "outputs": _rows(OUTPUTS),
            "parameters": {"digest": model.digest, "provider": model.provider},
        }
    )  # fmt: skip


@router.get(MODELS + "/ready")
@router.get(VERSIONS + "/ready")
async def model_ready(request: Request, name: str, version: str | None = None) -> Response:
    model = await _model(request, name, version)
    return json_response({"name": model.name, "ready": service_of(request).ready})


@router.get(MODELS + "/config")
@router.get(VERSIONS + "/config")
async def config(request: Request, name: str, version: str | None = None) -> Response:
    model = await _model(request, name, version)

    def rows(tensors: Any) -> list[dict[str, Any]]:
        kinds = {"BYTES": "TYPE_STRING", "BOOL": "TYPE_BOOL"}
        return [
            {"name": key, "data_type": kinds.get(kind, f"TYPE_{kind}"), "dims": list(shape)}
            for key, kind, shape in tensors
        ]

    optional = [{**row, "optional": row["name"] != "image"} for row in rows(INPUTS)]
    return json_response(
        {
            "name": model.name, "platform": "onnxruntime_onnx", "backend": "onnxruntime",
            "max_batch_size": 0, "input": optional, "output": rows(OUTPUTS),
        }
    )  # fmt: skip


@router.get(MODELS + "/stats")
@router.get(VERSIONS + "/stats")
async def stats(request: Request, name: str, version: str | None = None) -> Response:
    """Triton's statistics, from the same counters as /metrics."""
    model = await _model(request, name, version)
    metrics, labels = service_of(request).metrics, (model.name, model.digest[:12])

    def number(counter: Any) -> int:
        return int(counter.labels(*labels)._value.get())

    answers = number(metrics.success)

    def timed(counter: Any) -> dict[str, int]:
        return {"count": answers, "ns": number(counter) * 1000}

    row = {
        "name": model.name, "version": model.version, "inference_count": number(metrics.count),
        "execution_count": number(metrics.executions),
        "inference_stats": {
            "success": timed(metrics.duration), "queue": timed(metrics.queue),
            "compute_infer": timed(metrics.compute),
        },
    }  # fmt: skip
    return json_response({"model_stats": [row]})


@router.post(MODELS + "/infer")
@router.post(VERSIONS + "/infer")
async def infer(request: Request, name: str, version: str | None = None) -> Response:
    """A picture (BYTES, or UINT8 H×W×3) and an instruction in; tensors out."""
    await admitted(request)
    service = service_of(request)
    model = await _model(request, name, version)
    async with received(request) as raw:
        most = service.settings.limits.body_bytes
        encoding_in = request.headers.get("content-encoding", "").lower()
        body = raw
        if encoding_in:
            body = await asyncio.to_thread(oip.unpacked, raw, encoding_in, most)
        asked = oip.read_request(body, _length(request))
        ticket = service.ticket(request.state.request_id, _timeout(request, asked))
        work = _work(service, model, asked)
        result = await answered(request, work, ticket)
    pose_response(request, result, ticket)  # counts and notes it; the body is the protocol's
    data, head = oip.write_response(asked, result, model.version)
    data, encoding = oip.packed(data, request.headers.get("accept-encoding", ""))
    headers = {"PoseAlign-Model": model_header(result)}
    if head is not None:
        headers["Inference-Header-Content-Length"] = str(head)
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    media = "application/json" if head is None else "application/octet-stream"
    return Response(data, 200, headers, media)


@router.post("/v2/repository/index")
async def index(request: Request) -> Response:
    """Bundles on this machine, loaded or not."""
    await _admin(request)
    return json_response(service_of(request).models.index())


@router.post("/v2/repository/models/{name}/load")
async def load(request: Request, name: str) -> Response:
    """Load a bundle, or load it anew: hot, without a lost or mixed answer."""
    await _admin(request)
    await asyncio.to_thread(service_of(request).reload, name)
    return Response(status_code=200)


@router.post("/v2/repository/models/{name}/unload")
async def unload(request: Request, name: str) -> Response:
    await _admin(request)
    service_of(request).models.unload(name)
    return Response(status_code=200)


def _work(service: Service, model: Model, asked: InferRequest) -> Any:
    """What the engine's thread will do; everything that can be refused is refused here."""
    instruction = instruction_of(service, text_of(asked, "instruction") or _DEFAULT)
    skeleton = text_of(asked, "skeleton") or None
    if skeleton is not None and skeleton not in NAMES:
        raise BadRequest(f"no skeleton is called {skeleton[:60]!r}{among(skeleton[:60], NAMES)}")
    tensor = asked.inputs.get("image")
    if tensor is None:
        raise BadRequest("the input 'image' is missing")
    boxes = numbers_of(asked, "boxes", (-1, 4))
    depth = numbers_of(asked, "depth", (-1, -1))
    camera = numbers_of(asked, "intrinsics", (4,))
    intrinsics: Any = None if camera is None else tuple(float(value) for value in camera)
    pixels = None if tensor.dtype == object else _pixels(service, tensor)
    encoded = element_of(asked, "image") if pixels is None else None

    def work() -> PoseResult:
        image = pixels if pixels is not None else service.decoder.image(encoded or b"")
        look = model.predictor.look(
            image,
            None if boxes is None else boxes.astype(np.float64).tolist(),
            None if depth is None else depth.astype(np.float32),
            intrinsics,
        )
        return look.ask(instruction, skeleton)

    return work


def _pixels(service: Service, tensor: oip.Tensor) -> Any:
    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.dtype != np.uint8 or tensor.ndim != 3 or tensor.shape[2] != 3:
        raise BadRequest(
            "input 'image' is BYTES of one encoded picture, or UINT8 of shape [height, width, 3]; "
            f"got {tensor.dtype} {list(tensor.shape)}"
        )
    most = service.settings.limits.image_pixels
    if tensor.shape[0] * tensor.shape[1] > most:
        raise BadRequest(f"the picture has more than {most:,} pixels")
    return np.ascontiguousarray(tensor)


def _length(request: Request) -> int | None:
    given = request.headers.get("inference-header-content-length")
    if given is None:
        return None
    if not given.isascii() or not given.isdigit():
        raise BadRequest(f"Inference-Header-Content-Length is {given[:20]!r}; expected a number")
    return int(given[:12])


def _timeout(request: Request, asked: InferRequest) -> int:
    """Triton clients send `timeout` in microseconds."""
    given = asked.parameters.get("timeout")
    if given is None:
        return timeout_of(request)
    most = service_of(request).settings.limits.timeout_ms_max
    if type(given) is not int or not 1 <= given // 1000 <= most:
        raise BadRequest(f"timeout is {str(given)[:20]} µs; expected 1000 to {most * 1000}")
    return given // 1000


async def _model(request: Request, name: str, version: str | None) -> Model:
    service = service_of(request)
    principal = await service.auth.principal(bearer(request.headers))
    request.state.principal = principal.name
    model = service.models.get(name)
    if version is not None and version != model.version:
        raise NotFound(f"{name!r} has no version {version[:40]!r}; there is {model.version}")
    return model


async def _admin(request: Request) -> None:
    principal = await service_of(request).auth.principal(bearer(request.headers))
    request.state.principal = principal.name
    request.state.audited = True
    principal.require("admin")


def _rows(tensors: Any) -> list[dict[str, Any]]:
    return [{"name": name, "datatype": kind, "shape": list(shape)} for name, kind, shape in tensors]
