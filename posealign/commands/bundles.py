"""posealign bundles: list the bundles that are here, or show one."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from posealign import bundle as store
from posealign.bundle import Bundle
from posealign.commands.output import AsJson, console, print_json
from posealign.errors import PoseAlignError


def bundles(
    name: Annotated[str | None, typer.Argument(help="Show this one (name or folder).")] = None,
    as_json: AsJson = False,
) -> None:
    """List the bundles that are here, or show one; each is checked against its digest."""
    if name is not None:
        found = store.find(name)
        return print_json(found.metadata.model_dump(mode="json")) if as_json else _show(found)
    rows = [_row(key, str(path)) for key, path in store.available().items()]
    if as_json:
        return print_json(rows)
    table = Table("name", "version", "precision", "input", "MB", "digest", "licence", box=None)
    for row in rows:
        if "error" in row:
            table.add_row(row["name"], "", "", "", "", "broken", row["error"])
            continue
        size = "×".join(str(side) for side in row["input"])
        table.add_row(
            row["name"], row["version"], row["precision"], size, f"{row['megabytes']:.1f}",
            row["digest"][:12], row["licence"],
        )  # fmt: skip
    _print(table)
    return None


def _row(name: str, folder: str) -> dict[str, Any]:
    """A broken bundle is listed as broken: one of them must not hide the others."""
    try:
        found = store.find(folder)
    except PoseAlignError as error:
        return {"name": name, "folder": folder, "error": str(error)}
    metadata = found.metadata
    return {
        "name": name, "folder": folder, "version": metadata.version,
        "precision": metadata.precision, "input": list(found.input_size),
        "megabytes": found.bytes / 1e6, "digest": found.digest, "licence": metadata.licence,
    }  # fmt: skip


def _show(found: Bundle) -> None:
    metadata = found.metadata
    table = Table(show_header=False, box=None)
    table.add_row("name", f"{metadata.name} {metadata.version}")
    table.add_row("folder", str(found.folder))
    table.add_row("digest", found.digest)
    table.add_row("precision", metadata.precision)
    table.add_row("input", f"{metadata.input.width}×{metadata.input.height}")
    trained = metadata.vocabulary.trained
    table.add_row("joints", "all" if trained is None else ", ".join(trained))
    table.add_row("languages", ", ".join(metadata.text.languages))
    table.add_row("licence", metadata.licence)
    table.add_row("made from", ", ".join(metadata.origin) or "nothing published")
    for name, spec in metadata.files.items():
        table.add_row(name, f"{spec.bytes / 1e6:.1f} MB  {spec.sha256[:12]}")
    for name, value in metadata.figures.items():
        table.add_row(name, str(value))
    _print(table)


def _print(table: Table) -> None:
    width = None if sys.stdout.isatty() else 160
    console(width, wrap=False).print(table)
