"""The native API against a real server: answers, forms, errors, frames, batches."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from posealign.data.image import decode_image, encode_depth, encode_image
from posealign.errors import InvalidInput
from posealign.predictor import Predictor
from serving import schemas
from serving.asking import checked
from serving.examples import CORRECTION
from serving.problems import CATALOGUE, MEDIA_TYPE
from tests.serving.conftest import Running, png


def ask(client: httpx.Client, instruction: str = "only the left leg", **fields: Any) -> Any:
    files = {"image": ("a.png", fields.pop("image", png()), "image/png")}
    if "depth" in fields:
        files["depth"] = ("d.png", fields.pop("depth"), "image/png")
    headers = fields.pop("headers", {})
    data = {"instruction": instruction, **fields}
    return client.post("/v1/pose", data=data, files=files, headers=headers)


def without_time(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "timings_ms"}


def test_the_answer_is_the_predictors(client: httpx.Client, toy: Path) -> None:
    predictor = Predictor(str(toy), "cpu", 1)
    for text in ("only the left leg", "只看右腿", "the visible arm", "all joints", "pizza"):
        answer = ask(client, text)
        assert answer.status_code == 200
        right = predictor.look(decode_image(png())).ask(text).to_json()
        assert without_time(answer.json()) == json.loads(json.dumps(without_time(right)))
        schemas.PoseAnswer.model_validate(answer.json())


def test_form_and_json_say_the_same(client: httpx.Client) -> None:
    body = {
        "image": base64.b64encode(png()).decode(), "instruction": "the nose",
        "boxes": [[5, 5, 60, 90], [20, 10, 40, 50.5]], "skeleton": "halpe26",
    }  # fmt: skip
    form = ask(client, "the nose", boxes=json.dumps(body["boxes"]), skeleton="halpe26")
    as_json = client.post("/v1/pose", json=body)
    assert form.status_code == as_json.status_code == 200
    assert without_time(form.json()) == without_time(as_json.json())
    assert [pose["box"] for pose in form.json()["poses"]] == body["boxes"]


def test_a_filter_sets_joints_aside_and_absent_joints_have_no_place(client: httpx.Client) -> None:
    pose = ask(client, "the visible arm leg").json()["poses"][0]
    assert {joint["state"] for joint in pose["joints"]} == {"visible"}
    aside = {joint["name"]: joint for joint in pose["filtered"]}
    assert aside["left_hip"]["state"] == "occluded"
    assert aside["right_ankle"]["state"] == "absent"
    assert aside["right_ankle"]["x"] is None
    assert aside["right_ankle"]["y"] is None


def test_depth_gives_metres(client: httpx.Client) -> None:
    depth = encode_depth(np.full((120, 96), 1.5, np.float32))
    flat = ask(client, "all joints in 3d", boxes="[[0,0,96,120]]").json()["poses"][0]
    deep = ask(
        client, "all joints in 3d", boxes="[[0,0,96,120]]", depth=depth,
        intrinsics="[100,100,48,60]",
    ).json()["poses"][0]  # fmt: skip
    assert flat["z_unit"] == "torso"
    assert deep["z_unit"] == "m"
    seen = [joint for joint in deep["joints"] if joint["state"] == "visible"]
    assert all(joint["z"] == pytest.approx(1.5, abs=0.2) for joint in seen)
    assert all(len(joint["position"]) == 3 for joint in seen)


def test_a_refusal_is_an_answer(client: httpx.Client) -> None:
    answer = ask(client, "pizza")
    assert answer.status_code == 200
    assert answer.json()["poses"] == []
    assert answer.json()["instruction"]["refused"] is True
    assert answer.json()["instruction"]["reason"]


def test_resolve_needs_no_picture(client: httpx.Client) -> None:
    answer = client.post("/v1/instructions/resolve", json={"text": "the arm that is raised"})
    assert answer.status_code == 200
    found = schemas.Understood.model_validate(answer.json())
    assert found.needs_picture
    assert found.relations == ["raised"]
    assert "left_wrist" in found.candidates


def test_every_answer_has_an_id_and_versions(client: httpx.Client) -> None:
    for path in ("/", "/v1/limits", "/nowhere", "/v2", "/metrics"):
        headers = client.get(path).headers
        assert len(headers["x-request-id"]) >= 8
        assert headers["posealign-api-version"] == "1"
        assert headers["x-content-type-options"] == "nosniff"
    assert client.get("/v1/limits", headers={"X-Request-Id": "mine-1"}).headers[
        "x-request-id"
    ] == "mine-1"  # fmt: skip
    given = client.get("/v1/limits", headers={"X-Request-Id": 'bad" id'}).headers["x-request-id"]
    assert given != 'bad" id'


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"image": b""}, 400, "invalid-image"),
    ({"image": b"<html>not found</html>"}, 415, "unsupported-image"),
    ({"image": png()[:-200]}, 400, "invalid-image"),
    ({"image": b"GIF89a" + bytes(40)}, 400, "invalid-image"),
    ({"boxes": "[[0,0,1]]"}, 422, "invalid-input"),
    ({"boxes": "[[0,0,-1,5]]"}, 422, "invalid-input"),
    ({"boxes": "[[0,0,1e999,5]]"}, 422, "invalid-input"),
    ({"boxes": "[[0,0,NaN,5]]"}, 422, "invalid-input"),
    ({"boxes": "[[900,0,5,5]]"}, 422, "invalid-input"),
    ({"boxes": "nothing"}, 422, "invalid-input"),
    ({"skeleton": "coco"}, 422, "invalid-input"),
    ({"skeleton": "/etc/passwd"}, 422, "invalid-input"),
    ({"intrinsics": "[0,1,2,3]"}, 422, "invalid-input"),
    ({"options": '{"colour": 1}'}, 422, "invalid-input"),
    ({"options": '{"model": "other"}'}, 404, "not-found"),
    ({"instruction": "x" * 401}, 413, "too-large"),
    ({"instruction": "   "}, 422, "invalid-input"),
    ({"url": "http://example.org/a.png"}, 422, "invalid-input"),
    ({"depth": png()}, 415, "unsupported-image"),
    ({"headers": {"X-Request-Timeout-Ms": "soon"}}, 400, "bad-request"),
    ({"headers": {"X-Request-Timeout-Ms": "0"}}, 400, "bad-request"),
]


@pytest.mark.parametrize(("fields", "status", "code"), WRONG)
def test_wrong_requests_are_problems(
    client: httpx.Client, fields: dict[str, Any], status: int, code: str
) -> None:
    fields = dict(fields)
    answer = ask(client, fields.pop("instruction", "the nose"), **fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = schemas.Problem.model_validate(answer.json())
    assert problem.status == status == CATALOGUE[code].status
    assert problem.detail
    assert answer.headers["x-request-id"] in problem.instance


def test_bodies_that_are_no_form(client: httpx.Client) -> None:
    def post(content: bytes, kind: str) -> tuple[int, str]:
        answer = client.post("/v1/pose", content=content, headers={"Content-Type": kind})
        return answer.status_code, answer.json()["code"]

    assert post(b"a=b", "application/x-www-form-urlencoded") == (415, "unsupported-media-type")
    assert post(b"{", "application/json") == (400, "bad-request")
    assert post(b"[1]", "application/json") == (400, "bad-request")
    assert post(b"[" * 100_000, "application/json") == (400, "bad-request")
    assert post(b'{"image": NaN}', "application/json") == (400, "bad-request")
    assert post(b'{"image": 1e999}', "application/json") == (400, "bad-request")
    assert post(b"--x\r\n", "multipart/form-data; boundary=x") == (400, "bad-request")
    assert post(b"", "multipart/form-data") == (400, "bad-request")
    assert post(b"{}", "application/json") == (422, "invalid-input")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"boxs": "[[1, 2, 30, 40]]"}, "boxs: no such field; did you mean 'boxes'?"),
        ({"foo": "1"}, "foo: no such field; there are: image, instruction, boxes,"),
        ({"boxes": "[10, 20, 30, 40]"}, "boxes.0: expected a list; the field looks like [[10, 20"),
        (
            {"boxes": "10,20,30,40"},
            "holds JSON such as [[10, 20, 300, 280]]: this is not JSON at character 2",
        ),
        ({"options": '{"modle": "x"}'}, "options.modle: no such field; did you mean 'model'?"),
        ({"instruction": "", "Instruction": "x"}, "did you mean 'instruction'?"),
    ],
)
def test_a_wrong_field_is_told_with_the_right_ones(
    client: httpx.Client, fields: dict[str, str], words: str
) -> None:
    files = {"image": ("a.png", png(), "image/png")}
    answer = client.post("/v1/pose", files=files, data={"instruction": "the nose", **fields})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_an_unknown_skeleton_names_the_nearest(client: httpx.Client) -> None:
    near = "did you mean 'coco17'? There are: coco17, coco_wholebody133,"
    form = ask(client, skeleton="coco_17").json()["detail"]
    assert form.startswith(f"skeleton: no such name; {near}")
    words = {"text": "the nose", "skeleton": "coco_17"}
    assert near in client.post("/v1/instructions/resolve", json=words).json()["detail"]
    path = client.get("/v1/skeletons/coco_17")
    assert path.status_code == 422
    assert path.json()["detail"].startswith(f"name: no such name; {near}")
    far = ask(client, skeleton="/etc/passwd").json()["detail"]
    assert "mean" not in far
    assert "passwd" not in far  # values are not repeated


def test_unknown_routes_and_methods(client: httpx.Client) -> None:
    assert client.get("/v1/nothing").json()["code"] == "not-found"
    answer = client.get("/v1/pose")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    for path in ("/web/../app.py", "/web/%2e%2e/app.py", "/web/nothing.js"):
        assert client.get(path).status_code == 404


def test_look_once_ask_many(client: httpx.Client, server: Running) -> None:
    kept = client.post("/v1/frames", files={"image": ("a.png", png(), "image/png")})
    assert kept.status_code == 201
    frame = schemas.FrameAnswer.model_validate(kept.json())
    runs = server.metric("posealign_graph_seconds_count", graph="image")
    for text in ("only the left leg", "只看右腿", "the nose"):
        again = client.post(f"{kept.headers['location']}/pose", json={"instruction": text})
        assert without_time(again.json())["poses"] == ask(client, text).json()["poses"]
    # Each `ask` above ran the image graph twice (finder, crops); questions about a frame never did.
    assert server.metric("posealign_graph_seconds_count", graph="image") == runs + 6
    assert client.delete(f"/v1/frames/{frame.id}").status_code == 204
    gone = client.post(f"/v1/frames/{frame.id}/pose", json={"instruction": "the nose"})
    assert gone.status_code == 404


def test_a_misspelt_id_is_answered_with_a_sentence(client: httpx.Client) -> None:
    ask_it = client.post("/v1/frames/not-an-id/pose", json={"instruction": "the nose"})
    forget = client.delete("/v1/frames/" + "a" * 23)
    expected = "frame: expected the id that POST /v1/frames answered: 22 letters, digits,"
    for answer, words in (
        (ask_it, expected), (forget, expected),
        (client.get("/v1/models/No Name"), "name: expected a model's name: 1 to 64 small letters"),
    ):  # fmt: skip
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(words)
        assert "^" not in answer.json()["detail"]
    with pytest.raises(InvalidInput, match="^picture: expected a SHA-256 in hex"):
        checked(schemas.Correction, {**CORRECTION, "picture": "0x12"})
    paths = client.get("/openapi.json").json()["paths"]
    [frame] = paths["/v1/frames/{frame}/pose"]["post"]["parameters"][:1]
    assert frame["schema"]["pattern"] == r"^[A-Za-z0-9_-]{22}$"  # machines still learn it


def test_several_pictures_in_one_request(client: httpx.Client) -> None:
    files = [("images", ("a.png", png(seed=n), "image/png")) for n in range(3)]
    files.insert(1, ("images", ("b.png", b"no picture", "image/png")))
    answer = client.post("/v1/pose/batch", data={"instruction": "the nose"}, files=files)
    found = schemas.BatchAnswer.model_validate(answer.json())
    assert [row.status for row in found.results] == [200, 400, 200, 200]
    assert found.results[1].problem is not None
    single = ask(client, "the nose", image=png(seed=2)).json()
    assert answer.json()["results"][3]["answer"]["poses"] == single["poses"]
    pictures = [base64.b64encode(png()).decode()] * 2
    body = {"images": pictures, "instruction": ["the nose", "pizza"]}
    rows = client.post("/v1/pose/batch", json=body).json()["results"]
    assert [row["answer"]["instruction"]["refused"] for row in rows] == [False, True]
    body["instruction"] = ["the nose"]
    assert client.post("/v1/pose/batch", json=body).status_code == 422
    many = {"images": pictures * 20, "instruction": "the nose"}
    assert client.post("/v1/pose/batch", json=many).status_code == 413


def test_a_large_picture_is_decoded_apart(client: httpx.Client, server: Running) -> None:
    rows = np.zeros((2200, 2300, 3), np.uint8)
    rows[:, :1150] = 200
    answer = ask(client, "the nose", image=encode_image(rows, ".jpg"))
    assert answer.status_code == 200
    assert len(server.service.decoder._idle) == 1
    right = decode_image(encode_image(rows, ".jpg"))
    assert np.array_equal(server.service.decoder.image(encode_image(rows, ".jpg")), right)
    assert ask(client, "the nose", image=encode_image(rows, ".jpg")[:-900]).status_code == 400


def test_what_a_server_is(client: httpx.Client) -> None:
    for row in client.get("/v1/skeletons").json():
        found = schemas.SkeletonAnswer.model_validate(row)
        assert client.get(f"/v1/skeletons/{found.name}").json() == row
    model = schemas.ModelAnswer.model_validate(client.get("/v1/models").json()[0])
    assert model.primary
    assert client.get(f"/v1/models/{model.name}").json()["digest"] == model.digest
    assert client.get("/v1/limits").json()["queue"] == 64
    assert client.get("/v1/health").json() == {"live": True, "ready": True, "reason": None}
    assert ask(client).headers["posealign-model"] == f"{model.name}@{model.digest}"


def test_idempotency(client: httpx.Client, server: Running) -> None:
    key = {"Idempotency-Key": "once-1"}
    first = ask(client, "the nose", headers=key)
    answered = server.metric("nv_inference_request_success_total")
    again = ask(client, "the nose", headers=key)  # another boundary, the same question
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["posealign-model"] == first.headers["posealign-model"]
    assert server.metric("nv_inference_request_success_total") == answered
    other = ask(client, "the left leg", headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert ask(client, headers={"Idempotency-Key": "x" * 200}).status_code == 400


def test_metrics_have_tritons_names(client: httpx.Client) -> None:
    ask(client)
    text = client.get("/metrics").text
    for name in (
        "nv_inference_request_success{", "nv_inference_count{", "nv_inference_exec_count{",
        "nv_inference_queue_duration_us{", "nv_inference_compute_infer_duration_us{",
        "nv_inference_pending_request_count{", "posealign_batch_rows_bucket{",
        "posealign_joint_states_total{", "posealign_refusals_total", "posealign_shed_total",
    ):  # fmt: skip
        assert f"\n{name}" in text, name


@pytest.mark.parametrize(
    ("form", "files", "words"),
    [
        ({"instruction": "leg"}, {"file": ("a.png", png())}, "a picture goes into 'image'"),
        ({"instruction": "leg", "image": "baby.jpg"}, {}, "with curl: -F image=@PATH"),
        ({"instruction": "leg", "boxes": "1,2,3,4"}, {"image": png()}, "[[10, 20, 300, 280]]"),
    ],
)
def test_forms_as_somebody_writes_them_first(
    client: httpx.Client, form: dict[str, str], files: dict[str, Any], words: str
) -> None:
    parts = {name: (None, value) for name, value in form.items()} | files
    answer = client.post("/v1/pose", files=parts)
    assert answer.status_code in (400, 422)
    assert words in answer.json()["detail"]
