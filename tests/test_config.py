"""Configurations: what is written comes out, and each mistake is named with its line."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from posealign.config import Config, load_config, to_yaml
from posealign.errors import InvalidConfig, NotFound

ROOT = Path(__file__).parents[1]


class Optimizer(Config):
    rate: float = Field(1e-3, gt=0)
    betas: tuple[float, float] = (0.9, 0.999)


class Sink(Config):
    kind: Literal["mqtt", "file"]
    url: str = ""


class Recipe(Config):
    steps: int = Field(100, gt=0)
    name: str = "pose"
    optimizer: Optimizer = Optimizer()
    sinks: tuple[Sink, ...] = ()
    note: str | None = None


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, "utf-8")
    return path


def test_defaults_file_and_overrides(tmp_path: Path) -> None:
    path = write(tmp_path, "steps: 5\noptimizer:\n  rate: 1e-2\nsinks:\n- kind: file\n")
    recipe = load_config(Recipe, path, ["optimizer.rate=3e-4", "sinks.0.url=a", "name=测试"])
    assert recipe == Recipe(
        steps=5, name="测试", optimizer=Optimizer(rate=3e-4), sinks=(Sink(kind="file", url="a"),)
    )
    assert load_config(Recipe) == Recipe()
    assert load_config(Recipe, write(tmp_path, "")) == Recipe()
    assert load_config(Recipe, None, ["note=null"]).note is None


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        Recipe().steps = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("step: 5", [], r"recipe\.yaml:1: no key is called 'step'; did you mean 'steps'\?"),
        ("steps: 5\noptimizer:\n  rat: 1", [],
         r"recipe\.yaml:3: no key is called 'optimizer\.rat'; did you mean 'rate'\?"),
        ("sinks:\n- kind: file\n- kind: fil", [], r"recipe\.yaml:3: sinks\.1\.kind: .*'mqtt' or"),
        ("sinks:\n- url: a", [], r"recipe\.yaml:2: sinks\.0\.kind is missing"),
        ("zzz: 1", [], "there are name, note, optimizer, sinks, steps"),
        ("steps: -1", [], r"recipe\.yaml:1: steps: input should be greater than 0, got -1"),
        ("steps: 1\nsteps: 2", [], r"recipe\.yaml:2: 'steps' is given twice"),
        ("- 1", [], "holds a list"),
        ("a: [", [], "is not YAML"),
        ("", ["optimizer.rat=1"], "'optimizer.rat=1': no key is called 'optimizer.rat'; did you"),
        ("", ["steps=many"], "'steps=many': steps: .*valid integer.*got 'many'"),
        ("", ["steps"], "written key=value"),
        ("", ["=3"], "written key=value"),
        ("steps: 1", ["steps.x=3"], "steps is 1, which has no keys"),
        ("sinks: [{kind: file}]", ["sinks.4.url=b"], "items 0 to 0"),
        ("", ["name=["], "not YAML"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path: Path, text: str, overrides: list[str], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        load_config(Recipe, write(tmp_path, text), overrides)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load_config(Recipe, write(tmp_path, "step: 1\nnam: x\nsteps: 0"))
    assert len(str(caught.value).splitlines()) == 3


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "")
    with pytest.raises(NotFound, match=r"did you mean '.*recipe\.yaml'"):
        load_config(Recipe, tmp_path / "recipes.yaml")


@given(
    st.builds(
        Recipe,
        steps=st.integers(1, 10**6),
        name=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20),
        optimizer=st.builds(Optimizer, rate=st.floats(1e-9, 1e3)),
        sinks=st.lists(st.builds(Sink, kind=st.sampled_from(["mqtt", "file"]))).map(tuple),
        note=st.none() | st.sampled_from(["null", "yes", "1e3", "2020-01-01", ""]),
    )
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    path = tmp_path_factory.mktemp("config") / "recipe.yaml"
    path.write_text(to_yaml(recipe), "utf-8")
    assert load_config(Recipe, path) == recipe


def test_every_shipped_config_loads() -> None:
    """Its first line says what it is: `# config: module:Model`."""
    for path in sorted((ROOT / "configs").rglob("*.yaml")):
        first = path.read_text("utf-8").splitlines()[0]
        match = re.fullmatch(r"# config: ([\w.]+):(\w+)", first)
        assert match, f"{path.name} begins with {first!r}; expected `# config: module:Model`"
        kind = getattr(importlib.import_module(match[1]), match[2])
        assert isinstance(load_config(kind, path), BaseModel)
