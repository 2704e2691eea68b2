"""One picture through torch, ONNX, the command line and HTTP: the same joints everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from posealign import bundle as bundles
from posealign.data.image import encode_depth, encode_image
from posealign.predictor import Predictor, PredictorSettings
from serving.settings import Settings
from tests.rendered import infants
from tests.serving.conftest import Running, running

BOX = (20.0, 10.0, 150.0, 200.0)
CAMERA = (260.0, 260.0, 100.0, 120.0)
QUESTIONS = {
    "the right knee": None,
    "only the left leg": None,
    "all 17 keypoints in 3D": None,
    "every keypoint you know": "coco_wholebody133",
}
PIXELS, CONFIDENCE = 0.01, 1e-4


@pytest.fixture(scope="module")
def onnx() -> Predictor:
    return Predictor("default", "cpu", threads=1)


@pytest.fixture(scope="module")
def torch() -> Predictor:
    return Predictor("default", "torch", threads=1)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(Settings(bundle="default", threads=1, drain_seconds=0.0)) as found:
        yield found


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    """Something like a person, drawn; smooth enough that a rounding error stays one."""
    picture = np.full((240, 200, 3), (90, 110, 140), np.uint8)
    for start, end, width in (
        ((100, 70), (100, 150), 40), ((80, 80), (40, 130), 14), ((120, 80), (165, 120), 14),
        ((90, 150), (70, 225), 18), ((110, 150), (135, 225), 18),
    ):  # fmt: skip
        cv2.line(picture, start, end, (205, 160, 140), width, cv2.LINE_AA)
    cv2.circle(picture, (100, 40), 24, (215, 170, 150), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8)


@pytest.fixture(scope="module")
def depth() -> NDArray[np.float32]:
    """A plane at 1.2 m, in whole millimetres as the PNG has them."""
    return np.full((240, 200), 1.2, np.float32)


def joints(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [joint for pose in answer["poses"] for joint in (*pose["joints"], *pose["filtered"])]


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["instruction"]["joints"] == other["instruction"]["joints"]
    for a, b in zip(joints(one), joints(other), strict=True):
        assert (a["name"], a["state"]) == (b["name"], b["state"])
        assert a["confidence"] == pytest.approx(b["confidence"], abs=CONFIDENCE)
        if a["x"] is not None:
            assert (a["x"], a["y"]) == pytest.approx((b["x"], b["y"]), abs=PIXELS)
            assert a["radius"] == pytest.approx(b["radius"], abs=0.02)


@pytest.mark.parametrize("words", QUESTIONS)
@pytest.mark.parametrize("with_depth", [False, True])
def test_torch_and_onnx(
    onnx: Predictor,
    torch: Predictor,
    image: NDArray[np.uint8],
    depth: NDArray[np.float32],
    words: str,
    with_depth: bool,
) -> None:
    given = (depth, CAMERA) if with_depth else (None, None)
    one, other = (
        predictor.look(image, [BOX], *given).ask(words, QUESTIONS[words]).to_json()
        for predictor in (onnx, torch)
    )
    same(one, other)


@pytest.mark.parametrize("count", [1, 7, 32])
def test_batches(onnx: Predictor, image: NDArray[np.uint8], count: int) -> None:
    """The same person alone and among others, by both backends."""
    boxes = [(20.0 + p, 10.0, 150.0 - p, 200.0) for p in range(count)]
    together = onnx.look(image, boxes).ask("all 17 keypoints").to_json()
    for p in {0, count // 2, count - 1}:
        alone = onnx.look(image, [boxes[p]]).ask("all 17 keypoints").to_json()
        same({**together, "poses": together["poses"][p : p + 1]}, alone)


def test_http_says_the_same(
    onnx: Predictor,
    server: Running,
    image: NDArray[np.uint8],
    depth: NDArray[np.float32],
) -> None:
    png, depth_png = encode_image(image), encode_depth(depth)
    with server.client() as client:
        for words, skeleton in QUESTIONS.items():
            data = {
                "instruction": words, "boxes": json.dumps([BOX]), "intrinsics": json.dumps(CAMERA),
                **({"skeleton": skeleton} if skeleton else {}),
            }  # fmt: skip
            files = {"image": ("a.png", png), "depth": ("d.png", depth_png)}
            answer = client.post("/v1/pose", data=data, files=files)
            assert answer.status_code == 200, answer.text
            here = onnx.look(image, [BOX], depth, CAMERA).ask(words, skeleton).to_json()
            same(answer.json(), here)


def test_the_command_line_says_the_same(
    onnx: Predictor, image: NDArray[np.uint8], tmp_path: Path
) -> None:
    path, overlay = tmp_path / "a.png", tmp_path / "overlay.png"
    path.write_bytes(encode_image(image))
    box = ",".join(str(value) for value in BOX)
    command = [
        sys.executable, "-m", "posealign", "predict", str(path), "only the left leg", "--json",
        "--provider", "cpu", "--box", box, "-o", str(overlay),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    same(json.loads(run.stdout), onnx.look(image, [BOX]).ask("only the left leg").to_json())
    assert overlay.stat().st_size > 1000


@pytest.mark.slow
def test_torch_and_onnx_on_two_hundred_pictures() -> None:
    """The shipped bundle, its people looked at twice: the same ones are turned, by as much."""
    settings = PredictorSettings.of(bundles.find("default"), passes=2)
    one, other = (
        Predictor("default", provider, threads=1, settings=settings)
        for provider in ("cpu", "torch")
    )
    turned = people = 0
    for sample in infants():
        boxes = [person.box for person in sample.people]
        looks = [predictor.look(sample.image_HW3, boxes) for predictor in (one, other)]
        for words in ("all 17 keypoints", "the higher arm"):
            same(*(look.ask(words).to_json() for look in looks))
        turns, others = ([person.crop.rotation for person in look.people] for look in looks)
        assert turns == pytest.approx(others, abs=0.01)
        turned += sum(turn != 0 for turn in turns)
        people += len(boxes)
    assert people >= 200
    assert turned > 40
