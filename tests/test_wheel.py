"""The wheel alone, in an empty environment without the source tree: answer, serve, measure.

POSEALIGN_WHEELHOUSE=DIR installs from a folder of wheels (`docs/tutorials/operator.md`) instead of
the package index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from posealign import __version__
from serving.samples import sample_pictures
from tests.serving.conftest import free_port, until_ready

ROOT = Path(__file__).parents[1]
EVALUATION = """
name: three
title: Three pictures
source: {kind: jsonl, path: labels.jsonl}
data: synthetic
skeleton: coco17
instruction: all keypoints
models: [{kind: predictor, name: default}]
mirror: false
bootstrap: 20
out: out
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git tracks, so that nothing that merely lies here gets in."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).is_file():
            (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / "src" / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), "."],
        cwd=folder / "src", check=True,
    )  # fmt: skip
    return next(folder.glob("posealign-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the programs of an environment that holds the wheel, the core and `eval`."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "pip"), "install", "-q", "-c", str(ROOT / "constraints.txt")]
    if house := os.environ.get("POSEALIGN_WHEELHOUSE"):
        pip += ["--no-index", "--find-links", house]
    subprocess.run([*pip, f"{wheel}[cpu,eval]"], check=True)
    yield folder / "bin"
    shutil.rmtree(folder)  # 0.7 GB


def run(installed: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(installed / "posealign"), *arguments], cwd=folder, capture_output=True, text=True,
        env={"PATH": f"{installed}:/usr/bin:/bin", "HOME": str(folder)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_what_it_needs_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {
        "posealign", "serving", "training", "configs", f"posealign-{__version__}.dist-info",
    }  # fmt: skip
    assert "posealign/bundles/default/image.onnx" in names
    assert "serving/web/samples.json" in names
    assert wheel.stat().st_size < 60_000_000


def test_it_answers_and_measures(installed: Path, tmp_path: Path) -> None:
    listed = run(installed, tmp_path, "demo", "--pictures", "samples", "--json")
    pictures = [Path(row["path"]).name for row in json.loads(listed)]
    answer = run(installed, tmp_path, "predict", "samples/ball.jpg", "the left leg", "--json")
    people = json.loads(answer)["poses"]
    assert [joint["name"] for joint in people[0]["joints"]] == [
        "left_hip", "left_knee", "left_ankle",
    ]  # fmt: skip
    run(installed, tmp_path, "demo", "--help")
    # Its own answers as labels: the point is that measuring runs without the source tree.
    rows = [
        {"image": f"samples/{name}", "key": name, "people": [
            {"box": people[0]["box"], "joints": {"left_knee": [100.0, 100.0, "visible"]}}]}
        for name in pictures[:3]
    ]  # fmt: skip
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "three.yaml").write_text(EVALUATION)
    run(installed, tmp_path, "evaluate", "three.yaml", "--tiles", "2")
    assert (tmp_path / "out" / "report.json").is_file()


def test_it_serves(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [str(installed / "posealign"), "demo", "--no-browser", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as server:
        try:
            until_ready(port)
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/pose", files={"image": sample_pictures()[0].data()},
                data={"instruction": "both hands"}, timeout=60,
            )  # fmt: skip
            assert answer.status_code == 200, answer.text
            assert answer.json()["poses"]
        finally:
            server.terminate()


def test_no_torch_came_along(installed: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u; print([m for m in ('torch', 'av') if u.find_spec(m)])"
    done = subprocess.run(
        [str(installed / "python"), "-c", code], cwd=tmp_path, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
