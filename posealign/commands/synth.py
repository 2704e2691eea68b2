"""posealign synth: synthetic infants with exact labels, as pictures, shards or clips."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from posealign.commands.output import AsJson, print_json
from posealign.errors import InvalidInput
from posealign.synth.bank import Bank
from posealign.synth.clip import write_sequence
from posealign.synth.dataset import SHARD, ShardDataset
from posealign.synth.export import contact_sheet, write_coco, write_files
from posealign.synth.held_out import SPLITS
from posealign.synth.memory import megabytes
from posealign.synth.motion import Movement
from posealign.synth.render import Renderer
from posealign.synth.write import claim, render_sample, write_shard


def synth(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")],
    count: Annotated[int, typer.Option(help="Samples to render.")] = 1000,
    size: Annotated[int, typer.Option(help="Pixels along an edge.")] = 256,
    split: Annotated[str, typer.Option(help="train or test: other bodies, fabrics, cameras.")] = (
        "train"
    ),
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 0,
    poses: Annotated[int, typer.Option(help="Settled poses in the bank.")] = 1500,
    posture: Annotated[
        list[str] | None, typer.Option(help="Infants in this posture only; may be repeated.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one a core.")] = 0,
    files: Annotated[bool, typer.Option(help="Also every picture as a file.")] = False,
    sheet: Annotated[int, typer.Option(help="Instead: a contact sheet of so many.")] = 0,
    sequence: Annotated[float, typer.Option(help="Instead: a clip of so many seconds.")] = 0.0,
    measure: Annotated[bool, typer.Option(help="Instead: samples a second, and memory.")] = False,
    memory: Annotated[
        bool, typer.Option(help="Instead: what one process holds after each tenth of --count.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Render infants in cribs: RGB, depth, parts, all joints in 2D and 3D. Stopped runs resume."""
    if split not in SPLITS:
        raise InvalidInput(f"--split is {split!r}; expected {' or '.join(SPLITS)}")
    least = {"count": (count, 1), "poses": (poses, 1), "jobs": (jobs, 0), "sheet": (sheet, 0),
             "sequence": (sequence, 0)}  # fmt: skip
    for option, (given, lowest) in least.items():
        if given < lowest:
            raise InvalidInput(f"--{option} is {given}; expected {lowest} or more")
    if not 64 <= size <= 1024:
        raise InvalidInput(f"--size is {size}; expected 64 to 1024 pixels")
    bank = Bank(split, seed, poses, postures=tuple(posture or ()))
    if sheet:
        answer = _sheet(out, bank, sheet, size)
    elif sequence:
        answer = _clip(out, bank, sequence, size)
    elif measure:
        answer = measure_speed(out, bank, count, size, jobs or (os.cpu_count() or 1))
    elif memory:
        answer = measure_memory(bank, count, size)
    else:
        answer = _render(out, bank, count, size, jobs or (os.cpu_count() or 1), files)
    if as_json:
        print_json(answer)
    else:
        for name, value in answer.items():
            typer.echo(f"{name}: {value}")


def _sheet(out: Path, bank: Bank, count: int, size: int) -> dict[str, object]:
    import cv2  # noqa: PLC0415

    out.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(size)
    pictures = [render_sample(bank, k, renderer).sample.image_HW3 for k in range(count)]
    path = out / "contact_sheet.jpg"
    image = contact_sheet(pictures)[..., ::-1]
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 84])
    return {"sheet": str(path), "count": count}


def _clip(out: Path, bank: Bank, seconds: float, size: int) -> dict[str, object]:
    started = time.perf_counter()
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("frames", total=round(seconds * Movement().fps))
        clip = write_sequence(
            out, bank, 0, seconds, Renderer(size),
            progress=lambda done: progress.update(bar, completed=done),
        )  # fmt: skip
    return {"video": str(clip.video), "frames": str(clip.frames), "count": clip.count,
            "seconds": round(time.perf_counter() - started, 1)}  # fmt: skip


FLAT_MB = 24  # less growth than this in the second half of a run is none
_RENDERERS: dict[int, Renderer] = {}


