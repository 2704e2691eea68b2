"""Without OpenMMLab's packages nothing is missed until somebody asks for them, and then by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from posealign.cli import run
from posealign.commands.convert import convert
from posealign.commands.skeletons import from_mmpose
from posealign.config import Config, load_config
from posealign.errors import InvalidConfig, MissingExtra
from posealign.evaluate.models import open_model
from posealign.evaluate.settings import Evaluation

GUESTS = ("mmengine", "mmcv", "mmpose", "mmpretrain")


class Recipe(Config):
    steps: int = 1


@pytest.fixture
def no_guests(monkeypatch: pytest.MonkeyPatch) -> None:
    """None in sys.modules makes an import fail, whether or not the packages are there."""
    for name in [*GUESTS, *[name for name in sys.modules if name.split(".")[0] in GUESTS]]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "mmengine.config", None)
    monkeypatch.delitem(sys.modules, "posealign.interop.mm.installed", raising=False)


@pytest.mark.usefixtures("no_guests")
def test_each_way_in_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "recipe.py"
    path.write_text("steps = 2\n", "utf-8")
    with pytest.raises(MissingExtra, match=r"mmengine.* is not installed: run `make mm`"):
        load_config(Recipe, path)
    told = Evaluation.model_validate({
        "name": "mm", "title": "mm", "data": "synthetic", "out": "none",
        "source": {"kind": "coco", "path": "none"},
        "models": [{"kind": "mmpose", "name": "x", "config": str(path), "checkpoint": "x.pth"}],
    })  # fmt: skip
    with pytest.raises(MissingExtra, match="make mm"):
        open_model(told.models[0], told)
    path.with_suffix(".pth").write_bytes(b"")
    assert run(lambda: convert(path, path.with_suffix(".pth"), source="mmpose")) == 4
    assert run(lambda: from_mmpose("coco")) == 4
    assert capsys.readouterr().err.count("make mm") == 2


def test_convert_takes_one_file_or_two(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    assert run(lambda: convert(path, source="mmpose")) == 2
    assert run(lambda: convert(path, path)) == 2
    assert run(lambda: convert(path, path, source="detectron")) == 2


def test_unknown_keys_of_an_evaluated_model_are_named(tmp_path: Path) -> None:
    path = tmp_path / "eval.yaml"
    path.write_text(
        "name: mm\ntitle: mm\ndata: real\nout: none\nsource: {kind: coco, path: none}\n"
        "models: [{kind: mmpose, name: x, config: a.py, checkpint: b.pth}]\n", "utf-8"
    )  # fmt: skip
    with pytest.raises(InvalidConfig, match="did you mean 'checkpoint'"):
        load_config(Evaluation, path)


def test_the_command_line_and_a_predictor_load_no_guest() -> None:
    code = (
        "import sys, posealign.cli, posealign.predictor, posealign.commands.convert, "
        "posealign.commands.evaluate, posealign.commands.skeletons, training.command, serving.app\n"
        f"print([m for m in sys.modules if m.split('.')[0] in {GUESTS!r} "
        "or m.startswith('posealign.interop.mm')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
