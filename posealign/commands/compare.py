"""posealign compare: is B better than A on the same pictures? Paired, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from posealign.commands.output import AsJson, console, print_json
from posealign.errors import NotFound, among
from posealign.evaluate.compare import Difference
from posealign.evaluate.compare import compare as differences
from posealign.evaluate.figures import plain
from posealign.evaluate.judged import Judged
from posealign.evaluate.run import settings_of
from posealign.report.collect import judged_of


def compare(
    first: Annotated[str, typer.Argument(help="A: folder of an evaluation, or FOLDER:MODEL.")],
    second: Annotated[str, typer.Argument(help="B: the same.")],
    draws: Annotated[int, typer.Option(help="Bootstrap draws.", min=100)] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare two models person by person on the same pictures (paired bootstrap).

    posealign compare runs/lspet:default "runs/lspet:MoveNet Lightning int8"
    """
    (name_a, judged_a), (name_b, judged_b) = _open(first), _open(second)
    rows = differences(judged_a, judged_b, draws, seed)
    if as_json:
        found = [{**vars(row), "difference": row.difference, "better": row.better} for row in rows]
        print_json(plain({"a": name_a, "b": name_b, "figures": found}))
        return
    console().print(table(name_a, name_b, rows))


def table(name_a: str, name_b: str, rows: list[Difference]) -> Table:
    shown = Table(title=f"A: {name_a}\nB: {name_b}", title_justify="left")
    for column in ("figure", "A", "B", "B − A (95 %)", "better", "people"):
        shown.add_column(column, justify="left" if column == "figure" else "right")
    for row in rows:
        interval = f"{row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
        shown.add_row(
            row.figure, f"{row.first:.3f}", f"{row.second:.3f}", interval, row.better or "–",
            str(row.people),
        )  # fmt: skip
    return shown


def _open(where: str) -> tuple[str, Judged]:
    """FOLDER or FOLDER:MODEL; the first model where none is named."""
    folder, _, model = where.partition(":") if not Path(where).is_dir() else (where, "", "")
    settings = settings_of(Path(folder))
    names = [entry.name for entry in settings.models]
    model = model or names[0]
    if model not in names:
        raise NotFound(f"{folder} holds no model {model!r}{among(model, names)}")
    return f"{model} ({folder})", judged_of(settings, model)