def _one_shard(task: tuple[Path, Bank, range, int]) -> int:
    """In a worker: its renderer stays alive from shard to shard."""
    out, bank, numbers, size = task
    if size not in _RENDERERS:
        _RENDERERS[size] = Renderer(size)
    write_shard(out, bank, numbers, _RENDERERS[size])
    return len(numbers)


def _render(
    out: Path, bank: Bank, count: int, size: int, jobs: int, files: bool
) -> dict[str, object]:
    claim(out, bank, size)
    tasks = [(out, bank, range(k, min(k + SHARD, count)), size) for k in range(0, count, SHARD)]
    started = time.perf_counter()
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("rendering", total=count)
        if jobs == 1 or len(tasks) == 1:
            for task in tasks:
                progress.advance(bar, _one_shard(task))
        else:
            # Spawned, not forked: a graphics context does not survive a fork.
            with multiprocessing.get_context("spawn").Pool(min(jobs, len(tasks))) as pool:
                for done in pool.imap_unordered(_one_shard, tasks):
                    progress.advance(bar, done)
    seconds = time.perf_counter() - started
    path = write_coco(out)
    if files:
        write_files(out)
    return {"samples": count, "seconds": round(seconds, 1), "annotations": str(path)}


def measure_speed(out: Path, bank: Bank, count: int, size: int, jobs: int = 1) -> dict[str, object]:
    """Rendering from a warm bank of settled poses in `jobs` processes at once, and reading
    shards; by the clock and by the processor's time. Growth of memory is from the first sample
    after the warm-up to the last, of the process that grew most.
    """
    warm = Bank(bank.split, bank.seed, poses=40, looks=24, cloths=6)
    tasks = [(warm, range(k * count, (k + 1) * count), size) for k in range(jobs)]
    if jobs == 1:
        told = [_measure(tasks[0])]
    else:
        with multiprocessing.get_context("spawn").Pool(jobs) as pool:
            told = pool.map(_measure, tasks)
    write_shard(out, warm, range(SHARD), Renderer(size))
    data = ShardDataset(out)
    reading = time.process_time()
    for k in range(len(data)):
        data[k]
    reading = time.process_time() - reading
    clock, processor, memory, grown = zip(*told, strict=True)
    return {
        "processes": jobs,
        "rendered_per_second": round(sum(count / seconds for seconds in clock), 1),
        "rendered_per_processor_second": round(jobs * count / sum(processor), 1),
        "read_per_processor_second": round(len(data) / reading, 1),
        "memory_mb": round(max(memory), 1), "memory_growth_mb": round(max(grown), 1),
    }  # fmt: skip


def _measure(task: tuple[Bank, range, int]) -> tuple[float, float, float, float]:
    """Seconds by the clock and of the processor; megabytes, and by how many they grew."""
    bank, numbers, size = task
    renderer = Renderer(size)
    for k in range(bank.cloths):
        bank.draped(k)
    for k in range(160):  # until every pose and look of the bank has been made
        render_sample(bank, k, renderer)
    memory, clock, processor = megabytes(), time.perf_counter(), time.process_time()
    for k in numbers:
        render_sample(bank, k, renderer)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    grown = megabytes() - memory
    renderer.close()
    return clock, processor, memory, grown


def measure_memory(bank: Bank, count: int, size: int) -> dict[str, object]:
    """What this process holds at the start and after every tenth of `count` samples of the whole
    bank, as a long run draws them; each is told as soon as it is known.
    """
    renderer = Renderer(size)
    steps = {0: megabytes()}
    step = max(1, count // 10)
    for number in range(count):
        render_sample(bank, number, renderer)
        if (number + 1) % step == 0:
            steps[number + 1] = megabytes()
            typer.echo(f"{number + 1} samples: {steps[number + 1]:.0f} MB", err=True)
    renderer.close()
    held = {f"memory_mb_after_{done}": round(mb, 1) for done, mb in steps.items()}
    last = list(steps.values())[1:] or [steps[0]]
    late = last[-1] - last[len(last) // 2]  # the caches fill during the first half of a long run
    verdict = "flat" if late < FLAT_MB else f"grew by {late:.0f} MB in its second half"
    return {"samples": count, "size": size, **held, "growth_mb": round(last[-1] - last[0], 1),
            "verdict": verdict}  # fmt: skip
