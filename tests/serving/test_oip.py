"""The Open Inference Protocol with an unmodified tritonclient, and its bytes looked at directly."""

from __future__ import annotations

import contextlib
import gzip
import json
import struct
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tritonclient.utils import InferenceServerException

from posealign.data.image import decode_image
from serving import oip
from serving.problems import BadRequest
from tests.serving.conftest import Running, png

TEXTS = ("only the left leg", "只看右腿", "the visible arm", "the nose in 3d", "pizza")
NAMES = [name for name, _, _ in oip.OUTPUTS]


@pytest.fixture
def client(server: Running) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as found:
        yield found


def words(name: str, text: str | bytes, binary: bool) -> triton.InferInput:
    tensor = triton.InferInput(name, [1], "BYTES")
    value = text if isinstance(text, bytes) else text.encode()
    return tensor.set_data_from_numpy(np.array([value], dtype=object), binary_data=binary)


def numbers(name: str, value: np.ndarray, kind: str, binary: bool) -> triton.InferInput:
    tensor = triton.InferInput(name, list(value.shape), kind)
    return tensor.set_data_from_numpy(value, binary_data=binary)


def inputs(text: str, as_pixels: bool, binary: bool, boxes: bool) -> list[triton.InferInput]:
    if as_pixels:
        found = [numbers("image", decode_image(png()), "UINT8", binary)]
    else:  # JSON has no bytes: an encoded picture always travels as binary
        found = [words("image", png(), True)]
    found.append(words("instruction", text, binary))
    if boxes:
        rows = np.array([[2, 3, 70, 100], [10, 5, 40.5, 60]], np.float32)
        found.append(numbers("boxes", rows, "FP32", binary))
    return found


def outputs(binary: bool, names: list[str] | None = None) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in names or NAMES]


def arrays(result: triton.InferResult, names: list[str] | None = None) -> dict[str, np.ndarray]:
    return {name: result.as_numpy(name) for name in names or NAMES}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert set(a) == set(b)
    for name, left in a.items():
        right = b[name]
        assert left.shape == right.shape, name
        if object in (left.dtype, right.dtype):
            as_bytes = [
                [v if isinstance(v, bytes) else str(v).encode() for v in side.reshape(-1)]
                for side in (left, right)
            ]
            assert as_bytes[0] == as_bytes[1], name
        else:
            assert left.dtype == right.dtype, name
            assert left.tobytes() == right.tobytes(), name


def test_health_and_metadata(client: triton.InferenceServerClient, server: Running) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("toy")
    assert client.is_model_ready("toy", "1")
    assert not client.is_model_ready("other")
    about = client.get_server_metadata()
    assert about["name"] == "posealign"
    assert {"binary_tensor_data", "model_repository"} <= set(about["extensions"])
    model = client.get_model_metadata("toy")
    assert model["versions"] == ["1"]
    assert [row["name"] for row in model["inputs"]] == [name for name, _, _ in oip.INPUTS]
    assert [row["name"] for row in model["outputs"]] == NAMES
    assert client.get_model_config("toy")["max_batch_size"] == 0
    assert client.get_inference_statistics("toy")["model_stats"][0]["name"] == "toy"
    assert client.get_model_repository_index()[0]["state"] == "READY"
    body = httpx.get(f"{server.url}/v2/health/ready").json()
    assert body == {"live": True, "ready": True}


CASES = list(product(TEXTS, (False, True), (False, True), (False, True), (False, True)))


@pytest.mark.parametrize(("text", "as_pixels", "binary_in", "binary_out", "boxes"), CASES)
def test_json_and_binary_are_bit_equal(
    client: triton.InferenceServerClient,
    text: str, as_pixels: bool, binary_in: bool, binary_out: bool, boxes: bool,
) -> None:  # fmt: skip
    """80 cases: each way of sending and of answering gives the same bytes."""
    reference = client.infer("toy", inputs(text, True, True, boxes), outputs=outputs(True))
    sent = inputs(text, as_pixels, binary_in, boxes)
    found = client.infer("toy", sent, outputs=outputs(binary_out), request_id="r-7")
    assert found.get_response()["id"] == "r-7"
    same(arrays(reference), arrays(found))


