"""schemathesis over the OpenAPI document, with pictures: no 5xx, no answer outside its schema."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, not_a_server_error

from serving.app import create_app
from serving.openapi import document
from tests.serving.conftest import Running, png

PICTURES = [png(40, 50, seed) for seed in range(3)]
BYTES = st.one_of(
    st.sampled_from(PICTURES), st.sampled_from(PICTURES).map(lambda data: data[:-30]),
    st.binary(max_size=60),
)  # fmt: skip
schemathesis.openapi.format("binary", BYTES)
for kind in ("image/jpeg", "image/png", "image/webp", "image/bmp", "video/mp4", "video/webm"):
    schemathesis.openapi.media_type(kind, BYTES)

schemathesis.checks.load_all_checks()
WANTED = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
FOUND = [not_a_server_error, *(CHECKS.get_one(name) for name in WANTED)]


@pytest.fixture(scope="module")
def live(server: Running) -> Running:
    return server


SCHEMA = schemathesis.openapi.from_dict(document(create_app()))
# Loading and unloading changes the server under test; it has tests of its own.
API = SCHEMA.exclude(path_regex="^/v2/repository/models|^/metrics")


@API.parametrize()
@settings(
    max_examples=12, phases=[Phase.generate], deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_every_answer_is_in_the_contract(case: schemathesis.Case, live: Running) -> None:
    if case.headers:  # a deadline of a millisecond is rightly answered with 504
        case.headers.pop("X-Request-Timeout-Ms", None)
    response = case.call(base_url=live.url)
    case.validate_response(response, checks=FOUND)


def test_the_document_is_json_and_has_every_problem() -> None:
    text = json.dumps(document(create_app()))
    assert "x-problems" in text
    assert '"429"' in text
