"""posealign report: finished evaluations in, tables out: on stdout, or into a Markdown file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posealign.report import collect, figures


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of evaluations, or report.json.")],
    into: Annotated[
        list[Path] | None,
        typer.Option(help="Markdown file whose block of figures is written; may be repeated."),
    ] = None,
    level: Annotated[int, typer.Option(help="Heading level of the block.")] = 3,
) -> None:
    """Print the tables of finished evaluations, or write them between a file's markers."""
    reports = [collect.read(path) for path in runs]
    if not into:
        typer.echo(figures.block(reports, level))
        return
    for path in into:
        changed = figures.write_into(path, reports, level)
        typer.echo(f"{path}: {'written' if changed else 'unchanged'}", err=True)
