"""posealign train: one stage, or the stages of a recipe one after another."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from posealign.config import Config, load_config
from posealign.errors import InvalidInput, MissingExtra, among

STAGES = (
    "shards", "stems", "text", "align", "sft", "average", "ask", "tune", "reward_model", "dpo",
    "release", "card",
)  # fmt: skip


# What stands behind a stage that takes no configuration.
ARGUMENTS = {
    "shards": ("KIND", "SOURCE", "TARGET"),
    "stems": ("SOURCE", "TARGET"),
    "average": ("FIRST", "SECOND", "SHARE", "TARGET"),
    "card": ("BUNDLE", "PAGE"),
}


class Stage(Config):
    """`arguments` are what stands behind `python -m training.STAGE`."""

    stage: str
    arguments: tuple[str, ...] = ()


class Recipe(Config):
    """Stages in their order; each resumes where it was stopped."""

    stages: tuple[Stage, ...] = Field(min_length=1)


def train(
    stage: Annotated[str, typer.Argument(help=f"all, or one of {', '.join(STAGES)}.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="A config and key=value …; see docs/how-to/train.md.")
    ] = None,
) -> None:
    """Train a model: a stage with its config, or `all RECIPE.yaml` for a recipe's stages."""
    given = arguments or []
    if stage != "all":
        run(Stage(stage=stage, arguments=tuple(given)))
        return
    if not given:
        raise InvalidInput("expected a recipe: posealign train all configs/default.yaml")
    recipe = load_config(Recipe, Path(given[0]), given[1:])
    for number, one in enumerate(recipe.stages, start=1):
        typer.echo(f"{number}/{len(recipe.stages)} {one.stage} {' '.join(one.arguments)}", err=True)
        run(one)


def run(stage: Stage) -> None:
    """As `python -m training.STAGE …` in this process."""
    if stage.stage not in STAGES:
        raise InvalidInput(f"no stage is called {stage.stage!r}{among(stage.stage, STAGES)}")
    wanted = ARGUMENTS.get(stage.stage, ("CONFIG.yaml",))
    if len(stage.arguments) < len(wanted):
        raise InvalidInput(f"expected: posealign train {stage.stage} {' '.join(wanted)}")
    before = sys.argv
    sys.argv = [f"training.{stage.stage}", *stage.arguments]
    try:
        # alter_sys: pydantic looks names up in the module that a class says it is from.
        runpy.run_module(f"training.{stage.stage}", run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("training", "posealign")):
            raise
        raise MissingExtra(
            f"training needs {error.name}: pip install 'posealign[train]'"
        ) from error
    finally:
        sys.argv = before
