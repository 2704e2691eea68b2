"""Version 1 as it was published: fields are added, never removed or renamed."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from serving.app import create_app
from serving.openapi import document
from serving.problems import CATALOGUE
from tests.serving.conftest import Running, png

DOCUMENT = document(create_app())
FIELDS = {
    "PoseAnswer": "model instruction poses timings_ms",
    "ModelRef": "name digest",
    "Understood": "text language refused reason joints dims visibility subject skeleton query "
    "relations candidates needs_picture near_matches confidence",
    "Pose": "box score joints filtered edges plausibility depth_consistency z_unit track",
    "Joint": "name x y state confidence radius z position",
    "Finding": "code message joints",
    "BatchAnswer": "results",
    "BatchRow": "index status answer problem",
    "FrameAnswer": "id width height people expires_in model",
    "SkeletonAnswer": "name title joints edges",
    "ModelAnswer": "name version digest provider primary input skeletons licence figures",
    "Problem": "type title status detail code remedy instance",
    "Health": "live ready reason",
    "Kept": "id rater corrected model",
}
CODES = (
    "bad-request broken-bundle client-closed-request conflict deadline-exceeded forbidden "
    "host-refused internal invalid-config invalid-image invalid-input invalid-query "
    "method-not-allowed missing-extra not-found overloaded slow-sender too-large unauthorized "
    "unavailable unsupported-image unsupported-media-type"
)
PATHS = (
    "/v1/pose /v1/pose/batch /v1/frames /v1/frames/{frame} /v1/frames/{frame}/pose /v1/video "
    "/v1/instructions/resolve /v1/skeletons /v1/skeletons/{name} /v1/models /v1/models/{name} "
    "/v1/limits /v1/health /v1/feedback/corrections"
)


@pytest.mark.parametrize("name", FIELDS)
def test_answers_keep_their_fields(name: str) -> None:
    assert set(FIELDS[name].split()) <= set(DOCUMENT["components"]["schemas"][name]["properties"])


def test_codes_and_routes_stay() -> None:
    assert set(CODES.split()) <= set(CATALOGUE)
    assert set(PATHS.split()) <= set(DOCUMENT["paths"])


def test_one_key_sent_at_the_same_time_is_worked_on_once(server: Running) -> None:
    before = server.metric("nv_inference_request_success_total")

    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, timeout=30, verify=False) as client:
            return await asyncio.gather(
                *(
                    client.post(
                        "/v1/pose", data={"instruction": "the nose"}, files={"image": png(seed=41)},
                        headers={"Idempotency-Key": "at-once"},
                    )
                    for _ in range(6)
                )
            )  # fmt: skip

    answers = asyncio.run(run())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.headers.get("idempotency-replayed") == "true" for answer in answers) == 5
    assert server.metric("nv_inference_request_success_total") == before + 1
