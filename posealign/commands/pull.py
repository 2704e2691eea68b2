"""posealign pull: fetch published ViTPose weights and make a bundle of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posealign import bundle as bundles
from posealign.commands.output import AsJson, print_json


def pull(
    name: Annotated[str, typer.Argument(help="vitpose-base, vitpose-plus-small … or owner/name.")],
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub.")] = "main",
    dataset: Annotated[
        int | None, typer.Option(help="ViTPose+: which dataset's expert to ask (0 is COCO).")
    ] = None,
    language: Annotated[str, typer.Option(help="Bundle whose text encoder is attached.")] = (
        "default"
    ),
    output: Annotated[Path | None, typer.Option("-o", help="Folder of the new bundle.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Address of a mirror of the hub.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch published ViTPose weights and make a bundle of them.

    Downloads resume, show their progress on stderr, and are checked against the hub's digest.
    """
    from posealign.export.convert import Conversion, convert_file, target_folder  # noqa: PLC0415
    from posealign.model.pretrained import fetch, repository  # noqa: PLC0415

    repo = repository(name)
    short = repo.rsplit("/", 1)[1].lower()
    folder = target_folder(short, output)
    speaker = bundles.find(language)
    files = fetch(name, revision, endpoint)
    typer.echo(f"converting {repo} …", err=True)
    made = convert_file(
        files["model.safetensors"], short, folder, speaker, Conversion(dataset=dataset), repo
    )
    if as_json:
        return print_json({"name": made.name, "folder": str(folder), "digest": made.digest})
    typer.echo(f"{made.name}  {made.digest[:12]}  {folder}")
    return None
