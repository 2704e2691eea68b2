"""Write a bundle for other runtimes: ONNX in other precisions, TensorRT engines, Triton."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from posealign import bundle as bundles
from posealign.bundle import Bundle
from posealign.commands.output import AsJson, print_json
from posealign.errors import InvalidInput

export = typer.Typer(
    help="Write a bundle for other runtimes: ONNX in other precisions, TensorRT, Triton.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="Bundle name or folder.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")]


@export.command()
def onnx(
    output: Output,
    bundle: Name = "default",
    int8: Annotated[bool, typer.Option("--int8", help="Static int8 image graph.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Compute in fp16 (GPUs).")] = False,
    fp16_weights: Annotated[
        bool, typer.Option("--fp16-weights", help="Half the size, computed in fp32.")
    ] = False,
    gpu: Annotated[
        bool,
        typer.Option("--gpu", help="Not shaped for a CPU: before --fp16, CUDA and TensorRT."),
    ] = False,
    pictures: Annotated[
        str | None, typer.Option(help="Pictures to calibrate int8 with: folder or glob.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Keep nodes whose name holds this in fp32.")
    ] = None,
    convolutions: Annotated[
        bool,
        typer.Option("--convolutions", help="With --int8: convolutions too; see what it costs."),
    ] = False,
    test: Annotated[
        str | None,
        typer.Option(
            help="Labelled pictures for PCK before and after (int8, fp16): a folder of synthetic "
            "shards, or how many to render. Default: 64, or none with --pictures."
        ),
    ] = None,
    opset: Annotated[int, typer.Option(help="ONNX opset of graphs exported from weights.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The four graphs as a new bundle, with a report of what it costs.

    int8 and fp16 start from the bundle's graphs; otherwise they are exported from its weights,
    which needs torch.
    """
    if int8 + fp16 + fp16_weights > 1:
        raise InvalidInput("--int8, --fp16 and --fp16-weights exclude each other")
    if gpu and (int8 or fp16):
        raise InvalidInput("--gpu exports from weights; give its bundle to --int8 or --fp16 then")
    source = bundles.find(bundle)
    if output.resolve() == source.folder.resolve():
        raise InvalidInput(f"{output} is the bundle itself; give another folder")
    if int8 or fp16:
        made, report, table = _cheaper(
            source, output, int8, pictures, exclude or [], convolutions, test
        )
    else:
        made, report, table = _from_weights(source, output, fp16_weights, opset, gpu)
    if as_json:
        row = {"name": made.name, "folder": str(output), "digest": made.digest}
        return print_json({**row, "precision": made.metadata.precision, "report": report})
    typer.echo(table)
    typer.echo(f"\n{made.name} ({made.metadata.precision})  {made.digest[:12]}  {output}")
    return None


def _from_weights(
    source: Bundle, output: Path, fp16_weights: bool, opset: int, gpu: bool
) -> tuple[Bundle, Any, str]:
    from posealign.export.onnx import export_bundle  # noqa: PLC0415
    from posealign.export.parity import torch_parity  # noqa: PLC0415
    from posealign.model.checkpoint import load_model  # noqa: PLC0415

    model = load_model(source)
    precision = "fp16-weights" if fp16_weights else "fp32"
    typer.echo("exporting …", err=True)
    tokenizer = source.path("tokenizer.json")
    made = export_bundle(model, output, source.metadata, tokenizer, precision, opset=opset, gpu=gpu)
    report = torch_parity(model, output)
    return made, report.to_json(), report.table()


