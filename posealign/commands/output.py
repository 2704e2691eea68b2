"""How a command answers: one JSON document or lines for people, on stdout."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]


def print_json(data: Any) -> None:
    """One JSON document on stdout; NaN is an error, as JSON has none."""
    typer.echo(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2))
