"""The tiny recipe: golden losses, the same curve after a kill, the same gradients on two ranks."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from posealign.config import load_config
from posealign.errors import InvalidConfig
from training.sft import SftConfig, train

TINY = Path(__file__).parents[2] / "configs" / "sft_tiny.yaml"
# Place, state and z of the first and the sixth step of configs/sft_tiny.yaml.
GOLDEN = {0: (5.5452, 0.7446, 4.4218), 5: (5.5441, 0.2367, 3.9519)}


def losses(folder: Path) -> np.ndarray:
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in ("place", "state", "z")] for row in rows])


def tiny(out: Path, *overrides: str) -> SftConfig:
    return load_config(SftConfig, TINY, [f"out={out}", *overrides])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    train(tiny(out, "steps=6", "save_every=2"))
    return out


def test_golden_losses(whole: Path) -> None:
    found = losses(whole)
    for step, expected in GOLDEN.items():
        assert found[step] == pytest.approx(expected, rel=0.03), step
    assert (whole / "log.png").stat().st_size > 1000


def test_a_resumed_run_draws_the_same_curve(whole: Path, tmp_path: Path) -> None:
    """Stopped after the checkpoint of step 4, as a kill would."""
    first = tiny(tmp_path, "steps=6", "save_every=2")
    calls = {"left": 5}
    from training import sft

    original = sft.one_step

    def stop(*arguments: object) -> dict[str, float]:
        calls["left"] -= 1
        if calls["left"] < 0:
            raise KeyboardInterrupt
        return original(*arguments)  # type: ignore[arg-type]

    sft.one_step = stop  # type: ignore[assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            train(first)
    finally:
        sft.one_step = original
    assert len(losses(tmp_path)) == 5
    train(first)
    assert losses(tmp_path) == pytest.approx(losses(whole), rel=1e-4)


def test_bf16_draws_nearly_the_same_curve(whole: Path, tmp_path: Path) -> None:
    """In a process of its own: accelerate keeps one precision for all of a process."""
    arguments = [str(TINY), f"out={tmp_path}", "steps=6", "precision=bf16"]
    subprocess.run([sys.executable, "-m", "training.sft", *arguments], check=True, timeout=300)
    assert losses(tmp_path) == pytest.approx(losses(whole), rel=0.01)


@pytest.mark.slow
def test_kill_minus_nine_and_resume(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "training.sft", str(TINY), "steps=16", "save_every=3"]
    smooth, broken = tmp_path / "smooth", tmp_path / "broken"
    subprocess.run([*arguments, f"out={smooth}"], check=True, timeout=300)
    process = subprocess.Popen([*arguments, f"out={broken}"])
    deadline = time.time() + 240
    while time.time() < deadline and not (broken / "last.pt").exists():
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*arguments, f"out={broken}"], check=True, timeout=300)
    assert losses(broken) == pytest.approx(losses(smooth), rel=1e-4)


@pytest.mark.slow
def test_two_ranks_give_one_ranks_gradients(tmp_path: Path) -> None:
    """Over gloo; the same losses for steps on end mean the same gradients moved the weights."""
    options = [str(TINY), "steps=4", "chunk=4", "clip=1000"]
    one, two = tmp_path / "one", tmp_path / "two"
    subprocess.run([sys.executable, "-m", "training.sft", *options, f"out={one}"],
                   check=True, timeout=300)  # fmt: skip
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2",
              "--master_port", "29871", "-m", "training.sft"]  # fmt: skip
    subprocess.run([*launch, *options, f"out={two}"], check=True, timeout=400)
    assert losses(two) == pytest.approx(losses(one), rel=2e-3)
    with (one / "log.csv").open() as a, (two / "log.csv").open() as b:
        first, second = list(csv.DictReader(a)), list(csv.DictReader(b))
    for row, other in zip(first, second, strict=True):
        assert float(other["gradient"]) == pytest.approx(float(row["gradient"]), rel=2e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        "batch=7",
        "weights={nobody: 1.0}",
        "postures={nobody: [prone]}",
        "precision=int4",
        "colour=red",
    ],
)
def test_a_config_that_makes_no_sense_says_so(wrong: str) -> None:
    with pytest.raises(InvalidConfig):
        load_config(SftConfig, TINY, [wrong])
