"""What this server is: skeletons, models, limits, health, metrics."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from posealign.errors import NotFound
from posealign.skeletons.load import NAMES
from posealign.skeletons.load import skeleton as load_skeleton
from serving.asking import json_response, service_of
from serving.auth import bearer
from serving.openapi import problems
from serving.schemas import Health, ModelAnswer, ModelName, SkeletonAnswer, SkeletonName
from serving.settings import Limits

router = APIRouter(tags=["about"])


@cache
def _skeleton(name: str) -> dict[str, Any]:
    found = load_skeleton(name)
    names = found.names
    return {
        "name": name,
        "title": {"en": found.title_en or name, "zh": found.title_zh or name},
        "joints": [
            {"name": joint.name, "en": joint.en, "zh": joint.zh, "swap": joint.swap}
            for joint in found.joints
        ],
        "edges": [[names[first], names[second]] for first, second in found.edges],
    }


@router.get("/v1/skeletons", response_model=list[SkeletonAnswer], responses=problems(401))
async def skeletons(request: Request) -> Response:
    """Every skeleton an answer may be given in, with joint names in both languages."""
    await _known(request)
    return json_response([_skeleton(name) for name in NAMES], _KEEP)


@router.get(
    "/v1/skeletons/{name}", response_model=SkeletonAnswer, responses=problems(401, 404, 422)
)
async def skeleton(request: Request, name: SkeletonName) -> Response:
    await _known(request)
    return json_response(_skeleton(name), _KEEP)


@router.get("/v1/models", response_model=list[ModelAnswer], responses=problems(401, 503))
async def models(request: Request) -> Response:
    """The models that are loaded; `primary` answers where none is named."""
    await _known(request)
    service = service_of(request)
    primary = service.models.get().name
    return json_response([_model(request, m.name, primary) for m in service.models.loaded()])


@router.get("/v1/models/{name}", response_model=ModelAnswer, responses=problems(401, 404, 422, 503))
async def model(request: Request, name: ModelName) -> Response:
    await _known(request)
    return json_response(_model(request, name, service_of(request).models.get().name))


def _model(request: Request, name: str, primary: str) -> dict[str, Any]:
    found = service_of(request).models.get(name)
    about = found.predictor.bundle.metadata
    return {
        "name": found.name, "version": found.version, "digest": found.digest,
        "provider": found.provider, "primary": found.name == primary,
        "input": list(found.predictor.bundle.input_size), "skeletons": list(about.skeletons),
        "licence": about.licence, "figures": about.figures,
    }  # fmt: skip


@router.get("/v1/limits", response_model=Limits, responses=problems(401))
async def limits(request: Request) -> Response:
    """The numbers that a request may not exceed."""
    await _known(request)
    return json_response(service_of(request).settings.limits.model_dump())


@router.get("/v1/health", response_model=Health, responses={503: {"model": Health}})
async def health(request: Request) -> Response:
    """For people and load balancers; needs no key."""
    service = service_of(request)
    body = {"live": True, "ready": service.ready, "reason": service.reason}
    return json_response(body, None, 200 if service.ready else 503)


@router.get(
    "/metrics",
    response_class=Response,
    responses={**problems(404), 200: {"content": {"text/plain": {}}}},
)
async def metrics(request: Request) -> Response:
    """Prometheus; needs no key, holds no picture and no words."""
    service = service_of(request)
    if not service.settings.metrics:
        raise NotFound("metrics are switched off on this server")
    text, media = service.metrics.render()
    return Response(text, headers={"Content-Type": media})


_KEEP = {"Cache-Control": "private, max-age=3600"}


async def _known(request: Request) -> None:
    """Any key will do; without auth, anybody."""
    principal = await service_of(request).auth.principal(bearer(request.headers))
    request.state.principal = principal.name
