"""How a command answers: one JSON document or lines for people, on stdout."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from posealign.data.pose import Understood
from posealign.instructions.phrases import LANGUAGES

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]


def print_json(data: Any) -> None:
    """One JSON document on stdout; NaN is an error, as JSON has none."""
    typer.echo(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2))


def console(
    width: int | None = None, *, stderr: bool = False, quiet: bool = False, wrap: bool = True
) -> Console:
    """Prints names of files and people's words as they are.

    Rich would take brackets in them for its own markup, and end with an error where none opens.
    """
    return Console(
        width=width, stderr=stderr, quiet=quiet, soft_wrap=not wrap, markup=False, emoji=False
    )


# What a refusal's reason says to a person.
REFUSALS = {
    "not_pose": "it asks for something other than joints of a person",
    "contradictory": "it asks for something and rules it out",
    "no_such_part": "people have no such part",
    "unclear": "it names no part of the body that could be made out",
    "injection": "it talks to the machine rather than about a pose",
    "not_in_skeleton": "the skeleton has no such joint; --skeleton takes another one",
}
LANGUAGE_NAMES = {"en": "English", "zh": "Chinese", "mixed": "mixed", "other": "other"}


def why_refused(understood: Understood) -> str:
    """One clause; where the words are of another language, it says which are understood."""
    if understood.in_another_language:
        read = " and ".join(LANGUAGE_NAMES.get(name, name) for name in LANGUAGES)
        return f"it is in a language not understood here; {read} are"
    return REFUSALS.get(understood.reason or "", "no reason is known")
