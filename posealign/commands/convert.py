"""posealign convert: make a bundle of a ViTPose, mmpose or Sapiens checkpoint file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from posealign import bundle as bundles
from posealign.commands.output import AsJson, print_json
from posealign.errors import InvalidInput


def convert(
    file: Annotated[
        Path, typer.Argument(help="A .safetensors or .pth file; with --from mmpose its config.")
    ],
    checkpoint: Annotated[
        Path | None, typer.Argument(help="With --from mmpose: the checkpoint of that config.")
    ] = None,
    *,
    source: Annotated[
        str | None,
        typer.Option("--from", help="mmpose: read an mmpose CONFIG.py and its CHECKPOINT."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the bundle (default: the file's).")] = (
        None
    ),
    heads: Annotated[
        int | None, typer.Option(help="Attention heads, where the width is of no known size.")
    ] = None,
    head: Annotated[
        int, typer.Option(help="Of multi-dataset checkpoints: 0 the main head, 1 … the others.")
    ] = 0,
    dataset: Annotated[int | None, typer.Option(help="ViTPose+: which dataset's expert.")] = None,
    ln_eps: Annotated[float | None, typer.Option(help="LayerNorm's eps (official: 1e-6).")] = None,
    size: Annotated[str | None, typer.Option(help="Input of the bundle, e.g. 192x256.")] = None,
    trained_size: Annotated[
        str | None, typer.Option(help="Input it was trained with, where it is not 3:4.")
    ] = None,
    skeleton: Annotated[str | None, typer.Option(help="Skeleton of the head's rows.")] = None,
    language: Annotated[str, typer.Option(help="Bundle whose text encoder is attached.")] = (
        "default"
    ),
    precision: Annotated[str, typer.Option(help="fp32 or fp16-weights.")] = "fp32",
    output: Annotated[Path | None, typer.Option("-o", help="Folder of the new bundle.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a bundle of a ViTPose, mmpose or Sapiens checkpoint file.

    Only tensors are read: a pickle that holds code is refused. Every key must fit. A config of
    mmpose is Python and is executed; it needs the environment that `make mm` makes.
    """
    from posealign.export.convert import Conversion, convert_file, target_folder  # noqa: PLC0415

    if source not in (None, "mmpose"):
        raise InvalidInput(f"--from is {source!r}; expected mmpose, or nothing for a plain file")
    if (source is None) != (checkpoint is None):
        raise InvalidInput("--from mmpose goes with two files: CONFIG.py and CHECKPOINT.pth")
    stem = (checkpoint or file).stem
    chosen = name or re.sub(r"[^a-z0-9._+-]+", "-", stem.lower()).strip("-._+")
    if not re.fullmatch(bundles.NAME_PATTERN, chosen):
        raise InvalidInput(f"{chosen!r} is no name for a bundle; give --name, e.g. vitpose-mine")
    options = Conversion(
        heads, head, dataset, ln_eps, _size("--size", size), _size("--trained-size", trained_size),
        skeleton, precision,
    )  # fmt: skip
    folder = target_folder(chosen, output)
    if checkpoint is None:
        made = convert_file(file, chosen, folder, bundles.find(language), options)
    else:
        from posealign.interop.mm.checkpoints import convert_mmpose  # noqa: PLC0415

        made = convert_mmpose(file, checkpoint, chosen, folder, bundles.find(language), options)
    typer.echo(f"licence: {made.metadata.licence}", err=True)
    if as_json:
        row = {"name": made.name, "folder": str(folder), "digest": made.digest}
        return print_json({**row, "licence": made.metadata.licence})
    typer.echo(f"{made.name}  {made.digest[:12]}  {folder}")
    return None


def _size(option: str, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{2,4})[x×](\d{2,4})", text)
    if match is None:
        raise InvalidInput(f"{option} is {text!r}; expected WIDTHxHEIGHT, e.g. 192x256")
    return int(match[1]), int(match[2])