@pytest.mark.parametrize("text", TEXTS)
def test_tensors_say_what_the_native_answer_says(
    client: triton.InferenceServerClient, server: Running, text: str
) -> None:
    found = arrays(client.infer("toy", inputs(text, False, True, False)))
    with server.client() as native:
        right = native.post("/v1/pose", data={"instruction": text}, files={"image": png()}).json()
    whole = json.loads(found["json"][0])
    del right["timings_ms"]
    assert whole == right
    names = [value.decode() for value in found["names"]]
    assert names == right["instruction"]["joints"]
    assert bool(found["refused"][0]) == right["instruction"]["refused"]
    for p, pose in enumerate(right["poses"]):
        for joint, kept in [(j, True) for j in pose["joints"]] + [
            (j, False) for j in pose["filtered"]
        ]:
            j = names.index(joint["name"])
            assert bool(found["kept"][p, j]) is kept
            assert found["states"][p, j] == ("absent", "occluded", "visible").index(joint["state"])
            place = (joint["x"], joint["y"]) if joint["x"] is not None else (-1, -1)
            assert found["xy"][p, j] == pytest.approx(place, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_one_output_alone(client: triton.InferenceServerClient, name: str) -> None:
    whole = arrays(client.infer("toy", inputs("the nose", False, True, False)))
    for binary in (True, False):
        part = client.infer(
            "toy", inputs("the nose", False, True, False), outputs=outputs(binary, [name])
        )
        same({name: whole[name]}, arrays(part, [name]))


@pytest.mark.parametrize("sent", [None, "gzip", "deflate"])
@pytest.mark.parametrize("wanted", [None, "gzip", "deflate"])
def test_compression(
    client: triton.InferenceServerClient, sent: str | None, wanted: str | None
) -> None:
    plain = client.infer("toy", inputs("the nose", False, True, False))
    found = client.infer(
        "toy", inputs("the nose", False, True, False),
        request_compression_algorithm=sent, response_compression_algorithm=wanted,
    )  # fmt: skip
    same(arrays(plain), arrays(found))


def test_asynchronous_and_versioned(server: Running) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}", concurrency=3) as client:
        sent = [inputs(text, False, True, False) for text in TEXTS]
        waiting = [client.async_infer("toy", one, model_version="1") for one in sent]
        found = [one.get_result(timeout=20) for one in waiting]
        for one, result in zip(sent, found, strict=True):
            same(arrays(client.infer("toy", one)), arrays(result))


def test_raw_request(server: Running) -> None:
    """A body that is nothing but the picture: all joints are asked for."""
    headers = {"Inference-Header-Content-Length": "0", "Content-Type": "application/octet-stream"}
    url = f"{server.url}/v2/models/toy/infer"
    answer = httpx.post(url, content=png(), headers=headers)
    assert answer.status_code == 200
    rows = {row["name"]: row["data"] for row in answer.json()["outputs"]}
    assert json.loads(rows["json"][0])["instruction"]["text"] == "all joints"


WRONG: list[tuple[list[triton.InferInput], dict[str, Any], str]] = [
    ([], {}, "image"),
    ([words("image", b"no picture", True)], {}, "not a picture|no picture|format|read"),
    ([words("instruction", "the nose", True)], {}, "'image' is missing"),
    ([words("picture", png(), True)], {}, "no input is called 'picture'"),
    ([numbers("image", np.zeros((4, 4), np.uint8), "UINT8", True)], {}, "height, width, 3"),
    ([numbers("image", np.zeros((4, 4, 3), np.float32), "FP32", True)], {}, "UINT8"),
    (
        [words("image", png(), True), numbers("boxes", np.zeros((1, 3), np.float32), "FP32", True)],
        {}, "boxes",
    ),
    (
        [words("image", png(), True), numbers("boxes", np.zeros((1, 4), np.float32), "FP32", True)],
        {}, "box 0",
    ),
    ([words("image", png(), True), words("skeleton", "mine", True)], {}, "skeleton"),
    ([words("image", png(), True), words("skeleton", "/etc/passwd", True)], {}, "skeleton"),
    (
        [words("image", png(), True), words("skeleton", "coco_17", True)],
        {}, "did you mean 'coco17'",
    ),
    ([words("image", png(), True), words("instruction", b"\xff\xfe", True)], {}, "UTF-8"),
    ([words("image", png(), True), words("instruction", "x" * 401, True)], {}, "400"),
    ([words("image", png(), True)], {"model_name": "other"}, "no model is called 'other'"),
    ([words("image", png(), True)], {"model_version": "9"}, "no version"),
    ([words("image", png(), True)], {"outputs": outputs(True, ["pose"])}, "no output is called"),
    ([words("image", png(), True)], {"timeout": 1}, "timeout"),
    (
        [words("image", png(), True)],
        {"outputs": [triton.InferRequestedOutput("scores", class_count=2)]}, "classifies",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "options", "message"), WRONG)