def _cheaper(
    source: Bundle,
    output: Path,
    int8: bool,
    pictures: str | None,
    exclude: list[str],
    convolutions: bool,
    test: str | None,
) -> tuple[Bundle, Any, str]:
    """int8 or fp16, and what it costs on pictures it was not calibrated with."""
    from posealign.export.calibration import calibration_crops, labelled  # noqa: PLC0415
    from posealign.export.cost import place_shift  # noqa: PLC0415
    from posealign.export.precision import compute_fp16, quantise  # noqa: PLC0415

    samples = labelled(test if test is not None else "64" if pictures is None else "0")
    crops = calibration_crops(source, pictures)
    held_out = crops[3::4]
    if int8:
        chosen = [crop for number, crop in enumerate(crops) if number % 4 != 3]
        typer.echo(f"calibrating with {len(chosen)} pictures …", err=True)
        made = quantise(source, output, chosen, exclude, convolutions=convolutions)
    else:
        made = compute_fp16(source, output)
    shift = place_shift(source, made, held_out)
    ratio = made.path("image.onnx").stat().st_size / source.path("image.onnx").stat().st_size
    report = {**shift.to_json(), "size_ratio": ratio}
    table = (
        f"places of 17 joints on {shift.pictures} pictures, before and after, input pixels:\n"
        f"median {shift.median:.2f}, 95 % {shift.p95:.2f}, largest {shift.largest:.1f}; "
        f"{100 * shift.share_over_2px:.1f} % move over 2 px; image.onnx is {ratio:.2f} × as large"
    )
    if samples is None:
        return made, report, table
    from posealign.evaluate.precision import pck_cost  # noqa: PLC0415

    typer.echo("placing joints in labelled pictures …", err=True)
    cost = pck_cost(source, made, samples)
    return made, {**report, "pck": cost.to_json()}, f"{table}\n{cost}"


@export.command()
def tensorrt(
    output: Output,
    bundle: Name = "default",
    batch: Annotated[str, typer.Option(help="Smallest,usual,largest batch.")] = "1,4,32",
    joints: Annotated[str, typer.Option(help="Smallest,usual,largest joints.")] = "1,17,148",
    length: Annotated[str, typer.Option(help="Smallest,usual,largest text tokens.")] = "1,16,64",
    fp32: Annotated[bool, typer.Option("--fp32", help="No fp16 kernels.")] = False,
    workspace_mb: Annotated[int, typer.Option(help="Scratch memory of the builder.")] = 4096,
    as_json: AsJson = False,
) -> None:
    """Engines for this machine's NVIDIA GPU, with a timing cache; minutes a graph."""
    from posealign.export.tensorrt import Profile, build  # noqa: PLC0415

    profile = Profile(
        _three("--batch", batch), _three("--length", length), _three("--joints", joints)
    )
    made = build(
        bundles.find(bundle), output, profile, not fp32, workspace_mb,
        say=lambda line: typer.echo(line, err=True),
    )  # fmt: skip
    if as_json:
        return print_json({"folder": str(output), "engines": made})
    for graph, file in made.items():
        typer.echo(f"{graph}  {output / file}")
    return None


@export.command()
def triton(
    output: Output,
    bundle: Name = "default",
    prefix: Annotated[str, typer.Option(help="Name of the ensemble; graphs add theirs.")] = (
        "posealign"
    ),
    max_batch: Annotated[int, typer.Option(help="Largest batch Triton may form.")] = 32,
    gpu: Annotated[bool, typer.Option("--gpu", help="Instances on GPUs.")] = False,
    as_json: AsJson = False,
) -> None:
    """A Triton model repository: the four graphs and an ensemble that places every joint."""
    from posealign.export.triton import write_repository  # noqa: PLC0415

    found = bundles.find(bundle)
    made = write_repository(found, output, prefix, max_batch, gpu)
    # The tokenizer stays outside Triton: clients turn text into ids.
    shutil.copyfile(found.path("tokenizer.json"), output / "tokenizer.json")
    if as_json:
        return print_json({"folder": str(output), "models": [path.name for path in made]})
    for path in made:
        typer.echo(str(path))
    return None


def _three(option: str, text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        raise InvalidInput(f"{option} is {text!r}; expected three numbers, e.g. 1,4,32")
    first, second, third = (int(part) for part in parts)
    return first, second, third
