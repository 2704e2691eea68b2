"""mmengine configurations where YAML goes: the same keys, the same errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

from posealign.config import load_config
from posealign.errors import InvalidConfig, NotFound
from tests.mm.test_estimator import RECIPE
from training.command import Recipe, Stage
from training.sft import SftConfig

YAML = Path(__file__).parents[2] / "configs" / "sft_tiny.yaml"


def test_a_stage_reads_python_as_it_reads_yaml(tmp_path: Path) -> None:
    base = tmp_path / "base.py"
    base.write_text(f"values = {yaml.safe_load(YAML.read_text('utf-8'))!r}\n", "utf-8")
    lines = [f"{k} = {v!r}" for k, v in yaml.safe_load(YAML.read_text("utf-8")).items()]
    base.write_text("\n".join(lines) + "\n", "utf-8")
    mine = tmp_path / "mine.py"
    mine.write_text('_base_ = ["./base.py"]\nsteps = 3 + 4\nmodel = dict(width=64)\n', "utf-8")
    found = load_config(SftConfig, mine, ["batch=16", "chunk=16"])
    wanted = load_config(SftConfig, YAML, ["steps=7", "batch=16", "chunk=16", "model.width=64"])
    assert found == wanted


def test_a_recipe_of_stages(tmp_path: Path) -> None:
    path = tmp_path / "all.py"
    path.write_text('stages = [dict(stage="sft", arguments=("a.py",))]\n', "utf-8")
    assert load_config(Recipe, path).stages == (Stage(stage="sft", arguments=("a.py",)),)


def test_errors_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("step = 3\n", "utf-8")
    with pytest.raises(InvalidConfig, match=r"mine\.py: no key is called 'step'; did you mean"):
        load_config(SftConfig, path)
    path.write_text("steps = 1 / 0\n", "utf-8")
    with pytest.raises(InvalidConfig, match=r"mine\.py cannot be run: ZeroDivisionError"):
        load_config(SftConfig, path)
    with pytest.raises(NotFound, match=r"did you mean '.*mine\.py'"):
        load_config(SftConfig, tmp_path / "mien.py")


@pytest.mark.parametrize("path", sorted(RECIPE.parent.glob("*.py")), ids=lambda path: path.stem)
def test_every_recipe_builds(path: Path) -> None:
    from mmpose.registry import MODELS

    config = Config.fromfile(str(path))
    assert MODELS.build(config.model).pose.config.width == config.codec["input_size"][0]
