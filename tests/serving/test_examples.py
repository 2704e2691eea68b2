"""Every example of the OpenAPI document is sent to a real server, whose answer is as documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter

from serving import schemas
from serving.app import ROUTERS, create_app
from serving.openapi import document
from tests.serving.conftest import Running, running, toy_settings

DOCUMENT = document(create_app())
ROUTES = {
    (route.path, method.lower()): route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
}
# No JSON body to show: a clip is a file. The Open Inference Protocol has tests of its own.
BARE = {"/v1/video"}


def operations(method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, rows in DOCUMENT["paths"].items():
        if method in rows and path.startswith("/v1/"):
            yield path, rows[method]


def sent() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path, operation in operations("post"):
        content = operation["requestBody"]["content"].get("application/json")
        if content is not None:
            found += [(path, example) for example in content["schema"]["examples"]]
    return found


@pytest.fixture(scope="module")
def live(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    file = tmp_path_factory.mktemp("feedback") / "feedback.jsonl"
    with running(toy_settings(toy, feedback_file=file)) as found:
        yield found


@pytest.fixture
def client(live: Running) -> Iterator[httpx.Client]:
    with live.client() as found:
        yield found


def documented(path: str, method: str, answer: httpx.Response) -> Any:
    """The answer, which is of the documented status, kind and model."""
    route = ROUTES[path, method]
    assert answer.status_code == (route.status_code or 200), answer.text
    content = DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    assert answer.headers["content-type"].split(";")[0] in content
    return TypeAdapter(route.response_model).validate_json(answer.content)


def test_every_body_and_every_answer_has_an_example() -> None:
    assert {path for path, _ in sent()} == {path for path, _ in operations("post")} - BARE
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for example in schema.get("examples", []):
            model = getattr(schemas, name)
            assert issubclass(model, BaseModel)
            model.model_validate(example)
    answered = {
        operation["responses"][status]["content"]["application/json"]["schema"]["$ref"]
        for path, operation in operations("post")
        for status in ("200", "201")
        if path not in BARE and status in operation["responses"]
    }
    for reference in answered:
        assert DOCUMENT["components"]["schemas"][reference.split("/")[-1]]["examples"], reference


@pytest.mark.parametrize(
    ("path", "example"), sent(), ids=[f"{path}-{n}" for n, (path, _) in enumerate(sent())]
)
def test_examples_run(path: str, example: dict[str, Any], client: httpx.Client) -> None:
    url = path
    if "{frame}" in path:
        picture = {"image": schemas.examples.PICTURE}
        url = path.format(frame=client.post("/v1/frames", json=picture).json()["id"])
    answer = client.post(url, json=example)
    documented(path, "post", answer)
    shown = ROUTES[path, "post"].response_model.model_json_schema()["examples"][0]
    assert answer.json().keys() == shown.keys()  # what is shown is what comes, field by field


def test_what_can_be_read_is_as_documented(client: httpx.Client) -> None:
    model = client.get("/v1/models").json()[0]["name"]
    for path, _ in operations("get"):
        name = "coco17" if "skeletons" in path else model
        documented(path, "get", client.get(path.format(name=name)))