def test_errors_are_sentences(
    client: triton.InferenceServerClient,
    sent: list[triton.InferInput], options: dict[str, Any], message: str,
) -> None:  # fmt: skip
    options = {"model_name": "toy", **options}
    with pytest.raises(InferenceServerException, match=message) as caught:
        client.infer(inputs=sent, **options)
    assert str(caught.value.status()) in ("400", "404", "413", "415")


def post(server: Running, body: bytes, head: str | None = None, **headers: str) -> httpx.Response:
    if head is not None:
        headers["Inference-Header-Content-Length"] = head
    with server.client() as client:
        return client.post("/v2/models/toy/infer", content=body, headers=headers)


def test_broken_bodies_are_400(server: Running) -> None:
    row: dict[str, Any] = {"name": "instruction", "shape": [1], "datatype": "BYTES", "data": ["x"]}

    def body(**changes: Any) -> bytes:
        return json.dumps({"inputs": [{**row, **changes}]}).encode()

    for sent in (
        b"", b"{", b"[]", b'{"inputs": 1}', b'{"inputs": [1]}', body(shape=[2]), body(shape="a"),
        body(shape=[-1]), body(shape=[2**40]), body(datatype="TEXT"), body(data=[1]),
        body(data=None),
        body(datatype="FP32", data=["a"]), body(datatype="UINT8", data=[300]),
        body(parameters={"binary_data_size": 9}), body(parameters={"shared_memory_region": "a"}),
        body(parameters=[]), b'{"inputs": [{"name": "boxes", "shape": [1], "datatype": "FP32", '
        b'"data": [NaN]}]}', b'{"inputs": [], "parameters": 3}', b'{"inputs": [], "id": 3}',
    ):  # fmt: skip
        answer = post(server, sent)
        assert answer.status_code == 400, sent
        assert list(answer.json()) == ["error"]
    for head in ("99999", "abc", "-1", "1e3"):
        assert post(server, body(), head).status_code == 400
    assert post(server, body() + b"tail", str(len(body()))).status_code == 400
    assert post(server, b"no gzip", **{"Content-Encoding": "gzip"}).status_code == 400
    assert post(server, b"", **{"Content-Encoding": "br"}).status_code == 400
    bomb = gzip.compress(bytes(65 << 20), 1)
    assert post(server, bomb, **{"Content-Encoding": "gzip"}).status_code == 413


@given(
    hnp.arrays(
        st.sampled_from([np.dtype(code) for code in oip.DTYPES.values()]),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
    )
)
def test_numbers_survive_bytes(tensor: np.ndarray) -> None:
    kind = next(name for name, code in oip.DTYPES.items() if np.dtype(code) == tensor.dtype)
    again = oip.from_bytes("x", oip.to_bytes(tensor), list(tensor.shape), kind)
    assert again.tobytes() == tensor.tobytes()


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_bytes_survive_bytes(values: list[bytes]) -> None:
    tensor = np.empty(len(values), dtype=object)
    tensor[:] = values
    data = oip.to_bytes(tensor)
    assert list(oip.from_bytes("x", data, [len(values)], "BYTES")) == values
    for cut in (data[:-1], data + b"\0", data + struct.pack("<I", 5)):
        if cut != data:
            with pytest.raises(BadRequest):
                oip.from_bytes("x", cut, [len(values)], "BYTES")


@given(st.binary(max_size=200), st.one_of(st.none(), st.integers(1, 250)))
def test_noise_is_a_bad_request(body: bytes, length: int | None) -> None:
    with contextlib.suppress(BadRequest):
        oip.read_request(body, length)
