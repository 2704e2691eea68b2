"""posealign evaluate: a configuration in, report.json, report.html and a table out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.progress import track
from rich.table import Table

from posealign.commands.output import AsJson, console, print_json
from posealign.config import load_config
from posealign.errors import InvalidInput
from posealign.evaluate.run import open_evaluated, run
from posealign.evaluate.settings import Evaluation
from posealign.report import collect, page
from posealign.report.gallery import galleries
from posealign.report.tables import main_table, summary


def evaluate(
    config: Annotated[Path, typer.Argument(help="A configuration, e.g. configs/eval_lspet.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="key=value, e.g. limit=100 out=runs/try.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, not where it stood.")] = False,
    tiles: Annotated[int, typer.Option(help="Pictures in each row of the galleries.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Measure models on labelled pictures; run it again to go on after an interruption."""
    if is_instructions(config):
        _evaluate_words(config, overrides or [], as_json)
        return
    settings = _without_missing(load_config(Evaluation, config, overrides or []))
    messages = console(stderr=True)

    def progress(steps: Iterable[int], title: str, count: int) -> Iterable[int]:
        return track(steps, title, total=count, console=messages) if count else ()

    run(settings, progress, fresh)
    report = collect.collect(settings)
    written = collect.write(settings, report)
    source = open_evaluated(settings)
    shown = {
        model.name: galleries(collect.judged_of(settings, model.name), source, tiles)
        for model in settings.models[:2]
    }
    html = page.write(settings, report, shown)
    messages.print(f"written: {written} and {html}")
    _say_failures(report)
    _check_labelled(report)
    if as_json:
        print_json(report)
        return
    console().print(table(report, collect.costs(settings.folder)))
    print(summary(report))


def _without_missing(settings: Evaluation) -> Evaluation:
    """Optional models whose file is not there are left out, and said so."""
    missing = settings.missing()
    rest = [model for model in settings.models if model not in missing]
    if not missing or not rest:
        return settings  # with nothing to measure, the missing file is the error
    for model in missing:
        print(f"left out: {model.name} (there is no file {model.file})", file=sys.stderr)
    return settings.model_copy(update={"models": rest})


def _say_failures(report: dict[str, Any]) -> None:
    """The report lists them; the first is said here. Where a model answered nothing, it ends."""
    failures = report["failures"]
    if not failures:
        return
    counts = Counter(row["who"] for row in failures)
    who, count = counts.most_common(1)[0]
    first = next(row for row in failures if row["who"] == who)
    said = f"the first: picture {first['key'] or first['index']}: {first['error']}"
    if count == report["pictures"]:
        raise InvalidInput(
            f"{who}: all {count} pictures failed, {said}. Mend it and run it again with --fresh"
        )
    print(f"{who}: {count} of {report['pictures']} pictures failed, {said}", file=sys.stderr)


def _check_labelled(report: dict[str, Any]) -> None:
    """An empty table and exit code 0 would pass for a measurement."""
    people = [m["location"]["people"] for m in report["models"].values() if "location" in m]
    if people and not any(people):
        raise InvalidInput(
            f"nobody in these {report['pictures']} pictures has a labelled joint of "
            f"{report['skeleton']}, so there is nothing to measure. COCO's keypoints lie in "
            "person_keypoints_*.json; instances_*.json has boxes alone"
        )


def table(report: dict[str, Any], costs: dict[str, float]) -> Table:
    """As it is printed; milliseconds are of this run on this machine."""
    header, rows = main_table(report)
    shown = Table(title=report["title"], title_justify="left")
    for name in header:
        shown.add_column(name, justify="left" if name == "figure" else "right")
    for row in rows:
        shown.add_row(*row)
    times = [costs.get(name) for name in header[1:]]
    shown.add_row("ms a picture", *("–" if time is None else f"{time:.0f}" for time in times))
    return shown


def is_instructions(path: Path) -> bool:
    """The text-only table has a configuration of its own, told by its key `corpus`."""
    try:
        values = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else None
    except (UnicodeDecodeError, yaml.YAMLError):
        return False  # load_config says what is wrong, with the line
    return isinstance(values, dict) and "corpus" in values


def _evaluate_words(config: Path, overrides: list[str], as_json: bool) -> None:
    words = import_module("posealign.instructions.evaluate")
    words.run(config, overrides, as_json)
