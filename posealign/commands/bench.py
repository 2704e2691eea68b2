"""posealign bench: milliseconds, pictures a second, MACs and memory of a bundle here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from posealign.bench.peer import make_architecture
from posealign.bench.run import measure
from posealign.bench.timing import Bench
from posealign.commands.options import Provider
from posealign.commands.output import AsJson, console, print_json
from posealign.errors import InvalidInput
from posealign.predictor import Predictor


def bench(
    bundle: Annotated[str, typer.Argument(help="Bundle name or folder.")] = "default",
    arch: Annotated[
        str | None,
        typer.Option(help="Instead of a bundle: vitpose-s, -b, -l or -h with random weights."),
    ] = None,
    peer: Annotated[
        bool, typer.Option("--peer", help="With --arch: transformers' own model beside it.")
    ] = False,
    int8: Annotated[bool, typer.Option("--int8", help="An int8 copy beside it.")] = False,
    provider: Provider = "auto",
    threads: Annotated[int, typer.Option(help="Threads inside one call.")] = 2,
    batch: Annotated[str, typer.Option(help="Batch sizes, by commas.")] = "1,8",
    joints: Annotated[str, typer.Option(help="Numbers of joints to place, by commas.")] = (
        "1,3,17,133"
    ),
    rounds: Annotated[int, typer.Option(help="Calls of each thing, in turn.")] = 20,
    output: Annotated[Path | None, typer.Option("-o", help="Folder for bench.json, .png.")] = None,
    as_json: AsJson = False,
) -> None:
    """Time graphs, whole questions and peers, interleaved in one run, and name the machine."""
    if peer and arch is None:
        raise InvalidInput("--peer compares the same weights: give --arch, e.g. vitpose-s")
    batches, counts = _numbers("--batch", batch), _numbers("--joints", joints)
    (threads,), (rounds,) = _numbers("--threads", str(threads)), _numbers("--rounds", str(rounds))
    with console(stderr=True).status("measuring"):
        made = make_architecture(arch) if arch is not None else None
        predictor = Predictor(made.bundle if made else bundle, provider, threads)
        checkpoint = made.checkpoint if made and peer else None
        found = measure(predictor, threads, batches, counts, rounds, checkpoint, int8)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "bench.json").write_text(json.dumps(found.to_json(), indent=1) + "\n", "utf-8")
        plot(found, output / "bench.png")
    if as_json:
        return print_json(found.to_json())
    answers = console(120)
    answers.print(table(found, predictor.bundle.name))
    for line in (*found.findings, *found.notes):
        answers.print(str(line), highlight=False)
    return None


def _numbers(option: str, text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise InvalidInput(f"{option} is {text!r}; expected numbers such as 1,8,32")
    return numbers


def table(found: Bench, name: str) -> Table:
    machine = found.machine
    title = (
        f"{name} on {machine['cpu']}, {machine['threads']} threads of {machine['cores']} cores, "
        f"{machine['provider']}; GEMM peak {found.gemm_gmacs:.0f} GMAC/s; peak memory "
        f"{found.peak_memory_mb:.0f} MB"
    )
    rows = Table(title=title, title_justify="left")
    for column in ("what", "batch", "joints", "ms", "fastest", "a second", "MMAC", "of peak"):
        left = column == "what"
        rows.add_column(column, justify="left" if left else "right", no_wrap=left)
    for row in found.timings:
        rows.add_row(
            row.what,
            str(row.batch),
            "" if row.joints is None else str(row.joints),
            f"{row.median_ms:.2f}",
            f"{row.fastest_ms:.2f}",
            f"{row.per_second:.1f}",
            "" if row.macs is None else f"{row.macs / 1e6:.1f}",
            "" if row.share is None else f"{row.share:.0%}",
        )
    return rows


def plot(found: Bench, path: Path) -> None:
    """Bars of the medians, longest on top."""
    import matplotlib  # noqa: PLC0415 - the eval extra

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    rows = sorted(found.timings, key=lambda row: row.median_ms)
    names = [
        f"{row.what} (batch {row.batch}{'' if row.joints is None else f', {row.joints} joints'})"
        for row in rows
    ]
    figure, axes = pyplot.subplots(figsize=(8, 0.32 * len(rows) + 1))
    axes.barh(names, [row.median_ms for row in rows], color="#2a7f8e")
    axes.set_xlabel(f"ms, median; {found.machine['cpu']}, {found.machine['threads']} threads")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
