"""What FastAPI cannot see by itself: bodies that are a form or JSON, shared headers, problems."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from posealign import __version__
from posealign.preferences import AnsweredJoint
from serving.problems import CATALOGUE, MEDIA_TYPE
from serving.schemas import Problem

_TITLES = {
    400: "The request or the picture cannot be read", 401: "A key is needed",
    403: "The key may not do this", 404: "No such thing here", 408: "The body arrived too slowly",
    409: "The idempotency key is taken", 413: "Over a stated limit",
    415: "A kind that is not taken", 421: "Host or Origin is not on the list",
    422: "A value cannot be used", 429: "The queue is full: wait Retry-After seconds",
    503: "Starting, draining or broken", 504: "The deadline passed",
}  # fmt: skip

_PARAMETERS: dict[str, dict[str, Any]] = {
    "timeout": {
        "name": "X-Request-Timeout-Ms", "in": "header", "required": False,
        "description": "deadline; after it the answer is 504 and the work is not done",
        "schema": {"type": "integer", "minimum": 1, "maximum": 300000},
    },
    "idempotency": {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "description": "sent again with the same question, the first answer is given again",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    },
}  # fmt: skip

_PICTURE = {"type": "string", "format": "binary"}
_KINDS = "image/jpeg, image/png, image/webp, image/bmp"


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: the problems it may answer. 421 is possible everywhere."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    rows: dict[int | str, dict[str, Any]] = {
        status: {"description": _TITLES[status], "content": content}
        for status in sorted({*statuses, 421})
    }
    for status in (429, 503):
        if status in rows:
            rows[status] = {
                **rows[status],
                "headers": {"Retry-After": {"schema": {"type": "integer"}, "required": True}},
            }
    return rows


def parameters(*names: str) -> dict[str, Any]:
    return {"parameters": [_PARAMETERS[name] for name in names]}


def body_of(model: type[BaseModel], form: bool = False) -> dict[str, Any]:
    """A request body as JSON and, where pictures are sent, as a form with the same fields."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if form:
        content = {"multipart/form-data": _form(schema), **content}
    return {"requestBody": {"required": True, "content": content}}


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    fields = copy.deepcopy(schema)
    fields.pop("examples", None)  # they are JSON
    encoding: dict[str, Any] = {}
    for name in ("image", "depth"):
        if name in fields["properties"]:
            kinds = _KINDS if name == "image" else "image/png"
            fields["properties"][name] = {**_PICTURE}
            encoding[name] = {"contentType": kinds}
    if "images" in fields["properties"]:
        fields["properties"]["images"] = {"type": "array", "items": _PICTURE, "minItems": 1}
        encoding["images"] = {"contentType": _KINDS}
        fields["properties"]["instruction"] = {"type": "string", "minLength": 1}
    for name in ("boxes", "intrinsics", "options"):
        if name in fields["properties"]:
            encoding[name] = {"contentType": "application/json"}
            row = fields["properties"][name]
            # A form leaves a field out; there is no null to send.
            if "anyOf" in row:
                row["anyOf"] = [kind for kind in row["anyOf"] if kind.get("type") != "null"]
    if "skeleton" in fields["properties"]:
        row = fields["properties"]["skeleton"]
        row["anyOf"] = [kind for kind in row["anyOf"] if kind.get("type") != "null"]
    return {"schema": fields, "encoding": encoding}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; models that only bodies name are added."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="PoseAlign", version=__version__, routes=app.routes,
            summary="Ask for the keypoints you need, in words.",
            description=(
                "A picture and an instruction in English or Chinese go in; the joints that were "
                "asked for come out. Errors are RFC 9457 problems; limits are at `/v1/limits`."
            ),
        )  # fmt: skip
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for model in _named_models():
            whole = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(whole.pop("$defs", {}))
            schemas[model.__name__] = whole
        _whole_examples(schemas)
        _inference_errors(schema)
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "an API key or a JWT"}
        }
        schema["security"] = [{}, {"key": []}]
        schema["x-problems"] = {code: vars(kind) for code, kind in CATALOGUE.items()}
        app.openapi_schema = schema
    return app.openapi_schema


def _whole_examples(components: dict[str, Any]) -> None:
    """FastAPI leaves nulls out of examples; an absent joint's place is null, and it is meant."""
    from serving import schemas  # noqa: PLC0415

    for name, component in components.items():
        if "examples" in component:
            component["examples"] = getattr(schemas, name).model_json_schema()["examples"]


def _inference_errors(schema: dict[str, Any]) -> None:
    """The Open Inference Protocol has its own form of errors, on every one of its routes."""
    form = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    content = {"application/json": {"schema": form}}
    for path, operations in schema["paths"].items():
        if path != "/v2" and not path.startswith("/v2/"):
            continue
        for operation in operations.values():
            rows = operation["responses"]
            rows.pop("422", None)  # 400 in this protocol
            for status, title in _TITLES.items():
                if status not in (409, 422):
                    rows[str(status)] = {"description": title, "content": content}
            if path == "/v2/health/ready":
                rows["503"] = {"description": _TITLES[503], "content": {"application/json": {}}}
            if path.endswith("/infer"):
                rows["200"]["content"] = {
                    "application/json": {}, "application/octet-stream": {}
                }  # fmt: skip


def _named_models() -> tuple[type[BaseModel], ...]:
    from serving import schemas  # noqa: PLC0415

    return (Problem, schemas.Options, AnsweredJoint)
