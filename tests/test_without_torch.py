"""A server has no torch: what it does works where torch and its family cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from tests.evaluate.toys import make_config

# None in sys.modules makes every import of that name fail, as if it were not installed.
BLOCKED = "torch torchvision timm transformers accelerate safetensors huggingface_hub onnxscript"
START = f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r}.split()))\n"
COMMAND = START + "from posealign.cli import main; main(sys.argv[1:])"


def command(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def picture(folder: Path, number: int = 0) -> Path:
    path = folder / f"{number}.png"
    noise = np.random.default_rng(number).integers(0, 255, (12, 10, 3)).astype(np.uint8)
    cv2.imwrite(str(path), np.kron(noise, np.ones((20, 20, 1), np.uint8)))
    return path


def test_pictures_are_answered(tmp_path: Path) -> None:
    answer = json.loads(command("predict", str(picture(tmp_path)), "the left leg", "--json"))
    assert answer["instruction"]["joints"] == ["left_hip", "left_knee", "left_ankle"]
    assert json.loads(command("resolve", "both wrists", "--json"))["joints"]
    assert json.loads(command("bundles", "default", "--json"))["name"] == "default"


def test_the_bundle_is_measured(tmp_path: Path) -> None:
    found = json.loads(command("bench", "--rounds", "1", "--batch", "1", "--joints", "1", "--json"))
    assert {row["what"] for row in found["timings"]} >= {"image", "text", "select", "locate"}


def test_a_data_set_is_evaluated(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    found = json.loads(command("evaluate", str(config), "limit=2", "--json"))
    assert found
    assert (tmp_path / "run" / "report.json").is_file()


def test_the_service_answers(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", START + SERVE, str(picture(tmp_path))]
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["left_wrist", "right_wrist"]


SERVE = """
import json
from pathlib import Path
from serving import logs
from serving.settings import Settings
from tests.serving.conftest import running

logs.configure("error")  # to stderr: stdout is the answer's
settings = Settings(bundle="default", threads=1, drain_seconds=0.0)
with running(settings) as server, server.client() as client:
    files = {"image": ("a.png", Path(sys.argv[1]).read_bytes())}
    answer = client.post(
        "/v1/pose", data={"instruction": "both wrists"}, files=files,
        headers={"X-Request-Timeout-Ms": "60000"},
    )
    assert answer.status_code == 200, answer.text
    print(json.dumps(answer.json()["instruction"]["joints"]))
"""


def test_int8_and_other_runtimes_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(8):
        picture(folder, number)
    arguments = ("--int8", "--pictures", str(folder), "-o", str(tmp_path / "int8"), "--json")
    assert json.loads(command("export", "onnx", *arguments))["precision"] == "int8"
    found = json.loads(command("export", "triton", "-o", str(tmp_path / "triton"), "--json"))
    assert found["models"][-1] == "posealign"


def test_what_needs_torch_says_so(tmp_path: Path) -> None:
    error = command("export", "onnx", "-o", str(tmp_path / "again"), code=4)
    assert "posealign[train]" in error
    error = command("predict", str(picture(tmp_path)), "a leg", "--provider", "torch", code=4)
    assert "posealign[train]" in error
